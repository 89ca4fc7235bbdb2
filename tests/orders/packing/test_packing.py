"""Packing: right and wrong scans, parcels, weights, one shipment however often somebody finishes."""

from decimal import Decimal

import pytest

from backoffice.errors import YikuError
from orders.desk import actions
from orders.fulfil import packing, packing_labels, waves, weighing
from orders.fulfil.floor_errors import FloorError
from orders.models import Order, OrderEvent, PackingSetting, PackItem, PackParcel, PackScan, Shipment, Wave
from tests.inventory import factories as stock
from tests.orders.factories import later, line, order
from tests.orders.packing.floor import LI, WU, Floor, codes, floor_with_orders, key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_label_source():
    yield
    packing.register_label_source(packing_labels.of_parcel)


def ready(*lines, **quantities) -> Floor:
    """Order 1 with these lines, picked and on wu's table."""
    floor = Floor(**quantities)
    floor.take(order(1, *lines))
    floor.picked(1)
    floor.open(1)
    return floor


def refused(match, call, *args, **options):
    with pytest.raises(YikuError, match=match):
        call(*args, **options)


def test_an_order_is_packed_scan_by_scan_and_ships_once():
    floor = floor_with_orders(1)
    wave = floor.picked(1)
    (parcel,) = floor.pack(1, "MUG", "mug", "CUP", carrier="SF", tracking="SF1")
    assert (parcel.carrier, parcel.tracking_number, parcel.actor) == ("SF", "SF1", WU)
    assert (floor.order(1).state, floor.buckets("MUG")) == ("shipped", (98, 0, 0))
    wave.refresh_from_db()
    assert (wave.state, floor.part(1).state) == ("done", "packed")
    assert codes("pack") == [("packed", True)] * 3
    assert PackParcel.objects.get().shipment == parcel
    assert OrderEvent.objects.filter(kind="shipped").count() == 1


def test_a_wrong_item_one_too_many_and_an_unknown_code_change_nothing_and_are_kept():
    floor = ready(line("MUG", 1), MUG=5, TEA=5)
    assert floor.scan(1, "TEA").message == "Wrong item: TEA is not wanted here."
    assert floor.scan(1, "4711").code == "unknown_code"
    assert floor.scan(1, "MUG").data["left"] == "0"
    assert floor.scan(1, "MUG").message == "Too many: MUG is complete with 1."
    assert codes("pack") == [("wrong_item", False), ("unknown_code", False), ("packed", True), ("too_many", False)]
    assert PackItem.objects.get().quantity == 1


def test_a_scan_that_was_sent_twice_counts_once():
    floor = ready(line("MUG", 2), MUG=5)
    same = key()
    first, second = floor.scan(1, "MUG", key=same), floor.scan(1, "MUG", key=same)
    assert (first.data, second.again) == (second.data, True)
    assert (floor.goods(1, "MUG").packed, PackScan.objects.count()) == (1, 1)


def test_a_case_counts_what_is_in_it_and_fits_or_is_refused():
    floor = ready(line("MUG", 15), MUG=20)
    floor.barcode("MUG", "4006381333931")
    floor.barcode("MUG", "CASE-12", 12)
    assert floor.scan(1, "case-12").ok
    assert floor.goods(1, "MUG").packed == 12
    assert floor.scan(1, "CASE-12").message == "This pack holds 12, but only 3 of MUG are missing."
    assert floor.scan(1, "4006381333931").ok
    assert floor.goods(1, "MUG").packed == 13


def test_goods_without_a_barcode_are_tapped_one_or_all_and_taken_out_again():
    floor = ready(line("MUG", 4), MUG=5)
    goods, part = floor.goods(1, "MUG"), floor.part(1)
    assert floor.scan(1, "", goods_id=goods.pk).ok
    assert floor.scan(1, "", goods_id=goods.pk, whole=True).data["pieces"] == "3"
    out = packing.take_out(wave_order_id=part.pk, goods_id=goods.pk, actor=WU, key=key())
    assert (out.message, floor.goods(1, "MUG").packed) == ("Taken out: MUG, 3 of 4.", 3)
    assert PackScan.objects.order_by("-pk")[0].quantity == -1
    refused("Not complete yet: MUG 1", floor.finish, 1)
    assert Shipment.objects.count() == 0


