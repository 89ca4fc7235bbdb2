"""Locations and listings as the shop shows them, and the figures read back."""

import pytest

from backoffice.practice.server import running
from channels.connectors.base import ConnectorError, StockKey
from channels.connectors.shopify import listings as reading
from channels.sandbox.shopify.store import add_location
from tests.channels.shopify.conftest import SEED, connect, keys_of, open_shop


def places(connector):
    return {location.name: location.external_id for location in connector.list_locations()}


def test_locations_come_with_closed_ones_and_those_of_services(shop, connector):
    add_location(shop.store, {"name": "Old", "active": False})
    add_location(shop.store, {"name": "3PL", "service": True, "fulfils_online": False, "country": "GB"})
    got = {location.name: location for location in connector.list_locations()}
    assert set(got) == {"Main", "Berlin", "Old", "3PL"}
    assert (got["Old"].active, got["3PL"].fulfils_orders, got["3PL"].country) == (False, False, "GB")


def test_a_listing_has_its_ids_codes_price_and_figure_per_location(connector):
    tote, where = keys_of(connector)["TOTE"], places(connector)
    assert tote.external_id.startswith("gid://shopify/ProductVariant/")
    assert tote.stock_id.startswith("gid://shopify/InventoryItem/")
    assert (tote.title, tote.barcode, str(tote.price), tote.status) == ("Tote", "400001", "24.0", "active")
    assert tote.quantities == {where["Main"]: 30, where["Berlin"]: 5}
    assert (tote.stock_managed, tote.not_pushable) == (True, "")


def test_a_variant_is_named_with_its_product(shop, connector):
    shop.add_product({"title": "Shirt", "variants": [{"title": "Red / S", "sku": "SHIRT-RS", "price": "9"}]})
    assert keys_of(connector)["SHIRT-RS"].title == "Shirt – Red / S"


@pytest.mark.parametrize(
    ("product", "barrier", "managed"),
    [
        ({"tracked": False}, "stock_not_managed", False),
        ({"bundle": True}, "bundle_parent", True),
        ({"gift_card": True}, "gift_card", True),
    ],
)
def test_what_cannot_be_pushed_says_why(shop, connector, product, barrier, managed):
    shop.add_product({"title": "Odd", "sku": "ODD", "price": "1", **product})
    odd = keys_of(connector)["ODD"]
    assert (odd.not_pushable, odd.stock_managed) == (barrier, managed)


@pytest.mark.parametrize(
    ("theirs", "ours"), [("DRAFT", "draft"), ("ARCHIVED", "archived"), ("UNLISTED", "active"), ("ACTIVE", "active")]
)
def test_the_products_status_is_the_listings(shop, connector, theirs, ours):
    shop.add_product({"title": "Odd", "sku": "ODD", "price": "1", "status": theirs})
    assert keys_of(connector)["ODD"].status == ours


def test_listings_without_sku_or_barcode_come_too(shop, connector):
    shop.add_product({"title": "Nameless", "price": "1"})
    assert keys_of(connector)[""].title == "Nameless"


def test_a_listing_stocked_in_many_places_shows_them_all(shop, connector):
    for index in range(12):
        add_location(shop.store, {"name": f"Pop-up {index}"})
        shop.set_stock("MUG", index, f"Pop-up {index}")
    assert sorted(keys_of(connector)["MUG"].quantities.values()) == sorted([12, *range(12)])


def test_beyond_twenty_thousand_rows_the_walk_starts_anew_after_the_last_id(shop, url, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_PER_WALK", 4)
    monkeypatch.setattr(reading, "PAGE", 2)
    for index in range(8):
        shop.add_product({"title": f"P{index}", "sku": f"P{index}", "price": "1"})
    pages = list(connect(url).pull_listings())
    assert [listing.sku for page in pages for listing in page.listings] == [
        "TOTE", "MUG", "CANDLE", *(f"P{index}" for index in range(8))
    ]  # fmt: skip


def test_a_walk_over_listings_goes_on_from_its_cursor(url, monkeypatch):
    monkeypatch.setattr(reading, "PAGE", 1)
    connector = connect(url)
    first = next(connector.pull_listings())
    rest = [listing.sku for page in connector.pull_listings(cursor=first.next_cursor) for listing in page.listings]
    assert [first.listings[0].sku, *rest] == ["TOTE", "MUG", "CANDLE"]


def test_a_cursor_that_is_not_ours_is_refused(connector):
    with pytest.raises(ConnectorError, match="bad_cursor"):
        next(connector.pull_listings(cursor="page 2"))


def test_the_figures_read_are_those_of_each_place_and_none_where_not_stocked(shop, connector):
    got, where = keys_of(connector), places(connector)
    wanted = [("MUG", "Berlin"), ("TOTE", "Berlin"), ("MUG", "Main"), ("TOTE", "Main")]
    keys = [StockKey(listing_id="", stock_id=got[sku].stock_id, location_id=where[place]) for sku, place in wanted]
    shown = connector.read_stock(keys)
    assert [stock.quantity for stock in shown] == [None, 5, 12, 30]
    assert [stock.key for stock in shown] == keys
    assert shown[1].updated_at is not None


def test_what_is_gone_or_never_was_shows_none(shop, connector):
    mug, where = keys_of(connector)["MUG"], places(connector)
    shop.delete_variant("MUG")
    ids = [mug.stock_id, "gid://shopify/InventoryItem/404", "12", ""]
    keys = [StockKey(listing_id="", stock_id=id_, location_id=where["Main"]) for id_ in ids]
    assert [stock.quantity for stock in connector.read_stock(keys)] == [None] * 4


def test_who_answers_and_what_is_missing():
    shop = open_shop({**SEED, "scopes": ["write_orders", "read_products", "read_locations", "write_inventory"]})
    with running(shop) as url:
        identity = connect(url).test_connection()
    shop.close()
    assert (identity.external_id, identity.name) == ("harbour-hill.myshopify.com", "Harbour & Hill")
    assert (identity.currency, identity.timezone, identity.country) == ("USD", "America/New_York", "US")
    assert identity.missing_permissions == (
        "read_merchant_managed_fulfillment_orders",
        "write_merchant_managed_fulfillment_orders",
    )
    assert len(identity.warnings) == 2
    assert identity.server_time is not None


def test_a_shop_with_every_scope_misses_nothing(connector):
    identity = connector.test_connection()
    assert (identity.missing_permissions, identity.warnings) == ((), ())
