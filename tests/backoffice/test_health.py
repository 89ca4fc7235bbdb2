"""Alive is who gave a sign lately; what is dead is named, and nothing else is told."""

import datetime as dt

import pytest
from django.db import connection
from django.db.utils import OperationalError

from backoffice import clock, health
from backoffice.models import Heartbeat

pytestmark = pytest.mark.django_db


def moved(seconds):
    later = clock.now() + dt.timedelta(seconds=seconds)
    return clock.moved_to(lambda: later)


def test_all_alive_is_200(client):
    health.beat("dispatcher")
    health.worker_beat()
    reply = client.get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"ok": True, "dead": []})
    assert "no-store" in reply["Cache-Control"]


def test_who_never_came_and_who_fell_silent_are_named(client):
    health.beat("dispatcher")
    assert client.get("/healthz").json() == {"ok": False, "dead": ["worker"]}
    health.worker_beat()
    with moved(61):
        reply = client.get("/healthz")
        assert (reply.status_code, reply.json()) == (503, {"ok": False, "dead": ["dispatcher"]})
    with moved(151):
        assert client.get("/healthz").json()["dead"] == ["worker", "dispatcher"]


def test_a_database_that_is_away_is_said_and_no_more(client, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("could not connect to server at 10.0.0.9 as yiku password=canary")

    monkeypatch.setattr(connection, "cursor", away)
    reply = client.get("/healthz")
    assert (reply.status_code, reply.json()) == (503, {"ok": False, "dead": ["database"]})
    assert b"canary" not in reply.content


def test_a_process_has_one_row_that_keeps_its_start():
    health.beat("dispatcher", detail={"running": 1})
    first = Heartbeat.objects.get()
    with moved(30):
        health.beat("dispatcher")
    row = Heartbeat.objects.get()
    assert row.started_at == first.started_at
    assert row.beat_at > first.beat_at


def test_the_beat_goes_through_the_queue_and_does_not_pile_up():
    from django_q.models import OrmQ

    for _ in range(60):
        health.enqueue_worker_beat()
    assert OrmQ.objects.count() == 50


def test_rows_of_the_long_dead_are_forgotten():
    health.beat("dispatcher")
    with moved(25 * 3600):
        health.beat("web")
        assert health.forget_the_dead() == 1
    assert Heartbeat.objects.get().kind == "web"
