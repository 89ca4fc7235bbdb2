"""Parcels sent on the platform and refunds: taken over once, goods and money right."""

import dataclasses
from decimal import Decimal

import pytest

from finance.models import PostingRequest
from orders.contracts import IncomingRefundLine, OrderStatus, PaymentStatus
from orders.desk import actions
from orders.fulfil import shipping
from orders.fulfil.shipping import Parcel
from orders.models import OrderEvent, Refund, RefundLine, Shipment, ShipmentGoods
from tests.orders.factories import Seller, at, later, line, order, parcel, refund

pytestmark = pytest.mark.django_db


def shipped(seller, number, *parcels, tracking="T1"):
    """Ship an order here."""
    return shipping.ship(
        order_id=seller.order(number).pk,
        parcels=parcels or [Parcel(carrier="DHL", tracking=tracking)],
        actor="user:2 wu",
        idempotency_key=f"k{number}",
    )


def test_an_approved_order_sent_over_there_leaves_our_stock():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    seller.take(later(first, fulfilments=(parcel(1, ("1", "2"), tracking="X1"),)))
    found = Shipment.objects.get()
    assert (found.source, found.external_id, found.tracking_number) == ("platform", "f1", "X1")
    assert seller.order(1).state == "shipped"
    assert seller.buckets("MUG") == (3, 0, 0)
    assert ShipmentGoods.objects.get().cost_value == Decimal("8")
    assert PostingRequest.objects.get().reference == found.reference


def test_a_parcel_of_a_held_order_leaves_stock_and_the_rest_stays_held():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3), buyer_note="urgent")
    seller.take(first)
    seller.take(later(first, fulfilments=(parcel(1, ("1", "2")),)))
    found = seller.order(1)
    assert (found.state, found.hold_code, seller.lines(1)[0].shipped_quantity) == ("held", "keyword", 2)
    assert seller.buckets("MUG") == (3, 1, 0)


def test_an_order_first_seen_sent_is_shipped_without_review():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG"), buyer_note="urgent", fulfilments=(parcel(1, ("1", "1")),)))
    assert seller.order(1).state == "shipped"
    assert seller.findings(1) == []
    assert seller.buckets("MUG") == (4, 0, 0)


def test_the_rest_of_an_order_first_seen_half_sent_is_judged():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG", 3), fulfilments=(parcel(1, ("1", "1")),)))
    assert seller.order(1).state == "partly_shipped"
    assert seller.buckets("MUG") == (4, 0, 2)


def test_goods_sent_without_stock_are_pointed_out_and_never_negative():
    seller = Seller(MUG=1)
    first = order(1, line("MUG", 3))
    seller.take(first)
    seller.take(later(first, fulfilments=(parcel(1, ("1", "3")),)))
    found = seller.order(1)
    assert (found.state, found.hold_code, found.hold_department) == ("shipped", "without_stock", "warehouse")
    assert seller.buckets("MUG") == (0, 0, 0)
    assert ShipmentGoods.objects.get().quantity == 1


def cut_and_sent():
    """An order of three mugs and a lamp: all mugs left over there, and are wanted no more."""
    lines = line("MUG", 0, 1, ordered_quantity=Decimal(3)), line("LAMP", 1, 2)
    return {"lines": lines, "fulfilments": (parcel(1, ("1", "3")),)}


def test_goods_sent_and_cut_in_one_delivery_leave_our_stock_and_a_person_is_told():
    seller = Seller(MUG=5, LAMP=5)
    first = order(1, line("MUG", 3, 1), line("LAMP", 1, 2))
    seller.take(first)
    seller.take(later(first, **cut_and_sent()))
    found = seller.order(1)
    assert (found.hold_code, found.hold_department) == ("shipped_more", "service")
    assert (seller.buckets("MUG"), seller.buckets("LAMP")) == ((2, 0, 0), (5, 0, 1))
    assert [(one.quantity, one.shipped_quantity) for one in seller.lines(1)] == [(0, 3), (1, 0)]
    sale = PostingRequest.objects.get()
    assert sale.total == 0, "they sell nothing, and cost what they cost"


def test_goods_sent_and_cut_before_the_order_was_first_heard_of_leave_our_stock():
    seller = Seller(MUG=5, LAMP=5)
    first = order(1, line("MUG"), total=Decimal(10))
    seller.take(dataclasses.replace(first, **cut_and_sent()))
    assert (seller.buckets("MUG"), seller.buckets("LAMP")) == ((2, 0, 0), (5, 1, 0))
    assert (seller.order(1).state, seller.order(1).hold_code) == ("held", "shipped_more")


