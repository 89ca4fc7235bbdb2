"""Orders of one buyer to one address leave in one parcel, each with its own shipment, sale and news."""

import dataclasses
import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from backoffice.models import AuditEntry
from finance.models import PostingRequest
from inventory.models import Reservation
from orders.contracts import Address, Buyer, OrderStatus, PaymentStatus
from orders.desk import actions, correcting, merging
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import MergeCircle, MergeGroup, MergeMember, Order, OrderEvent, Shipment
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.orders.factories import LYON, NOW, Seller, at, later, line, order, parcel

pytestmark = pytest.mark.django_db
ANA = Buyer(name="Ana Müller", email="ana@example.com")
WHO = "user:1 li"


@pytest.fixture
def seller():
    return Seller(MUG=50, CUP=50)


def take(seller, *numbers, code="MUG", **fields):
    """Orders of Ana with these numbers, one piece each."""
    pages = [order(n, line(code, quantity=n), **{"buyer": ANA, **fields}) for n in numbers]
    seller.take(*pages)
    return pages


def merge(seller, *numbers):
    told = merging.merge(order_ids=[seller.order(n).pk for n in numbers], actor=WHO)
    return [one.code for one in told]


def group() -> MergeGroup:
    return MergeGroup.objects.latest("pk")


def ship(key="k1", **more):
    return merging.ship_merged(
        group_id=group().pk, carrier="SF", tracking="SF1", actor=WHO, idempotency_key=key, **more
    )


def test_two_orders_of_one_buyer_go_in_one_parcel(seller):
    take(seller, 1, 2)
    assert merge(seller, 1, 2) == ["merged", "merged"]
    assert [one.number for one in (member.order for member in merging.active(group()))] == ["#1001", "#1002"]
    assert AuditEntry.objects.filter(action="order.merge").count() == 2


def test_shipping_the_group_ships_every_order_with_its_own_parcel_sale_and_news(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    made = ship()
    assert {(one.carrier, one.tracking_number, one.order.state) for one in made} == {("SF", "SF1", "shipped")}
    assert sorted(one.order.number for one in made) == ["#1001", "#1002"]
    sold = {one.frozen["facts"]["external_id"]: one.total for one in PostingRequest.objects.all()}
    assert sold == {"o1": 10, "o2": 20}
    assert OrderEvent.objects.filter(kind="shipped").count() == 2
    assert (group().state, group().tracking_number) == ("sent", "SF1")
    assert seller.buckets("MUG") == (47, 0, 0)
    assert broken() == []


def test_the_same_click_again_returns_the_first_parcels(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    first = ship()
    assert [one.pk for one in ship()] == [one.pk for one in first]
    with pytest.raises(OrderError) as refused:
        ship("k2")
    assert refused.value.code == "merge_not_open"
    assert Shipment.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"buyer": Buyer(name="Bo", email="bo@example.com")}, "merge_buyer"),
        ({"shipping": dataclasses.replace(LYON, line1="13 Rue de la République")}, "merge_address"),
        ({"shipping": dataclasses.replace(LYON, name="Bo Li")}, "merge_recipient"),
        ({"shipping": dataclasses.replace(LYON, line1="**", name="A**", masked=True)}, "merge_masked"),
        ({"payment": PaymentStatus.PENDING}, "unpaid"),
        ({"test": True}, "merge_test"),
        ({"status": OrderStatus.CANCELLED}, "merge_state"),
    ],
)
def test_why_an_order_does_not_go_along(seller, fields, code):
    take(seller, 1)
    take(seller, 2, **fields)
    assert merge(seller, 1, 2)[1] == code
    assert not MergeGroup.objects.exists()


def test_another_currency_is_no_reason(seller):
    take(seller, 1)
    take(seller, 2, currency="USD")
    assert merge(seller, 1, 2) == ["merged", "merged"]


def test_the_address_counts_not_how_it_is_written(seller):
    take(seller, 1)
    take(seller, 2, shipping=dataclasses.replace(LYON, line1="12 RUE de la  République", city="LYON"))
    assert merge(seller, 1, 2) == ["merged", "merged"]


