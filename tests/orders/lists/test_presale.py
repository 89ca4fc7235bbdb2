"""Presale: sold before it is here, booked as wanted, kept off the shelf until its day, a delivery or a decision."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from inventory import arrivals, availability
from inventory.arrivals import Expected
from inventory.models import StockPolicy
from orders.admin import status
from orders.contracts import PaymentStatus
from orders.desk import actions, backorders, presale, review
from orders.fulfil import shipping
from orders.models import CheckSetting, Order, PresaleLine, PresaleOffer
from tests.inventory import factories as stock
from tests.orders.factories import NOW, Seller, line, order
from tests.orders.factories import later as next_version

pytestmark = pytest.mark.django_db
LI = "user:1 li"
AFTER = dt.datetime(2099, 12, 12, 8, 0, tzinfo=dt.UTC)


def offer(seller, code="MUG", **fields) -> PresaleOffer:
    values = {"quantity": 10, "ship_after": AFTER, "valid_from": NOW - dt.timedelta(days=1), **fields}
    return PresaleOffer.objects.create(sku=seller.skus[code], **values)


@pytest.fixture
def seller():
    return Seller(MUG=5, CUP=5)


def test_its_lines_are_wanted_but_take_nothing_from_the_shelf(seller):
    made = offer(seller)
    seller.take(order(1, line("MUG", 2)))
    one = seller.order(1)
    assert (one.state, one.hold_code, one.hold_until, one.not_before) == ("held", "presale", AFTER, AFTER)
    assert seller.buckets("MUG") == (5, 2, 0)
    row = PresaleLine.objects.get()
    assert (row.offer, row.ship_after, row.released_at) == (made, AFTER, None)
    assert status.one(one).label == "Presale until 12 Dec 2099"


def test_the_promise_is_not_before_the_goods_may_leave(seller):
    offer(seller)
    first = order(1, line("MUG"), ship_by=NOW + dt.timedelta(days=2))
    seller.take(first)
    assert seller.order(1).ship_by == AFTER
    seller.take(next_version(first, ship_by=NOW + dt.timedelta(days=3)))
    assert seller.order(1).ship_by == AFTER


@pytest.mark.parametrize(
    "fields",
    [
        {"valid_from": NOW + dt.timedelta(hours=1)},
        {"valid_to": NOW},
        {"ship_after": NOW},
        {"released_at": NOW},
    ],
)
def test_outside_its_window_goods_are_sold_from_the_shelf(seller, fields):
    offer(seller, **fields)
    seller.take(order(1, line("MUG")))
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 1))
    assert not PresaleLine.objects.exists()


def test_the_offer_of_another_shop_is_not_its_own(seller):
    offer(seller, shop=stock.shop(seller.place))
    seller.take(order(1, line("MUG")))
    assert seller.order(1).state == "approved"


def test_a_bundle_waits_for_the_part_that_is_sold_in_presale(seller):
    seller.skus["KIT"] = stock.bundle((seller.skus["MUG"], 1), (seller.skus["CUP"], 1), code="KIT")
    offer(seller)
    seller.take(order(1, line("KIT")))
    assert seller.order(1).hold_code == "presale"
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((5, 1, 0), (5, 1, 0))


def test_goods_in_stock_wait_beside_them_unless_the_owner_splits(seller):
    offer(seller)
    seller.take(order(1, line("MUG"), line("CUP", 1, 2)))
    assert (seller.order(1).state, seller.buckets("CUP")) == ("held", (5, 1, 0))
    CheckSetting.objects.filter(code="presale").update(params={"mixed": "split"})
    seller.take(order(2, line("MUG"), line("CUP", 1, 2)))
    two = seller.order(2)
    assert (two.state, two.hold_code, two.not_before) == ("approved", "presale", None)
    assert (seller.buckets("CUP"), seller.buckets("MUG")) == ((5, 1, 1), (5, 2, 0))
    assert status.one(two).label == "To be shipped · rest in presale"


def test_an_approval_lets_all_else_pass_but_not_the_day(seller):
    offer(seller)
    seller.take(order(1, line("MUG"), buyer_note="gift wrap"))
    assert seller.order(1).hold_code == "keyword"
    (told,) = actions.approve(order_ids=[seller.order(1).pk], actor=LI)
    assert (told.ok, told.code) == (True, "waits")
    one = seller.order(1)
    assert (one.state, one.hold_code, one.hold_until) == ("held", "presale", AFTER)
    assert seller.buckets("MUG") == (5, 1, 0)
    presale.release_orders(order_ids=[one.pk], actor=LI)
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 1))


def test_released_early_it_takes_what_is_there_in_the_order_of_the_orders(seller):
    made = offer(seller)
    seller.take(order(1, line("MUG", 3), placed_at=NOW + dt.timedelta(hours=2)))
    seller.take(order(2, line("MUG", 3), placed_at=NOW + dt.timedelta(hours=1)))
    told = presale.release_offer(offer_id=made.pk, actor=LI)
    assert [(one.order_id, one.ok) for one in told] == [(seller.order(2).pk, True), (seller.order(1).pk, False)]
    assert (seller.order(2).state, seller.order(1).hold_code) == ("approved", "short_stock")
    assert seller.order(2).not_before is None
    assert seller.buckets("MUG") == (5, 3, 3)
    assert presale.release_offer(offer_id=made.pk, actor=LI) == []


def test_its_day_releases_it(seller, later):
    offer(seller)
    seller.take(order(1, line("MUG")))
    assert presale.release_due() == 0
    assert presale.release_due(AFTER) == 1
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 1))
    assert PresaleOffer.objects.get().released_by == presale.DATE
    assert presale.release_due(AFTER) == 0


def test_its_delivery_releases_as_many_as_it_brought_in_their_order(seller):
    place, sku = seller.place.pk, seller.skus["MUG"].pk
    (coming,) = arrivals.announce(
        rows=[Expected(sku_id=sku, warehouse_id=place, quantity=Decimal(10), expected_on=AFTER.date())]
    )
    offer(seller, arrival=coming)
    seller.take(*(order(n, line("MUG", 2)) for n in range(1, 4)))
    arrivals.receive(arrival_id=coming.pk, quantity=Decimal(5))
    assert presale.release_due() == 2
    assert [seller.order(n).state for n in range(1, 4)] == ["approved", "approved", "held"]
    assert seller.buckets("MUG") == (10, 2, 4)
    assert presale.release_due() == 0
    arrivals.receive(arrival_id=coming.pk)
    assert presale.release_due() == 1


def test_more_sold_than_promised_is_said(seller, desk):
    offer(seller, quantity=3)
    seller.take(order(1, line("MUG", 3)))
    seller.take(order(2, line("MUG", 1)))
    client = desk()
    texts = [
        client.get(reverse("admin:orders_order_change", args=[seller.order(n).pk])).context["findings"][0]["sentence"]
        for n in (1, 2)
    ]
    assert "More was sold than promised." not in texts[0]
    assert "More was sold than promised." in texts[1]
    assert "more sold than promised" in client.get(reverse("admin:orders_presaleoffer_changelist")).content.decode()


def test_an_order_paid_later_is_presale_as_it_was_when_bought(seller):
    offer(seller)
    first = order(1, line("MUG"), payment=PaymentStatus.PENDING)
    seller.take(first)
    assert seller.order(1).state == "unpaid"
    seller.take(next_version(first, payment=PaymentStatus.PAID))
    assert (seller.order(1).hold_code, seller.buckets("MUG")) == ("presale", (5, 1, 0))


def test_a_promise_outlives_its_offer(seller):
    made = offer(seller)
    seller.take(order(1, line("MUG")))
    PresaleOffer.objects.filter(pk=made.pk).update(ship_after=AFTER + dt.timedelta(days=30))
    review.review(order_ids=[seller.order(1).pk])
    assert seller.order(1).not_before == AFTER


def test_a_cancelled_order_gives_its_presale_back(seller):
    made = offer(seller)
    seller.take(order(1, line("MUG", 4)))
    assert presale.told_of([made.pk])[made.pk].sold == 4
    actions.cancel(order_ids=[seller.order(1).pk], actor=LI, reason="x")
    assert presale.told_of([made.pk]) == {}
    assert seller.buckets("MUG") == (5, 0, 0)


def test_a_shop_shows_more_than_there_is_only_through_its_policy(seller):
    offer(seller)
    shop, sku = seller.shop.pk, seller.skus["MUG"].pk

    def shown() -> Decimal:
        return availability.figures(shop_ids=[shop], sku_ids=[sku])[shop, sku, None].quantity

    assert shown() == 5
    StockPolicy.objects.create(sku_id=sku, presale=Decimal(10))
    assert shown() == 15
    seller.take(order(1, line("MUG", 8)))
    assert shown() == 7


def test_splitting_by_stock_does_not_touch_what_waits(seller):
    offer(seller)
    seller.take(order(1, line("MUG"), line("CUP", 9, 2)))
    Order.objects.update(hold_code="short_stock")
    (told,) = actions.split_by_stock(order_ids=[seller.order(1).pk], actor=LI)
    assert told.ok
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((5, 1, 0), (5, 4, 5))


def test_orders_without_presale_are_told_so(seller):
    seller.take(order(1, line("MUG")))
    (told,) = presale.release_orders(order_ids=[seller.order(1).pk], actor=LI)
    assert (told.ok, told.code) == (False, "no_presale")


def test_the_desk_makes_an_offer_and_is_refused_nonsense(seller, desk):
    client, add = desk("buyer"), reverse("admin:orders_presaleoffer_add")
    form = {
        "sku": seller.skus["MUG"].pk, "quantity": "5", "ship_after_0": "2099-12-12", "ship_after_1": "08:00:00",
        "valid_from_0": "2026-11-01", "valid_from_1": "00:00:00", "valid_to_0": "2026-10-01", "valid_to_1": "00:00:00",
    }  # fmt: skip
    assert "It would end before it begins." in client.post(add, form).content.decode()
    assert not PresaleOffer.objects.exists()
    good = {**form, "valid_to_0": "", "valid_to_1": ""}
    assert client.post(add, good).status_code == 302
    assert PresaleOffer.objects.get().created_by.endswith("buyer")
    assert "There is an open presale of these goods already" in client.post(add, good).content.decode()
    seller.take(order(1, line("MUG")))
    pk = PresaleOffer.objects.get().pk
    page = client.post(
        reverse("admin:orders_presaleoffer_changelist"), {"action": "release", "_selected_action": [pk]}, follow=True
    )
    assert "Presales released: 1." in page.content.decode()
    assert seller.order(1).state == "approved"


def test_a_release_that_was_cut_off_goes_on(seller):
    made = offer(seller)
    seller.take(order(1, line("MUG")))
    presale._set_released([PresaleLine.objects.get().pk], LI)  # and then the machine stopped
    assert seller.order(1).state == "held"
    assert presale.release_due() == 0
    assert (seller.order(1).state, seller.buckets("MUG")) == ("approved", (5, 0, 1))
    assert PresaleOffer.objects.get(pk=made.pk).released_at is None


def split_order(seller):
    """An order whose cup has left and whose mug waits."""
    CheckSetting.objects.filter(code="presale").update(params={"mixed": "split"})
    offer(seller)
    seller.take(order(1, line("MUG", 9), line("CUP", 1, 2)))
    cup = seller.lines(1)[1]
    parcel = shipping.Parcel(lines={cup.pk: Decimal(1)}, tracking="T1")
    shipping.ship(order_id=seller.order(1).pk, parcels=[parcel], actor=LI, idempotency_key="k")
    return seller.order(1)


def test_an_order_of_which_only_presale_is_left_is_not_approved_over(seller):
    one = split_order(seller)
    assert (one.state, one.hold_code) == ("partly_shipped", "presale")
    (told,) = actions.approve(order_ids=[one.pk], actor=LI)
    assert (told.ok, told.code) == (False, "presale")
    assert "12 Dec 2099" in told.message
    assert (seller.order(1).state, seller.buckets("MUG")) == ("partly_shipped", (5, 9, 0))


def test_what_is_released_and_not_there_waits_as_a_backorder(seller):
    one = split_order(seller)
    (told,) = presale.release_orders(order_ids=[one.pk], actor=LI)
    assert (told.ok, told.code) == (False, "short_stock")
    assert (seller.order(1).state, seller.order(1).hold_code) == ("partly_shipped", "short_stock")
    stock.stock(seller.skus["MUG"], seller.place, 4, "4")
    assert backorders.work() == 1
    assert (seller.order(1).hold_code, seller.buckets("MUG")) == ("", (9, 0, 9))


def test_what_still_waits_for_its_day_is_not_forgotten_when_other_goods_are_released(seller):
    mugs, cups_day = offer(seller), AFTER + dt.timedelta(days=30)
    offer(seller, "CUP", ship_after=cups_day)
    seller.take(order(1, line("MUG"), line("CUP", 1, 2)))
    actions.hold(order_ids=[seller.order(1).pk], actor=LI, reason="asks for another colour")
    presale.release_offer(offer_id=mugs.pk, actor=LI)
    assert (seller.order(1).hold_code, seller.order(1).not_before) == ("manual", cups_day)
    presale.release_orders(order_ids=[seller.order(1).pk], actor=LI)
    assert (seller.order(1).hold_code, seller.order(1).not_before) == ("manual", None)
