"""Parcels: goods out at cost, the sale to the books, the news to the platform, once."""

from decimal import Decimal

import pytest

from backoffice import outbox
from backoffice.models import AuditEntry
from finance import facts
from finance.models import PostingRequest
from orders.desk import actions
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.fulfil.shipping import Parcel
from orders.models import OrderEvent, OrderEventDelivery, Shipment, ShipmentGoods
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


def send(seller, number, *parcels, key="k1"):
    """Ship as the warehouse does."""
    return shipping.ship(
        order_id=seller.order(number).pk, parcels=parcels or [Parcel()], actor="user:2 wu", idempotency_key=key
    )


def refused(seller, number, *parcels, key="k1") -> str:
    """The code of the refusal; nothing may have happened."""
    before = Shipment.objects.count()
    with pytest.raises(OrderError) as caught:
        send(seller, number, *parcels, key=key)
    assert Shipment.objects.count() == before
    return caught.value.code


def sale(shipment) -> facts.SaleFacts:
    """What the books were told."""
    return facts.sale_from_json(PostingRequest.objects.get(reference=shipment.reference).frozen["facts"])


def test_a_whole_order_in_one_parcel():
    seller = Seller(MUG=5, CUP=5)
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2), total=Decimal("34.90"), shipping_total=Decimal("4.90")))
    (parcel,) = send(seller, 1, Parcel(carrier="DHL", tracking="T1"))
    found = seller.order(1)
    assert (found.state, found.shipped_at, parcel.number) == ("shipped", parcel.shipped_at, 1)
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((3, 0, 0), (4, 0, 0))
    told = sale(parcel)
    assert (told.total, told.shipping_net, [one.cost for one in told.lines]) == (
        Decimal("34.90"),
        Decimal("4.90"),
        [8, 4],
    )
    event = OrderEvent.objects.get(shipment=parcel)
    assert (event.kind, event.data["tracking"], event.deliveries.get().consumer) == ("shipped", "T1", "tracking")
    assert AuditEntry.objects.get(action="order.ship").after["tracking"] == "T1"


def test_parcels_share_price_tax_and_discount_to_the_last_coin():
    seller = Seller(MUG=5)
    priced = line("MUG", 3, total=Decimal("29"), discount=Decimal("1"), tax=Decimal("5.80"))
    seller.take(order(1, priced, total=Decimal("34.80"), tax_total=Decimal("5.80")))
    pk = seller.lines(1)[0].pk
    first, second = send(seller, 1, Parcel(lines={pk: Decimal(1)}), Parcel())
    parts = [sale(first).lines[0], sale(second).lines[0]]
    assert sum(one.net - one.discount + one.tax for one in parts) == Decimal("34.80")
    assert sum(one.tax for one in parts) == Decimal("5.80")
    assert [one.quantity for one in parts] == [1, 2]
    assert seller.order(1).state == "shipped"


def test_included_tax_is_taken_out_before_the_books_see_it():
    seller = Seller(MUG=5)
    priced = line("MUG", 1, unit_price=Decimal("12"), total=Decimal("12"), tax=Decimal("2"))
    seller.take(order(1, priced, total=Decimal("12"), tax_total=Decimal("2"), taxes_included=True))
    (parcel,) = send(seller, 1)
    (row,) = sale(parcel).lines
    assert (row.net, row.tax, row.discount, sale(parcel).total) == (Decimal("10"), Decimal("2"), 0, Decimal("12"))


def test_a_discount_on_the_order_alone_is_spread_over_its_lines():
    seller = Seller(MUG=5, CUP=5)
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2), total=Decimal("24"), discount_total=Decimal("6")))
    (parcel,) = send(seller, 1)
    assert [one.discount for one in sale(parcel).lines] == [Decimal("4"), Decimal("2")]
    assert (sale(parcel).total, sale(parcel).rounding) == (Decimal("24"), 0)


def test_a_cent_of_rounding_is_told_as_rounding():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG"), total=Decimal("10.01")))
    (parcel,) = send(seller, 1)
    assert sale(parcel).rounding == Decimal("0.01")


def test_the_same_key_again_returns_the_first_parcels():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)), order(2, line("MUG")))
    pk = seller.lines(1)[0].pk
    parcels = [Parcel(lines={pk: Decimal(1)}), Parcel(lines={pk: Decimal(1)})]
    first = send(seller, 1, *parcels)
    assert send(seller, 1, *parcels) == first
    assert seller.buckets("MUG") == (3, 0, 1)
    assert refused(seller, 2, key="k1") == "key_reused"


def test_more_than_is_left_is_refused_with_its_line():
    seller = Seller(MUG=5, CUP=5)
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    mug, cup = (one.pk for one in seller.lines(1))
    assert refused(seller, 1, Parcel(lines={mug: Decimal(3)})) == "too_many"
    assert refused(seller, 1, Parcel(lines={mug: Decimal(2)}), Parcel(lines={mug: Decimal(1)})) == "too_many"
    assert refused(seller, 1, Parcel(lines={mug: Decimal(0)})) == "not_positive"
    for text in ("NaN", "sNaN", "Infinity", "0.0001", "1e-400", "1e400"):
        assert refused(seller, 1, Parcel(lines={mug: Decimal(text)})) == "bad_quantity"
    assert refused(seller, 1, Parcel(lines={987654: Decimal(1)})) == "unknown_line"
    assert refused(seller, 1, Parcel(lines={cup: Decimal(1)}), Parcel(lines={cup: Decimal(1)})) == "too_many"
    assert (seller.buckets("MUG"), seller.buckets("CUP")) == ((5, 0, 2), (5, 0, 1))


