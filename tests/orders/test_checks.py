"""The built-in checks, one by one: facts in, findings out, no database."""

import dataclasses
from decimal import Decimal

import pytest

from orders.contracts import Address
from orders.desk import checks, ruleset
from orders.desk.addresses import problems
from orders.desk.facts import Facts, LineFacts
from orders.desk.phones import dialable, masked
from tests.orders.factories import LYON, NOW


def facts(**fields) -> Facts:
    """An order that passes everything."""
    values = {
        "order_id": 1,
        "version_id": 1,
        "shop_id": 1,
        "currency": "EUR",
        "currency_known": True,
        "total": Decimal(10),
        "payment": "paid",
        "placed_at": NOW,
        "address": LYON,
        "phone": LYON.phone,
        "buyer_note": "",
        "seller_note": "",
        "tags": (),
        "test": False,
        "closed": False,
        "lines": [line()],
        "warehouses": (1,),
        **fields,
    }
    return Facts(**values)


def line(**fields) -> LineFacts:
    values = {"line_id": 7, "position": 0, "label": "MUG", "sku_id": 3, "wanted": 1000, "stocked": True, **fields}
    return LineFacts(quantity=values["wanted"], **values)


def codes(order: Facts, *settings) -> list[str]:
    return [one.code for one in ruleset.of(settings).judge(order, NOW)]


def test_a_good_order_has_no_findings():
    assert codes(facts()) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"lines": [line(sku_id=None)]}, "unmatched"),
        ({"lines": [line(bundle=True)]}, "bundle_without_parts"),
        ({"lines": []}, "no_goods"),
        ({"warehouses": ()}, "no_warehouse"),
        ({"closed": True}, "closed"),
        ({"payment": "refunded"}, "refunded"),
        ({"payment": "voided"}, "refunded"),
        ({"currency_known": False}, "currency"),
        ({"total": Decimal(0)}, "total"),
        ({"test": True}, "test_order"),
        ({"duplicate_of": (5, "#5")}, "duplicate"),
        ({"phone": "12"}, "phone"),
        ({"buyer_note": "请加急发货，谢谢"}, "keyword"),
        ({"seller_note": "需要开发票"}, "keyword"),
        ({"buyer_note": "礼品包装"}, "keyword"),
        ({"lines": [line(wanted=1500)]}, "fraction"),
        ({"lines": [line(wanted=1_001_000)]}, "large_quantity"),
        ({"address": None}, "address"),
    ],
)
def test_each_check_finds_its_fault_and_nothing_else(fields, code):
    assert codes(facts(**fields)) == [code]


def test_the_first_finding_names_the_hold_by_importance():
    order = facts(lines=[line(sku_id=None)], buyer_note="urgent", phone="12", test=True)
    assert codes(order) == ["unmatched", "test_order", "phone", "keyword"]


def test_a_check_can_be_switched_off_handed_over_and_set():
    order = facts(buyer_note="urgent, and a red ribbon")
    assert codes(order, ("keyword", False, "desk", {})) == []
    rules = ruleset.of([("keyword", True, "service", {"words": ["red ribbon"]})])
    (found,) = rules.judge(order, NOW)
    assert (found.department, found.data["words"]) == ("service", ["red ribbon"])


def test_what_cannot_be_sent_is_always_checked():
    off = [(code, False, "owner", {}) for code in checks.CHECKS]
    assert codes(facts(lines=[line(sku_id=None)], test=True), *off) == ["unmatched"]


def test_the_name_of_a_rule_set_tells_settings_apart():
    one, other = ruleset.of(), ruleset.of([("keyword", False, "desk", {})])
    assert one.version != other.version
    assert one.version == ruleset.of().version
    assert one.version.startswith("2-")


@pytest.mark.parametrize(
    ("note", "found"),
    [
        ("gifted child", []),
        ("A GIFT for mum", ["gift"]),
        ("Gift-wrap it", ["gift"]),
        ("invoice, please. Urgent!", ["invoice", "urgent"]),
        ("我要发票和加急", ["加急", "发票"]),
        ("", []),
    ],
)
def test_keywords_stand_alone_in_latin_letters(note, found):
    data = list(checks.keyword(facts(buyer_note=note), {}))
    assert (sorted(data[0]["words"]) if data else []) == sorted(found)


def test_a_note_of_a_million_characters_is_searched():
    assert codes(facts(buyer_note="gif " * 250_000)) == []


