"""The ECB's file: read, converted to the base currency, previewed, kept once, and fetched only from where it should."""

import datetime as dt
from decimal import Decimal as D
from urllib.parse import urlsplit

import pytest

from backoffice.models import AuditEntry
from finance import ecb, ratebook, rates
from finance.errors import BadRates
from finance.models import ExchangeRate

HEAD = (
    "<?xml version='1.0' encoding='UTF-8'?><gesmes:Envelope xmlns:gesmes='http://www.gesmes.org/xml/2002-08-01' "
    "xmlns='http://www.ecb.int/vocabulary/2002-08-01/eurofxref'><gesmes:subject>Reference rates</gesmes:subject><Cube>"
)
FRIDAY, MONDAY = dt.date(2026, 11, 6), dt.date(2026, 11, 9)


def day(on="2026-11-06", **per_euro):
    cubes = "".join(f"<Cube currency='{code}' rate='{rate}'/>" for code, rate in per_euro.items())
    return f"<Cube time='{on}'>{cubes}</Cube>"


def file(*days):
    return (HEAD + "".join(days) + "</Cube></gesmes:Envelope>").encode()


DAILY = file(day(USD="1.25", CNY="8.0", JPY="160", GBP="0.8"))


def test_rates_to_the_euro_become_rates_to_the_base_currency():
    found = {rate.currency: rate.rate for rate in ecb.read(DAILY, "CNY")}
    assert found == {"EUR": D(8), "USD": D("6.4"), "JPY": D("0.05"), "GBP": D(10)}


def test_a_cross_rate_is_rounded_to_ten_places():
    [usd] = [rate for rate in ecb.read(file(day(USD="1.0867", CNY="7.8913")), "CNY") if rate.currency == "USD"]
    assert usd.rate == D("7.2617097635")


def test_books_in_euro_take_the_inverse():
    assert ecb.read(DAILY, "EUR")[-1] == ecb.BaseRate("USD", FRIDAY, D("0.8"))


def test_a_file_of_many_days_is_read_oldest_first():
    found = ecb.read(file(day("2026-11-09", CNY="8"), day("2026-11-06", CNY="7.5")), "CNY")
    assert found == [ecb.BaseRate("EUR", FRIDAY, D("7.5")), ecb.BaseRate("EUR", MONDAY, D(8))]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not readable XML"),
        (b"<html>Down for maintenance</html>", "holds no dated rates"),
        (file(), "holds no dated rates"),
        (b"date,USD\n2026-11-06,1.1", "not readable XML"),
        (file(day("06.11.2026", CNY="8")), "“06.11.2026” is not a date"),
        (file(day(USD="1.25")), "no rate for the base currency on 2026-11-06"),
        (file(day(CNY="8", USD="N/A")), "“USD N/A” is not a rate"),
        (file(day(CNY="8", USD="0")), "“USD 0” is not a rate"),
        (file(day(CNY="8", USD="-1")), "“USD -1” is not a rate"),
        (file(day(CNY="8", USD="NaN")), "“USD NaN” is not a rate"),
        (file(day(CNY="8", USD="1e99")), "rate of USD is too small or too large"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + DAILY.split(b"?>")[1], "not readable XML"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "not readable XML"),
        (b" " * (ecb.MOST_BYTES + 1), "larger than 8 MB"),
    ],
)
@pytest.mark.django_db
def test_a_bad_file_is_refused_with_its_reason_and_nothing_is_kept(data, sentence):
    with pytest.raises(BadRates, match=sentence):
        ratebook.import_rates(data=data)
    assert not ExchangeRate.objects.exists()


@pytest.mark.django_db
def test_a_preview_writes_nothing_and_says_what_is_new_changed_and_unknown():
    ratebook.import_rates(data=DAILY)
    steps = ratebook.preview(file(day(USD="1.25", CNY="8.0", JPY="100", QQQ="3")))
    told = {step.currency: (step.rate, step.before, step.adds) for step in steps}
    assert told == {
        "EUR": (D(8), D(8), False),
        "USD": (D("6.4"), D("6.4"), False),
        "JPY": (D("0.08"), D("0.05"), True),
        "QQQ": (D("2.6666666667"), None, False),
    }
    assert ExchangeRate.objects.count() == 4


@pytest.mark.django_db
def test_an_import_is_kept_once_and_audited():
    ratebook.import_rates(data=DAILY)
    ratebook.import_rates(data=DAILY)
    assert rates.rate("USD", MONDAY) == D("6.4")
    assert ExchangeRate.objects.count() == 4
    [entry] = AuditEntry.objects.filter(action="books.import_rates")
    assert entry.after == {"rates": 4, "from": "2026-11-06", "to": "2026-11-06"}


@pytest.mark.django_db
def test_a_corrected_file_adds_the_new_figure_and_keeps_the_old_one_as_history():
    ratebook.import_rates(data=DAILY)
    ratebook.import_rates(data=file(day(USD="1.28", CNY="8.0")))
    assert rates.rate("USD", FRIDAY) == D("6.25")
    assert list(ExchangeRate.objects.filter(currency="USD").order_by("id").values_list("rate", flat=True)) == [
        D("6.4"),
        D("6.25"),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
        "https://www.ecb.europa.eu:8443/x",
        "https://user@www.ecb.europa.eu/x",
        "https://www.ecb.europa.eu.evil.test/x",
        "https://127.0.0.1/x",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "ftp://www.ecb.europa.eu/x",
        "nonsense",
    ],
)
def test_nothing_but_the_ecb_over_https_is_fetched(url):
    with pytest.raises(BadRates, match="only fetched from www.ecb.europa.eu"):
        ecb.fetch(url)


@pytest.fixture
def house(httpserver, settings):
    """A server of rates on this machine that the operator has allowed by name."""
    settings.EGRESS_ALLOW = [urlsplit(httpserver.url_for("/")).netloc]
    settings.ECB_URL, settings.ECB_RATES = httpserver.url_for("/rates.xml"), True
    return httpserver


@pytest.mark.django_db
def test_rates_are_fetched_and_kept(house):
    house.expect_request("/rates.xml").respond_with_data(DAILY, content_type="text/xml")
    assert len(ratebook.fetch_and_import()) == 4
    assert rates.rate("EUR", FRIDAY) == D(8)


@pytest.mark.parametrize(
    ("status", "headers", "sentence"),
    [(503, {}, "status 503"), (302, {"Location": "http://169.254.169.254/"}, "status 302"), (404, {}, "status 404")],
)
def test_another_answer_than_a_file_is_an_error_and_no_redirect_is_followed(house, status, headers, sentence):
    house.expect_request("/rates.xml").respond_with_data(b"", status=status, headers=headers)
    with pytest.raises(BadRates, match=sentence):
        ecb.fetch()


def test_an_endless_answer_is_cut_off(house):
    house.expect_request("/rates.xml").respond_with_data(b"x" * (ecb.MOST_BYTES + 70_000))
    with pytest.raises(BadRates, match="too large or too slow"):
        ecb.fetch()


def test_a_dead_address_is_an_error_without_its_details(settings):
    settings.EGRESS_ALLOW, settings.ECB_URL = ["127.0.0.1:9"], "http://127.0.0.1:9/?key=secret"
    with pytest.raises(BadRates) as caught:
        ecb.fetch()
    assert str(caught.value) == "The address did not answer (ConnectionError)."
