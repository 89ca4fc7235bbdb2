"""The demo catalogue looks like a real seller's and every number in it holds."""

from decimal import Decimal

from stdnum import ean

from fixtures import catalogue, company, listings, sandboxes


def test_about_three_hundred_skus_with_codes_of_their_own():
    skus = list(catalogue.full().skus())
    assert len(skus) == 296
    assert len({sku.code.casefold() for sku in skus}) == 296


def test_every_barcode_has_its_check_digit_and_belongs_to_one_sku():
    codes = [code for sku in catalogue.full().skus() for code in sku.barcodes]
    codes += [pack.barcode for sku in catalogue.full().skus() for pack in sku.packs]
    assert all(ean.is_valid(code) for code in codes)
    assert len(codes) == len(set(codes))


def test_check_digit_of_the_published_example():
    assert catalogue.check_digit("629104150021") == "3"  # GS1, "How to calculate a check digit"


def test_bundles_are_made_of_stocked_skus_and_cost_what_their_parts_cost():
    skus = catalogue.full().by_code()
    bundles = [sku for sku in skus.values() if sku.kind == "bundle"]
    assert len(bundles) == 15
    assert {skus[code].kind for sku in bundles for code, _ in sku.parts} == {"stocked"}
    matcha = skus["BD-MC01"]
    assert matcha.cost == Decimal("73.70")
    assert matcha.weight_g == 480


def test_names_stand_in_both_languages():
    cup = catalogue.full().by_code()["TW-PM-TQ"]
    assert (cup.name, cup.name_en) == ("品茗杯 天青", "Tasting cup, sky celadon")
    assert (cup.price, cup.price_eur, cup.cost) == (Decimal(26), Decimal("5.90"), Decimal("8.40"))


def test_five_shops_sell_from_three_warehouses_in_two_countries():
    whole = company.full()
    assert [shop.platform for shop in whole.shops] == ["shopify", "woocommerce", "files", "files", "files"]
    assert {place.country for place in whole.warehouses} == {"CN", "DE"}
    assert sum(shop.share for shop in whole.shops) == 1


def test_listings_of_a_shop_never_share_an_id():
    whole = company.full()
    for shop in whole.shops:
        ids = [listings.external_ids(shop.platform, row)[0] for row in listings.of_shop(whole, shop)]
        assert len(ids) == len(set(ids)) > 150


def test_staff_typed_some_codes_in_their_own_way_and_some_listings_are_nobodys():
    whole = company.full()
    rows = listings.of_shop(whole, whole.shop("taobao"))
    assert [row.sku for row in rows if not row.matches] == ["TW-GW-150-XX", "qw-fudai"]
    assert any(row.sku != row.matches for row in rows if row.matches)


def test_tiny_company_is_closed_in_itself():
    small = company.tiny()
    codes = set(small.catalogue.by_code())
    assert len(codes) == 27
    assert {code for sku in small.catalogue.skus() for code, _ in sku.parts} <= codes
    assert {name for shop in small.shops for name in shop.warehouses} <= {place.code for place in small.warehouses}


def test_the_sandbox_shops_offer_exactly_what_the_demo_lists():
    whole = company.full()
    shopify = {v["id"] for product in sandboxes.shopify_seed()["products"] for v in product["variants"]}
    assert shopify == _ids(whole, "shopify-eu")
    woo = {
        f"{product['id']}:{row['id']}" if row is not product else str(product["id"])
        for product in sandboxes.woocommerce_seed()["products"]
        for row in product.get("variations") or [product]
    }
    assert woo == _ids(whole, "woo-cn")


def _ids(whole, code):
    shop = whole.shop(code)
    return {listings.external_ids(shop.platform, row)[0] for row in listings.of_shop(whole, shop)}
