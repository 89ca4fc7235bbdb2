"""kill −9 before every statement of the books' work: nothing half-written, nothing twice, and it goes on."""

import datetime as dt

import pytest

from backoffice import clock
from finance import posting, ratebook
from finance.models import ExchangeRate, OpenItem, Period, PostingRequest, Voucher, VoucherLine
from tests.crash.killing import killed_at, steps_of
from tests.finance.factories import line, rate, refund, sale, warehouse
from tests.finance.test_ecb import DAILY

pytestmark = pytest.mark.django_db(transaction=True)


def ask(number):
    """Three documents: a sale at home, one abroad, a refund."""
    house, order = warehouse().pk, str(number)
    goods = line("100", tax="13", cost="40", warehouse_id=house)
    posting.request_sales(
        sales=[
            sale(f"orders.shipment:{number}.1", goods, external_id=order),
            sale(f"orders.shipment:{number}.2", goods, external_id=order, currency="USD"),
        ]
    )
    posting.request_refund(refund=refund(f"orders.refund:{number}", "50", external_id=order))


def later(work):
    """Run the work when every lease and pause has ended."""
    with clock.moved_to(lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)):
        work()


def assert_whole(documents):
    assert Voucher.objects.count() == OpenItem.objects.count() == 3 * documents
    assert VoucherLine.objects.count() == (5 + 5 + 2) * documents
    assert set(PostingRequest.objects.values_list("state", flat=True)) == {"posted"}
    numbers = list(Voucher.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert Period.objects.get().last_number == len(numbers)


def test_posting_killed_before_any_statement_goes_on_and_posts_each_document_once():
    rate(value="7.1")
    ask(0)
    steps = steps_of(posting.post_due)
    assert steps > 10
    for step in range(1, steps + 1):
        ask(step)
        killed_at(step, posting.post_due)
        later(posting.post_due)
    assert_whole(steps + 1)


def test_asking_killed_before_any_statement_leaves_all_or_nothing():
    rate(value="7.1")
    steps = steps_of(lambda: ask(0))
    for step in range(1, steps + 1):
        killed_at(step, lambda number=step: ask(number))
        assert PostingRequest.objects.filter(external_id=str(step), kind="sale").count() in (0, 2)
        ask(step)
    later(posting.post_due)
    assert_whole(steps + 1)


def test_an_import_of_rates_killed_before_any_statement_keeps_all_or_none():
    step = 1
    while killed_at(step, lambda: ratebook.import_rates(data=DAILY)):
        assert ExchangeRate.objects.count() in (0, 4)
        step += 1
    ratebook.import_rates(data=DAILY)
    assert (ExchangeRate.objects.count(), step > 4) == (4, True)