def test_goods_by_the_metre_are_complete_with_their_rest():
    floor = Floor(CLOTH=5)
    floor.take(order(1, line("CLOTH", "2.5")))
    actions.approve(order_ids=[floor.order(1).pk], actor=LI)
    floor.picked(1)
    floor.open(1)
    for _ in range(3):
        assert floor.scan(1, "CLOTH").ok
    assert floor.goods(1, "CLOTH").packed == Decimal("2.5")


def test_the_same_sku_on_two_lines_fills_one_after_the_other():
    floor = ready(line("MUG", 1, 1), line("MUG", 2, 2), MUG=5)
    for _ in range(3):
        assert floor.scan(1, "MUG").ok
    assert floor.scan(1, "MUG").code == "too_many"
    (parcel,) = floor.finish(1)
    assert list(parcel.lines.order_by("line__position").values_list("quantity", flat=True)) == [1, 2]


def test_of_two_packers_the_second_is_told_who_and_may_take_over():
    floor = floor_with_orders(1)
    floor.picked(1)
    refused("Open order #1001 first", floor.finish, 1)
    floor.open(1)
    refused("wu has been packing order #1001", floor.open, 1, actor=LI)
    assert floor.scan(1, "MUG", actor=LI).code == "packed_by_other"
    floor.open(1, actor=LI, take_over=True)
    assert floor.scan(1, "MUG").code == "packed_by_other"
    assert floor.scan(1, "MUG", actor=LI).ok


def test_who_finishes_second_is_told_who_was_first():
    floor = ready(line("MUG", 1), MUG=5)
    assert floor.scan(1, "MUG").ok
    floor.finish(1)
    for actor in (WU, LI):
        refused("Order #1001 was packed by wu", floor.finish, 1, actor=actor)
    refused("Order #1001 was packed by wu", floor.open, 1, actor=LI)
    assert floor.scan(1, "MUG").code == "packed_already"
    assert (Shipment.objects.count(), floor.buckets("MUG")) == (1, (4, 0, 0))


def test_an_order_that_is_not_picked_cannot_be_packed():
    floor = floor_with_orders(1)
    wave = floor.wave(1)
    refused(f"not picked yet: 3 pieces are missing. Finish wave {wave.code}", floor.open, 1)
    assert floor.part(1).packer == ""


def test_the_browser_died_in_the_middle_and_the_order_opens_where_it_was():
    floor = ready(line("MUG", 2), MUG=5)
    floor.scan(1, "MUG")
    floor.open(1)
    assert floor.scan(1, "MUG").params == {"sku": "MUG", "packed": "2", "wanted": "2"}
    assert len(floor.finish(1)) == 1


# --- cancelled, held, changed while packing --------------------------------------------------------------------------


def test_cancelled_while_packing_stops_the_next_scan_and_the_parcel():
    floor = ready(line("MUG", 2), MUG=5)
    assert floor.scan(1, "MUG").ok
    actions.cancel(order_ids=[floor.order(1).pk], actor=LI, reason="changed his mind")
    answer = floor.scan(1, "MUG")
    assert answer.message == "Order #1001 has dropped out: it was cancelled. Put its goods back."
    refused("has dropped out: it was cancelled", floor.finish, 1)
    refused("has dropped out: it was cancelled", floor.open, 1)
    assert (floor.part(1).reason, floor.part(1).put_back, Shipment.objects.count()) == ("cancelled", True, 0)
    assert floor.buckets("MUG") == (5, 0, 0)


def test_held_while_packing_stops_the_parcel_and_keeps_the_goods_reserved():
    floor = ready(line("MUG", 1), MUG=5)
    floor.scan(1, "MUG")
    actions.hold(order_ids=[floor.order(1).pk], actor=LI, reason="address")
    refused("has dropped out: it is held", floor.finish, 1)
    assert (floor.order(1).state, Shipment.objects.count(), floor.buckets("MUG")) == ("held", 0, (5, 0, 1))


def test_changed_on_the_platform_while_packing_stops_the_parcel():
    floor = Floor(MUG=5)
    first = order(1, line("MUG", 2))
    floor.take(first)
    floor.picked(1)
    floor.open(1)
    floor.scan(1, "MUG")
    floor.take(later(first, lines=(line("MUG", 1),)))
    assert floor.scan(1, "MUG").params["why"] == "edited"
    refused("has dropped out: what is to be sent has changed", floor.finish, 1)
    assert Shipment.objects.count() == 0


