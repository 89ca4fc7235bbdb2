"""While orders flow: no false alarm, nobody waits for the audit, two clicks repair once."""

import contextlib
import threading
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection, transaction

from inventory import reservations
from inventory.alerts import keeping
from inventory.models import AuditFinding, AuditRepair, AuditRun, Balance, StockAlert, StockAlertRule
from inventory.self_audit import recompute, repairing, runs, snapshot
from inventory.self_audit.errors import AuditRefused
from tests.inventory.factories import sku, stock, want, warehouse
from tests.inventory.threads import errors, together

pytestmark = [pytest.mark.django_db(transaction=True)]
D = Decimal


@pytest.fixture
def shelf():
    item, place = sku("HOT"), warehouse("W")
    stock(item, place, 100_000, "2")
    return item, place


def sell(item, place, who, turns):
    """Order, reserve, ship or give back, over and over."""
    for turn in range(turns):
        reference = f"x:{who}-{turn}"
        reservations.book_demand(wants=[want(reference, item, 2, place)])
        reservations.reserve(wants=[want(reference, item, 2, place)])
        if turn % 2:
            reservations.release(references=[reference])
        else:
            reservations.consume(items=[(reference, item.pk, place.pk, D(2))], document=f"x.shipment:{who}-{turn}")


def audit_until(done, found):
    while not done.is_set():
        with snapshot.one_moment():
            found.append(recompute.differences().differences)
    with snapshot.one_moment():
        found.append(recompute.differences().differences)


@pytest.fixture
def no_parcels(monkeypatch):
    """The sales here have no parcels of orders."""
    from inventory.self_audit import sources

    monkeypatch.setattr(sources, "_senders", {})


@pytest.mark.postgres
def test_no_false_alarm_while_orders_flow(shelf, no_parcels):
    done, found = threading.Event(), []

    def writers():
        results = together(*(partial(sell, *shelf, who, 25) for who in range(4)))
        done.set()
        return errors(results)

    assert together(writers, partial(audit_until, done, found))[0] == []
    assert len(found) > 3
    assert [one for one in found if one] == []


@pytest.mark.postgres
def test_control_without_a_snapshot_the_same_writers_raise_false_alarms(shelf, no_parcels):
    done, found = threading.Event(), []

    def writers():
        together(*(partial(sell, *shelf, who, 25) for who in range(4)))
        done.set()

    def bare():
        while not done.is_set():
            found.append(recompute.differences().differences)

    together(writers, bare)
    assert any(found), "if this fails, the test above proves nothing"


def test_a_writer_does_not_wait_for_the_audit_and_is_not_seen(shelf, no_parcels):
    item, place = shelf
    written = []

    def write():
        sell(item, place, 1, 2)
        written.append(True)

    with snapshot.one_moment():
        assert recompute.differences().differences == []
        writer = threading.Thread(target=lambda: (write(), connection.close()))
        writer.start()
        writer.join(20)
        assert written, "the writer waited"
        assert Balance.objects.get().on_hand == 100_000
    assert Balance.objects.get().on_hand == 99_998


@pytest.mark.postgres
def test_two_clicks_repair_once(shelf, monkeypatch):
    both = threading.Barrier(2, timeout=1.5)
    measured = repairing._changes

    def meet(finding):
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()  # who was let in beside the other has read the open difference too
        return measured(finding)

    monkeypatch.setattr(repairing, "_changes", meet)
    Balance.objects.update(on_hand=D(100_004))
    runs.measure(AuditRun.objects.create())
    finding = AuditFinding.objects.get()
    click = partial(repairing.repair, finding_id=finding.pk, size=D(4), actor="olga")
    results = together(click, click)
    [late] = errors(results)
    assert type(late) is AuditRefused
    assert late.code == "not_open"  # it is told who was first, not that nothing is off
    assert (Balance.objects.get().on_hand, AuditRepair.objects.count()) == (100_000, 1)


@pytest.mark.postgres
def test_a_repair_and_a_sale_at_once_lose_nothing(shelf, no_parcels):
    item, place = shelf
    Balance.objects.update(on_hand=D(100_004))
    runs.measure(AuditRun.objects.create())
    finding = AuditFinding.objects.get()
    click = partial(repairing.repair, finding_id=finding.pk, size=D(4), actor="olga")
    assert errors(together(click, partial(sell, item, place, 1, 6))) == []
    with snapshot.one_moment():
        assert recompute.differences().differences == []
    assert Balance.objects.get().on_hand == 100_000 - 6


@pytest.mark.postgres
def test_two_begun_at_once_are_one_audit(shelf):
    gate = threading.Event()

    def begin():
        with transaction.atomic():
            AuditRun.objects.create()
            gate.set()
        return 1

    results = together(begin, lambda: (gate.wait(20), runs.begin(actor="otto")))
    assert [type(one) for one in errors(results)] == [AuditRefused]
    assert AuditRun.objects.count() == 1


@pytest.mark.postgres
def test_two_looks_at_once_open_an_alert_once(shelf):
    StockAlertRule.objects.create(kind="over", threshold=D(1))
    assert errors(together(keeping.look, keeping.look)) == []
    assert StockAlert.objects.filter(closed_at__isnull=True).count() == 1
