"""Deliveries: claimed once, completed by their holder only, put off, parked, never lost."""

import datetime as dt
import threading

import pytest
from django.db import connection, models

from backoffice import clock, outbox
from backoffice.errors import YikuError
from backoffice.outbox import Claim, Consumer, Delivery, Event
from tests.backoffice.throwaway import create_table

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class Happened(Event):
    class Meta:
        app_label = "backoffice"
        db_table = "test_happened"
        managed = False


class HappenedDelivery(Delivery):
    event = models.ForeignKey(Happened, models.CASCADE)

    class Meta(Delivery.Meta):
        app_label = "backoffice"
        db_table = "test_happeneddelivery"
        managed = False


@pytest.fixture
def tables(db, monkeypatch):
    monkeypatch.setattr(outbox, "_consumers", {})
    create_table(Happened)
    create_table(HappenedDelivery)


def at(minutes=0.0):
    return clock.moved_to(lambda: NOON + dt.timedelta(minutes=minutes))


def published(count, *names):
    for name in names or ("push",):
        outbox.register_consumer("backoffice.HappenedDelivery", name)
    events = [Happened.objects.create(created_at=NOON) for _ in range(count)]
    outbox.deliver(HappenedDelivery, [event.pk for event in events])
    return events


def test_each_consumer_gets_each_event_once(tables):
    with at():
        published(3, "push", "alerts")
        claims = outbox.claim(HappenedDelivery, "push", 10)
        assert [claim.attempts for claim in claims] == [1, 1, 1]
        assert outbox.claim(HappenedDelivery, "push", 10) == []
        assert len(outbox.claim(HappenedDelivery, "alerts", 10)) == 3


def test_claims_come_oldest_first_and_only_so_many(tables):
    with at():
        events = published(5)
        claims = outbox.claim(HappenedDelivery, "push", 2)
    assert [claim.event_id for claim in claims] == [events[0].pk, events[1].pk]


def test_completing_is_counted_and_final(tables):
    with at():
        published(2)
        claims = outbox.claim(HappenedDelivery, "push", 10)
        assert outbox.complete(HappenedDelivery, claims) == 2
        assert outbox.complete(HappenedDelivery, claims) == 0
    with at(600):
        assert outbox.claim(HappenedDelivery, "push", 10) == []


def test_a_zombie_completes_nothing(tables):
    with at():
        published(1)
        [old] = outbox.claim(HappenedDelivery, "push", 1)
    with at(2):
        [new] = outbox.claim(HappenedDelivery, "push", 1)
        assert (new.fence, new.attempts) == (old.fence + 1, 2)
        assert outbox.complete(HappenedDelivery, [old]) == 0
        assert not outbox.fail(HappenedDelivery, old, "late")
        assert outbox.complete(HappenedDelivery, [new]) == 1


def test_a_failure_waits_longer_each_time_and_keeps_its_code(tables):
    with at():
        published(1)
        outbox.fail(HappenedDelivery, outbox.claim(HappenedDelivery, "push", 1)[0], "http_503")
        row = HappenedDelivery.objects.get()
        assert (row.state, row.code) == ("due", "http_503")
        assert 4 <= (row.not_before - NOON).total_seconds() <= 6
        assert outbox.claim(HappenedDelivery, "push", 1) == []
    assert 8 <= outbox.backoff(2) <= 12
    assert 2880 <= outbox.backoff(50) <= 4320


def test_retry_after_of_the_platform_is_kept(tables):
    with at():
        published(1)
        outbox.fail(HappenedDelivery, outbox.claim(HappenedDelivery, "push", 1)[0], "throttled", retry_after=900)
    with at(14):
        assert outbox.claim(HappenedDelivery, "push", 1) == []
    with at(15.1):
        assert len(outbox.claim(HappenedDelivery, "push", 1)) == 1


def test_a_permanent_failure_waits_for_a_person_and_can_be_run_again(tables):
    with at():
        published(1)
        [claim] = outbox.claim(HappenedDelivery, "push", 1)
        outbox.fail(HappenedDelivery, claim, "unknown_listing", permanent=True)
    with at(10_000):
        assert outbox.claim(HappenedDelivery, "push", 1) == []
        assert outbox.unpark(HappenedDelivery, [claim.id]) == 1
        assert outbox.claim(HappenedDelivery, "push", 1)[0].attempts == 1


def test_a_delivery_that_kills_its_worker_is_parked(tables):
    with at():
        published(1)
    for start in range(outbox.MOST_ATTEMPTS):
        with at(start * 2):
            assert len(outbox.claim(HappenedDelivery, "push", 1)) == 1
    with at(100):
        assert outbox.claim(HappenedDelivery, "push", 1) == []
    row = HappenedDelivery.objects.get()
    assert (row.state, row.code) == ("parked", "lost")


def test_released_claims_are_due_at_once_and_uncounted(tables):
    with at():
        published(1)
        outbox.release(HappenedDelivery, outbox.claim(HappenedDelivery, "push", 1))
        assert outbox.claim(HappenedDelivery, "push", 1)[0].attempts == 1


def test_only_old_done_rows_are_purged(tables):
    with at():
        published(2)
        outbox.complete(HappenedDelivery, outbox.claim(HappenedDelivery, "push", 1))
    with at(60 * 24 * 8):
        assert outbox.purge(HappenedDelivery) == 1
    assert HappenedDelivery.objects.get().state == "due"


@pytest.mark.parametrize(
    ("raised", "state", "code"),
    [
        (YikuError("no_such_sku", "…"), "parked", "no_such_sku"),
        (YikuError("busy", "…", retryable=True), "due", "busy"),
        (KeyError("token=secret"), "due", "KeyError"),
    ],
)
def test_what_a_handler_raises_stays_on_the_row_as_a_code(tables, monkeypatch, raised, state, code):
    def handler(claims):
        raise raised

    monkeypatch.setattr("django.apps.apps.get_model", lambda label: HappenedDelivery)
    with at():
        published(1)
        assert outbox.work(Consumer("backoffice.HappenedDelivery", "push", handler)) == 1
    row = HappenedDelivery.objects.get()
    assert (row.state, row.code) == (state, code)


@pytest.fixture
def real_tables(transactional_db, monkeypatch):
    monkeypatch.setattr(outbox, "_consumers", {})
    with connection.schema_editor() as editor:
        editor.create_model(Happened)
        editor.create_model(HappenedDelivery)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(HappenedDelivery)
        editor.delete_model(Happened)


def test_workers_at_once_never_share_a_delivery(real_tables):
    published(200)
    got: list[Claim] = []

    def worker():
        while claims := outbox.claim(HappenedDelivery, "push", 7):
            got.extend(claims)
            outbox.complete(HappenedDelivery, claims)
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(got) == 200
    assert len({claim.id for claim in got}) == 200
    assert HappenedDelivery.objects.filter(state="done").count() == 200
