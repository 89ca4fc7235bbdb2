"""Many writers at once on PostgreSQL: nothing oversold, nothing twice, no deadlock."""

import random
import threading
import time
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection, transaction

from backoffice.models import AuditEntry
from inventory import balances, counts, ledger, reservations, single_reservation
from inventory.counts import CountOrder
from inventory.errors import NegativeStock
from inventory.ledger import EntryDraft
from inventory.models import Balance, Reservation, StockChange, StockEntry
from inventory.reservation_book import Book
from tests.inventory.factories import buckets, bundle, sku, stock, want, want_bundle, warehouse
from tests.inventory.invariants import broken
from tests.inventory.sheets import xlsx
from tests.inventory.threads import errors, together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
WRITERS = 12


@pytest.fixture
def hot():
    item, place = sku("HOT"), warehouse("W")
    stock(item, place, 100, "1.3333")
    return item, place


def read_check_save(item, place):
    """What everybody writes first, and what must not be done."""
    for _time in range(20):
        with transaction.atomic():
            balance = Balance.objects.get(sku=item, warehouse=place)
            if balance.on_hand - balance.reserved < 1:
                return
            time.sleep(0.001)
            Balance.objects.filter(pk=balance.pk).update(reserved=balance.reserved + 1)
            Reservation.objects.create(
                bucket=3,
                reference=f"l:{random.random()}",
                sku=item,
                warehouse=place,
                quantity=1,
                updated_at=balance.updated_at,
            )


def test_control_without_a_lock_the_same_threads_oversell(hot):
    together(*[partial(read_check_save, *hot)] * WRITERS)
    assert Reservation.objects.count() > Balance.objects.get().reserved, "if this fails, the tests below prove nothing"


def test_a_single_reservation_is_planned_once_per_connection(hot):
    item, place = hot
    for number in range(3):
        assert not reservations.reserve_one(want=want(f"plan:{number}", item, 1, place)).shortages
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE '%WITH taken%'"
        )
        assert cursor.fetchall() == [(3,)]


def test_single_reservations_of_a_hot_sku_sell_exactly_what_there_is(hot):
    item, place = hot

    def buy(writer):
        wants = [want(f"l:{writer}-{i}", item, 1, place) for i in range(15)]
        return [reservations.reserve_one(want=one) for one in wants]

    results = together(*[partial(buy, writer) for writer in range(WRITERS)])
    assert not errors(results)
    answers = [one for found in results for one in found]
    assert sum(1 for one in answers if not one.shortages) == 100
    assert buckets(item, place) == (100, 0, 100)
    assert broken() == []


def test_pages_of_a_hot_sku_sell_exactly_what_there_is(hot):
    item, place = hot

    def buy(writer):
        wants = [want(f"l:{writer}-{i}", item, 1, place) for i in range(15)]
        reservations.book_demand(wants=wants)
        return reservations.reserve(wants=wants)

    results = together(*[partial(buy, writer) for writer in range(WRITERS)])
    assert not errors(results)
    assert sum(len(one.shortages) for one in results) == WRITERS * 15 - 100
    assert buckets(item, place) == (100, WRITERS * 15 - 100, 100)
    assert broken() == []


def test_the_same_references_from_many_sides_are_reserved_once(hot):
    item, place = hot

    def reserve(single):
        for i in range(20):
            line = want(f"l:{i}", item, 2, place)
            if single:
                reservations.reserve_one(want=line)
            else:
                reservations.book_demand(wants=[line])
                reservations.reserve(wants=[line])

    results = together(*[partial(reserve, writer % 2 == 0) for writer in range(WRITERS)])
    assert not errors(results)
    assert buckets(item, place)[2] == 40
    assert Reservation.objects.filter(bucket=3).count() == 20
    assert broken() == []


def test_demand_that_is_booked_goes_along_with_a_single_reservation(hot):
    item, place = hot
    line = want("l:1", item, 2, place)
    reservations.book_demand(wants=[line])
    reservations.reserve_one(want=line)
    assert buckets(item, place) == (100, 0, 2)
    assert broken() == []


def test_the_single_statement_itself_refuses_what_is_not_there(hot, monkeypatch):
    """The table's constraint would refuse it too, with an error in the server's log for each buyer who came late."""
    item, place = hot
    monkeypatch.setattr(single_reservation, "IntegrityError", KeyError)  # the constraint's word is not caught
    assert not single_reservation.take("late", item.pk, place.pk, 100_001)
    assert single_reservation.take("last", item.pk, place.pk, 100_000)
    assert buckets(item, place) == (100, 0, 100)


def test_goods_that_a_rival_moved_meanwhile_are_locked_where_they_are_now(hot, monkeypatch):
    item, here = hot
    there = warehouse("W2")
    stock(item, there, 10)
    reservations.reserve(wants=[want("l:1", item, 3, here)])
    real, found = balances.lock, []

    def rival():
        reservations.release(references=["l:1"])
        reservations.reserve(wants=[want("l:1", item, 3, there)])

    def lock_after_a_rival(pairs, **options):
        if not found:  # between our look-up and our lock
            found.append(True)
            assert not errors(together(rival))
        return real(pairs, **options)

    def others_can_lock():
        with transaction.atomic():
            rows = Balance.objects.select_for_update(skip_locked=True).filter(sku=item, warehouse=there)
            return rows.exists()

    monkeypatch.setattr(balances, "lock", lock_after_a_rival)
    with transaction.atomic():
        book = Book.of(["l:1"])
        assert [(key[2], one.quantity) for key, one in book.open("l:1", 3)] == [(there.pk, 3_000)]
        assert together(others_can_lock) == [False]


