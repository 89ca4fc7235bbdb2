"""The nudges: quiet when idle, traced when working, never raising."""

import datetime as dt
from decimal import Decimal as D
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from backoffice import clock
from backoffice.models import TaskAttempt
from finance import checks, posting, ratebook, tasks
from finance.models import ExchangeRate, PostingRequest, Voucher
from tests.finance.factories import DAY, sale
from tests.finance.test_ecb import DAILY, house  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db
MONDAY_EVENING = dt.datetime(2026, 11, 9, 16, tzinfo=dt.UTC)


def attempts():
    return list(TaskAttempt.objects.order_by("id").values_list("name", "outcome", "code"))


def command(name, *arguments):
    out = StringIO()
    call_command(name, *arguments, stdout=out)
    return out.getvalue().strip()


def test_nothing_due_leaves_no_trace():
    posting.request_sale(sale=sale(currency="USD"))
    assert tasks.post_due() == "idle"
    assert attempts() == []


def test_what_is_due_is_posted_and_traced():
    posting.request_sale(sale=sale())
    assert tasks.post_due() == "posted 1, failed 0"
    assert attempts() == [("books:posting", "ok", "")]


def test_a_rate_that_arrived_is_work():
    posting.request_sale(sale=sale(currency="USD"))
    ratebook.set_rate(currency="USD", on=DAY, rate=D(7))
    assert tasks.post_due() == "posted 1, failed 0"


def test_a_fault_in_the_work_is_a_code_and_never_an_exception(monkeypatch):
    posting.request_sale(sale=sale())
    monkeypatch.setattr(tasks.posting, "post_due", lambda limit: 1 / 0)
    assert tasks.post_due() == "ZeroDivisionError"
    assert attempts() == [("books:posting", "failed", "ZeroDivisionError")]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-09T15:29:00+00:00", "2026-11-06"),  # Monday before publication: Friday's
        ("2026-11-09T15:31:00+00:00", "2026-11-09"),
        ("2026-11-07T18:00:00+00:00", "2026-11-06"),
        ("2026-11-08T23:59:00+00:00", "2026-11-06"),
        ("2026-07-01T14:31:00+00:00", "2026-07-01"),  # summer time
        ("2026-11-10T00:30:00+00:00", "2026-11-09"),
    ],
)
def test_the_newest_published_day_is_known(moment, day):
    assert tasks.last_published(dt.datetime.fromisoformat(moment)) == dt.date.fromisoformat(day)


def test_rates_are_fetched_when_a_new_day_is_out_and_asked_for_once_an_hour(house):  # noqa: F811
    house.expect_request("/rates.xml").respond_with_data(DAILY)
    with clock.moved_to(lambda: MONDAY_EVENING):
        assert [tasks.fetch_rates(), tasks.fetch_rates()] == ["added 4", "idle"]
    with clock.moved_to(lambda: MONDAY_EVENING + dt.timedelta(minutes=61)):
        assert tasks.fetch_rates() == "added 0"


def test_rates_of_the_newest_day_are_not_asked_for_again(house):  # noqa: F811
    ratebook.import_rates(data=DAILY)
    with clock.moved_to(lambda: dt.datetime(2026, 11, 8, 12, tzinfo=dt.UTC)):
        assert tasks.fetch_rates() == "idle"
    assert house.log == []


def test_a_failed_fetch_is_a_code_on_its_attempt(house):  # noqa: F811
    house.expect_request("/rates.xml").respond_with_data(b"", status=500)
    assert tasks.fetch_rates() == "bad_rates"
    assert attempts() == [("books:rates", "failed", "bad_rates")]


def test_fetching_can_be_turned_off(settings):
    settings.ECB_RATES = False
    assert tasks.fetch_rates() == "idle"
    assert attempts() == []


def test_the_command_reads_a_file(tmp_path):
    file = tmp_path / "rates.xml"
    file.write_bytes(DAILY)
    assert command("fetch_rates", f"--file={file}") == "4 of 4 rates are new (2026-11-06 to 2026-11-06)."
    assert ExchangeRate.objects.count() == 4


def test_the_command_fetches(house):  # noqa: F811
    house.expect_request("/rates.xml").respond_with_data(DAILY)
    assert command("fetch_rates").startswith("4 of 4 rates are new")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--file=/no/such/file"], "No such file"), (["--url=http://example.test/x"], "only fetched from")],
)
def test_the_command_says_what_is_wrong(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        command("fetch_rates", *arguments)


def test_the_command_posts_everything_due():
    posting.request_sales(sales=[sale(f"orders.shipment:{n}") for n in range(3)])
    PostingRequest.objects.filter(reference="orders.shipment:1").update(frozen={})
    assert command("post_vouchers") == "2 vouchers posted, 0 with nothing to post, 1 need a person."
    assert Voucher.objects.count() == 2


@pytest.mark.parametrize(
    ("code", "ids"), [("CNY", []), ("KWD", []), ("RMB", ["finance.E001"]), ("XAU", ["finance.E001"])]
)
def test_the_base_currency_is_checked_at_the_start(settings, code, ids):
    settings.BASE_CURRENCY = code
    assert [message.id for message in checks.check_base_currency()] == ids
