"""What the parts of the desk do to each other: money, goods and waiting orders that several of them handle."""

import datetime as dt
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group

from backoffice import clock
from inventory import arrivals
from inventory.models import ShopWarehouse
from orders.desk import actions, backorders, gifts, merging, presale, splitting
from orders.desk.presale import told_of
from orders.desk.table import Table
from orders.errors import OrderError
from orders.fulfil import shipping, waves
from orders.fulfil.routing import moving
from orders.late import compensations, pausing, plays
from orders.late.errors import LateError
from orders.models import CompensationLimit, GoodsGone, OrderPart, PresaleLine, PresaleOffer, ReturnRefund, Shipment
from orders.returns import refunding
from tests.inventory import factories as stock
from tests.orders.changes.looking import ANA
from tests.orders.factories import NOW, Seller, line, order
from tests.orders.factories import later as later_version
from tests.orders.late.build import ids, play_of, preset, short_seller
from tests.orders.packing.floor import LI, Floor, key
from tests.orders.routing.build import policy

pytestmark = pytest.mark.django_db


# --- waves, waiting orders and routing -------------------------------------------------------------------------------


def nothing_there(floor: Floor, wave, stop: int = 0):
    waves.start(wave_id=wave.pk, actor=LI)
    row = waves.pick_rows(wave)[stop]
    return waves.short_pick(wave_id=wave.pk, row=row.key, found=Decimal(0), actor=LI, key=key())


def test_goods_that_no_picker_found_are_not_given_out_again_by_themselves():
    floor = Floor(MUG=2)
    floor.take(order(1, line("MUG", 2)))
    assert nothing_there(floor, floor.wave(1)).ok
    assert floor.order(1).state == "held"
    backorders.work()
    assert floor.order(1).state == "held"
    assert floor.buckets("MUG") == (2, 2, 0)


def test_goods_that_no_picker_found_are_not_taken_from_where_the_policy_forbids():
    floor = Floor(warehouses=2, MUG=2)
    floor.add("MUG", 5, floor.places[1])
    policy("priority", shops=[floor.shop], lists=[(floor.places[1], "never", ["FR"])])
    floor.take(order(1, line("MUG", 2)))
    assert nothing_there(floor, floor.wave(1)).ok
    assert (floor.order(1).state, floor.buckets("MUG", floor.places[1])[2]) == ("held", 0)


def test_the_rest_of_a_split_order_is_reserved_only_where_its_policy_allows():
    seller = Seller(warehouses=2, MUG=1)
    policy("priority", shops=[seller.shop], lists=[(seller.places[1], "never", ["FR"])])
    seller.take(order(1, line("MUG", 3)))
    actions.split_by_stock(order_ids=[seller.order(1).pk], actor=LI)
    assert (seller.order(1).state, seller.order(1).hold_code) == ("approved", "short_stock")
    seller.add("MUG", 5, seller.places[1])
    backorders.work()
    assert seller.buckets("MUG", seller.places[1])[2] == 0
    assert seller.order(1).hold_code == "short_stock"


def test_an_order_sent_elsewhere_still_waits_for_the_rest_of_it():
    seller = Seller(warehouses=2, MUG=1, CUP=1)
    seller.take(order(1, line("MUG"), line("CUP", 3, 2)))
    actions.split_by_stock(order_ids=[seller.order(1).pk], actor=LI)
    one = seller.order(1)
    assert one.hold_code == "short_stock"
    moving.gone(
        order_id=one.pk, line_id=one.lines.get(sku=seller.skus["MUG"]).pk, warehouse_id=seller.place.pk, actor=LI
    )
    assert seller.order(1).hold_code == "not_found"
    seller.add("MUG", 1, seller.places[1])
    seller.add("CUP", 1, seller.places[1])
    told = moving.reroute(order_ids=[one.pk], actor=LI)
    assert told[0].ok, told
    after = seller.order(1)
    assert (after.state, after.hold_code) == ("approved", "short_stock")


# --- money for waiting -----------------------------------------------------------------------------------------------


