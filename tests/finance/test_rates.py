"""The rate of a day, many in one query, and who may set them."""

import datetime as dt
from decimal import Decimal as D

import pytest
from django.db import DatabaseError, transaction

from backoffice.models import AuditEntry
from finance import currencies, ratebook, rates
from finance.errors import MissingRate, UnknownCurrency
from finance.models import Currency, ExchangeRate
from tests.finance.factories import DAY, rate

pytestmark = pytest.mark.django_db


def day(number):
    return dt.date(2026, 11, number)


def test_the_base_currency_is_worth_one_and_needs_no_rate():
    assert rates.rate("CNY", DAY) == 1


def test_a_weekend_takes_fridays_rate_and_monday_its_own():
    rate(value="7.1", on=day(6))
    rate(value="7.2", on=day(9))
    assert [rates.rate("USD", day(n)) for n in (6, 7, 8, 9, 30)] == [D("7.1"), D("7.1"), D("7.1"), D("7.2"), D("7.2")]


def test_a_day_before_the_first_rate_has_none_and_says_which():
    rate(on=day(6))
    with pytest.raises(MissingRate, match="USD 2026-11-05") as caught:
        rates.rate("USD", day(5))
    assert (caught.value.code, caught.value.retryable) == ("missing_rate", True)


def test_of_one_day_a_rate_by_hand_wins_then_the_newest():
    rate(value="7.1", source="ecb")
    assert rates.rate("USD", DAY) == D("7.1")
    rate(value="7.3", source="hand")
    rate(value="7.2", source="ecb")
    assert rates.rate("USD", DAY) == D("7.3")
    rate(value="7.4", source="hand")
    assert rates.rate("USD", DAY) == D("7.4")


def test_a_newer_published_day_wins_over_an_older_one_by_hand():
    rate(value="7.3", on=day(6), source="hand")
    rate(value="7.1", on=day(9), source="ecb")
    assert rates.rate("USD", day(10)) == D("7.1")


def test_many_rates_are_read_in_one_query(django_assert_num_queries):
    for number, value in ((1, "7.0"), (5, "7.1"), (9, "7.2")):
        rate(value=value, on=day(number))
    rate("JPY", "0.05", on=day(3))
    wanted = {("USD", day(4)), ("USD", day(9)), ("JPY", day(2)), ("JPY", day(20)), ("CNY", day(1)), ("EUR", day(1))}
    with django_assert_num_queries(1):
        found = rates.rates_for(wanted)
    assert found == {
        ("USD", day(4)): D("7.0"),
        ("USD", day(9)): D("7.2"),
        ("JPY", day(20)): D("0.05"),
        ("CNY", day(1)): D(1),
    }


def test_rates_recorded_for_another_base_currency_are_not_read(settings):
    rate()
    settings.BASE_CURRENCY = "EUR"
    assert rates.rates_for({("USD", DAY)}) == {}


@pytest.mark.parametrize(("base", "amount", "expected"), [("CNY", "9.99", "70.93"), ("JPY", "9.99", "71")])
def test_an_amount_in_base_currency_has_the_coins_of_the_base(settings, base, amount, expected):
    settings.BASE_CURRENCY = base
    ExchangeRate.objects.create(currency_id="USD", on=DAY, rate=D("7.1"), base=base, recorded_at="2026-11-10T00:00Z")
    assert str(rates.to_base(D(amount), "USD", DAY)) == expected


def test_iso_currencies_are_there_with_their_coins_and_names_in_both_languages():
    found = {code: Currency.objects.get(code=code) for code in ("CNY", "JPY", "KWD", "CLF", "USD")}
    assert {code: row.places for code, row in found.items()} == {"CNY": 2, "JPY": 0, "KWD": 3, "CLF": 4, "USD": 2}
    assert (found["JPY"].name, found["JPY"].name_en) == ("日元", "Yen")
    assert not Currency.objects.filter(code__in=["XAU", "XXX", "XTS"]).exists()


def test_seeding_again_keeps_what_a_person_changed():
    Currency.objects.filter(code="CNY").update(name="元")
    Currency.objects.filter(code="JPY").delete()
    assert currencies.seed_currencies() == 1
    assert Currency.objects.get(code="CNY").name == "元"


def test_a_rate_by_hand_is_kept_with_an_audit_entry():
    row = ratebook.set_rate(currency="USD", on=DAY, rate=D("7.1234567891"))
    assert (row.rate, row.source, row.base) == (D("7.1234567891"), "hand", "CNY")
    entry = AuditEntry.objects.get(action="books.rate")
    assert entry.after == {"currency": "USD", "on": "2026-11-10", "rate": "7.1234567891"}


def test_a_rate_of_an_unknown_currency_is_refused():
    with pytest.raises(UnknownCurrency, match="“QQQ” is not a known currency"):
        ratebook.set_rate(currency="QQQ", on=DAY, rate=D(1))
    assert not ExchangeRate.objects.exists()


@pytest.mark.parametrize("change", [{"rate": D(2)}, {"on": day(1)}])
def test_a_kept_rate_is_never_changed_or_deleted(change):
    row = rate()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ExchangeRate.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ExchangeRate.objects.filter(pk=row.pk).delete()
    assert ExchangeRate.objects.get().rate == D("7.1")


def test_zero_is_no_rate():
    with pytest.raises(DatabaseError, match="rate_positive"), transaction.atomic():
        rate(value="0")