def test_what_is_missing_in_the_tote_sends_the_order_back():
    floor = ready(line("MUG", 2), MUG=5)
    floor.scan(1, "MUG")
    told = packing.missing(wave_order_id=floor.part(1).pk, goods_id=floor.goods(1, "MUG").pk, actor=WU)
    assert told == ["#1001"]
    assert (floor.order(1).hold_code, floor.part(1).reason, floor.part(1).put_back) == ("not_found", "short", True)


# --- parcels ---------------------------------------------------------------------------------------------------------


def test_an_order_leaves_in_two_parcels():
    floor = ready(line("MUG", 3, 1), line("CUP", 1, 2), MUG=5, CUP=5)
    part = floor.part(1)
    for _ in range(2):
        floor.scan(1, "MUG")
    packing.close_parcel(wave_order_id=part.pk, actor=WU, carrier="SF", tracking="SF1")
    refused("The parcel is empty", packing.close_parcel, wave_order_id=part.pk, actor=WU)
    floor.scan(1, "MUG")
    floor.scan(1, "CUP")
    first, second = floor.finish(1, carrier="SF", tracking="SF2")
    assert [one.tracking_number for one in (first, second)] == ["SF1", "SF2"]
    units = [list(one.lines.order_by("line__position").values_list("quantity", flat=True)) for one in (first, second)]
    assert (units, floor.order(1).state) == ([[2], [1, 1]], "shipped")


def test_a_tracking_number_typed_after_the_last_parcel_was_closed_is_that_parcels():
    floor = ready(line("MUG", 1), MUG=5)
    floor.scan(1, "MUG")
    packing.close_parcel(wave_order_id=floor.part(1).pk, actor=WU, carrier="SF")
    (parcel,) = floor.finish(1, tracking="SF7")
    assert (parcel.carrier, parcel.tracking_number) == ("SF", "SF7")


def test_a_bundle_lies_in_one_parcel():
    floor = Floor(MUG=9, LID=9)
    floor.skus["SET"] = stock.bundle((floor.skus["MUG"], 2), (floor.skus["LID"], 1), code="SET")
    floor.take(order(1, line("SET", 1, title="Tea set")))
    floor.picked(1)
    floor.open(1)
    floor.scan(1, "MUG")
    refused("“Tea set” is sold as one unit", packing.close_parcel, wave_order_id=floor.part(1).pk, actor=WU)
    floor.scan(1, "MUG")
    floor.scan(1, "LID")
    (parcel,) = floor.finish(1)
    assert parcel.lines.get().quantity == 1
    assert (floor.buckets("MUG"), floor.buckets("LID")) == ((7, 0, 0), (8, 0, 0))


def test_a_gift_card_leaves_with_the_parcel():
    floor = ready(line("MUG", 1, 1), line("CARD", 1, 2, requires_shipping=False), MUG=5)
    floor.scan(1, "MUG")
    floor.finish(1)
    assert floor.order(1).state == "shipped"


def test_two_warehouses_pack_their_parts_of_one_order():
    floor = Floor(warehouses=2, MUG=2)
    floor.add("CUP", 4, floor.places[1])
    floor.take(order(1, line("MUG", 2, 1), line("CUP", 1, 2)))
    floor.picked(1)
    floor.pack(1, "MUG", "MUG")
    assert floor.order(1).state == "partly_shipped"
    floor.place = floor.places[1]
    floor.picked(1)
    floor.pack(1, "CUP")
    assert (floor.order(1).state, Shipment.objects.count()) == ("shipped", 2)


# --- weight ----------------------------------------------------------------------------------------------------------


def heavy(**setting) -> Floor:
    floor = ready(line("MUG", 2), MUG=5)
    floor.skus["MUG"].weight_g = 400
    floor.skus["MUG"].save()
    PackingSetting.objects.create(
        **{"warehouse": floor.place, "packaging_g": 100, "tolerance_g": 20, "tolerance_percent": 5, **setting}
    )
    for _ in range(2):
        floor.scan(1, "MUG")
    return floor


@pytest.mark.parametrize("weight", [855, 900, 945, None])
def test_a_weight_within_the_tolerance_passes(weight):
    floor = heavy()
    floor.finish(1, weight_g=weight)
    parcel = PackParcel.objects.get()
    assert (parcel.weight_g, parcel.expected_g, parcel.state) == (weight, 900, "sent")