def test_what_is_approved_later_never_gives_back_more_than_was_paid(people):
    seller = short_seller(0, 100)
    clerk = people["customer_service"]
    CompensationLimit.objects.update_or_create(group=Group.objects.get(user=clerk), defaults={"most": Decimal(1)})
    play = play_of(seller)
    made = [preset("refund", name=name, amount=0, percent=80) for name in ("a", "b")]
    rows = []
    for one in made:
        (told,) = compensations.give(user=clerk, actor=LI, preset=one, order_ids=ids(seller, 1), play=play)
        assert told.code == "asked"
    rows = list(seller.order(1).compensations.order_by("pk"))
    boss = people["ops_admin"]
    compensations.decide(compensation_id=rows[0].pk, user=boss, actor=LI, good=True)
    with pytest.raises(LateError):
        compensations.decide(compensation_id=rows[1].pk, user=boss, actor=LI, good=True)
    assert [one.amount for one in ReturnRefund.objects.all()] == [80]


def test_what_was_paid_back_by_hand_counts_before_the_shop_tells_of_it(people):
    seller = short_seller(0, 100)
    boss, play = people["ops_admin"], play_of(seller)
    first, second = (preset("refund", name=name, amount=0, percent=80) for name in ("a", "b"))
    compensations.give(user=boss, actor=LI, preset=first, order_ids=ids(seller, 1), play=play)
    money = ReturnRefund.objects.get()
    refunding.by_hand([money.pk])
    refunding.given_by_hand(money_id=money.pk, actor=LI)
    compensations.give(user=boss, actor=LI, preset=second, order_ids=ids(seller, 1), play=play)
    assert [one.amount for one in ReturnRefund.objects.order_by("pk")] == [80, 20]


def test_a_second_play_keeps_the_sale_paused_when_the_first_would_let_it_go_on():
    seller = short_seller(0, 100, 100)
    first = play_of(seller)
    pausing.pause(play_id=first.pk, actor=LI, resume_on_arrival=True)
    plays.LatePlay.objects.filter(pk=first.pk).update(state="closed", closed_at=NOW)
    second = plays.begin(actor=LI, once="second", sku_id=seller.skus["MUG"].pk)[0]
    assert second.pk != first.pk
    pausing.pause(play_id=second.pk, actor=LI)
    seller.add("MUG", 9)
    pausing.resume_arrived()
    assert pausing._policy(None, seller.skus["MUG"].pk).paused
    pausing.resume(play_id=second.pk, actor=LI)
    standing = pausing._policy(None, seller.skus["MUG"].pk)
    assert standing is None or not standing.paused


# --- presale ---------------------------------------------------------------------------------------------------------
def test_a_bundle_takes_as_much_of_an_offer_as_is_in_it():
    seller = Seller(MUG=0)
    seller.skus["SET"] = stock.bundle((seller.skus["MUG"], 2), code="SET")
    after = NOW.replace(year=2099)
    offer = PresaleOffer.objects.create(sku=seller.skus["MUG"], quantity=5, ship_after=after, valid_from=NOW)
    seller.take(order(1, line("SET", 2)), order(2, line("SET", 1)))
    told = told_of([offer.pk])[offer.pk]
    assert (told.sold, told.released) == (6, 0)
    found = [one.reviews.latest("pk").findings[0]["oversold"] for one in (seller.order(1), seller.order(2))]
    assert found == [False, True]
    row = arrivals.Expected(
        sku_id=offer.sku_id, warehouse_id=seller.place.pk, quantity=Decimal(5), expected_on=after.date()
    )  # fmt: skip
    (offer.arrival,) = arrivals.announce(rows=[row])
    offer.save()
    arrivals.receive(arrival_id=offer.arrival_id)
    assert presale.release_due() == 1
    assert PresaleLine.objects.filter(released_at__isnull=False).get().line.order == seller.order(1)


def test_goods_reported_gone_everywhere_are_not_reserved_for_the_next_order():
    seller = Seller(MUG=5)
    policy("priority", shops=[seller.shop])
    seller.take(order(1, line("MUG")))
    one = seller.order(1)
    moving.gone(order_id=one.pk, line_id=one.lines.get().pk, warehouse_id=seller.place.pk, actor=LI)
    seller.take(order(2, line("MUG")))
    assert seller.order(2).state == "held"
    assert seller.buckets("MUG") == (5, 1, 1)


