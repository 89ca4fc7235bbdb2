"""Each piece is decided: stock, cost and books follow, and no value is made or lost."""

from decimal import Decimal

import pytest
from django.db.models import Sum

from finance import posting
from finance.models import VoucherLine
from inventory.models import Balance, ShopWarehouse, StockEntry
from orders.models import ReturnDecision, ReturnGoods
from orders.returns import inspecting
from orders.returns.inspecting import Choice
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.orders.factories import line
from tests.orders.returns.conftest import ANN, WU
from tests.orders.returns.test_requesting import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def received(seller):
    """Two mugs that came back."""
    seller.sent()
    seller.found = seller.rma()
    seller.receive(seller.found)
    return seller


def apart() -> tuple[int, Decimal]:
    """(pieces, value) on the shelves for what is not sold."""
    sums = Balance.objects.filter(warehouse__code__contains="-Q").aggregate(pieces=Sum("on_hand"), value=Sum("value"))
    return int(sums["pieces"] or 0), sums["value"] or Decimal(0)


def accounts() -> dict[str, Decimal]:
    """What stands on each account, debit positive, after all is posted."""
    posting.post_due()
    rows = VoucherLine.objects.values_list("account__role").annotate(debit=Sum("debit"), credit=Sum("credit"))
    return {role: debit - credit for role, debit, credit in rows if debit != credit}


@pytest.fixture
def books(settings):
    """The euro as the currency of the books, so that no rate is needed; set before anything is sold."""
    settings.BASE_CURRENCY = "EUR"


def test_restock_puts_back_at_the_cost_it_left_with(received):
    stock.stock(received.skus["MUG"], received.place, 8, "10")  # the average has moved since
    received.decide(received.found, ("restock", 2))
    entry = StockEntry.objects.filter(reason="return").get()
    assert (entry.quantity, entry.value) == (2, Decimal(8))
    assert received.buckets("MUG") == (18, 0, 0)
    received.found.refresh_from_db()
    assert received.found.state == "inspected"
    assert broken() == []


def test_damaged_goods_lie_apart_where_no_shop_sells(received):
    received.decide(received.found, ("damaged", 1), ("supplier", 1))
    assert received.buckets("MUG") == (8, 0, 0)
    assert apart() == (2, Decimal(8))
    place = Balance.objects.get(warehouse__code__contains="-Q").warehouse
    assert place.read_only
    assert not ShopWarehouse.objects.filter(warehouse=place).exists()


def test_scrap_is_taken_in_and_written_off(received):
    (decision,) = received.decide(received.found, ("scrap", 2))
    assert apart() == (0, Decimal(0))
    assert decision.cost_value == 8
    assert sorted(StockEntry.objects.filter(warehouse__code__contains="-Q").values_list("value", flat=True)) == [-8, 8]
    assert broken() == []


def test_each_piece_may_go_another_way(received):
    received.decide(received.found, ("restock", 1))
    received.found.refresh_from_db()
    assert received.found.state == "received"
    received.decide(received.found, ("scrap", 1))
    received.found.refresh_from_db()
    assert received.found.state == "inspected"


def test_more_than_is_here_is_not_decided(received):
    refused("not_received", received.decide, received.found, ("restock", 3))
    refused("not_received", received.decide, received.found, ("restock", 1), ("scrap", 2))
    assert not ReturnDecision.objects.exists()
    assert received.buckets("MUG") == (8, 0, 0)


def test_the_same_click_twice_decides_once(received):
    first = received.decide(received.found, ("restock", 1), key="once")
    assert received.decide(received.found, ("restock", 1), key="once") == first
    assert received.buckets("MUG") == (9, 0, 0)


def test_who_comes_second_is_told_who_was_first(received):
    row = received.found.lines.get()
    received.decide(received.found, ("restock", 1), actor="user:3 li")
    said = refused("decided_by", received.decide, received.found, ("restock", 1), seen={row.pk: Decimal(2)})
    assert "li" in str(said)
    assert received.buckets("MUG") == (9, 0, 0)