def test_the_same_entry_from_many_sides_is_posted_once(hot):
    item, place = hot

    def post():
        drafts = [
            EntryDraft(key=f"k{i}", sku_id=item.pk, warehouse_id=place.pk, quantity=Decimal(1), reason="found")
            for i in range(10)
        ]
        return [ledger.post(entries=[draft]) for draft in drafts]

    results = together(*[post] * WRITERS)
    assert not errors(results)
    assert sum(len(one.posted) for found in results for one in found) == 10
    assert Balance.objects.get().on_hand == 110
    assert broken() == []


def test_goods_out_in_parallel_leave_no_value_behind(hot):
    item, place = hot

    def take(writer):
        for i in range(20):
            draft = EntryDraft(
                key=f"{writer}-{i}", sku_id=item.pk, warehouse_id=place.pk, quantity=Decimal(-1), reason="lost"
            )
            try:
                ledger.post(entries=[draft])
            except NegativeStock:
                return "empty"

    results = together(*[partial(take, writer) for writer in range(WRITERS)])
    assert not errors(results)
    balance = Balance.objects.get()
    assert (balance.on_hand, balance.value) == (0, 0)
    assert broken() == []


def test_goods_out_wait_for_goods_in_that_change_the_average(hot):
    item, place = hot  # 100 pieces worth 133.33
    posted_in = threading.Event()

    def draft(key, quantity, **fields):
        return EntryDraft(
            key=key, sku_id=item.pk, warehouse_id=place.pk, quantity=Decimal(quantity), reason="correction", **fields
        )

    def bring_in():
        with transaction.atomic():
            ledger.post(entries=[draft("in", 100, value=Decimal("866.67"))])
            posted_in.set()
            time.sleep(0.5)  # not committed yet: the other must not read past it

    def take_out():
        posted_in.wait(30)
        return ledger.post(entries=[draft("out", -1)]).posted[0].value

    _in, value = together(bring_in, take_out)
    assert value == Decimal("-5")  # 1000 / 200, not 1.3333
    assert broken() == []


def test_pages_in_any_order_never_deadlock():
    places = [warehouse(), warehouse()]
    items = [sku() for _ in range(12)]
    pair = bundle((items[0], 1), (items[1], 2))
    for item in items:
        for place in places:
            stock(item, place, 500, "2")

    def work(writer):
        dice = random.Random(writer)
        for step in range(12):
            chosen = dice.sample(items, 6)
            wants = [want(f"{writer}-{step}-{i}", item, 1, *places) for i, item in enumerate(chosen)]
            wants.append(want_bundle(f"{writer}-{step}-b", pair, 1, *dice.sample(places, 2)))
            dice.shuffle(wants)
            reservations.book_demand(wants=wants)
            taken = reservations.reserve(wants=wants).reserved
            goods = [(reference, *one) for reference, found in taken.items() for one in found]
            dice.shuffle(goods)
            reservations.consume(items=goods[::2], document=f"s:{writer}-{step}")
            reservations.release(references=[one.reference for one in wants])

    results = together(*[partial(work, writer) for writer in range(8)])
    assert not errors(results)
    assert broken() == []
    assert Balance.objects.filter(reserved=0, demand=0).count() == Balance.objects.count()


def test_new_balances_made_by_many_at_once_are_one_each():
    places, items = [warehouse(), warehouse()], [sku() for _ in range(6)]

    def book(writer):
        order = random.Random(writer).sample(items, 6)
        reservations.book_demand(wants=[want(f"{writer}-{item.pk}", item, 1, *places) for item in order])

    results = together(*[partial(book, writer) for writer in range(WRITERS)])
    assert not errors(results)
    assert list(Balance.objects.values_list("demand", flat=True)) == [WRITERS] * 6
    assert broken() == []


def test_cancel_and_approve_at_the_same_moment_leave_nothing_behind(hot):
    item, place = hot
    wants = [want(f"l:{i}", item, 1, place) for i in range(30)]
    reservations.book_demand(wants=wants)

    def approve():
        for one in wants:
            reservations.reserve(wants=[one])

    def cancel():
        for one in wants:
            reservations.release(references=[one.reference])

    assert not errors(together(approve, cancel, approve, cancel))
    reservations.release(references=[one.reference for one in wants])
    assert buckets(item, place) == (100, 0, 0)
    assert broken() == []


def test_the_fast_path_writes_the_same_rows_as_the_slow_one(hot, one_consumer):
    item, place = hot
    reservations.reserve_one(want=want("l:fast", item, 1, place), actor="user:1")
    with transaction.atomic():  # inside a transaction it takes the way of pages
        reservations.reserve_one(want=want("l:slow", item, 1, place), actor="user:1")
    columns = (
        "sku",
        "warehouse",
        "bucket",
        "quantity",
        "value",
        "unit_cost",
        "reason",
        "lot",
        "bin",
        "condition",
        "actor",
    )
    fast, slow = (StockEntry.objects.values(*columns).get(reference=f"l:{name}") for name in ("fast", "slow"))
    assert fast == slow
    rows = Reservation.objects.order_by("id").values("bucket", "sku", "warehouse", "quantity", "turn", "expires_at")
    assert rows[0] == rows[1]
    news = StockChange.objects.order_by("-id")[:2]
    assert [(one.cause, [d.consumer for d in one.deliveries.all()]) for one in news] == [("reserve", ["tester"])] * 2


def test_a_count_confirmed_by_two_people_is_posted_once(hot):
    item, place = hot
    for found in (90, 85, 70):
        count = counts.preview(file=xlsx([("HOT", found)]), order=CountOrder(warehouse_id=place.pk), user=None)
        results = together(*[lambda pk=count.pk: counts.post(document_id=pk, user=None)] * 6)
        assert not errors(results)
        assert Balance.objects.get().on_hand == found
    assert AuditEntry.objects.filter(action="stock.count").count() == 3
    assert broken() == []