def missed(seller, number):
    """The goods of an order's first line are reported as not found in the first warehouse."""
    one = seller.order(number)
    moving.gone(order_id=one.pk, line_id=one.lines.first().pk, warehouse_id=seller.place.pk, actor=LI)


def test_a_shop_without_routing_reserves_no_goods_reported_gone_either():
    seller = Seller(MUG=5, CUP=5)
    seller.take(order(1, line("MUG")))
    missed(seller, 1)
    first = order(2, line("MUG"))
    seller.take(first, order(3, line("CUP")))
    assert [(seller.order(n).state, seller.order(n).hold_code) for n in (2, 3)] == [
        ("held", "no_route"),
        ("approved", ""),
    ]
    assert seller.buckets("MUG") == (5, 1, 1)
    (told,) = actions.approve(order_ids=ids(seller, 2), actor=LI)
    assert (told.ok, told.code) == (False, "no_route")
    (told,) = actions.split_by_stock(order_ids=ids(seller, 2), actor=LI)
    assert (told.ok, told.code) == (False, "nothing_in_stock")
    assert seller.buckets("MUG") == (5, 1, 1)
    moving.look_into(ids=list(GoodsGone.objects.values_list("pk", flat=True)), actor=LI)
    assert actions.release_hold(order_ids=ids(seller, 2), actor=LI)[0].ok
    assert seller.buckets("MUG") == (5, 0, 2)


def test_a_shop_without_routing_takes_them_from_its_next_warehouse():
    seller = Seller(warehouses=2, MUG=5, CUP=5)
    seller.add("MUG", 5, seller.places[1])
    seller.take(order(1, line("MUG")))
    missed(seller, 1)  # moved to the second one
    seller.take(order(2, line("MUG"), line("CUP", 1, 2)))
    assert seller.order(2).state == "approved"
    assert [seller.buckets("MUG", place)[2] for place in seller.places] == [0, 2]
    assert seller.buckets("CUP") == (5, 0, 1)


def test_a_split_by_stock_takes_no_goods_reported_gone_and_what_lacks_them_waits():
    seller = Seller(MUG=5, CUP=5)
    policy("priority", shops=[seller.shop])
    seller.take(order(1, line("MUG")))
    missed(seller, 1)
    seller.take(order(2, line("MUG"), line("CUP", 1, 2)))
    (told,) = actions.split_by_stock(order_ids=ids(seller, 2), actor=LI)
    assert told.ok
    assert (seller.order(2).state, seller.order(2).hold_code) == ("approved", "short_stock")
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((5, 1, 1), (5, 0, 1))


def test_an_order_that_waits_for_stock_gets_no_goods_reported_gone():
    seller = Seller(MUG=1)
    seller.take(order(1, line("MUG")), order(2, line("MUG")))
    missed(seller, 1)
    stock.stock(seller.skus["MUG"], seller.place, 4, "4")
    assert backorders.work() == 0
    assert (seller.order(2).state, seller.buckets("MUG")) == ("held", (5, 1, 1))


def test_a_gift_is_not_taken_from_where_its_goods_were_reported_gone():
    seller = Seller(warehouses=2, MUG=5, CUP=5)
    seller.take(order(1, line("MUG")), order(2, line("CUP")), order(3, line("CUP"), buyer_note="urgent"))
    missed(seller, 1)
    told = gifts.add(order_ids=ids(seller, 2, 3), sku_id=seller.skus["MUG"].pk, quantity=Decimal(1), actor=LI)
    assert [(one.ok, one.code) for one in told] == [(False, "gift_short")] * 2
    assert seller.buckets("MUG") == (5, 0, 1)


def test_a_parcel_taken_back_whose_goods_are_gone_is_told_to_a_person():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)), order(2, line("MUG")))
    (sent,) = shipping.ship(order_id=ids(seller, 1)[0], parcels=[shipping.Parcel()], actor=LI, idempotency_key="k")
    missed(seller, 2)
    shipping.void(shipment_id=sent.pk, actor=LI)
    one = seller.order(1)
    assert (one.state, one.hold_code, one.shipped_at) == ("held", "no_route", None)
    assert seller.buckets("MUG") == (5, 2, 1)


