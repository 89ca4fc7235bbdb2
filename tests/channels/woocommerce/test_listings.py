"""What the store sells and shows: simple products, variations, and what cannot be written to."""

from decimal import Decimal

import pytest

from channels.connectors.base import ConnectorError, StockKey
from tests.channels.woocommerce.captures import Replay
from tests.channels.woocommerce.conftest import connector_to


def listings(woo):
    return {row.external_id: row for page in woo.pull_listings() for row in page.listings}


def key(stock_id):
    return StockKey(listing_id=stock_id, stock_id=stock_id)


def figures(woo, *stock_ids):
    return [row.quantity for row in woo.read_stock([key(stock_id) for stock_id in stock_ids])]


def test_simple_products_and_variations_are_listed_parents_are_not(woo):
    assert list(listings(woo)) == ["12", "13", "14", "18:19", "18:20", "18:21", "30:31"]


def test_a_simple_product(woo, url):
    tea = listings(woo)["12"]
    assert (tea.stock_id, tea.sku, tea.title, tea.parent_id) == ("12", "TEA", "Green tea", "")
    assert (tea.barcode, tea.price, tea.status, tea.quantities) == (
        "4000000000001",
        Decimal("11.50"),
        "active",
        {"": 50},
    )
    assert (tea.stock_managed, tea.not_pushable, tea.url) == (True, "", f"{url}/product/green-tea/")


def test_a_variation(woo):
    shirt = listings(woo)["18:20"]
    assert (shirt.stock_id, shirt.parent_id, shirt.sku) == ("18:20", "18", "TS-M")
    assert (shirt.title, shirt.price, shirt.quantities) == ("T-shirt - M", Decimal("19.90"), {"": 10})


def test_a_variation_that_shows_its_parents_sku_has_none_of_its_own(woo):
    assert listings(woo)["18:21"].sku == ""


def test_where_no_figure_of_its_own_is_kept_it_says_why(woo):
    found = listings(woo)
    card, cup = found["14"], found["30:31"]
    assert (card.stock_managed, card.not_pushable, card.quantities) == (False, "stock_not_managed", {})
    assert (cup.stock_managed, cup.not_pushable, cup.quantities) == (False, "stock_managed_by_parent", {"": 7})


@pytest.mark.parametrize(("status", "meaning"), [("publish", "active"), ("draft", "draft"), ("private", "draft")])
def test_status(status, meaning, store, woo):
    with store.shop.lock:
        store.catalogue.update(store.catalogue.get(12), {"status": status})
        store.catalogue.update(store.catalogue.get(18), {"status": status})
    found = listings(woo)
    assert (found["12"].status, found["18:20"].status) == (meaning, meaning)


def test_grouped_and_external_products_are_not_ours_to_stock(store, woo):
    with store.shop.lock:
        store.catalogue.create({"name": "Set", "type": "grouped"})
        store.catalogue.create({"name": "Elsewhere", "type": "external", "sku": "X"})
    assert len(listings(woo)) == 7


def test_many_products_come_over_pages_with_a_cursor(store, woo):
    with store.shop.lock:
        for number in range(250):
            store.catalogue.create({"name": f"N{number}", "sku": f"N{number}", "regular_price": "1"})
    pages = list(woo.pull_listings())
    assert [len(page.listings) for page in pages] == [102, 100, 55]
    rest = [row.external_id for page in woo.pull_listings(cursor=pages[0].next_cursor) for row in page.listings]
    assert rest == [row.external_id for page in pages[1:] for row in page.listings]


@pytest.mark.parametrize("count", [95, 96, 194, 195, 196])
def test_a_last_page_that_is_just_full_ends_the_walk(count, store, woo):
    with store.shop.lock:
        for number in range(count):
            store.catalogue.create({"name": f"N{number}", "sku": f"N{number}", "regular_price": "1"})
    assert len(listings(woo)) == count + 7


def test_a_last_page_that_vanishes_under_the_walk_was_moved_forward(store, woo):
    with store.shop.lock:
        ids = [store.catalogue.create({"name": f"N{n}", "sku": f"N{n}", "regular_price": "1"})["id"] for n in range(96)]
    seen = set()
    for page in woo.pull_listings():
        if not seen:
            with store.shop.lock:
                store.catalogue.delete(store.catalogue.get(12), force=True)
        seen |= {row.external_id for row in page.listings}
    assert {str(number) for number in ids} <= seen


def test_a_product_deleted_under_the_walk_hides_none_behind_it(store, woo):
    with store.shop.lock:
        ids = [
            store.catalogue.create({"name": f"N{n}", "sku": f"N{n}", "regular_price": "1"})["id"] for n in range(250)
        ]
    seen = set()
    for number, page in enumerate(woo.pull_listings()):
        seen |= {row.external_id for row in page.listings}
        if number == 0:
            with store.shop.lock:
                store.catalogue.delete(store.catalogue.get(ids[0]), force=True)
                store.catalogue.delete(store.catalogue.get(13), force=False)
    assert {str(number) for number in ids[1:]} <= seen


def test_a_cursor_that_is_none_is_refused(woo):
    with pytest.raises(ConnectorError, match="bad_cursor"):
        list(woo.pull_listings(cursor="x|1"))


def test_a_product_of_the_recorded_store():
    http = Replay(("GET", "products", "08"))
    woo = connector_to("https://shop.example", http, None)
    rows = next(iter(woo.pull_listings())).listings
    assert [(row.external_id, row.sku, row.quantities) for row in rows] == [
        ("12", "SKU-001", {"": 51}),
        ("13", "SKU-002", {"": 52}),
        ("14", "SKU-003", {"": 53}),
    ]
    assert (rows[0].price, rows[0].barcode, rows[0].title) == (Decimal("11.50"), "4000000000001", "Produit 1 é€")


def test_the_variations_of_the_recorded_store():
    http = Replay(("GET", "products/18/variations", "09"))
    woo = connector_to("https://shop.example", http, None)
    assert figures(woo, "18:19", "18:20", "18:21", "18:22") == [10, 10, 10, None]


def test_figures_are_read_in_one_call_for_the_simple_and_one_for_each_parent(store, woo):
    assert figures(woo, "18:20", "12", "13", "14", "30:31", "18:19") == [10, 50, 10, None, None, 10]
    assert [call["path"].removeprefix("/wp-json/wc/v3/") for call in store.calls] == [
        "products/18/variations",
        "products",
        "products/30/variations",
    ]


def test_what_is_gone_or_no_id_has_no_figure(store, woo):
    with store.shop.lock:
        store.catalogue.delete(store.catalogue.get(13), force=False)
    assert figures(woo, "13", "99", "99:100", "18:999", "x", "", "1:2:3") == [None] * 7


def test_nothing_asked_nothing_called(store, woo):
    assert woo.read_stock([]) == ()
    assert not store.calls
