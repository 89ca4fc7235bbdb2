"""Newer versions: what is cut is cut at once, what is added is booked, everything else asks a person."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from orders.contracts import Address, OrderStatus, PaymentStatus
from orders.desk import actions
from orders.fulfil import shipping
from orders.models import OrderEvent, OrderVersion, ReviewLog
from tests.orders.factories import LYON, Seller, at, later, line, order

pytestmark = pytest.mark.django_db
PARIS = dataclasses.replace(LYON, line1="1 Rue de Rivoli", city="Paris", postcode="75001")


def outcomes(found):
    return list(OrderVersion.objects.filter(order=found).order_by("number").values_list("number", "outcome"))


def test_an_older_version_is_kept_and_never_overwrites():
    seller = Seller(MUG=5)
    new = order(1, line("MUG", 2), minutes=10)
    seller.take(new)
    assert seller.take(dataclasses.replace(new, updated_at=at(5), lines=(line("MUG", 1),))) == ["stale"]
    assert seller.lines(1)[0].quantity == 2
    assert outcomes(seller.order(1)) == [(1, "accepted"), (2, "stale")]
    assert seller.buckets("MUG") == (5, 0, 2)


def test_an_old_paid_after_shipped_changes_nothing():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"), payment=PaymentStatus.PENDING)
    seller.take(first)
    seller.take(later(first, 20, status=OrderStatus.CANCELLED))
    assert seller.take(later(first, 10, payment=PaymentStatus.PAID)) == ["stale"]
    assert seller.order(1).state == "cancelled"
    assert seller.buckets("MUG") == (5, 0, 0)


def test_paid_later_goes_to_review():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2), payment=PaymentStatus.PENDING, paid_at=None)
    seller.take(first)
    assert seller.take(later(first, payment=PaymentStatus.PAID, paid_at=at(9))) == ["updated"]
    found = seller.order(1)
    assert (found.state, found.demand_expires_at, found.payment) == ("approved", None, "paid")
    assert seller.buckets("MUG") == (5, 0, 2)


def test_paid_after_its_goods_were_given_back_books_them_again():
    from inventory import reservations

    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2), payment=PaymentStatus.PENDING)
    seller.take(first)
    reservations.expire_demand(seller.order(1).demand_expires_at + dt.timedelta(seconds=1))
    assert seller.buckets("MUG") == (5, 0, 0)
    seller.take(later(first, payment=PaymentStatus.PAID))
    assert seller.order(1).state == "approved"
    assert seller.buckets("MUG") == (5, 0, 2)


def test_a_cancellation_gives_everything_back_at_once():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    seller.take(later(first, status=OrderStatus.CANCELLED, cancelled_at=at(9), cancel_reason="customer"))
    found = seller.order(1)
    assert (found.state, found.cancelled_at, found.cancel_reason) == ("cancelled", at(9), "customer")
    assert seller.buckets("MUG") == (5, 0, 0)
    event = OrderEvent.objects.get(order=found)
    assert (event.kind, event.data, event.deliveries.count()) == ("cancelled", {"source": "platform"}, 1)


def test_a_decrease_after_review_is_cut_at_once_and_stays_approved():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    assert seller.take(later(first, lines=(line("MUG", 1),))) == ["updated"]
    found = seller.order(1)
    assert (found.state, found.total, seller.lines(1)[0].quantity) == ("approved", Decimal("10"), 1)
    assert seller.lines(1)[0].ordered_quantity == 3
    assert seller.buckets("MUG") == (5, 0, 1)


def test_a_removed_line_is_cut():
    seller = Seller(MUG=5, CUP=5)
    first = order(1, line("MUG"), line("CUP", 2, 2))
    seller.take(first)
    seller.take(later(first, lines=(line("MUG"),)))
    assert seller.order(1).state == "approved"
    assert [one.quantity for one in seller.lines(1)] == [1, 0]
    assert seller.buckets("CUP") == (5, 0, 0)


def test_an_order_cut_down_to_nothing_is_cancelled_and_may_come_back():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    none = later(first, lines=(line("MUG", 0),))
    seller.take(none)
    assert (seller.order(1).state, seller.buckets("MUG")) == ("cancelled", (5, 0, 0))
    seller.take(later(none, lines=(line("MUG", 1),)))
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 1))


def test_an_increase_after_review_reserves_more():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 1))
    seller.take(first)
    seller.take(later(first, lines=(line("MUG", 3),)))
    assert seller.order(1).state == "approved"
    assert seller.buckets("MUG") == (5, 0, 3)


def test_an_increase_beyond_stock_holds_and_keeps_what_is_reserved():
    seller = Seller(MUG=2)
    first = order(1, line("MUG", 1))
    seller.take(first)
    seller.take(later(first, lines=(line("MUG", 3),)))
    assert (seller.order(1).state, seller.order(1).hold_code) == ("held", "short_stock")
    assert seller.buckets("MUG") == (2, 2, 1)


def test_a_new_line_is_booked_and_an_unknown_one_holds():
    seller = Seller(MUG=5, CUP=5)
    first = order(1, line("MUG"))
    seller.take(first)
    more = later(first, lines=(line("MUG"), line("CUP", 2, 2)))
    seller.take(more)
    assert (seller.order(1).state, seller.buckets("CUP")) == ("approved", (5, 0, 2))
    seller.take(later(more, lines=(*more.lines, line("WHAT", 1, 3))))
    assert seller.order(1).hold_code == "unmatched"
    assert len(seller.lines(1)) == 3


def test_before_review_everything_is_accepted():
    seller = Seller(MUG=0, CUP=5)
    first = order(1, line("MUG"))
    seller.take(first)
    assert seller.order(1).hold_code == "short_stock"
    assert seller.take(later(first, lines=(line("CUP"),), shipping=PARIS)) == ["updated"]
    found = seller.order(1)
    assert (found.state, found.contact.shipping["city"]) == ("approved", "Paris")
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((0, 0, 0), (5, 0, 1))


def test_an_address_changed_after_review_waits_for_a_person():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    assert seller.take(later(first, shipping=PARIS)) == ["waiting"]
    found = seller.order(1)
    assert (found.state, found.hold_code, found.pending_version.number) == ("held", "edited", 2)
    assert found.contact.shipping["city"] == "Lyon"
    assert outcomes(found) == [(1, "accepted"), (2, "waiting")]
    assert seller.buckets("MUG") == (5, 0, 1)


def test_an_accepted_edit_is_taken_over_and_reviewed():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    seller.take(later(first, shipping=PARIS))
    (outcome,) = actions.accept_edit(order_ids=[seller.order(1).pk], actor="user:1 li")
    found = seller.order(1)
    assert (outcome.ok, outcome.code, found.state, found.pending_version) == (True, "approved", "approved", None)
    assert found.contact.shipping["city"] == "Paris"
    assert outcomes(found) == [(1, "superseded"), (2, "accepted")]
    assert seller.buckets("MUG") == (5, 0, 1)


def test_an_accepted_edit_that_fails_the_checks_stays_held():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    seller.take(later(first, shipping=dataclasses.replace(PARIS, postcode="7500")))
    (outcome,) = actions.accept_edit(order_ids=[seller.order(1).pk], actor="user:1 li")
    assert (outcome.ok, outcome.code) == (True, "still_held")
    assert (seller.order(1).state, seller.order(1).hold_code) == ("held", "address")


def test_a_rejected_edit_is_not_asked_again():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    edit = later(first, shipping=PARIS)
    seller.take(edit)
    (outcome,) = actions.reject_edit(order_ids=[seller.order(1).pk], actor="user:1 li")
    assert (outcome.code, seller.order(1).state) == ("approved", "approved")
    assert seller.take(later(edit, tags=("seen",), lines=(line("MUG", 1),))) == ["updated"]
    found = seller.order(1)
    assert (found.state, found.contact.shipping["city"]) == ("approved", "Lyon")
    assert outcomes(found) == [(1, "accepted"), (2, "rejected"), (3, "rejected")]
    assert seller.buckets("MUG") == (5, 0, 1)


def test_an_edit_taken_back_over_there_lets_the_order_go():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    edit = later(first, shipping=PARIS)
    seller.take(edit)
    seller.take(later(edit, shipping=LYON))
    found = seller.order(1)
    assert (found.state, found.pending_version) == ("approved", None)
    assert outcomes(found) == [(1, "superseded"), (2, "superseded"), (3, "accepted")]


def test_a_cut_inside_a_waiting_edit_is_made_at_once():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    assert seller.take(later(first, lines=(line("MUG", 1),), shipping=PARIS)) == ["waiting"]
    assert seller.order(1).contact.shipping["city"] == "Lyon"
    assert seller.buckets("MUG") == (5, 0, 1)


def test_more_wanted_inside_a_waiting_edit_of_a_shipped_order_is_booked_at_once():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 1))
    seller.take(first)
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor="user:2 wu", idempotency_key="k")
    assert seller.take(later(first, lines=(line("MUG", 3),), shipping=PARIS)) == ["waiting"]
    assert (seller.order(1).state, seller.order(1).hold_code) == ("held", "edited")
    assert seller.buckets("MUG") == (4, 2, 0)


def test_a_cut_to_what_has_left_gives_the_rest_back():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    one = shipping.Parcel(lines={seller.lines(1)[0].pk: Decimal(1)})
    shipping.ship(order_id=seller.order(1).pk, parcels=[one], actor="user:2 wu", idempotency_key="k")
    seller.take(later(first, lines=(line("MUG", 1, ordered_quantity=Decimal(3)),)))
    assert seller.order(1).state == "shipped"
    assert seller.buckets("MUG") == (4, 0, 0)


def test_a_cancellation_with_another_address_asks_nobody():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    gone = later(first, lines=(line("MUG", 0),), total=Decimal(0), status=OrderStatus.CANCELLED, shipping=PARIS)
    assert seller.take(gone) == ["updated"]
    found = seller.order(1)
    assert (found.state, found.pending_version, found.total) == ("cancelled", None, 0)
    assert outcomes(found) == [(1, "superseded"), (2, "accepted")]


@pytest.mark.parametrize(
    "changed",
    [
        {"buyer_note": "please hurry"},
        {"shipping_method": "Express"},
        {"lines": (line("MUG", 1, unit_price=Decimal("9"), total=Decimal("9")),)},
        {"lines": (line("CUP", 1),)},
        {"currency": "USD"},
        {"total": Decimal("8")},
    ],
)
def test_edits_that_wait(changed):
    seller = Seller(MUG=5, CUP=5)
    first = order(1, line("MUG"))
    seller.take(first)
    assert seller.take(later(first, **changed)) == ["waiting"]
    assert seller.order(1).hold_code == "edited"


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": ("vip",)},
        {"seller_note": "called the buyer"},
        {"ship_by": at(500)},
        {"payment": PaymentStatus.PARTIALLY_REFUNDED},
        {"risk": "low"},
        {"shipping": None},
        {"shipping": Address(country="FR", name="A**", masked=True)},
    ],
)
def test_edits_that_need_nobody(changed):
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    assert seller.take(later(first, **changed)) == ["updated"]
    found = seller.order(1)
    assert (found.state, found.contact.shipping["city"]) == ("approved", "Lyon")


def test_money_that_went_back_stops_an_approved_order():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    seller.take(later(first, payment=PaymentStatus.REFUNDED))
    assert (seller.order(1).state, seller.order(1).hold_code) == ("held", "payment_lost")
    assert seller.buckets("MUG") == (5, 0, 1)


def test_an_order_cancelled_here_is_not_brought_back_by_the_platform():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    actions.cancel(order_ids=[seller.order(1).pk], actor="user:1 li", reason="buyer called")
    seller.take(later(first, lines=(line("MUG", 4),)))
    assert seller.order(1).state == "cancelled"
    assert seller.buckets("MUG") == (5, 0, 0)


def test_an_order_cancelled_there_and_reopened_is_judged_again():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    gone = later(first, status=OrderStatus.CANCELLED)
    seller.take(first)
    seller.take(gone)
    seller.take(later(gone, status=OrderStatus.OPEN))
    assert (seller.order(1).state, seller.order(1).cancelled_at) == ("approved", None)
    assert seller.buckets("MUG") == (5, 0, 1)


def test_a_corrected_address_outlives_versions_with_the_old_one():
    seller = Seller(MUG=5)
    bad = dataclasses.replace(LYON, postcode="6900")
    first = order(1, line("MUG"), shipping=bad)
    seller.take(first)
    contact = seller.order(1).contact
    contact.shipping, contact.address_fixed = {**contact.shipping, "postcode": "69001"}, True
    contact.save()
    seller.take(later(first, tags=("x",)))
    assert (seller.order(1).state, seller.order(1).contact.shipping["postcode"]) == ("approved", "69001")
    assert ReviewLog.objects.count() == 2


def test_a_history_order_stays_history():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first, go_live=at(1000))
    seller.take(later(first, lines=(line("MUG", 3),)), go_live=at(1000))
    assert (seller.order(1).state, seller.lines(1)[0].quantity) == ("history", 3)
    assert seller.buckets("MUG") == (5, 0, 0)