def test_a_parcel_taken_back_to_where_no_warehouse_may_send_is_told_to_a_person():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    (sent,) = shipping.ship(order_id=ids(seller, 1)[0], parcels=[shipping.Parcel()], actor=LI, idempotency_key="k")
    policy("priority", shops=[seller.shop], lists=[(None, "only", ["JP"])])
    shipping.void(shipment_id=sent.pk, actor=LI)
    one = seller.order(1)
    assert (one.state, one.hold_code, seller.buckets("MUG")) == ("held", "no_route", (5, 2, 0))


def test_a_parcel_taken_back_of_a_shop_that_sells_from_elsewhere_now_waits_for_stock():
    seller, other = Seller(MUG=2, CUP=5), stock.warehouse()
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    (sent,) = shipping.ship(order_id=ids(seller, 1)[0], parcels=[shipping.Parcel()], actor=LI, idempotency_key="k")
    stock.stock(seller.skus["CUP"], other, 5, "4")
    ShopWarehouse.objects.update(warehouse=other)
    shipping.void(shipment_id=sent.pk, actor=LI)
    one = seller.order(1)
    assert (one.state, one.hold_code, stock.buckets(seller.skus["CUP"], other)) == (
        "approved",
        "short_stock",
        (5, 0, 1),
    )
    stock.stock(seller.skus["MUG"], other, 2, "4")
    assert backorders.work() == 1
    assert (seller.order(1).hold_code, stock.buckets(seller.skus["MUG"], other)) == ("", (2, 0, 2))


def test_a_parcel_taken_back_of_a_shop_that_sells_from_nowhere_is_told_to_a_person():
    seller = Seller(MUG=2)
    seller.take(order(1, line("MUG", 2)))
    (sent,) = shipping.ship(order_id=ids(seller, 1)[0], parcels=[shipping.Parcel()], actor=LI, idempotency_key="k")
    ShopWarehouse.objects.all().delete()
    shipping.void(shipment_id=sent.pk, actor=LI)
    assert (seller.order(1).state, seller.order(1).hold_code) == ("held", "no_warehouse")


def test_a_wave_does_not_take_a_parcel_before_its_day():
    floor = Floor(MUG=5, CUP=5)
    floor.take(order(1, line("MUG", 2), line("CUP", 1, 2)), order(2, line("MUG", 1)))
    one, later = floor.order(1), clock.now() + dt.timedelta(days=9)
    cup = one.lines.get(sku=floor.skus["CUP"])
    assert splitting.split(order_ids=[one.pk], by={cup.pk: Decimal(1)}, actor=LI, ship_after=later)[0].ok
    made = waves.make(warehouse_id=floor.place.pk, order_ids=ids(floor, 1, 2), actor=LI)
    assert [told.code for told in made.outcomes] == ["wave_too_early", "in_wave"]
    first = one.plan.order_by("number")[0]
    splitting.ship_part(order_id=one.pk, part_id=first.pk, carrier="DHL", tracking="1", actor=LI, idempotency_key="a")
    OrderPart.objects.filter(order=one, shipment=None).update(ship_after=clock.now() - dt.timedelta(days=1))
    made = waves.make(warehouse_id=floor.place.pk, order_ids=ids(floor, 1), actor=LI)
    assert [told.code for told in made.outcomes] == ["in_wave"]
    assert floor.goods(1, "CUP").wanted == 1


def test_what_waits_for_stock_with_a_date_keeps_nothing_that_is_here_out_of_a_wave():
    floor = Floor(MUG=1)
    floor.take(order(1, line("MUG", 3)))
    later = clock.now() + dt.timedelta(days=9)
    assert splitting.split(order_ids=ids(floor, 1), by="stock", actor=LI, ship_after=later)[0].ok
    made = waves.make(warehouse_id=floor.place.pk, order_ids=ids(floor, 1), actor=LI)
    assert [told.code for told in made.outcomes] == ["in_wave"]


