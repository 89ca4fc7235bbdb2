"""Recorded orders through `parse_order`, with exact values; and what cannot be read is refused by name."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from channels.connectors.base import ConnectorConfig, ConnectorError
from channels.connectors.woocommerce import WooCommerceConnector
from orders.contracts import OrderStatus, PaymentStatus, from_json, to_json
from tests.channels.woocommerce.captures import Replay, body_of, capture

D = Decimal


def parser(**options):
    config = ConnectorConfig(account="7", base_url="https://shop.example", credentials={}, options=options)
    return WooCommerceConnector(config, Replay())


def parse(number, refunds="[]", **options):
    return parser(**options).parse_order(b'{"order":' + body_of(number) + b',"refunds":' + refunds.encode() + b"}")


def changed(number="17", refunds=(), **fields):
    order = {**capture(number)["body"], **fields}
    return parser().parse_order(json.dumps({"order": order, "refunds": list(refunds)}).encode())


def refusal(body):
    with pytest.raises(ConnectorError) as caught:
        parser().parse_order(body)
    assert caught.value.permanent
    return caught.value.code, caught.value.message


def test_the_head_of_a_paid_order():
    order = parse("17")
    assert (order.external_id, order.number, order.currency) == ("23", "23", "EUR")
    assert order.placed_at == dt.datetime(2026, 11, 21, 16, 41, 45, tzinfo=dt.UTC)
    assert order.updated_at == order.paid_at == order.placed_at
    assert (order.status, order.payment) == (OrderStatus.OPEN, PaymentStatus.PAID)
    assert (order.total, order.shipping_total, order.tax_total, order.rounding) == (D("48.90"), D("6.00"), D("8.15"), 0)
    assert order.taxes_included
    assert order.buyer_note == "Sonner deux fois 🔔"
    assert order.shipping_method == "Colissimo"
    assert order.url == "https://shop.example/wp-admin/post.php?post=23&action=edit"
    assert order.extra == {"status": "processing", "payment_method": "bacs"}


def test_net_lines_become_the_gross_prices_the_buyer_saw():
    tea, shirt = parse("17").lines
    assert (tea.unit_price, tea.total, tea.tax, tea.discount) == (D("11.50"), D("23.00"), D("3.83"), 0)
    assert (tea.external_id, tea.sku, tea.listing_id, tea.barcode) == ("1", "SKU-001", "12", "4000000000001")
    assert (tea.quantity, tea.ordered_quantity, tea.tax_rate) == (2, 2, D("0.2"))
    assert (shirt.unit_price, shirt.total, shirt.tax) == (D("19.90"), D("19.90"), D("3.32"))
    assert (shirt.sku, shirt.listing_id, shirt.properties) == ("TS-M", "18:20", {"Taille": "M"})


def test_where_prices_are_net_the_lines_stay_net():
    order = changed(prices_include_tax=False)
    assert not order.taxes_included
    assert [(line.unit_price, line.total, line.tax) for line in order.lines] == [
        (D("9.585"), D("19.17"), D("3.83")),
        (D("16.58"), D("16.58"), D("3.32")),
    ]
    assert (order.shipping_total, order.tax_total, order.total, order.rounding) == (D("5.00"), D("8.15"), D("48.90"), 0)


def test_the_addresses_and_the_buyer():
    order = parse("17")
    assert (order.shipping.name, order.shipping.line1, order.shipping.line2) == (
        "Zoé Müller",
        "12 rue de la Paix",
        "Bât. B",
    )
    assert (order.shipping.postcode, order.shipping.city, order.shipping.country) == ("69001", "Lyon", "FR")
    assert (order.shipping.phone, order.billing.phone) == ("+33611111111", "+33600000000")
    assert (order.buyer.name, order.buyer.email, order.buyer.external_id) == ("Zoé Müller", "zoe0@example.test", "")


def test_a_blank_shipping_address_means_the_billing_address():
    blank = dict.fromkeys(capture("17")["body"]["shipping"], "")
    assert changed(shipping=blank).shipping.line1 == "12 rue de la Paix"
    assert changed(shipping=[], billing=[]).shipping is None


@pytest.mark.parametrize(
    ("country", "state", "region"),
    [
        ("CN", "CN12", "浙江省"),
        ("CN", "CN1", "云南省"),
        ("CN", "CN32", "新疆维吾尔自治区"),
        ("CN", "CN33", "CN33"),
        ("CN", "浙江", "浙江"),
        ("DE", "DE-BE", "BE"),
        ("US", "CA", "CA"),
        ("", "", ""),
    ],
)
def test_regions_are_named_as_a_courier_knows_them(country, state, region):
    address = {**capture("17")["body"]["shipping"], "country": country, "state": state}
    assert changed(shipping=address).shipping.region == region


def test_a_fee_is_counted_with_its_tax():
    order = parse("18")
    assert (order.fee_total, order.total, order.rounding) == (D("1.20"), D("50.10"), 0)


def test_a_coupon_is_counted_on_the_lines_whose_cents_add_up():
    order = parse("19")
    assert [(line.discount, line.total) for line in order.lines] == [(D("2.30"), D("20.70")), (D("1.99"), D("17.91"))]
    # The header says 3.57 + 0.71, its coupon line 3.58 + 0.71: the lines decide, and nothing is left over.
    assert (order.discount_total, order.total, order.rounding) == (D("4.29"), D("44.61"), 0)
    assert order.extra["coupons"] == "promo10"


def test_order_equals_lines_plus_shipping_plus_fees_for_every_recorded_order():
    for number in ("17", "18", "19", "21", "44", "47", "59"):
        order = parse(number)
        known = sum((line.total for line in order.lines), order.shipping_total + order.fee_total)
        assert order.total == known + order.rounding
        assert abs(order.rounding) <= D("0.01")


def test_a_refund_before_completion_takes_its_goods_off():
    order = parse("43", refunds=json.dumps(capture("42")["body"]))
    tea = order.lines[0]
    assert (tea.quantity, tea.ordered_quantity, tea.total, tea.tax) == (1, 2, D("11.50"), D("1.91"))
    assert (order.total, order.rounding) == (D("37.40"), 0)
    assert order.payment == PaymentStatus.PARTIALLY_REFUNDED
    (refund,) = order.refunds
    assert (refund.external_id, refund.amount, refund.reason) == ("26", D("13.80"), "Casse")
    assert refund.refunded_at == dt.datetime(2026, 11, 21, 16, 41, 46, tzinfo=dt.UTC)
    (line,) = refund.lines
    assert (line.line_external_id, line.quantity, line.amount, line.restock) == ("1", 1, D("9.58"), True)


def test_it_stays_off_when_the_order_is_completed_later():
    order = parse("44", refunds=json.dumps(capture("42")["body"]))
    assert (order.lines[0].quantity, order.total) == (1, D("37.40"))
    assert order.status == OrderStatus.CLOSED
    (parcel,) = order.fulfilments
    assert (parcel.external_id, parcel.tracking_numbers) == ("23:completed", ("1Z999",))
    assert parcel.lines == (("1", 1), ("2", 1))


def test_a_refund_after_completion_is_a_return_and_leaves_the_line():
    late = [{**capture("42")["body"][0], "date_created_gmt": "2026-11-25T10:00:00"}]
    order = parse("44", refunds=json.dumps(late))
    assert (order.lines[0].quantity, order.total) == (2, D("48.90"))
    assert order.refunds[0].lines[0].quantity == 1


def test_a_refund_of_money_only_touches_no_line():
    order = parse("47", refunds=json.dumps(capture("49")["body"][:1]))
    assert [line.quantity for line in order.lines] == [2, 1]
    assert (order.total, order.refunds[0].amount, order.refunds[0].lines) == (D("50.10"), D("2.00"), ())


def test_refunds_are_known_by_their_sum_when_their_lines_did_not_come():
    (refund,) = parse("43").refunds
    assert (refund.external_id, refund.amount, refund.lines) == ("26", D("13.80"), ())


def test_refunded_shipping_is_taken_off_and_told():
    refund = {**capture("42")["body"][0], "line_items": [], "amount": "6.00"}
    refund["shipping_lines"] = [{"id": 30, "total": "-5.00", "total_tax": "-1.00"}]
    order = changed("17", refunds=[refund])
    assert (order.shipping_total, order.tax_total, order.total, order.rounding) == (0, D("7.15"), D("42.90"), 0)
    assert (order.refunds[0].shipping, order.refunds[0].tax) == (D("6.00"), D("1.00"))


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("pending", OrderStatus.OPEN),
        ("on-hold", OrderStatus.OPEN),
        ("failed", OrderStatus.OPEN),
        ("cancelled", OrderStatus.CANCELLED),
        ("refunded", OrderStatus.CANCELLED),
        ("trash", OrderStatus.DELETED),
        ("completed", OrderStatus.CLOSED),
        ("packed", OrderStatus.OPEN),
    ],
)
def test_statuses(status, meaning):
    order = changed(status=status)
    assert (order.status, order.extra["status"]) == (meaning, status)


def test_a_plugins_status_can_be_given_a_meaning():
    body = json.dumps({"order": {**capture("17")["body"], "status": "shipped"}, "refunds": []}).encode()
    assert parser(statuses={"shipped": "completed"}).parse_order(body).status == OrderStatus.CLOSED


def test_all_money_back_after_completion_is_closed_not_cancelled():
    order = changed("44", status="refunded")
    assert (order.status, order.payment) == (OrderStatus.CLOSED, PaymentStatus.REFUNDED)


@pytest.mark.parametrize(
    ("status", "payment"),
    [("pending", "pending"), ("on-hold", "pending"), ("failed", "pending"), ("processing", "authorized")],
)
def test_payment_of_an_order_without_a_payment_date(status, payment):
    assert changed(status=status, date_paid_gmt=None, date_paid=None).payment == payment


def test_the_trashed_order():
    order = parse("59")
    assert (order.status, order.external_id) == (OrderStatus.DELETED, "24")


def test_a_deleted_product_leaves_an_unresolved_line():
    raw = capture("17")["body"]
    raw["line_items"][0] |= {"product_id": 0, "variation_id": 0, "sku": None, "global_unique_id": ""}
    line = changed(line_items=raw["line_items"]).lines[0]
    assert (line.sku, line.listing_id, line.barcode, line.title) == ("", "", "", "Produit 1 é€")
    assert (line.quantity, line.total) == (2, D("23.00"))


def test_goods_that_need_no_parcel():
    assert [line.requires_shipping for line in changed(needs_processing=False).lines] == [False, False]


def test_meta_fields_are_kept_when_asked_for():
    order = parse("17", meta_fields=["_relay_point"])
    assert order.extra["meta:_relay_point"] == "id=FR-123, carrier=MR"


def test_a_line_made_dearer_by_hand_has_no_negative_discount():
    raw = capture("17")["body"]["line_items"]
    raw[0] |= {"total": "25.00", "total_tax": "5.00"}
    line = changed(line_items=raw).lines[0]
    assert (line.unit_price, line.discount, line.total) == (D("15.00"), 0, D("30.00"))


def test_a_line_of_zero_pieces_keeps_its_exact_price():
    raw = capture("17")["body"]["line_items"]
    raw[0] |= {"quantity": 0, "subtotal": "0.00", "subtotal_tax": "0.00", "total": "0.00", "total_tax": "0.00"}
    line = changed(line_items=raw).lines[0]
    assert (line.quantity, line.unit_price) == (0, D("9.5833335"))


def test_the_same_text_gives_the_same_version_and_survives_storage():
    once, again = parse("19"), parse("19")
    assert to_json(once) == to_json(again)
    assert to_json(from_json(to_json(once))) == to_json(once)


def test_nul_and_broken_characters_in_a_note_become_storable():
    order = changed(customer_note="a\x00b\ud800")
    assert order.buyer_note == "a�b�"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"id": None}, "id is no id"),
        ({"currency": "euro"}, "currency"),
        ({"total": "abc"}, "total is no amount"),
        ({"total": "1e999999999"}, "total is no amount"),
        ({"total": True}, "total is no amount"),
        ({"date_created_gmt": None, "date_modified_gmt": None}, "date_created_gmt is missing"),
        ({"line_items": "x"}, "line_items is no list"),
        ({"line_items": [{"id": 1, "quantity": -2}]}, "quantity is negative"),
        ({"line_items": [{"id": 1, "quantity": None}]}, "quantity is no number"),
        ({"line_items": [{"id": 0, "quantity": 1}]}, "id is no id"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(fields, word):
    body = json.dumps({"order": {**capture("17")["body"], **fields}, "refunds": []}).encode()
    code, message = refusal(body)
    assert code == "bad_order"
    assert word in message


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"order": []}', b'{"order": {"id": 1', b"\xff", b'{"order":{"id":NaN}}']
)
def test_what_is_no_order_is_refused(body):
    assert refusal(body)[0] == "bad_order"


@pytest.mark.parametrize(
    "name", ["line_items", "refunds", "billing", "meta_data", "tax_lines", "coupon_lines", "status"]
)
@pytest.mark.parametrize("value", [None, 0, 1.5, "x", [], {}, [None], [[1]], {"a": 1}, [{"id": {}}], True])
def test_no_kind_of_field_breaks_out(name, value):
    body = json.dumps({"order": {**capture("19")["body"], name: value}, "refunds": []}).encode()
    code = "read"
    try:
        parser().parse_order(body)
    except ConnectorError as error:
        code = error.code
    assert code in {"read", "bad_order"}


def test_a_plugins_own_state_for_sent_brings_a_parcel_though_it_sets_no_date():
    sent = {**capture("17")["body"], "status": "shipped"}
    assert sent["date_completed_gmt"] is None
    found = parser(statuses={"shipped": "completed"}).parse_order(json.dumps({"order": sent, "refunds": []}).encode())
    (parcel,) = found.fulfilments
    assert (found.status, parcel.external_id) == (OrderStatus.CLOSED, f"{found.external_id}:completed")
    assert [quantity for _line, quantity in parcel.lines] == [line.quantity for line in found.lines]
    assert parcel.shipped_at == found.updated_at


def test_what_is_refunded_after_a_completed_order_was_opened_again_is_not_sent():
    again = {**capture("44")["body"], "status": "processing"}
    assert again["date_completed_gmt"]
    late = [{**capture("42")["body"][0], "date_created_gmt": "2026-12-25T10:00:00"}]
    found = parser().parse_order(json.dumps({"order": again, "refunds": late}).encode())
    assert (found.status, found.fulfilments, found.lines[0].quantity) == (OrderStatus.OPEN, (), 1)


def test_a_delivery_address_of_a_country_alone_is_none():
    order = {**capture("17")["body"], "shipping": {"country": "DE"}}
    found = parser().parse_order(json.dumps({"order": order, "refunds": []}).encode())
    assert found.shipping == found.billing
