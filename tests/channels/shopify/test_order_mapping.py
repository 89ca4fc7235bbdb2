"""What becomes of an order: amounts as they stand now, edits, refunds, parcels, bundles, and what is refused."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from channels.connectors.base import ConnectorError
from channels.connectors.shopify.line_mapping import share
from channels.connectors.shopify.order_mapping import parse, quantum
from orders.contracts import OrderStatus, PaymentStatus, from_json, to_json
from tests.channels.shopify.conftest import ADDRESS, parsed

BUYER = {"name": "Ann Bell", "email": "ann@example.com", "phone": "+15550001111"}


def balance(order):
    """Lines, shipping, fees, tax (when prices are without it) and rounding: must be the order's total."""
    lines = sum(line.total for line in order.lines)
    return (
        lines
        + order.shipping_total
        + order.fee_total
        + order.rounding
        + (0 if order.taxes_included else order.tax_total)
    )


def test_a_plain_order(shop, connector):
    placed = shop.place_order(
        [{"sku": "TOTE", "quantity": 2, "discount": "4.00"}, {"sku": "MUG"}],
        buyer=BUYER,
        shipping_address=ADDRESS,
        shipping_price="5.00",
        shipping_tax="0.50",
        note="gift wrap, please",
        tags=["vip", "b2b"],
        attributes={"delivery": "evening"},
        discount_code="WELCOME",
    )
    order = parsed(connector, placed)
    assert (order.number, order.currency, order.total) == (placed["name"], "USD", Decimal("69.85"))
    assert (order.shipping_total, order.discount_total, order.tax_total) == (5, 4, Decimal("6.35"))
    assert (order.status, order.payment, order.buyer_note) == (
        OrderStatus.OPEN,
        PaymentStatus.PAID,
        "gift wrap, please",
    )
    assert (order.tags, order.shipping_method) == (("b2b", "vip"), "Standard")
    assert order.extra == {
        "attribute.delivery": "evening",
        "discount_codes": "WELCOME",
        "gateways": "bogus",
        "source": "web",
    }
    assert balance(order) == order.total
    assert order.rounding == 0


def test_its_lines(shop, connector):
    placed = shop.place_order([{"sku": "TOTE", "quantity": 2, "discount": "4.00", "properties": {"engraving": "A.B."}}])
    (line,) = parsed(connector, placed).lines
    variant = next(row for row in shop.store.variants.values() if row["sku"] == "TOTE")
    assert (line.external_id, line.listing_id) == (placed["lines"][0]["id"], variant["id"])
    assert (line.sku, line.title, line.barcode) == ("TOTE", "Tote", "400001")
    assert (line.quantity, line.unit_price, line.discount, line.total) == (2, 24, 4, 44)
    assert (line.tax, line.tax_rate, line.properties) == (Decimal("4.4"), Decimal("0.1"), {"engraving": "A.B."})


def test_buyer_and_address(shop, connector):
    order = parsed(connector, shop.place_order([{"sku": "MUG"}], buyer=BUYER, shipping_address=ADDRESS))
    assert (order.buyer.name, order.buyer.email, order.buyer.phone) == ("Ann Bell", "ann@example.com", "+15550001111")
    shipping = order.shipping
    assert (shipping.line1, shipping.city, shipping.region) == ("221 Oak Avenue", "Portland", "Oregon")
    assert (shipping.postcode, shipping.country, shipping.masked) == ("97205", "US", False)
    assert order.billing == shipping


def test_the_parsed_order_survives_its_canonical_text(shop, connector):
    order = parsed(connector, shop.place_order([{"sku": "MUG"}], buyer=BUYER, shipping_address=ADDRESS))
    assert from_json(to_json(order)) == order


def test_the_same_text_gives_the_same_order(shop, connector):
    raw = connector.pull_order(shop.place_order([{"sku": "MUG"}])["id"])
    assert connector.parse_order(raw.body) == connector.parse_order(raw.body)


def test_prices_with_tax_in_them(shop, connector):
    order = parsed(connector, shop.place_order([{"sku": "MUG", "quantity": 3}], taxes_included=True))
    assert (order.taxes_included, order.total, order.tax_total) == (True, Decimal("43.5"), Decimal("3.95"))
    assert balance(order) == order.total


def test_tips_duties_and_fees_are_in_the_total(shop, connector):
    order = parsed(connector, shop.place_order([{"sku": "MUG"}], tip="2", duties="3", fees="1.50"))
    assert (order.fee_total, order.total) == (Decimal("6.5"), Decimal("22.45"))
    assert order.rounding == 0