def test_masked_addresses_go_together_only_when_the_platform_says_they_are_one(seller):
    hidden = dataclasses.replace(LYON, name="A**", line1="***", phone="", masked=True)
    take(seller, 1, 2, shipping=hidden)
    assert merge(seller, 1, 2) == ["merge_masked", "merge_masked"]
    Order.objects.update(address_key="the platform's own key")
    assert merge(seller, 1, 2) == ["merged", "merged"]


def test_an_edit_that_waits_and_goods_that_left_keep_an_order_out(seller):
    one, two, *_ = take(seller, 1, 2, 3)
    seller.take(later(one, shipping=dataclasses.replace(LYON, line1="1 Quai")))
    shipping.ship(order_id=seller.order(2).pk, parcels=[shipping.Parcel()], actor=WHO, idempotency_key="x")
    assert merge(seller, 1, 2, 3) == ["edit_waiting", "partly_shipped", "merge_alone"]


def test_goods_in_two_warehouses_are_no_one_parcel():
    seller = Seller(warehouses=2, MUG=2)
    seller.add("CUP", 5, seller.places[1])
    take(seller, 1)
    take(seller, 2, code="CUP")
    assert merge(seller, 1, 2) == ["merge_place", "merge_place"]


def test_other_shops_only_as_the_owner_allows(seller):
    other = Seller.__new__(Seller)
    other.__dict__ = {**seller.__dict__, "shop": stock.shop(seller.place, currency="EUR")}
    take(seller, 1)
    take(other, 2)
    ids = [seller.order(1).pk, other.order(2).pk]
    assert [one.code for one in merging.merge(order_ids=ids, actor=WHO)] == ["merge_shop", "merge_shop"]
    circle = MergeCircle.objects.create(name="both")
    circle.shops.set([seller.shop, other.shop])
    assert [one.code for one in merging.merge(order_ids=ids, actor=WHO)] == ["merged", "merged"]


def test_two_shops_may_both_have_a_buyer_123(seller):
    other = Seller.__new__(Seller)
    other.__dict__ = {**seller.__dict__, "shop": stock.shop(seller.place, currency="EUR")}
    MergeCircle.objects.create(name="both").shops.set([seller.shop, other.shop])
    take(seller, 1, buyer=Buyer(external_id="123"), shipping=dataclasses.replace(LYON, phone="+33612345678"))
    take(other, 2, buyer=Buyer(external_id="123"), shipping=dataclasses.replace(LYON, phone="+33699999999"))
    told = merging.merge(order_ids=[seller.order(1).pk, other.order(2).pk], actor=WHO)
    assert [one.code for one in told] == ["merge_buyer", "merge_buyer"]


def test_many_at_once_make_a_group_for_each_buyer_and_address(seller):
    take(seller, 1, 2)
    take(seller, 3, 4, buyer=Buyer(name="Bo", email="bo@example.com"))
    take(seller, 5, buyer=Buyer(name="Cy", email="cy@example.com"))
    assert merge(seller, 1, 2, 3, 4, 5) == ["merged", "merged", "merged", "merged", "merge_buyer"]
    assert sorted(one.members.count() for one in MergeGroup.objects.all()) == [2, 2]


def test_the_earliest_promise_and_the_highest_priority_count_for_all_until_they_are_taken_apart(seller):
    take(seller, 1, ship_by=at(60))
    take(seller, 2, ship_by=at(600))
    take(seller, 3)
    Order.objects.filter(external_id="o3").update(priority=7)
    merge(seller, 1, 2, 3)
    assert [(seller.order(n).ship_by, seller.order(n).priority) for n in (1, 2, 3)] == [(at(60), 7)] * 3
    merging.unmerge(order_ids=[seller.order(1).pk], actor=WHO)
    found = [(seller.order(n).ship_by, seller.order(n).priority) for n in (1, 2, 3)]
    assert found == [(at(60), 0), (at(600), 7), (at(600), 7)]
    merging.unmerge(order_ids=[seller.order(2).pk], actor=WHO)
    assert [(seller.order(n).ship_by, seller.order(n).priority) for n in (2, 3)] == [(at(600), 0), (None, 7)]
    assert group().state == "ended"


