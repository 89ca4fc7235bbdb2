"""Many rules over one order: order of trial, stop, dry, validity, scope, and the index that leaves most untried."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.desk.rules import book, why
from orders.desk.rules.values import Background, OrderValues, SkuFacts
from tests.orders.factories import NOW
from tests.orders.rules.build import HOLD, group, row
from tests.orders.test_checks import facts, line


def document(number: int, *groups, deeds=(HOLD,), **fields) -> dict:
    conditions = {"join": fields.pop("join", "all"), "groups": list(groups)}
    return {
        "id": number,
        "name": f"R{number}",
        "place": number,
        "conditions": conditions,
        "deeds": list(deeds),
        **fields,
    }


def asked(**fields) -> OrderValues:
    skus = {3: SkuFacts(category="茶叶")}
    return OrderValues(facts(**{"base_rate": Decimal(1), **fields}), Background(NOW, skus=skus))


def run(*documents, moment=NOW, **fields):
    return book.book_of(documents).run(asked(**fields), moment)


FRENCH, APPROVE = group(row("country", "one_of", ["FR"])), {"do": "approve"}


def test_the_first_that_holds_or_lets_pass_decides_between_the_two():
    assert run(document(1, deeds=[APPROVE]), document(2)).holds == []
    said = run(document(1), document(2, deeds=[APPROVE]))
    assert (said.passed_by, [one.rule for one in said.holds]) == (None, [1])


def test_rules_are_tried_by_their_place():
    first, second = document(1, deeds=[APPROVE], place=50), document(2, place=10)
    assert [one.rule for one in run(first, second).holds] == [2]


def test_all_that_hold_are_named():
    assert [(one.name, one.department) for one in run(document(1), document(2)).holds] == [
        ("R1", "service"),
        ("R2", "service"),
    ]


def test_a_rule_may_be_the_last_one():
    assert run(document(1, stop=True), document(2)).matched == [1]
    assert run(document(1, group(row("country", "one_of", ["US"])), stop=True), document(2)).matched == [2]


def test_a_rule_that_is_tried_out_does_nothing_and_stops_nothing():
    said = run(document(1, dry=True, stop=True), document(2, deeds=[{"do": "tag", "marks": ["vip"]}]))
    assert (said.tried_out, said.matched, said.holds, said.marks) == ([1], [2], [], ["vip"])


def test_marks_add_up_the_highest_priority_and_the_earliest_date_win():
    said = run(
        document(1, deeds=[{"do": "tag", "marks": "礼品, vip"}, {"do": "priority", "priority": 3}]),
        document(2, deeds=[{"do": "tag", "marks": ["vip", "x"]}, {"do": "ship_by", "hours": 48}]),
        document(3, deeds=[{"do": "priority", "priority": "7"}, {"do": "ship_by", "hours": 24}]),
    )
    assert (said.marks, said.priority, said.hours) == (["礼品", "vip", "x"], 7, 24.0)


@pytest.mark.parametrize(
    ("fields", "matched"),
    [
        ({"shops": [1]}, True),
        ({"shops": [2]}, False),
        ({"countries": ["FR", "DE"]}, True),
        ({"countries": ["US"]}, False),
        ({"categories": ["茶叶"]}, True),
        ({"categories": ["杯"]}, False),
        ({"since": (NOW + dt.timedelta(hours=1)).isoformat()}, False),
        ({"since": NOW.isoformat(), "until": (NOW + dt.timedelta(hours=1)).isoformat()}, True),
        ({"until": NOW.isoformat()}, False),
    ],
)
def test_a_rule_is_for_its_shops_countries_goods_and_time(fields, matched):
    assert bool(run(document(1, **fields)).matched) is matched


def test_a_rule_whose_field_is_gone_is_left_out_and_named():
    made = book.book_of([document(1, group(row("moon", "is", "x"))), document(2)])
    assert [rule.id for rule in made.rules] == [2]
    assert [(one.rule, one.name, one.problems[0].text) for one in made.broken] == [
        (1, "R1", "There is no field “moon” any more.")
    ]


SELECTIVE = [
    group(row("country", "one_of", ["US", "CA"])),
    group(row("city", "is", "Paris")),
    group(row("tags", "has", ["b2b"])),
    group(row("buyer_note", "has_word", ["发票"])),
    group(row("sku", "one_of", ["SOFA"]), of="any_line"),
    group(row("shop", "one_of", ["9"])),
    group(row("pieces", "more", 10_000)),
    group(row("pieces", "less", 0.5)),
    group(row("quantity", "between", [900, 1000]), of="any_line"),
    group(row("quantity", "at_most", 0.25), of="any_line"),
    group(row("test", "yes")),
]


@pytest.mark.parametrize("selective", SELECTIVE)
def test_a_rule_whose_necessary_condition_fails_is_not_tried(selective):
    rules = book.book_of([document(1, selective, group(row("weight", "more", 0)))])
    assert rules.candidates(asked()) == []


def test_a_rule_with_many_words_is_found_by_one_of_them():
    many = group(row("buyer_note", "has_word", [f"word{number}" for number in range(400)]))
    rules = book.book_of([document(1, many)])
    assert rules.candidates(asked(buyer_note="nothing of that")) == []
    assert [rule.id for rule in rules.candidates(asked(buyer_note="word399 please"))] == [1]


@pytest.mark.parametrize(
    "conditions",
    [
        {"groups": [SELECTIVE[0], FRENCH], "join": "any"},
        {"groups": [group(row("country", "one_of", ["US"]), row("total", "more", 0), join="any")]},
        {"groups": [group(row("sku", "is", "SOFA"), of="no_line")]},
    ],
)
def test_what_is_not_necessary_is_no_index(conditions):
    rules = book.book_of([{**document(1), "conditions": conditions}])
    assert rules.run(asked(), NOW).matched == [1]


pieces = st.one_of(
    st.sampled_from(SELECTIVE),
    st.sampled_from(
        [FRENCH, group(row("total", "at_least", 5)), group(row("title", "empty"), of="every_line"),
         group(row("country", "one_of", ["US"]), row("tags", "has", ["vip"]), join="any"),
         group(row("sku", "is", "MUG"), of="any_line"), group(row("buyer_note", "has_word", ["gift"]))]
    ),
)  # fmt: skip
documents = st.lists(
    st.tuples(st.lists(pieces, max_size=3), st.sampled_from(["all", "any"]), st.booleans()), max_size=8
)


@given(documents, st.sampled_from(["FR", "US"]), st.sampled_from(["", "gift 发票"]), st.sampled_from(["MUG", "SOFA"]))
def test_the_index_never_changes_what_matches(drawn, country, note, code):
    made = book.book_of(
        document(number, *groups, join=join, **({"countries": ["US"]} if scoped else {}))
        for number, (groups, join, scoped) in enumerate(drawn, 1)
    )
    from tests.orders.test_checks import address

    order = asked(address=address(country), buyer_note=note, lines=[line(label=code)], tags=("vip",))
    plainly = [rule.id for rule in made.rules if rule.in_force(NOW) and rule.matches(order)]
    assert made.run(order, NOW).matched == plainly


def test_why_names_the_condition_that_failed():
    rule = book.read(document(1, FRENCH, group(row("total", "more", 100), row("city", "is", "Lyon"))))
    told = why.why(rule, asked(), NOW)
    assert (told.matched, told.out_of_scope, told.out_of_time) == (False, False, False)
    assert [
        (of, holds, [(one.row.field.code, one.holds, one.found) for one in rows]) for of, holds, rows in told.groups
    ] == [
        ("order", True, [("country", True, "FR")]),
        ("order", False, [("total", False, "10"), ("city", True, "lyon")]),
    ]


def test_why_shows_the_line_that_decided():
    lines = [line(label="TEA"), line(label="CUP", wanted=5000)]
    rule = book.read(document(1, group(row("quantity", "at_least", 5), of="any_line")))
    (group_,) = why.why(rule, asked(lines=lines), NOW).groups
    assert [(one.holds, one.found) for one in group_[2]] == [(True, "5")]