# --- edits and refunds -----------------------------------------------------------------------------------------------


def test_a_line_cut_by_an_edit_keeps_only_its_share_of_the_discount(shop, connector):
    placed = shop.place_order([{"sku": "TOTE", "quantity": 4, "discount": "8.00"}])
    shop.edit_order(placed["id"], {"TOTE": 1})
    order = parsed(connector, placed)
    (line,) = order.lines
    assert (line.quantity, line.ordered_quantity, line.discount, line.total) == (1, 4, 2, 22)
    assert (line.tax, order.tax_total, order.discount_total) == (Decimal("2.2"), Decimal("2.2"), 2)
    assert (order.total, order.extra["edited"]) == (Decimal("24.2"), "1")
    assert balance(order) == order.total


def test_a_line_added_by_an_edit_is_there(shop, connector):
    placed = shop.place_order([{"sku": "TOTE"}])
    shop.edit_order(placed["id"], add=[{"sku": "MUG", "quantity": 2}])
    order = parsed(connector, placed)
    assert [(line.sku, line.quantity) for line in order.lines] == [("TOTE", 1), ("MUG", 2)]
    assert balance(order) == order.total == Decimal("58.3")


def test_a_removed_line_stays_with_quantity_zero(shop, connector):
    placed = shop.place_order([{"sku": "TOTE"}, {"sku": "MUG"}])
    shop.edit_order(placed["id"], {"MUG": 0})
    assert [(line.sku, line.quantity) for line in parsed(connector, placed).lines] == [("TOTE", 1), ("MUG", 0)]


def test_a_refund_of_goods_that_had_not_left_takes_them_off(shop, connector):
    placed = shop.place_order([{"sku": "TOTE", "quantity": 3}])
    shop.refund_order(placed["id"], [("TOTE", 2, "CANCEL")], note="changed their mind")
    order = parsed(connector, placed)
    (refund,) = order.refunds
    assert (order.lines[0].quantity, order.total, order.payment) == (
        1,
        Decimal("26.4"),
        PaymentStatus.PARTIALLY_REFUNDED,
    )
    assert (refund.amount, refund.reason) == (Decimal("52.8"), "changed their mind")
    assert [(line.quantity, line.amount, line.tax, line.restock) for line in refund.lines] == [
        (2, 48, Decimal("4.8"), False)
    ]


def test_a_refund_of_goods_that_had_left_leaves_the_order_as_it_was(shop, connector):
    placed = shop.place_order([{"sku": "TOTE", "quantity": 3}])
    shop.fulfil_order(placed["id"])
    shop.refund_order(placed["id"], [("TOTE", 1, "RETURN")])
    order = parsed(connector, placed)
    assert (order.lines[0].quantity, order.total) == (3, Decimal("79.2"))
    assert [(line.quantity, line.restock) for line in order.refunds[0].lines] == [(1, True)]
    assert balance(order) == order.total


def test_shipped_in_part_and_the_rest_refunded(shop, connector):
    placed = shop.place_order([{"sku": "TOTE", "quantity": 3}])
    head = placed["fulfillment_orders"][0]
    with shop.changing() as store:
        from channels.sandbox.shopify import orders

        orders.fulfil(store, placed, [(head, head["lines"][0], 2)], None)
    shop.refund_order(placed["id"], [("TOTE", 1, "CANCEL")])
    order = parsed(connector, placed)
    assert (order.lines[0].quantity, order.total) == (2, Decimal("52.8"))
    assert order.fulfilments[0].lines == ((placed["lines"][0]["id"], Decimal(2)),)


def test_a_refund_of_money_alone_has_no_lines(shop, connector):
    placed = shop.place_order([{"sku": "TOTE"}])
    shop.refund_order(placed["id"], amount="5.00", note="late")
    (refund,) = parsed(connector, placed).refunds
    assert (refund.amount, refund.tax, refund.lines) == (5, 0, ())


def test_refunded_shipping_tells_its_tax(shop, connector):
    placed = shop.place_order([{"sku": "TOTE"}], shipping_price="5.00", shipping_tax="0.50")
    shop.refund_order(placed["id"], shipping="5.00", amount="5.50")
    (refund,) = parsed(connector, placed).refunds
    assert (refund.shipping, refund.tax) == (Decimal("5.5"), Decimal("0.5"))


def test_refunded_shipping_is_named(shop, connector):
    placed = shop.place_order([{"sku": "TOTE"}], shipping_price="5.00")
    shop.refund_order(placed["id"], shipping="5.00")
    order = parsed(connector, placed)
    assert (order.refunds[0].shipping, order.shipping_total) == (5, 0)


