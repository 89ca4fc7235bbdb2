"""A lease has one holder, a growing fence, and survives clocks that jump."""

import datetime as dt
import threading

import pytest
from django.db import connection, transaction

from backoffice import clock, locks
from backoffice.locks import LeaseLost
from backoffice.models import Lease, User

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def at(minutes):
    return clock.moved_to(lambda: NOON + dt.timedelta(minutes=minutes))


def test_only_one_holds_it():
    first = locks.acquire("pull:1", "a", 60)
    assert first.fence == 1
    assert locks.acquire("pull:1", "b", 60) is None
    assert locks.acquire("pull:2", "b", 60).fence == 1


def test_the_same_worker_does_not_get_it_twice():
    locks.acquire("pull:1", "a", 60)
    assert locks.acquire("pull:1", "a", 60) is None


def test_released_it_is_free_and_the_fence_grows():
    assert locks.release(locks.acquire("pull:1", "a", 60))
    assert locks.acquire("pull:1", "b", 60).fence == 2


def test_after_its_time_another_takes_over_and_the_first_is_refused():
    with at(0):
        first = locks.acquire("pull:1", "a", 60)
    with at(2):
        second = locks.acquire("pull:1", "b", 60)
        assert second.fence == 2
        for refused in (lambda: locks.check(first), lambda: locks.renew(first, 60)):
            with pytest.raises(LeaseLost, match="pull:1"):
                refused()
        assert not locks.release(first)
        locks.check(second)


def test_a_late_holder_nobody_replaced_may_finish():
    with at(0):
        held = locks.acquire("pull:1", "a", 60)
    with at(30):
        locks.check(held)


def test_a_clock_that_stepped_back_blocks_nobody_for_long():
    with at(600):
        locks.acquire("pull:1", "a", 60)
    with at(0):
        assert locks.acquire("pull:1", "b", 60).fence == 2


def test_a_clock_that_is_a_little_behind_takes_nothing_away():
    with at(1):
        locks.acquire("pull:1", "a", 60)
    with at(0):
        assert locks.acquire("pull:1", "b", 60) is None


def test_renewing_prolongs():
    with at(0):
        held = locks.acquire("pull:1", "a", 60)
    with at(0.9):
        locks.renew(held, 60)
    with at(1.5):
        assert locks.acquire("pull:1", "b", 60) is None


def test_the_block_gives_it_back_even_when_it_fails():
    with pytest.raises(ZeroDivisionError), locks.lease("pull:1", "a", 60):
        raise ZeroDivisionError
    with locks.lease("pull:1", "b", 60) as held:
        assert held.fence == 2
        with locks.lease("pull:1", "c", 60) as other:
            assert other is None


@pytest.mark.django_db(transaction=True)
def test_of_many_threads_exactly_one_gets_it():
    won, barrier = [], threading.Barrier(8)

    def run(number):
        barrier.wait()
        if locks.acquire("hot", f"w{number}", 60):
            won.append(number)
        connection.close()

    threads = [threading.Thread(target=run, args=[n]) for n in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(won) == 1
    assert Lease.objects.get().fence == 1


def test_rows_are_locked_in_the_order_of_their_keys(django_assert_num_queries):
    users = [User.objects.create(username=name) for name in "cab"]
    with transaction.atomic(), django_assert_num_queries(1) as captured:
        found = locks.locked_rows(User.objects.order_by("username"))
    assert found == users
    assert 'ORDER BY "backoffice_user"."id" ASC' in captured[0]["sql"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_successor_waits_until_the_checked_write_is_committed():
    with at(0):
        held = locks.acquire("pull:1", "a", 60)
    taken = []

    def successor():
        taken.append(locks.acquire("pull:1", "b", 60))
        connection.close()

    with at(5):
        thread = threading.Thread(target=successor)
        with transaction.atomic():
            locks.check(held)
            thread.start()
            thread.join(0.3)
            assert taken == []
        thread.join(5)
    assert taken[0].fence == 2
