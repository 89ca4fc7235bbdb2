"""Orders that cannot be right: parked with the field at fault or stored and held, never guessed; the others go on."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from orders import intake
from orders.contracts import IncomingRefund
from orders.models import Order, ReviewLog
from tests.orders.factories import NOW, Seller, at, line, order

pytestmark = pytest.mark.django_db
NAN, HUGE = Decimal("NaN"), Decimal(10) ** 9
AGES = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
REFUND = IncomingRefund(external_id="r", refunded_at=NOW, amount=Decimal(-1))


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"lines": (line("MUG", "-1"),)}, "negative", "lines[0].quantity"),
        ({"lines": (line("MUG"), line("MUG", HUGE, 2))}, "too_large", "lines[1].quantity"),
        ({"lines": (line("MUG", "0.0005"),)}, "too_fine", "lines[0].quantity"),
        ({"lines": (line("MUG", NAN, total=Decimal(1)),)}, "not_a_number", "lines[0].quantity"),
        ({"lines": (line("MUG"), line("MUG"))}, "twice", "lines[1].external_id"),
        ({"lines": (line("MUG", number=""),)}, "empty", "lines[0].external_id"),
        ({"lines": (line("MUG", unit_price=NAN),)}, "not_a_number", "lines[0].unit_price"),
        ({"total": Decimal(10) ** 16}, "too_large", "total"),
        ({"total": 12.5}, "not_a_number", "total"),
        ({"external_id": ""}, "empty", "external_id"),
        ({"external_id": "x" * 201}, "too_long", "external_id"),
        ({"external_id": "a\x00b"}, "unreadable", "external_id"),
        ({"currency": "RENMINBIYUAN"}, "too_long", "currency"),
        ({"placed_at": NOW.replace(tzinfo=None)}, "no_time_zone", "placed_at"),
        ({"placed_at": dt.datetime(1, 1, 1, tzinfo=dt.UTC)}, "no_such_time", "placed_at"),
        ({"paid_at": dt.datetime(9999, 12, 31, 23, tzinfo=dt.UTC)}, "no_such_time", "paid_at"),
        ({"cancelled_at": dt.datetime(2200, 1, 1, tzinfo=dt.UTC)}, "no_such_time", "cancelled_at"),
        ({"refunds": (dataclasses.replace(REFUND, refunded_at=AGES),)}, "no_such_time", "refunds[0].refunded_at"),
        ({"refunds": (REFUND,)}, "negative", "refunds[0].amount"),
    ],
)
def test_a_bad_order_is_refused_with_its_field_and_the_next_goes_on(changed, code, field):
    seller = Seller(MUG=5)
    result = seller.result(dataclasses.replace(order(1, line("MUG")), **changed), order(2, line("MUG")))
    fault = result.outcomes[0].error
    assert (result.outcomes[0].action, fault.code, fault.field) == ("failed", code, field)
    assert field in fault.message
    assert result.outcomes[1].action == "created"
    assert Order.objects.count() == 1
    assert seller.buckets("MUG") == (5, 0, 1)


@pytest.mark.parametrize(
    ("changed", "hold"),
    [
        ({"lines": (line("MUG", "0"),)}, "no_goods"),
        ({"lines": ()}, "no_goods"),
        ({"lines": (line("MUG", "1.5"),)}, "fraction"),
        ({"lines": (line("MUG", "2000"),)}, "large_quantity"),
        ({"currency": "ZZZ"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"total": Decimal(0)}, "total"),
        ({"total": Decimal(-5)}, "total"),
        ({"test": True}, "test_order"),
    ],
)
def test_an_odd_order_is_stored_and_held(changed, hold):
    seller = Seller(MUG=5000)
    assert seller.take(dataclasses.replace(order(1, line("MUG")), **changed)) == ["created"]
    assert (seller.order(1).state, seller.order(1).hold_code) == ("held", hold)


def test_text_no_database_takes_is_kept_readable():
    seller = Seller(MUG=5)
    nasty = "a\x00b \ud83d \u202eevil\u202c 🙂 漢字"
    seller.take(order(1, line("MUG", title=nasty), buyer_note=nasty, number=nasty, tags=(nasty,)))
    found = seller.order(1)
    assert found.contact.buyer_note == "a\ufffdb \ufffd \u202eevil\u202c 🙂 漢字"
    assert seller.lines(1)[0].title.startswith("a\ufffdb")
    assert found.tags[0].endswith("漢字")
    assert "\\u0000" in found.accepted_version.content


def test_a_note_of_a_megabyte_and_two_thousand_lines_delay_nobody():
    seller = Seller(MUG=5000)
    lines = [line("MUG", 1, number) for number in range(1, 2001)]
    big = order(1, *lines, buyer_note="x" * 1_000_000, total=Decimal(1))
    assert seller.take(big, order(2, line("MUG"))) == ["created", "created"]
    assert len(seller.order(1).contact.buyer_note) == 1_000_000
    assert [seller.order(n).state for n in (1, 2)] == ["approved", "approved"]
    assert seller.buckets("MUG") == (5000, 0, 2001)


def test_amounts_of_three_places_are_exact_and_finer_ones_are_rounded_once():
    seller = Seller(MUG=5)
    priced = line("MUG", 1, unit_price=Decimal("1.23455"), total=Decimal("1.235"))
    seller.take(order(1, priced, total=Decimal("1.235"), currency="KWD"))
    assert (seller.order(1).total, seller.lines(1)[0].unit_price) == (Decimal("1.235"), Decimal("1.2346"))


def test_an_order_the_database_refuses_costs_only_itself(monkeypatch):
    from orders.intake import create

    original = create._contact_row

    def explode(one):
        if one.draft.incoming.external_id == "o2":
            raise ZeroDivisionError
        return original(one)

    monkeypatch.setattr(create, "_contact_row", explode)
    seller = Seller(MUG=5)
    result = seller.result(*(order(number, line("MUG")) for number in (1, 2, 3)))
    assert [one.action for one in result.outcomes] == ["created", "failed", "created"]
    assert result.outcomes[1].error.code == "fault"
    assert Order.objects.count() == ReviewLog.objects.count() == 2
    assert seller.buckets("MUG") == (5, 0, 2)


def test_source_references_must_fit_the_page():
    seller = Seller(MUG=5)
    with pytest.raises(ValueError, match="one source reference per order"):
        seller.take(order(1, line("MUG")), source_refs=["a", "b"])


def test_the_source_stands_on_the_version():
    seller = Seller(MUG=5)
    intake.take_in(shop_id=seller.shop.pk, orders=[order(1, line("MUG"))], source_refs=["channels.payload:7"])
    assert seller.order(1).accepted_version.source_ref == "channels.payload:7"
    assert seller.order(1).accepted_version.platform_updated_at == at(0)