@pytest.mark.parametrize("state", ["held", "cancelled", "shipped"])
def test_only_approved_orders_are_shipped(state):
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG"), buyer_note="urgent" if state == "held" else ""))
    if state == "cancelled":
        actions.cancel(order_ids=[seller.order(1).pk], actor="x", reason="x")
    if state == "shipped":
        send(seller, 1, key="first")
    assert refused(seller, 1) == "not_approved"


def test_a_parcel_leaves_the_warehouse_named_only_with_what_lies_there():
    seller = Seller(warehouses=2, MUG=2)
    seller.add("CUP", 5, seller.places[1])
    seller.take(order(1, line("MUG", 2), line("CUP", 1, 2)))
    mug = seller.lines(1)[0].pk
    second = seller.places[1].pk
    assert refused(seller, 1, Parcel(lines={mug: Decimal(1)}, warehouse_id=second)) == "not_reserved"
    (parcel,) = send(seller, 1, Parcel(warehouse_id=second))
    assert ShipmentGoods.objects.get().sku == seller.skus["CUP"]
    assert seller.order(1).state == "partly_shipped"
    assert sale(parcel).lines[0].warehouse_id == second


def test_a_bundle_leaves_as_its_parts_and_only_whole():
    seller = Seller(CUP=10, TEA=10)
    stock.bundle((seller.skus["CUP"], 2), (seller.skus["TEA"], 1), code="GIFT")
    seller.take(order(1, line("GIFT", 2)))
    pk = seller.lines(1)[0].pk
    assert refused(seller, 1, Parcel(lines={pk: Decimal("0.5")})) == "part_of_bundle"
    (parcel,) = send(seller, 1, Parcel(lines={pk: Decimal(1)}))
    assert (seller.buckets("CUP"), seller.buckets("TEA")) == ((8, 0, 2), (9, 0, 1))
    assert (sale(parcel).lines[0].sku, sale(parcel).lines[0].cost) == ("GIFT", Decimal("12"))


def test_only_what_is_reserved_of_a_split_order_leaves():
    seller = Seller(MUG=2)
    seller.take(order(1, line("MUG", 5)))
    actions.split_by_stock(order_ids=[seller.order(1).pk], actor="x")
    send(seller, 1)
    found = seller.order(1)
    assert (found.state, found.hold_code, seller.lines(1)[0].shipped_quantity) == ("partly_shipped", "short_stock", 2)
    assert seller.buckets("MUG") == (0, 3, 0)
    assert refused(seller, 1, key="k2") == "nothing_to_ship"


def test_a_parcel_can_be_taken_back_before_the_platform_heard_of_it():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    (parcel,) = send(seller, 1)
    shipping.void(shipment_id=parcel.pk, actor="user:2 wu", reason="wrong label")
    found = seller.order(1)
    assert (found.state, found.shipped_at, seller.lines(1)[0].shipped_quantity) == ("approved", None, 0)
    assert seller.buckets("MUG") == (5, 0, 2)
    assert OrderEventDelivery.objects.get().code == "void"
    assert PostingRequest.objects.get(kind="reversal").reference == f"{parcel.reference}/void"
    (again,) = send(seller, 1, key="k2")
    assert (again.number, seller.buckets("MUG")) == (2, (3, 0, 0))


def test_a_parcel_the_platform_may_have_heard_of_stays():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    (parcel,) = send(seller, 1)
    assert len(outbox.claim(OrderEventDelivery, "tracking", 10)) == 1
    with pytest.raises(OrderError) as caught:
        shipping.void(shipment_id=parcel.pk, actor="x")
    assert caught.value.code == "already_reported"
    assert seller.buckets("MUG") == (3, 0, 0)


def test_a_parcel_is_taken_back_once():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 2)))
    (parcel,) = send(seller, 1)
    shipping.void(shipment_id=parcel.pk, actor="x")
    with pytest.raises(OrderError) as caught:
        shipping.void(shipment_id=parcel.pk, actor="x")
    assert caught.value.code == "already_void"
    assert seller.buckets("MUG") == (5, 0, 2)


def test_goods_come_only_out_of_warehouses_that_may_be_seen():
    seller = Seller(warehouses=2, MUG=1)
    seller.add("CUP", 1)
    first, second = (place.pk for place in seller.places)
    seller.take(order(1, line("MUG", 1), line("CUP", 1, 2)))
    mug = seller.lines(1)[0].pk
    hidden = frozenset((second,))
    assert refused(seller, 1, Parcel(warehouses=hidden)) == "not_reserved"
    assert refused(seller, 1, Parcel(lines={mug: Decimal(1)}, warehouses=hidden)) == "not_reserved"
    assert refused(seller, 1, Parcel(warehouse_id=first, warehouses=hidden)) == "not_reserved"
    (parcel,) = send(seller, 1, Parcel(warehouses=frozenset((first, second))))
    assert parcel.lines.count() == 2