def test_a_parcel_of_ours_told_with_other_contents_takes_nothing_twice():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1, Parcel(lines={seller.lines(1)[0].pk: Decimal(2)}))
    cut = line("MUG", 2, ordered_quantity=Decimal(3))
    seller.take(later(first, lines=(cut,), fulfilments=(parcel(1, ("1", "1")), parcel(2, ("1", "1")))))
    assert (seller.buckets("MUG"), Shipment.objects.count()) == ((3, 0, 0), 1)
    assert seller.order(1).hold_code == ""


def test_our_own_parcel_coming_back_is_linked_not_counted_again():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    (mine,) = shipped(seller, 1)
    seller.take(later(first, fulfilments=(parcel(9, ("1", "2"), tracking="T1"),), status=OrderStatus.CLOSED))
    mine.refresh_from_db()
    assert (mine.external_id, Shipment.objects.count()) == ("f9", 1)
    assert seller.buckets("MUG") == (3, 0, 0)


def test_our_parcel_without_tracking_is_known_by_its_contents():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1, Parcel(lines={seller.lines(1)[0].pk: Decimal(1)}))
    seller.take(later(first, fulfilments=(parcel(9, ("1", "1")), parcel(10, ("1", "2")))))
    assert list(Shipment.objects.order_by("pk").values_list("source", "external_id")) == [
        ("desk", "f9"),
        ("platform", "f10"),
    ]
    assert seller.buckets("MUG") == (2, 0, 0)


def test_a_parcel_is_taken_over_once_however_often_it_is_told():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    sent = later(first, fulfilments=(parcel(1, ("1", "1")),))
    seller.take(sent)
    seller.take(later(sent, tags=("again",)))
    assert Shipment.objects.count() == 1
    assert seller.buckets("MUG") == (4, 0, 1)


def test_a_refund_of_goods_not_sent_cuts_them_and_tells_the_books():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    back = refund(1, "10", ("1", "1"), restock=True)
    seller.take(later(first, lines=(line("MUG", 2, ordered_quantity=Decimal(3)),), refunds=(back,)))
    found = Refund.objects.get()
    row = RefundLine.objects.get()
    assert (found.amount, found.goods_back_cost, row.of_shipped, row.restocked) == (Decimal("10"), 0, 0, 0)
    assert seller.order(1).state == "approved"
    assert seller.buckets("MUG") == (5, 0, 2)
    request = PostingRequest.objects.get()
    assert (request.reference, request.kind, request.total) == (found.reference, "refund", Decimal("10"))


def test_a_refund_of_goods_sent_puts_them_back_at_their_cost():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1)
    back = refund(1, "20", ("1", "2"), restock=True)
    seller.take(later(first, payment=PaymentStatus.PARTIALLY_REFUNDED, refunds=(back,)))
    found = Refund.objects.get()
    assert (found.goods_back_cost, RefundLine.objects.get().restocked) == (Decimal("8"), 2)
    assert seller.buckets("MUG") == (4, 0, 0)
    assert seller.order(1).state == "shipped"
    assert OrderEvent.objects.filter(kind="refunded", refund=found).count() == 1


def test_a_refund_without_restock_leaves_the_shelf_alone():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1)
    seller.take(later(first, refunds=(refund(1, "20", ("1", "2")),)))
    assert RefundLine.objects.get().of_shipped == 2
    assert seller.buckets("MUG") == (2, 0, 0)


def test_two_rows_of_one_line_in_a_refund_bring_back_both_pieces():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1)
    one = later(first, refunds=(refund(1, "20", ("1", "1"), ("1", "1"), restock=True),))
    seller.take(one)
    assert seller.buckets("MUG") == (4, 0, 0)
    assert ShipmentGoods.objects.get().returned_quantity == 2
    seller.take(later(one, refunds=(*one.refunds, refund(2, "20", ("1", "2"), restock=True))))
    assert seller.buckets("MUG") == (5, 0, 0)
    assert ShipmentGoods.objects.get().returned_quantity == 3


def test_a_refund_of_shipping_takes_its_tax_back_as_well():
    seller = Seller(MUG=5)
    goods = line("MUG", 1, unit_price=Decimal(12), total=Decimal(12), tax=Decimal(2))
    totals = {"total": Decimal(18), "shipping_total": Decimal(6), "tax_total": Decimal(3), "taxes_included": True}
    first = order(1, goods, **totals)
    seller.take(first)
    shipped(seller, 1)
    row = IncomingRefundLine(line_external_id="1", quantity=Decimal(1), amount=Decimal(12), tax=Decimal(2))
    back = dataclasses.replace(refund(1, "18"), shipping=Decimal(6), tax=Decimal(1), lines=(row,))
    seller.take(later(first, payment=PaymentStatus.REFUNDED, refunds=(back,)))
    assert Refund.objects.get().tax == 3
    assert PostingRequest.objects.get(kind="refund").frozen["facts"]["tax"] == "3"