def test_all_but_restock_takes_a_reason(received):
    row = received.found.lines.get()
    choice = Choice(line_id=row.pk, verdict="scrap", units=Decimal(1))
    refused("say_why", inspecting.decide, return_id=received.found.pk, choices=[choice], actor=WU, key="x")


def test_an_unknown_verdict_and_a_foreign_line_are_refused(received):
    row = received.found.lines.get()
    for pk, verdict in ((row.pk, "burn"), (row.pk + 999, "restock")):
        choice = Choice(line_id=pk, verdict=verdict, units=Decimal(1), reason="x")
        refused("unknown_line", inspecting.decide, return_id=received.found.pk, choices=[choice], actor=WU, key="x")


def test_repaired_goods_go_back_on_the_shelf_at_their_value(received):
    (decision,) = received.decide(received.found, ("repair", 2))
    for units in ("1", "1"):
        inspecting.decide_further(
            decision_id=decision.pk, verdict="restock", units=Decimal(units), actor=WU, key=received.key()
        )
    assert (apart(), received.buckets("MUG")) == ((0, Decimal(0)), (10, 0, 0))
    assert Balance.objects.get(sku__code="MUG", warehouse=received.place).value == 40
    assert [one.left_value for one in ReturnGoods.objects.filter(decision=decision)] == [0]
    assert broken() == []


def test_what_lies_apart_is_decided_once_further(received):
    (decision,) = received.decide(received.found, ("repair", 2))
    more = {"decision_id": decision.pk, "actor": WU, "reason": "x"}
    inspecting.decide_further(verdict="scrap", units=Decimal(1), key="once", **more)
    inspecting.decide_further(verdict="scrap", units=Decimal(1), key="once", **more)
    refused("not_apart", inspecting.decide_further, verdict="scrap", units=Decimal(2), key="two", **more)
    refused("same_verdict", inspecting.decide_further, verdict="repair", units=Decimal(1), key="same", **more)
    assert apart() == (1, Decimal(4))


def test_pieces_that_are_back_already_do_not_come_back_again(received):
    """Whatever a refund put on the shelf meanwhile counts, too."""
    from orders.models import ShipmentGoods

    ShipmentGoods.objects.update(returned_quantity=2)
    refused("not_sent", received.decide, received.found, ("restock", 1))
    assert received.buckets("MUG") == (8, 0, 0)


def test_a_bundle_comes_back_as_its_parts(seller):
    stock.bundle((seller.skus["MUG"], 1), (seller.skus["CUP"], 2), code="SET")
    seller.sent(1, line("SET", 2))
    found = seller.rma(units="1")
    seller.receive(found)
    seller.decide(found, ("restock", 1))
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((9, 0, 0), (8, 0, 0))


def test_thirds_of_a_cost_add_up(seller):
    seller.add("ODD")
    stock.stock(seller.skus["ODD"], seller.place, 3, "3.333333")
    seller.sent(1, line("ODD", 3))
    found = seller.rma(units="3")
    seller.receive(found)
    for _ in range(3):
        seller.decide(found, ("restock", 1))
    gone = -StockEntry.objects.get(reason="shipment", bucket=1).value
    assert Balance.objects.get(sku__code="ODD", warehouse=seller.place).value == gone


def test_the_books_follow_each_decision(books, received):
    before = accounts()
    received.decide(received.found, ("restock", 1), ("scrap", 1))
    after = accounts()
    moved = {role: after.get(role, 0) - before.get(role, 0) for role in {*after, *before}}
    assert {role: amount for role, amount in moved.items() if amount} == {
        "inventory": Decimal(4),
        "cogs": Decimal(-8),
        "stock_differences": Decimal(4),
    }


def test_a_repair_that_goes_back_leaves_the_books_total_alone(books, received):
    (decision,) = received.decide(received.found, ("repair", 2))
    before = accounts()
    inspecting.decide_further(decision_id=decision.pk, verdict="restock", units=Decimal(2), actor=ANN, key="k")
    assert accounts() == before
    by_place = VoucherLine.objects.filter(account__role="inventory").values_list("warehouse__code", "debit", "credit")
    here = sum(debit - credit for code, debit, credit in by_place if not code.endswith("-Q"))
    assert here == 0  # eight went out with the sale, eight came back