def test_orders_that_are_put_together_are_locked_with_those_that_go_along_already():
    seller = Seller(MUG=9)
    seller.take(*(order(n, line("MUG", n), buyer=ANA) for n in (1, 2, 3)))
    first, second, third = ids(seller, 1, 2, 3)
    assert [one.ok for one in merging.merge(order_ids=[first, second], actor=LI)] == [True, True]
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "Table", lambda found, actor: seen.append(set(found)) or Table(found, actor))
        told = merging.merge(order_ids=[first, third], actor=LI)
    assert seen == [{first, second, third}]
    assert [(one.order_id, one.code) for one in told] == [(first, "merge_there"), (third, "merged")]


def planned_for_later():
    """An order of two mugs and a cup of which the cup leaves in nine days."""
    seller = Seller(MUG=5, CUP=5)
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    mugs, cup = seller.lines(1)
    later = clock.now() + dt.timedelta(days=9)
    told = splitting.split(order_ids=ids(seller, 1), by={cup.pk: Decimal(1)}, actor=LI, ship_after=later)
    assert told[0].ok
    return seller, mugs, cup


def send(seller, key="a", **fields):
    parcel = shipping.Parcel(**fields)
    return shipping.ship(order_id=seller.order(1).pk, parcels=[parcel], actor=LI, idempotency_key=key)


def test_shipping_lines_by_hand_respects_the_day_of_a_planned_parcel():
    seller, mugs, cup = planned_for_later()
    with pytest.raises(OrderError, match="1 of it stand in a planned parcel that is not to be sent before") as refused:
        send(seller, lines={mugs.pk: Decimal(2), cup.pk: Decimal(1)})
    assert refused.value.code == "line_too_early"
    assert (seller.order(1).state, Shipment.objects.count(), seller.buckets("CUP")) == ("approved", 0, (5, 0, 1))
    splitting.set_dates(
        order_id=seller.order(1).pk, part_id=seller.order(1).plan.last().pk, ship_after=None, ship_by=None, actor=LI
    )
    send(seller, lines={mugs.pk: Decimal(2), cup.pk: Decimal(1)})
    assert seller.order(1).state == "shipped"


def test_shipping_everything_leaves_a_parcel_before_its_day_where_it_is():
    seller, mugs, _cup = planned_for_later()
    (sent,) = send(seller)
    assert list(sent.lines.values_list("line_id", "quantity")) == [(mugs.pk, 2)]
    assert (seller.order(1).state, seller.buckets("CUP")) == ("partly_shipped", (5, 0, 1))
    with pytest.raises(OrderError) as refused:
        send(seller, "b")
    assert (refused.value.code, Shipment.objects.count()) == ("part_too_early", 1)


def test_what_was_cut_from_the_last_parcel_is_not_sent_out_of_one_before_its_day():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    (mugs,) = seller.lines(1)
    assert splitting.split(order_ids=ids(seller, 1), by={mugs.pk: Decimal(1)}, actor=LI)[0].ok
    early, rest = seller.order(1).plan.order_by("number")
    splitting.set_dates(
        order_id=seller.order(1).pk, part_id=early.pk, ship_after=clock.now() + dt.timedelta(days=9), ship_by=None,
        actor=LI,
    )  # fmt: skip
    seller.take(later_version(first, lines=(line("MUG", 2),)))
    with pytest.raises(OrderError) as refused:
        splitting.ship_part(
            order_id=seller.order(1).pk, part_id=rest.pk, carrier="", tracking="", actor=LI, idempotency_key="p"
        )
    assert (refused.value.code, Shipment.objects.count()) == ("part_empty", 0)


def test_what_was_sent_by_hand_makes_no_room_for_a_parcel_before_its_day():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 3)))
    (mugs,) = seller.lines(1)
    later = clock.now() + dt.timedelta(days=9)
    assert splitting.split(order_ids=ids(seller, 1), by={mugs.pk: Decimal(1)}, actor=LI, ship_after=later)[0].ok
    send(seller)
    assert seller.lines(1)[0].shipped_quantity == 2
    with pytest.raises(OrderError) as refused:
        send(seller, "b")
    assert (refused.value.code, seller.buckets("MUG")) == ("part_too_early", (3, 0, 1))
