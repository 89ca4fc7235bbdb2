"""Months: numbers without gaps, and a closed month takes nothing more."""

import datetime as dt

import pytest
from django.db import transaction

from backoffice import clock
from backoffice.models import AuditEntry
from finance import posting
from finance.errors import MonthRefused
from finance.models import Period, Voucher
from finance.posting.months import next_month, take_numbers
from tests.finance.factories import sale

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER, DECEMBER = (dt.date(2026, month, 1) for month in (10, 11, 12))


def october(number=1, day=20):
    return sale(f"orders.shipment:{number}", occurred_at=dt.datetime(2026, 10, day, 4, tzinfo=dt.UTC))


@pytest.fixture
def december():
    """It is 5 December 2026 for everybody."""
    with clock.moved_to(lambda: dt.datetime(2026, 12, 5, 4, tzinfo=dt.UTC)):
        yield


def test_numbers_run_per_month_without_gaps():
    days = [dt.date(2026, 11, 3), dt.date(2026, 10, 30), dt.date(2026, 11, 2)]
    slots = take_numbers(days)
    assert [(number, day) for _period, number, day in slots] == [(1, days[0]), (1, days[1]), (2, days[2])]
    assert [number for _period, number, _day in take_numbers([days[0], days[1]])] == [3, 2]


def test_a_number_rolled_back_is_given_out_again():
    with transaction.atomic():
        take_numbers([NOVEMBER])
        transaction.set_rollback(True)
    assert [number for _period, number, _day in take_numbers([NOVEMBER])] == [1]


def test_a_late_document_of_a_closed_month_is_posted_on_the_first_open_day_and_says_so(december):
    posting.close_month(month=OCTOBER)
    posting.close_month(month=NOVEMBER)
    posting.request_sale(sale=october())
    posting.post_due()
    voucher = Voucher.objects.get()
    assert (voucher.on, voucher.occurred_on, str(voucher)) == (DECEMBER, dt.date(2026, 10, 20), "2026-12-00001")
    assert voucher.summary == "Sale, order #1001; document of 2026-10-20, its month is closed"
    assert Period.objects.get(month=OCTOBER).last_number == 0


def test_documents_of_closed_and_open_months_share_the_numbers_of_the_open_one(december):
    posting.close_month(month=OCTOBER)
    days = [dt.date(2026, 10, 30), dt.date(2026, 11, 7), dt.date(2026, 10, 1)]
    slots = take_numbers(days)
    assert [(number, day) for _period, number, day in slots] == [(1, NOVEMBER), (2, days[1]), (3, NOVEMBER)]


def test_a_month_is_closed_once_with_an_audit_entry(december):
    first = posting.close_month(month=dt.date(2026, 10, 17))
    again = posting.close_month(month=OCTOBER)
    assert first.pk == again.pk
    assert first.closed_at == again.closed_at
    assert AuditEntry.objects.get(action="books.close_month").after == {"month": "2026-10"}


@pytest.mark.parametrize("month", [DECEMBER, dt.date(2027, 1, 1)])
def test_a_month_that_is_not_over_stays_open(december, month):
    with pytest.raises(MonthRefused, match="is not over yet"):
        posting.close_month(month=month)
    assert not Period.objects.filter(closed_at__isnull=False).exists()


def test_a_month_is_over_at_midnight_of_the_legal_entity():
    with clock.moved_to(lambda: dt.datetime(2026, 10, 31, 15, 59, tzinfo=dt.UTC)), pytest.raises(MonthRefused):
        posting.close_month(month=OCTOBER)
    with clock.moved_to(lambda: dt.datetime(2026, 10, 31, 16, tzinfo=dt.UTC)):
        assert posting.close_month(month=OCTOBER).closed_at


def test_a_month_with_documents_still_to_post_stays_open(december):
    posting.request_sale(sale=october())
    with pytest.raises(MonthRefused, match="1 documents up to this month are not posted yet"):
        posting.close_month(month=OCTOBER)
    posting.post_due()
    assert posting.close_month(month=OCTOBER).closed_at


def test_months_are_closed_in_their_order(december):
    posting.request_sale(sale=october())
    posting.post_due()
    with pytest.raises(MonthRefused, match="Close 2026-10 first"):
        posting.close_month(month=NOVEMBER)


def test_the_month_after_december_is_january():
    assert next_month(DECEMBER) == dt.date(2027, 1, 1)
    assert next_month(dt.date(2027, 1, 1)) == dt.date(2027, 2, 1)
