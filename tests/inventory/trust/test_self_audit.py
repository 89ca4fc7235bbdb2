"""The self-audit: each counter against its documents, each difference named, repaired by one change, undone."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from backoffice.models import AuditEntry, Incident
from inventory import arrivals, ledger, reservations
from inventory.arrivals import Expected
from inventory.errors import NegativeStock
from inventory.models import AuditFinding, AuditRepair, AuditRun, AuditSetting, Balance, Reservation, StockEntry
from inventory.self_audit import repairing, runs
from inventory.self_audit.errors import AuditRefused
from inventory.transfers import picking, planning, receiving
from tests.inventory.factories import buckets, sku, stock, want, warehouse
from tests.inventory.invariants import broken

pytestmark = pytest.mark.django_db
D = Decimal
Kind, State = AuditFinding.Kind, AuditFinding.State


def seen():
    rows = AuditFinding.objects.filter(state="open").order_by("kind", "counter")
    return [(row.kind, row.counter, row.found, row.should_be) for row in rows]


def repaired(finding, **fields):
    size = repairing.size_of(finding, repairing.preview(finding))
    return repairing.repair(finding_id=finding.pk, size=size, actor="olga", reason="tampered", **fields)


def test_nothing_differs_after_ordinary_work(a, w, desk, audited):
    reservations.book_demand(wants=[want("doc:1", a, 3, w)])
    reservations.reserve(wants=[want("doc:1", a, 3, w)])
    desk.wants["doc:1", a.pk] = (3, w.pk)
    arrivals.announce(rows=[Expected(sku_id=a.pk, warehouse_id=w.pk, quantity=D(7), expected_on=dt.date(2027, 1, 1))])
    run = audited()
    assert (run.state, run.found, run.balances, run.reservations) == ("done", 0, 1, 1)
    assert not AuditFinding.objects.exists()


def test_a_balance_written_past_the_ledger_is_found_with_its_documents_and_money(a, w, audited, tamper):
    stock(a, w, 1, "2", reference="inventory.document:7")
    tamper("UPDATE inventory_balance SET on_hand = on_hand + 4000 WHERE sku_id = %s", a.pk)
    assert audited().found == 1
    row = AuditFinding.objects.get()
    assert (row.kind, row.counter, row.found, row.should_be, row.size) == ("balance", 1, 15, 11, 4)
    assert row.documents == ["inventory.document:7"]
    assert row.money == D("5.8667")  # four of fifteen pieces worth 22


@pytest.mark.parametrize(("column", "counter"), [("demand", 2), ("incoming", 4), ("value", 5)])
def test_every_counter_of_a_balance_is_compared(a, audited, tamper, column, counter):
    tamper(f"UPDATE inventory_balance SET {column} = {column} + 1000 WHERE sku_id = %s", a.pk)
    audited()
    assert [row[:2] for row in seen()] == [("balance", counter)]


def test_a_balance_that_is_gone_is_found(a, audited, tamper):
    tamper("DELETE FROM inventory_balance WHERE sku_id = %s", a.pk)
    audited()
    assert seen() == [("balance", 1, 0, 10), ("balance", 5, 0, 20)]


def test_repairing_a_balance_sets_it_to_its_movements_and_undo_sets_it_back(a, w, audited, tamper):
    tamper("UPDATE inventory_balance SET on_hand = 15000, value = 300000 WHERE sku_id = %s", a.pk)
    audited()
    finding = AuditFinding.objects.get(counter=1)
    made = repaired(finding)
    assert not broken()
    assert not AuditFinding.objects.filter(state="open").exists(), "the value is repaired with the pieces"
    assert AuditEntry.objects.filter(action="stock_audit.repair").count() == 1
    repairing.undo(repair_id=made.pk, actor="olga")
    assert Balance.objects.get(sku=a).on_hand == 15
    finding.refresh_from_db()
    assert finding.state == "open"
    with pytest.raises(AuditRefused) as again:
        repairing.undo(repair_id=made.pk, actor="olga")
    assert again.value.code == "undone"


def test_only_what_was_shown_is_repaired(a, audited, tamper):
    tamper("UPDATE inventory_balance SET on_hand = 15000 WHERE sku_id = %s", a.pk)
    audited()
    finding = AuditFinding.objects.get()
    tamper("UPDATE inventory_balance SET on_hand = 16000 WHERE sku_id = %s", a.pk)
    with pytest.raises(AuditRefused) as moved:
        repairing.repair(finding_id=finding.pk, size=D(5), actor="olga")
    assert moved.value.code == "moved"
    assert Balance.objects.get(sku=a).on_hand == 16
    assert not AuditRepair.objects.exists()


def test_a_difference_is_repaired_once(a, audited, tamper):
    tamper("UPDATE inventory_balance SET on_hand = 15000 WHERE sku_id = %s", a.pk)
    audited()
    finding = AuditFinding.objects.get()
    repaired(finding)
    with pytest.raises(AuditRefused) as again:
        repairing.repair(finding_id=finding.pk, size=D(5), actor="otto")
    assert again.value.code == "not_open"


def test_a_reservation_row_changed_by_hand_is_found_and_mended(a, w, audited, tamper):
    reservations.reserve(wants=[want("x:1", a, 3, w)])
    reservations.reserve(wants=[want("x:2", a, 2, w)])
    # The sum over both stays right: only a look at each of them finds it.
    tamper("UPDATE inventory_reservation SET quantity = 4000 WHERE reference = 'x:1'")
    tamper("UPDATE inventory_reservation SET quantity = 1000 WHERE reference = 'x:2'")
    audited()
    rows = AuditFinding.objects.order_by("reference")
    assert [(row.kind, row.reference, row.found, row.should_be) for row in rows] == [
        ("held", "x:1", 4, 3), ("held", "x:2", 1, 2),
    ]  # fmt: skip
    made = [repaired(row) for row in rows]
    assert not broken()
    assert audited().found == 0
    repairing.undo(repair_id=made[0].pk, actor="olga")
    assert Reservation.objects.get(reference="x:1").quantity == 4


def test_a_reservation_row_that_is_gone_comes_back_and_can_be_released(a, w, audited, tamper):
    reservations.reserve(wants=[want("x:1", a, 3, w)])
    tamper("DELETE FROM inventory_reservation WHERE reference = 'x:1'")
    audited()
    repaired(AuditFinding.objects.get(kind="held"))
    assert Reservation.objects.get().quantity == 3
    reservations.release(references=["x:1"])
    assert buckets(a, w) == (10, 0, 0)
    assert not broken()


def test_what_a_line_holds_beyond_its_wish_is_released_and_undone(a, w, desk, audited):
    reservations.reserve(wants=[want("doc:1", a, 5, w)])
    desk.wants["doc:1", a.pk] = (3, w.pk)
    audited()
    finding = AuditFinding.objects.get()
    assert (finding.kind, finding.reference, finding.size, finding.money) == ("wanted", "doc:1", 2, 4)
    made = repaired(finding)
    assert buckets(a, w) == (10, 0, 3)
    assert audited().found == 0
    repairing.undo(repair_id=made.pk, actor="olga")
    assert buckets(a, w) == (10, 0, 5)
    assert not broken()


def test_what_a_line_lacks_is_booked_as_demand(a, w, desk, audited):
    desk.wants["doc:1", a.pk] = (3, w.pk)
    audited()
    finding = AuditFinding.objects.get()
    assert (finding.found, finding.should_be) == (0, 3)
    made = repaired(finding)
    assert buckets(a, w) == (10, 3, 0)
    repairing.undo(repair_id=made.pk, actor="olga")
    assert buckets(a, w) == (10, 0, 0)


def test_a_repair_whose_goods_moved_on_is_not_undone(a, w, desk, audited):
    desk.wants["doc:1", a.pk] = (3, w.pk)
    audited()
    made = repaired(AuditFinding.objects.get())
    reservations.release(references=["doc:1"])
    with pytest.raises(AuditRefused) as refused:
        repairing.undo(repair_id=made.pk, actor="olga")
    assert refused.value.code == "stands_no_more"
    made.refresh_from_db()
    assert made.undone_at is None


def test_incoming_follows_the_expected_deliveries(a, w, audited, tamper):
    row = arrivals.announce(
        rows=[Expected(sku_id=a.pk, warehouse_id=w.pk, quantity=D(7), expected_on=dt.date(2027, 1, 1))]
    )[0]
    tamper("UPDATE inventory_expectedarrival SET quantity = 9000 WHERE id = %s", row.pk)
    audited()
    finding = AuditFinding.objects.get()
    assert (finding.kind, finding.documents, finding.size) == ("expected", [row.reference], -2)
    made = repaired(finding)
    assert Balance.objects.get().incoming == 9
    assert audited().found == 0
    repairing.undo(repair_id=made.pk, actor="olga")
    assert Balance.objects.get().incoming == 7
    assert StockEntry.objects.filter(reference=row.reference).count() == 3


def test_movements_that_add_up_to_nonsense_are_not_repaired(a, w, audited, tamper):
    tamper("UPDATE inventory_balance SET on_hand = 20000 WHERE sku_id = %s", a.pk)
    out = ledger.EntryDraft(key="out", sku_id=a.pk, warehouse_id=w.pk, quantity=D(-15), reason="lost")
    ledger.post(entries=[out])
    audited()
    with pytest.raises(AuditRefused) as refused:
        repaired(AuditFinding.objects.get(counter=1))
    assert refused.value.code == "impossible"
    assert Balance.objects.get().on_hand == 5


def test_a_difference_is_seen_again_and_goes_by_itself(a, audited, tamper):
    tamper("UPDATE inventory_balance SET on_hand = 15000 WHERE sku_id = %s", a.pk)
    audited()
    first = AuditFinding.objects.get()
    assert (audited().opened, AuditFinding.objects.count()) == (0, 1)
    tamper("UPDATE inventory_balance SET on_hand = 10000 WHERE sku_id = %s", a.pk)
    run = audited()
    assert (run.found, run.gone) == (0, 1)
    again = AuditFinding.objects.get()
    assert (again.state, again.first_seen_at) == ("gone", first.first_seen_at)
    assert again.last_seen_at > first.last_seen_at


def test_what_was_repaired_after_the_moment_of_an_audit_is_not_found_again(a, audited, tamper):
    from inventory.self_audit import recompute

    tamper("UPDATE inventory_balance SET on_hand = 15000 WHERE sku_id = %s", a.pk)
    audited()
    moment, found = clock.now(), recompute.differences()
    repaired(AuditFinding.objects.get())
    run = runs.keep(AuditRun.objects.create(), found, moment)
    assert (run.found, AuditFinding.objects.filter(state="open").count()) == (0, 0)


def test_one_incident_a_warehouse_tells_of_all_of_it_and_goes(a, w, audited, tamper):
    b = sku("B")
    stock(b, w, 5)
    tamper("UPDATE inventory_balance SET on_hand = on_hand + 1000")
    audited()
    audited()
    incident = Incident.objects.get(kind="stock_audit")
    assert (incident.warehouse_id, incident.data["count"], incident.count) == (w.pk, 2, 1)
    tamper("UPDATE inventory_balance SET on_hand = on_hand - 1000")
    audited()
    incident.refresh_from_db()
    assert incident.state == "gone"


def test_the_clock_audits_once_a_night():
    AuditSetting.objects.create(pk=1, audit_at=dt.time(2, 30))
    runs.nightly()
    assert AuditRun.objects.get().state == "done"
    assert AuditRun.objects.get().started_by == "task:stock_audit"
    runs.nightly()
    assert AuditRun.objects.count() == 1


def test_a_night_without_audit_is_made_up_for():
    AuditSetting.objects.create(pk=1)
    AuditRun.objects.create(state="done", started_at=clock.now() - dt.timedelta(hours=25))
    runs.nightly()
    assert AuditRun.objects.count() == 2


def test_nobody_audits_when_it_is_switched_off():
    AuditSetting.objects.create(pk=1, enabled=False)
    runs.nightly()
    assert not AuditRun.objects.exists()


def test_one_audit_runs_at_a_time_and_a_dead_one_is_buried():
    old = AuditRun.objects.create()
    with pytest.raises(AuditRefused) as refused:
        runs.begin(actor="olga")
    assert refused.value.code == "running"
    AuditRun.objects.filter(pk=old.pk).update(started_at=clock.now() - dt.timedelta(hours=3))
    assert runs.begin(actor="olga").state == "done"
    old.refresh_from_db()
    assert old.state == "failed"


def test_an_audit_that_breaks_says_so(a, monkeypatch):
    from inventory.self_audit import sources

    def break_it():
        raise RuntimeError

    monkeypatch.setitem(sources._incoming, "broken", break_it)
    run = runs.begin(actor="olga")
    assert (run.state, run.progress.state) == ("failed", "failed")


def test_goods_of_another_place_are_not_mixed_up(a, w, audited, tamper):
    other = warehouse("X")
    stock(a, other, 4, "3")
    tamper("UPDATE inventory_balance SET on_hand = 5000 WHERE warehouse_id = %s", other.pk)
    audited()
    assert AuditFinding.objects.get().warehouse == other


def test_reserved_goods_cannot_be_given_back_to_an_empty_shelf(a, w, desk, audited):
    reservations.reserve(wants=[want("doc:1", a, 5, w)])
    desk.wants["doc:1", a.pk] = (0, w.pk)
    audited()
    made = repaired(AuditFinding.objects.get())
    reservations.reserve(wants=[want("x:9", a, 8, w)])
    with pytest.raises(NegativeStock):
        repairing.undo(repair_id=made.pk, actor="olga")
    assert buckets(a, w) == (10, 0, 8)


def test_what_a_transfer_has_under_way_is_expected_where_it_goes(a, w, audited, tamper):
    wishes = [planning.Wish(sku_id=a.pk, quantity=D(4))]
    made = planning.plan(origin=w, destination=warehouse("THERE"), lines=wishes, user=None)
    planning.request(transfer_id=made.pk, user=None)
    picking.pick(transfer_id=made.pk, user=None)
    picking.send(transfer_id=made.pk, user=None)
    assert audited().found == 0
    came = receiving.Came(line_id=made.lines.get().pk, good=D(1), damaged=D(0))
    receiving.receive(transfer_id=made.pk, came=[came], user=None)
    assert audited().found == 0
    tamper("UPDATE inventory_transferline SET transit = 2000, received = 2000")
    audited()
    assert [(kind, found, should) for kind, _counter, found, should in seen()] == [("expected", 3, 2)]