@pytest.mark.parametrize("weight", [854, 946])
def test_a_weight_beyond_it_asks_for_a_second_look(weight):
    floor = heavy()
    refused(f"The parcel weighs {weight} g, expected are 900 g \\(± 45 g\\)", floor.finish, 1, weight_g=weight)
    assert (Shipment.objects.count(), PackParcel.objects.get().state) == (0, "open")
    floor.finish(1, weight_g=weight, reason="gift box")
    assert (PackParcel.objects.get().weight_reason, floor.order(1).state) == ("gift box", "shipped")


def test_a_warehouse_that_weighs_everything_takes_no_parcel_without_weight():
    floor = heavy(weigh=True)
    refused("This warehouse weighs every parcel", floor.finish, 1)
    assert len(floor.finish(1, weight_g=900)) == 1


def test_goods_of_unknown_weight_are_not_checked():
    floor = heavy()
    floor.skus["MUG"].weight_g = None
    floor.skus["MUG"].save()
    floor.finish(1, weight_g=5)
    assert PackParcel.objects.get().expected_g is None


@pytest.mark.parametrize(
    ("text", "grams"),
    [("1250", 1250), ("1,25 kg", 1250), ("ST,GS  1250g", 1250), ("  ", None), ("0.9公斤", 900), ("0.4", 1)],
)
def test_what_a_scale_sends_is_read(text, grams):
    if text.startswith("ST"):
        text = text.replace("ST,GS", "")
    assert weighing.read(text) == grams


@pytest.mark.parametrize("text", ["heavy", "0", "-", "1.2.3", "99999999", "nan"])
def test_what_is_no_weight_is_refused(text):
    with pytest.raises(FloorError, match="is no weight in grams"):
        weighing.read(text)


# --- labels ----------------------------------------------------------------------------------------------------------


def test_the_label_source_gives_carrier_and_tracking_when_nobody_types_them():
    asked = []

    def source(order, parcel, warehouse_id):
        asked.append((order.number, parcel))
        return packing.LabelFacts("DHL", f"JJD{parcel}", "https://dhl.example/1", "label:7")

    packing.register_label_source(source)
    floor = ready(line("MUG", 2), MUG=5)
    floor.scan(1, "MUG")
    packing.close_parcel(wave_order_id=floor.part(1).pk, actor=WU, tracking="TYPED")
    floor.scan(1, "MUG")
    first, second = floor.finish(1)
    assert asked == [("#1001", 2)]
    assert [one.tracking_number for one in (first, second)] == ["TYPED", "JJD2"]
    assert PackParcel.objects.get(number=2).label_id == "label:7"


def test_a_label_source_that_refuses_leaves_the_order_where_it_was():
    def source(order, parcel, warehouse_id):
        raise FloorError("unknown_code", text="no rate for this country")

    packing.register_label_source(source)
    floor = ready(line("MUG", 1), MUG=5)
    floor.scan(1, "MUG")
    refused("no rate for this country", floor.finish, 1)
    assert (floor.order(1).state, floor.part(1).open) == ("approved", True)
    assert len(floor.finish(1, carrier="SF", tracking="SF1")) == 1


# --- size ------------------------------------------------------------------------------------------------------------


def test_a_scan_costs_the_same_in_a_long_order(django_assert_max_num_queries):
    floor = Floor(MUG=900, CUP=900)
    floor.take(order(1, *(line("MUG" if n % 2 else "CUP", 1, n) for n in range(1, 401))))
    floor.picked(1)
    floor.open(1)
    with django_assert_max_num_queries(20):  # one of them: who shares the parcel
        assert floor.scan(1, "MUG").ok
    for code in ("MUG", "CUP"):
        for goods in floor.part(1).goods.filter(sku=floor.skus[code]):
            goods.packed = goods.wanted
            goods.save()
            PackItem.objects.update_or_create(
                parcel=PackParcel.objects.get(), goods=goods, defaults={"quantity": goods.wanted}
            )
    assert floor.finish(1)[0].lines.count() == 400
    assert Order.objects.get().state == "shipped"
    assert Wave.objects.get().state == "done"
    assert waves.look_at_all() == 0
