"""Several workers at once on real locks: every document once, numbers without gaps, nobody deadlocks."""

import datetime as dt
import threading

import pytest
from django.db import connection, connections

from finance import posting, ratebook
from finance.models import ExchangeRate, OpenItem, Period, PostingRequest, Voucher
from finance.posting import worker
from finance.posting.months import take_numbers
from tests.finance.factories import sale
from tests.finance.test_ecb import DAILY

pytestmark = [pytest.mark.django_db(transaction=True)]
OCTOBER, NOVEMBER = dt.date(2026, 10, 1), dt.date(2026, 11, 1)


def together(*works):
    """Run the works in threads that start at the same moment; raises the first fault."""
    gate, faults = threading.Barrier(len(works)), []

    def run(work):
        try:
            gate.wait(10)
            work()
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    [thread.start() for thread in threads]
    [thread.join(60) for thread in threads]
    assert not any(thread.is_alive() for thread in threads)
    if faults:
        raise faults[0]


def two_months(count):
    at = (dt.datetime(2026, 10, 20, 4, tzinfo=dt.UTC), dt.datetime(2026, 11, 10, 4, tzinfo=dt.UTC))
    return [sale(f"orders.shipment:{n}", occurred_at=at[n % 2], external_id=str(n)) for n in range(count)]


def assert_books_are_whole(count):
    assert Voucher.objects.count() == OpenItem.objects.count() == count
    assert set(PostingRequest.objects.values_list("state", flat=True)) == {"posted"}
    for period in Period.objects.all():
        numbers = sorted(period.vouchers.values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert period.last_number == len(numbers)


def test_four_workers_post_every_document_once(monkeypatch):
    monkeypatch.setattr(worker, "PAGE", 7)
    posting.request_sales(sales=two_months(120))
    together(*[posting.post_due] * 4)
    posting.post_due()
    assert_books_are_whole(120)


def test_workers_post_while_documents_keep_coming(monkeypatch):
    monkeypatch.setattr(worker, "PAGE", 5)
    facts = two_months(60)

    def ship():
        for one in facts:
            posting.request_sale(sale=one)

    def work():
        for _round in range(15):
            posting.post_due()

    together(ship, work, work)
    posting.post_due()
    assert_books_are_whole(60)


def test_a_zombie_and_its_successor_at_the_same_moment_write_one_voucher():
    for n in range(15):
        posting.request_sale(sale=sale(f"orders.shipment:{n}"))
        zombie = worker.claim_page(10)
        PostingRequest.objects.filter(state="due").update(claimed_until=None)
        heir = worker.claim_page(10)
        together(
            lambda mine=zombie: worker.post_claims(mine, worker.PostResult()),
            lambda mine=heir: worker.post_claims(mine, worker.PostResult()),
        )
    assert_books_are_whole(15)


@pytest.mark.postgres
def test_a_month_closed_while_a_voucher_is_being_written_waits_for_it():
    from django.db import transaction

    Period.objects.create(month=OCTOBER)
    taken, closed = threading.Event(), []

    def write():
        with transaction.atomic():
            take_numbers([OCTOBER])
            taken.set()
            connection.cursor().execute("SELECT pg_sleep(0.5)")
            assert Period.objects.get(month=OCTOBER).closed_at is None

    def close():
        taken.wait(10)
        closed.append(posting.close_month(month=OCTOBER))

    together(write, close)
    period = Period.objects.get(month=OCTOBER)
    assert (period.last_number, bool(period.closed_at)) == (1, True)
    assert [day for _period, _number, day in take_numbers([OCTOBER])] == [NOVEMBER]


def test_two_imports_of_the_same_rates_keep_them_once():
    together(*[lambda: ratebook.import_rates(data=DAILY)] * 3)
    assert ExchangeRate.objects.count() == 4


def test_the_same_document_from_two_sides_makes_one_request():
    facts = two_months(20)
    together(*[lambda: posting.request_sales(sales=facts)] * 3)
    assert PostingRequest.objects.count() == 20