def test_an_authorised_payment_is_asked_only_where_the_house_wants_it():
    order = facts(payment="authorized")
    assert codes(order) == []
    assert codes(order, ("authorised", True, "finance", {})) == ["authorised"]


def test_a_missing_phone_is_asked_only_where_the_house_wants_it():
    order = facts(phone="")
    assert codes(order) == []
    assert codes(order, ("phone", True, "service", {"required": True})) == ["phone"]


# --- addresses -------------------------------------------------------------------------------------------------------


def address(country, line1="1 Main St", city="Town", region="", postcode="", **fields) -> Address:
    return Address(name="A", line1=line1, city=city, region=region, postcode=postcode, country=country, **fields)


@pytest.mark.parametrize(
    "good",
    [
        address("FR", postcode="69001"),
        address("DE", postcode="50667"),
        address("GB", postcode="LS1 4DY"),
        address("GB", postcode="ls14dy"),
        address("US", region="CA", postcode="95014"),
        address("US", region="california", postcode="95014-1234"),
        address("CN", region="广东"),
        address("CN", region="广东省", postcode="000000"),
        address("CN", region="Guangdong"),
        address("CN", region="CN12"),
        address("JP", city="", region="東京都", postcode="１００-０００１"),
        address("JP", region="Tokyo", postcode="100-0001"),
        address("ES", region="M", postcode="28001"),
        address("CA", region="Quebec", postcode="H2X 1Y4"),
        address("BR", region="SP", postcode="01310-100"),
        address("HK", city="", region="Kowloon"),
        address("IE", city="Dublin"),
        address("AU", region="NSW", postcode="2000"),
        address("US", line1="", masked=True),
    ],
)
def test_addresses_a_parcel_finds(good):
    assert problems(good) == []


@pytest.mark.parametrize(
    ("bad", "field", "code"),
    [
        (address("FR", postcode="6900"), "postcode", "pattern"),
        (address("DE", postcode=""), "postcode", "missing"),
        (address("DE", postcode="N/A"), "postcode", "missing"),
        (address("US", region="CA", postcode="10001"), "postcode", "not_in_region"),
        (address("US", region="Wonderland", postcode="10001"), "region", "unknown_region"),
        (address("US", postcode="10001"), "region", "missing"),
        (address("FR", line1=" ", postcode="69001"), "line1", "missing"),
        (address("FR", city="", postcode="69001"), "city", "missing"),
        (address(""), "country", "missing"),
        (address("QQ"), "country", "unknown_country"),
        (address("ZZ"), "country", "unknown_country"),
        (address("中国"), "country", "unknown_country"),
        (dataclasses.replace(address("FR", postcode="69001"), name=""), "name", "missing"),
        (None, "address", "missing"),
    ],
)
def test_addresses_that_cannot_be_right(bad, field, code):
    assert [(one.field, one.code) for one in problems(bad)] == [(field, code)]


def test_a_wrong_postcode_comes_with_a_right_one():
    (found,) = problems(address("DE", postcode="5066"))
    assert (found.value, found.example) == ("5066", "26133")


def test_nothing_personal_is_quoted_in_a_finding():
    order = facts(address=address("US", line1="", region="CA", postcode="1"))
    text = str([one.data for one in ruleset.of().judge(order, NOW)])
    assert "Main" not in text
    assert "'value': '1'" in text


# --- phones ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+33 6 12 34 56 78", "DE"),
        ("06 12 34 56 78", "FR"),
        ("138 0013 8000", "CN"),
        ("+8613800138000", "US"),
        ("(415) 555-2671", "US"),
        ("0049 171 1234567", "FR"),
        ("+44 20 7946 0018", ""),
        ("+７ 912 345-67-89", "RU"),
        ("+1 415 555 2671 ext. 5", "US"),
    ],
)
def test_numbers_that_can_be_dialled(number, country):
    assert dialable(number, country)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("12345", "CN"),
        ("000", "FR"),
        ("call me", "FR"),
        ("+999 123", "FR"),
        ("+33", "FR"),
        ("0" * 500, "DE"),
        ("+", ""),
    ],
)
def test_numbers_that_cannot(number, country):
    assert not dialable(number, country)


def test_a_masked_number_is_not_judged():
    assert masked("138****8000")
    assert codes(facts(phone="138****8000")) == []
    assert codes(facts(phone="1380013800")) == ["phone"]
