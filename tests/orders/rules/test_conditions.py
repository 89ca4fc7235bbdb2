"""Rows of conditions: what is refused with which sentence, and what each comparison means."""

import datetime as dt
import time
from decimal import Decimal

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from orders.contracts import Address
from orders.desk.rules import conditions, deeds
from orders.desk.rules.comparing import stands_in
from orders.desk.rules.conditions import Unusable
from orders.desk.rules.fields import FIELDS, LINE, OPERATORS, WITHOUT_VALUE
from orders.desk.rules.values import Background, Earlier, OrderValues, SkuFacts
from tests.orders.factories import NOW
from tests.orders.rules.build import group, row
from tests.orders.test_checks import facts, line


def values(background=None, **fields):
    order = facts(**{"base_rate": Decimal("7.5"), **fields})
    return OrderValues(order, background or Background(NOW))


def holds(*groups, join="all", background=None, **fields) -> bool:
    return conditions.read({"join": join, "groups": list(groups)}).hold(values(background, **fields))


def says(*groups) -> list[tuple[str, int, int]]:
    with pytest.raises(Unusable) as refused:
        conditions.read({"groups": list(groups)})
    return [(one.text, one.group, one.row) for one in refused.value.problems]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (row("total", "at_least", 75), True),
        (row("total", "more", "75"), False),
        (row("total", "between", [70, 80]), True),
        (row("total", "between", "70-80"), True),
        (row("total", "equals", 75), True),
        (row("country", "one_of", ["FR", "DE"]), True),
        (row("country", "none_of", ["FR"]), False),
        (row("city", "is", "ＬＹＯＮ"), True),
        (row("city", "contains", "yo"), True),
        (row("postcode", "starts", "69"), True),
        (row("street", "matches", r"^\d+ rue"), True),
        (row("email", "empty"), True),
        (row("buyer_note", "has_word", ["加急", "gift"]), True),
        (row("buyer_note", "has_word", ["wrap"]), False),
        (row("buyer_note", "has_no_word", ["wrap"]), True),
        (row("tags", "has", ["vip"]), True),
        (row("tags", "has_not", ["vip"]), False),
        (row("test", "no"), True),
        (row("hour", "between", "8-17"), True),
        (row("hour", "between", "22-6"), False),
        (row("weekday", "one_of", ["5"]), True),
        (row("lines", "equals", 1), True),
        (row("pieces", "at_least", 1), True),
        (row("age_hours", "less", 1), True),
        (row("address_masked", "yes"), False),
    ],
)
def test_what_a_condition_says_of_an_order(condition, expected, settings):
    settings.TIME_ZONE = "UTC"
    said = {"buyer_note": "Gifted? 请加急", "tags": ("VIP", "eu")}
    assert holds(group(condition), **said) is expected


def test_words_in_latin_letters_stand_alone_and_chinese_ones_need_not():
    assert not holds(group(row("buyer_note", "has_word", ["gift"])), buyer_note="gifted")
    assert holds(group(row("buyer_note", "has_word", ["gift"])), buyer_note="GIFT包装")
    assert holds(group(row("buyer_note", "has_word", ["发票"])), buyer_note="请开发票谢谢")


@given(st.text("gif t_1-包", max_size=12), st.text("gift_1-包", min_size=1, max_size=3))
def test_a_word_stands_alone_as_a_pattern_would_find_it(text, word):
    escaped = re2.escape(word)
    pattern = rf"\b{escaped}\b" if word.isascii() else escaped
    assert stands_in(text, word) is (re2.search(pattern, text) is not None)


def test_groups_ask_the_whole_order_or_its_lines_and_the_rule_says_which():
    lines = [line(label="TEA"), line(label="CUP", wanted=5000)]
    tea, many = row("sku", "is", "tea"), row("quantity", "at_least", 5)
    assert not holds(group(tea, many, of="any_line"), lines=lines)  # no one line is both
    assert holds(group(tea, of="any_line"), group(many, of="any_line"), lines=lines)
    assert holds(group(tea, many, of="any_line", join="any"), lines=lines)
    assert holds(group(row("quantity", "at_least", 1), of="every_line"), lines=lines)
    assert not holds(group(tea, of="every_line"), lines=lines)
    assert holds(group(row("sku", "is", "SOFA"), of="no_line"), lines=lines)
    assert not holds(group(tea, of="every_line"), lines=[])


def test_groups_hold_all_or_any():
    yes, no = group(row("country", "one_of", ["FR"])), group(row("country", "one_of", ["US"]))
    assert not holds(yes, no)
    assert holds(yes, no, join="any")
    assert holds()


def test_a_figure_nobody_knows_fails_every_comparison():
    for op in OPERATORS["number"]:
        asked = row("total", op, [0, 10] if op == "between" else 0)
        assert not holds(group(asked), base_rate=None)


def test_margin_weight_and_goods_come_from_the_catalogue():
    skus = {3: SkuFacts("Tea", "一叶", 250, Decimal(30)), 4: SkuFacts("Cups", "", None, None)}
    seen = Background(NOW, skus=skus)
    told = {"lines": [line(total=Decimal(10))], "background": seen}
    assert holds(group(row("margin_percent", "between", "59-61")), **told)  # 75 - 30 of 75
    assert holds(group(row("weight", "equals", 250)), **told)
    assert holds(group(row("category", "is", "tea"), row("brand", "is", "一叶"), of="any_line"), **told)
    unknown = {"lines": [line(sku_id=4, total=Decimal(10))], "background": seen}
    assert not holds(group(row("margin_percent", "less", 1000)), **unknown)
    assert not holds(group(row("weight", "less", 1000)), **unknown)