def test_the_shared_promise_survives_the_platforms_next_version(seller):
    take(seller, 1, ship_by=at(60))
    (two,) = take(seller, 2, ship_by=at(600))
    merge(seller, 1, 2)
    seller.take(later(two, tags=("vip",)))
    assert seller.order(2).ship_by == at(60)
    seller.take(later(two, 20, ship_by=at(30)))
    merging.tidy()
    assert [seller.order(n).ship_by for n in (1, 2)] == [at(30)] * 2
    merging.unmerge(order_ids=[seller.order(1).pk], actor=WHO)
    assert [seller.order(n).ship_by for n in (1, 2)] == [at(60), at(30)]


def test_an_order_that_is_cancelled_leaves_the_others(seller):
    take(seller, 1, 2, 3)
    merge(seller, 1, 2, 3)
    actions.cancel(order_ids=[seller.order(2).pk], actor=WHO, reason="x")
    made = ship()
    assert sorted(one.order.number for one in made) == ["#1001", "#1003"]
    assert MergeMember.objects.get(order=seller.order(2)).reason == "cancelled"
    assert broken() == []


def test_one_alone_is_no_group_and_goes_by_itself(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    actions.cancel(order_ids=[seller.order(2).pk], actor=WHO, reason="x")
    with pytest.raises(OrderError) as refused:
        ship()
    assert refused.value.code == "merge_left_alone"
    merging.tidy()
    assert group().state == "ended"
    shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor=WHO, idempotency_key="x")
    assert seller.order(1).state == "shipped"