def test_a_refund_told_twice_is_one_refund_and_never_more_goods_than_left():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    shipped(seller, 1)
    one = later(first, refunds=(refund(1, "20", ("1", "2"), restock=True),))
    seller.take(one)
    seller.take(later(one, refunds=(*one.refunds, refund(2, "10", ("1", "1"), restock=True))))
    assert list(Refund.objects.order_by("pk").values_list("external_id", "goods_back_cost")) == [("r1", 8), ("r2", 0)]
    assert seller.buckets("MUG") == (5, 0, 0)


def test_a_refund_of_a_line_nobody_knows_still_counts_its_money():
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG"), refunds=(refund(1, "5", ("77", "1")),)))
    assert Refund.objects.get().amount == Decimal("5")
    assert not RefundLine.objects.exists()


def test_cancelled_over_there_after_a_part_left_asks_customer_service():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1, Parcel(lines={seller.lines(1)[0].pk: Decimal(1)}))
    seller.take(later(first, status=OrderStatus.CANCELLED))
    found = seller.order(1)
    assert (found.state, found.hold_code, found.hold_department) == ("shipped", "cancelled_late", "service")
    assert seller.buckets("MUG") == (4, 0, 0)


def test_a_cut_below_what_has_left_asks_customer_service():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1)
    seller.take(later(first, lines=(line("MUG", 1, ordered_quantity=Decimal(3)),)))
    assert (seller.order(1).state, seller.order(1).hold_code) == ("shipped", "shipped_more")


def test_more_wanted_after_shipping_is_judged_and_sent_as_the_rest():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 1))
    seller.take(first)
    shipped(seller, 1)
    seller.take(later(first, lines=(line("MUG", 3),)))
    assert seller.order(1).state == "partly_shipped"
    assert seller.buckets("MUG") == (4, 0, 2)


def test_what_a_platform_ships_itself_is_sold_without_our_stock():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 1, platform_fulfilled=True))
    seller.take(first)
    assert seller.order(1).state == "approved"
    seller.take(later(first, fulfilments=(parcel(1, ("1", "1")),)))
    assert seller.order(1).state == "shipped"
    assert seller.buckets("MUG") == (5, 0, 0)
    assert PostingRequest.objects.get().total == Decimal("10")


def test_a_cancelled_order_told_as_sent_is_pointed_out():
    seller = Seller(MUG=5)
    first = order(1, line("MUG"))
    seller.take(first)
    actions.cancel(order_ids=[seller.order(1).pk], actor="user:1 li", reason="x")
    seller.take(later(first, fulfilments=(dataclasses.replace(parcel(1, ("1", "1")), shipped_at=at(1)),)))
    assert (seller.order(1).state, seller.order(1).hold_code) == ("cancelled", "cancelled_late")
    assert seller.buckets("MUG") == (5, 0, 0)


def test_taking_a_parcel_back_of_an_order_cancelled_meanwhile_gives_everything_up():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 2))
    seller.take(first)
    (sent,) = shipped(seller, 1)
    gone = {"status": OrderStatus.CANCELLED, "cancelled_at": at(10), "payment": PaymentStatus.REFUNDED}
    seller.take(later(first, **gone))
    assert (seller.order(1).state, seller.order(1).hold_code) == ("shipped", "cancelled_late")
    shipping.void(shipment_id=sent.pk, actor="user:2 wu")
    assert (seller.order(1).state, seller.order(1).hold_code) == ("cancelled", "")
    assert seller.buckets("MUG") == (5, 0, 0)


def test_an_order_cancelled_and_reopened_after_a_parcel_wants_its_rest_again():
    seller = Seller(MUG=5)
    first = order(1, line("MUG", 3))
    seller.take(first)
    shipped(seller, 1, Parcel(lines={seller.lines(1)[0].pk: Decimal(1)}))
    seller.take(later(first, status=OrderStatus.CANCELLED, cancelled_at=at(10)))
    assert seller.buckets("MUG") == (4, 0, 0)
    seller.take(later(first, 20, status=OrderStatus.OPEN))
    found = seller.order(1)
    assert (found.state, found.hold_code, found.cancelled_at) == ("partly_shipped", "", None)
    assert seller.buckets("MUG") == (4, 0, 2)