def test_stock_is_asked_of_the_shops_own_warehouses():
    free = {(3, 1): 900, (3, 9): 5000}
    assert not holds(group(row("in_stock", "yes", None), of="any_line"), background=Background(NOW, free=free))
    assert holds(group(row("all_in_stock", "yes")), background=Background(NOW, free={(3, 1): 1000}))


def test_history_counts_what_came_before_within_the_days():
    buyer = "b" * 64

    def earlier(pk, days, refunded=False):
        return Earlier(pk, NOW - dt.timedelta(days=days), refunded)

    seen = Background(NOW, earlier={buyer[:32]: [earlier(2, 1), earlier(3, 20, True), earlier(4, 90), earlier(1, 0)]})
    told = {"background": seen, "buyer_hash": buyer}
    assert holds(group(row("buyer_orders", "equals", 2, days=30)), **told)
    assert holds(group(row("buyer_orders", "equals", 1, days=7)), **told)
    assert holds(group(row("buyer_refund_percent", "equals", 50, days=30)), **told)
    assert not holds(group(row("phone_orders", "at_least", 1, days=30)), **told)


def test_public_holidays_are_those_of_the_shops_country():
    chinese_new_year = dt.datetime(2026, 2, 17, 4, 0, tzinfo=dt.UTC)
    told = {"placed_at": chinese_new_year}
    assert holds(group(row("holiday", "yes")), background=Background(NOW, country="CN"), **told)
    assert holds(group(row("holiday", "no")), background=Background(NOW, country="DE"), **told)
    assert holds(group(row("holiday", "no")), background=Background(NOW, country="XX"), **told)


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        (row("gone", "is", "x"), "There is no field “gone” any more."),
        (row("sku", "is", "x"), "belongs to a line"),
        (row("total", "contains", "x"), "cannot be compared like that"),
        (row("total", "at_least", "many"), "“many” is no number."),
        (row("total", "at_least", "nan"), "is no number"),
        (row("total", "between", [9, 1]), "The first figure is larger"),
        (row("total", "between", "9"), "Two figures are needed"),
        (row("city", "is", " "), "A value is missing."),
        (row("city", "is", "x" * 201), "too long"),
        (row("city", "matches", "("), "cannot be used"),
        (row("city", "matches", "(?=x)"), "cannot be used"),
        (row("city", "matches", "x" * 301), "too long"),
        (row("country", "one_of", []), "A value is missing."),
        (row("tags", "has", [str(n) for n in range(501)]), "At most 500 values"),
        (row("hour", "between", "9-25"), "Hours go from 0 to 24."),
        (row("buyer_orders", "at_least", 1), "how many days"),
        (row("buyer_orders", "at_least", 1, days=400), "how many days"),
        ("not a row", "cannot be read"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(condition, part):
    (told,) = says(group(row("country", "one_of", ["FR"]), condition))
    assert part in told[0]
    assert told[1:] == (1, 2)


def test_everything_wrong_is_told_at_once():
    told = says(group(row("total", "at_least", "x")), group(), {"of": "moon", "rows": []})
    assert [(one[1], one[2]) for one in told] == [(1, 1), (2, 0), (3, 0)]


@pytest.mark.parametrize("saved", [None, [], "x", {"groups": "x"}, {"groups": [None]}])
def test_what_is_no_document_is_refused(saved):
    with pytest.raises(Unusable):
        conditions.read(saved)


def test_a_pattern_cannot_explode():
    began = time.monotonic()
    assert not holds(group(row("street", "matches", "(a+)+$")), address=Address(line1="a" * 20_000 + "b", country="FR"))
    assert time.monotonic() - began < 1


def test_every_field_answers_every_comparison():
    given = {"between": [1, 2], "one_of": ["1"], "none_of": ["1"], "has": ["a"], "has_not": ["a"], "matches": "a"}
    for field in FIELDS.values():
        for op in OPERATORS[field.kind]:
            lists = {"has_word": ["a"], "has_no_word": ["a"]}
            value = None if op in WITHOUT_VALUE else {**given, **lists}.get(op, "1")
            asked = row(field.code, op, value, days=30)
            assert holds(group(asked, of="any_line" if field.of == LINE else "order")) in (True, False)


@pytest.mark.parametrize(
    ("saved", "part"),
    [
        ([], "Say what the rule does."),
        ([{"do": "hold", "department": "moon", "reason": "x"}], "Choose the department"),
        ([{"do": "hold", "department": "desk", "reason": ""}], "Say in one sentence"),
        ([{"do": "hold", "department": "desk", "reason": "x", "hours": 9999}], "how many hours"),
        ([{"do": "tag", "marks": []}], "Give one to 10 marks"),
        ([{"do": "priority", "priority": 12}], "1 to 9"),
        ([{"do": "ship_by", "hours": "nan"}], "how many hours"),
        ([{"do": "explode"}], "not known"),
        ([{"do": "approve", "over": ["short_stock"]}], "No rule can let an order pass over that check."),
        ([{"do": "approve"}, {"do": "approve"}], "Each thing can be done once."),
        ([{"do": "approve"}, {"do": "hold", "department": "desk", "reason": "x"}], "cannot hold an order and let"),
    ],
)
def test_what_a_rule_cannot_do_is_refused(saved, part):
    with pytest.raises(Unusable, match=part):
        deeds.read(saved)