def test_a_cancelled_order(shop, connector):
    placed = shop.place_order([{"sku": "TOTE"}])
    shop.cancel_order(placed["id"], reason="FRAUD")
    order = parsed(connector, placed)
    assert (order.status, order.cancel_reason) == (OrderStatus.CANCELLED, "fraud")
    assert order.cancelled_at is not None


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ("AUTHORIZED", "authorized"),
        ("PENDING", "pending"),
        ("VOIDED", "voided"),
        ("EXPIRED", "voided"),
        (None, "pending"),
    ],
)
def test_where_the_money_is(shop, connector, shown, status):
    raw = json.loads(connector.pull_order(shop.place_order([{"sku": "MUG"}])["id"]).body)
    raw["order"]["displayFinancialStatus"] = shown
    assert parse(json.dumps(raw).encode()).payment == status


def test_an_unpaid_order_has_no_time_of_payment_and_a_paid_one_has(shop, connector):
    placed = shop.place_order([{"sku": "MUG"}], paid=False)
    assert parsed(connector, placed).paid_at is None
    shop.pay_order(placed["id"])
    assert parsed(connector, placed).paid_at is not None


# --- goods of special kinds ------------------------------------------------------------------------------------------


def test_a_parcel_that_shopify_knows(shop, connector):
    placed = shop.place_order([{"sku": "MUG", "quantity": 2}])
    shop.fulfil_order(placed["id"], {"company": "SF Express", "number": "SF123", "url": None})
    order = parsed(connector, placed)
    (parcel,) = order.fulfilments
    assert (parcel.carrier, parcel.tracking_numbers) == ("SF Express", ("SF123",))
    assert (order.status, parcel.lines) == (OrderStatus.CLOSED, ((placed["lines"][0]["id"], Decimal(2)),))


def test_components_of_a_bundle_carry_its_name(shop, connector):
    group = {"id": "gid://shopify/LineItemGroup/1", "title": "Picnic set", "quantity": 2, "variantSku": "PICNIC"}
    placed = shop.place_order([{"sku": "TOTE", "group": group}, {"sku": "MUG", "quantity": 2, "group": group}])
    properties = parsed(connector, placed).lines[0].properties
    assert (properties["bundle"], properties["bundle_sku"], properties["bundle_quantity"]) == (
        "Picnic set",
        "PICNIC",
        "2",
    )


def test_goods_that_a_fulfilment_service_ships_are_not_ours(shop, connector):
    from channels.sandbox.shopify.store import add_location

    service = add_location(shop.store, {"name": "3PL", "service": True})
    shop.set_stock("MUG", 10, "3PL")
    placed = shop.place_order([{"sku": "TOTE"}, {"sku": "MUG", "location": service["id"]}])
    assert [line.platform_fulfilled for line in parsed(connector, placed).lines] == [False, True]


def test_unless_the_place_is_named_as_one_of_ours(shop, url):
    from channels.sandbox.shopify.store import add_location
    from tests.channels.shopify.conftest import connect

    service = add_location(shop.store, {"name": "3PL", "service": True})
    shop.set_stock("MUG", 10, "3PL")
    placed = shop.place_order([{"sku": "MUG", "location": service["id"]}])
    assert not parsed(connect(url, own_locations=[service["id"]]), placed).lines[0].platform_fulfilled


def test_the_line_of_a_deleted_product_stays_with_its_sku_and_no_listing(shop, connector):
    placed = shop.place_order([{"sku": "MUG"}])
    shop.delete_variant("MUG")
    (line,) = parsed(connector, placed).lines
    assert (line.sku, line.listing_id, line.quantity) == ("MUG", "", 1)


def test_the_time_to_ship_by_is_the_earliest_of_what_is_open(shop, connector):
    placed = shop.place_order([{"sku": "MUG"}], ship_by="2026-11-23T17:00:00Z")
    assert parsed(connector, placed).ship_by == dt.datetime(2026, 11, 23, 17, tzinfo=dt.UTC)
    shop.fulfil_order(placed["id"])
    assert parsed(connector, placed).ship_by is None


def test_an_order_on_hold_says_so(shop, connector):
    placed = shop.place_order([{"sku": "MUG"}])
    shop.hold_order(placed["id"])
    assert parsed(connector, placed).extra["on_hold"] == "1"