def test_while_one_is_held_the_whole_parcel_waits(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    actions.hold(order_ids=[seller.order(2).pk], actor=WHO, reason="call the buyer")
    with pytest.raises(OrderError) as refused:
        ship()
    assert (refused.value.code, Shipment.objects.count()) == ("merge_held", 0)
    assert "#1002" in str(refused.value)


def test_an_address_that_was_corrected_since_keeps_the_parcel_here(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    address = {**seller.order(2).contact.shipping, "line1": "1 Quai"}
    correcting.correct_address(order_id=seller.order(2).pk, address=address, actor=WHO)
    with pytest.raises(OrderError) as refused:
        ship()
    assert (refused.value.code, Shipment.objects.count(), group().state) == ("merge_address", 0, "open")


def test_an_order_of_a_group_is_not_sent_alone(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    with pytest.raises(OrderError) as refused:
        shipping.ship(order_id=seller.order(1).pk, parcels=[shipping.Parcel()], actor=WHO, idempotency_key="x")
    assert (refused.value.code, Shipment.objects.count()) == ("merged", 0)
    assert "#1002" in str(refused.value)


def test_all_or_none_leave(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    actions.undo_approve(order_ids=[seller.order(2).pk], actor=WHO)
    Order.objects.filter(external_id="o2").update(state="approved", hold_code="", held_since=None)
    with pytest.raises(OrderError) as refused:
        ship()
    assert refused.value.code == "nothing_to_ship"
    assert (Shipment.objects.count(), seller.order(1).state, group().state) == (0, "approved", "open")


def test_what_has_left_is_not_taken_apart(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    ship()
    (told,) = merging.unmerge(order_ids=[seller.order(1).pk], actor=WHO)
    assert (told.ok, told.code) == (False, "wrong_state")


def test_a_parcel_taken_back_may_go_with_others_again(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    for made in ship():
        shipping.void(shipment_id=made.pk, actor=WHO)
    assert merge(seller, 1, 2) == ["merged", "merged"]
    assert len(ship("k2")) == 2
    assert broken() == []


def test_an_order_sent_on_the_platform_leaves_its_group(seller):
    one, _two, _three = take(seller, 1, 2, 3)
    merge(seller, 1, 2, 3)
    seller.take(later(one, fulfilments=(parcel(1, ("1", "1")),)))
    merging.tidy()
    assert [member.order.number for member in merging.active(group())] == ["#1002", "#1003"]
    assert MergeMember.objects.get(order=seller.order(1)).reason == "sent_alone"


def test_a_third_order_joins_and_two_groups_stay_two(seller):
    take(seller, 1, 2, 3, 4, 5)
    merge(seller, 1, 2)
    assert merge(seller, 1, 3) == ["merge_there", "merged"]
    assert group().members.count() == 3
    merge(seller, 4, 5)
    assert merge(seller, 1, 4) == ["merge_there", "merge_there"]


def test_the_database_keeps_an_order_out_of_two_groups(seller):
    take(seller, 1, 2)
    merge(seller, 1, 2)
    other = MergeGroup.objects.create(created_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        MergeMember.objects.create(group=other, order=seller.order(1), joined_at=NOW)


def test_candidates_say_why_not(seller):
    take(seller, 1, 2)
    take(seller, 3, shipping=Address(name="Ana Müller", line1="1 Quai", city="Lyon", postcode="69002", country="FR"))
    take(seller, 4, buyer=Buyer(name="Bo", email="bo@example.com"))
    found = merging.candidates(seller.order(1), Order.objects.all())
    assert [(one.order.number, why and why[0]) for one, why in found] == [
        ("#1002", None),
        ("#1004", "merge_buyer"),
        ("#1003", "merge_address"),
    ]


def test_suggestions_find_what_could_go_together_in_a_fixed_number_of_queries(seller):
    take(seller, 1, 2)
    take(seller, 3, buyer=Buyer(name="Bo", email="bo@example.com"))
    with CaptureQueriesContext(connection) as few:
        (found,) = merging.suggestions(Order.objects.all())
    assert [one.order.number for one in found] == ["#1001", "#1002"]
    for nth in range(10, 20):
        take(seller, nth, nth + 20, buyer=Buyer(name="B", email=f"b{nth}@example.com"), code="CUP")
    with CaptureQueriesContext(connection) as many:
        assert len(merging.suggestions(Order.objects.all())) > 1
    assert len(many) == len(few) <= 9
    merge(seller, 1, 2)
    assert all(one.order.number != "#1001" for each in merging.suggestions(Order.objects.all()) for one in each)


def test_another_part_may_have_an_order_in_its_hands(seller, monkeypatch):
    from orders.desk import mergeable

    monkeypatch.setattr(mergeable, "_busy", {})
    take(seller, 1, 2)
    mergeable.register_busy("wave", lambda pks: {seller.order(2).pk: "It is being picked in wave 7."})
    told = merging.merge(order_ids=[seller.order(1).pk, seller.order(2).pk], actor=WHO)
    assert [one.code for one in told] == ["merge_alone", "merge_busy"]
    assert "wave 7" in told[1].message


def test_holds_nothing_of_the_reservation(seller):
    take(seller, 1, 2)
    before = sorted(Reservation.objects.values_list("reference", "bucket", "quantity"))
    merge(seller, 1, 2)
    merging.unmerge(order_ids=[seller.order(1).pk], actor=WHO)
    assert sorted(Reservation.objects.values_list("reference", "bucket", "quantity")) == before


def test_a_promise_a_rule_gave_meanwhile_stays(seller):
    take(seller, 1, ship_by=at(60))
    take(seller, 2)
    merge(seller, 1, 2)
    soon = NOW + dt.timedelta(minutes=5)
    Order.objects.filter(external_id="o2").update(own_ship_by=soon, ship_by=soon)
    merging.tidy()
    assert seller.order(1).ship_by == soon
    merging.unmerge(order_ids=[seller.order(1).pk, seller.order(2).pk], actor=WHO)
    assert [seller.order(n).ship_by for n in (1, 2)] == [at(60), soon]