def test_what_the_buyer_saw_in_another_currency_is_kept_beside(shop, connector):
    placed = shop.place_order([{"sku": "TOTE"}], currency_shown="EUR", shown_rate="0.5")
    order = parsed(connector, placed)
    assert (order.currency, order.total, order.extra["presentment_total"]) == ("USD", Decimal("26.4"), "13.2 EUR")


@pytest.mark.parametrize(("advice", "risk"), [("INVESTIGATE", "investigate"), ("NONE", "")])
def test_risk_is_shopifys_advice(shop, connector, advice, risk):
    assert parsed(connector, shop.place_order([{"sku": "MUG"}], risk=advice)).risk == risk


def test_odd_text_comes_through(shop, connector):
    note = "🎁 مرحبا \u202e drawkcab 你好" + "x" * 1_000_000
    order = parsed(connector, shop.place_order([{"sku": "MUG"}], note=note, buyer={"name": "O'Neil <b>"}))
    assert (order.buyer_note, order.buyer.name) == (note, "O'Neil <b>")


def test_a_nul_in_a_note_becomes_a_mark_that_can_be_stored(shop, connector):
    assert parsed(connector, shop.place_order([{"sku": "MUG"}], note="a\x00b")).buyer_note == "a\ufffdb"


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.fixture
def raw(shop, connector):
    """A good raw order to spoil."""
    return json.loads(connector.pull_order(shop.place_order([{"sku": "MUG", "quantity": 2}])["id"]).body)


SPOILT = {
    "quantity negative": (("lineItems", "nodes", 0, "currentQuantity"), -1, "currentQuantity"),
    "quantity fractional": (("lineItems", "nodes", 0, "quantity"), 1.5, "quantity"),
    "quantity huge": (("lineItems", "nodes", 0, "quantity"), 10**9, "quantity"),
    "quantity as text": (("lineItems", "nodes", 0, "unfulfilledQuantity"), "2", "unfulfilledQuantity"),
    "more than ordered": (("lineItems", "nodes", 0, "currentQuantity"), 3, "currentQuantity"),
    "price not a number": (("lineItems", "nodes", 0, "originalUnitPriceSet", "shopMoney", "amount"), "NaN", "amount"),
    "price endless": (("lineItems", "nodes", 0, "originalUnitPriceSet", "shopMoney", "amount"), "9" * 400, "amount"),
    "price negative": (("lineItems", "nodes", 0, "originalUnitPriceSet", "shopMoney", "amount"), "-1", "below zero"),
    "total missing": (("currentTotalPriceSet", "shopMoney"), {"currencyCode": "USD"}, "currentTotalPriceSet"),
    "currency unknown": (("currencyCode",), "us$", "currencyCode"),
    "currency changed": (("currentTotalPriceSet", "shopMoney", "currencyCode"), "EUR", "EUR"),
    "time without zone": (("updatedAt",), "2026-11-01T08:00:00", "updatedAt"),
    "time not a time": (("updatedAt",), "yesterday", "updatedAt"),
    "no id": (("id",), None, "no id"),
    "id of a product": (("id",), "gid://shopify/Product/1", "no id"),
    "status unknown": (("displayFinancialStatus",), "LOANED", "displayFinancialStatus"),
    "lines not a list": (("lineItems", "nodes"), {"a": 1}, "lineItems"),
    "tags not texts": (("tags",), [1], "tags"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_shopify_cannot_mean_is_refused_by_name(raw, name):
    path, value, named = SPOILT[name]
    place = raw["order"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ConnectorError, match=named) as caught:
        parse(json.dumps(raw).encode())
    assert (caught.value.code, caught.value.permanent) == ("bad_order", True)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"order": 1}', b"[" * 100_000, b'{"order": NaN}'])
def test_text_that_is_no_order_is_refused(connector, body):
    with pytest.raises(ConnectorError, match="bad_order") as caught:
        connector.parse_order(body)
    assert caught.value.permanent


def test_a_total_that_nothing_explains_is_shown_as_such(raw):
    raw["order"]["currentTotalPriceSet"]["shopMoney"]["amount"] = "99.99"
    order = parse(json.dumps(raw).encode())
    assert (order.total, order.extra["unexplained"]) == (Decimal("99.99"), "68.09")
    assert balance(order) == order.total


@pytest.mark.parametrize(("currency", "expected"), [("USD", "3.33"), ("JPY", "3"), ("KWD", "3.333")])
def test_shares_are_rounded_as_the_currency_is_counted(currency, expected):
    assert share(Decimal(10), 1, 3, quantum(currency)) == Decimal(expected)
