"""Alerts: one open row a SKU, place and kind; the most specific rule; told once, closed by themselves."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from backoffice import clock
from backoffice.models import Incident, StaffNotice
from inventory import reservations
from inventory.alerts import keeping, watches
from inventory.alerts.rules import RuleBook
from inventory.alerts.watches import Seen
from inventory.models import StockAlert, StockAlertRule, StockEntry
from tests.inventory.factories import sku, stock, want, warehouse

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def own_watches(monkeypatch):
    monkeypatch.setattr(watches, "_watches", {})
    watches.register_own()


def rule(kind="low", **fields):
    return StockAlertRule.objects.create(kind=kind, **fields)


def stands():
    rows = StockAlert.objects.filter(closed_at__isnull=True).order_by("kind", "sku__code")
    return [(row.kind, row.sku.code, row.quantity) for row in rows]


def test_low_follows_the_mark_of_the_sku(a, w):
    a.low_stock = D(10)
    a.save()
    assert keeping.look() == (1, 0)
    assert stands() == [("low", "A", 10)]


def test_out_while_orders_wait_is_worse_than_low(a, w):
    rule(threshold=D(50))
    reservations.book_demand(wants=[want("x:1", a, 12, w)])
    keeping.look()
    assert stands() == [("out", "A", -2)]
    assert Incident.objects.get(kind="stock_alert").severity == "high"


def test_an_empty_shelf_without_orders_is_low(a, w):
    rule(threshold=D(0))
    reservations.reserve(wants=[want("x:1", a, 10, w)])
    keeping.look()
    assert stands() == [("low", "A", 0)]


def test_too_much_needs_a_rule(a, w):
    keeping.look()
    assert stands() == []
    rule("over", threshold=D(9))
    keeping.look()
    assert stands() == [("over", "A", 10)]


def test_what_was_not_sold_for_the_days_of_its_rule_is_slow(a, w):
    rule("slow", days=30)
    keeping.look()
    assert stands() == [], "it lies here since today"
    later = sku("B")
    stock(later, w, 5)
    reservations.reserve(wants=[want("x:1", later, 1, w)])
    tomorrow = clock.now() + dt.timedelta(days=31)
    import inventory.alerts.watches as module

    rows = list(module._unsold(tomorrow - dt.timedelta(days=30)))
    assert [row[0] for row in rows] == [a.pk, later.pk]
    reservations.consume(items=[("x:1", later.pk, w.pk, D(1))], document="x.shipment:1")
    assert [row[0] for row in module._unsold(StockEntry.objects.filter(sku=later).latest("id").recorded_at)] == [a.pk]


def test_the_most_specific_rule_holds_whole(a, w):
    a.product.category = "Cups"
    a.product.save()
    everywhere = rule(threshold=D(1))
    place = rule(threshold=D(2), warehouse=w)
    category = rule(threshold=D(3), category="Cups")
    here = rule(threshold=D(4), category="Cups", warehouse=w)
    item = rule(threshold=D(5), sku=a)
    exact = rule(threshold=D(6), sku=a, warehouse=w)
    for best in (exact, item, here, category, place, everywhere):
        assert RuleBook().best("low", a.pk, "Cups", w.pk) == best
        best.delete()
    assert RuleBook().best("low", a.pk, "Cups", w.pk) is None


def test_a_rule_that_is_off_silences(a, w):
    a.low_stock = D(10)
    a.save()
    rule(sku=a, active=False)
    assert keeping.look() == (0, 0)


def test_seen_again_is_the_same_alert_and_it_closes_by_itself(a, w):
    rule(threshold=D(10))
    keeping.look()
    assert keeping.look() == (0, 0)
    stock(a, w, 5)
    assert keeping.look() == (0, 1)
    assert StockAlert.objects.get().closed_at is not None
    assert Incident.objects.get(kind="stock_alert").state == "gone"


def test_a_hundred_skus_are_one_incident_and_one_notice(w, person):
    buyer = person("buyer")
    for number in range(100):
        stock(sku(f"S{number:03}"), w, 1)
    rule(threshold=D(5), person=buyer)
    keeping.look()
    keeping.look()
    incident = Incident.objects.get(kind="stock_alert")
    assert (incident.data["count"], incident.count, incident.department) == (100, 1, "buying")
    mine = StaffNotice.objects.filter(user=buyer, subject__contains="100 new stock alerts")
    assert mine.count() == 1
    assert StaffNotice.objects.filter(user=buyer).count() == 2, "as a person, and as one of the department"


def test_departments_have_incidents_of_their_own(a, w):
    rule(threshold=D(50), department="warehouse")
    b = sku("B")
    stock(b, w, 1)
    rule(threshold=D(50), sku=b)
    keeping.look()
    rows = Incident.objects.filter(kind="stock_alert").order_by("department")
    assert [(row.department, row.data["goods"]) for row in rows] == [("buying", ["B"]), ("warehouse", ["A"])]


def test_the_database_keeps_one_open_alert_a_kind_and_place(a, w):
    StockAlert.objects.create(kind="low", sku=a, warehouse=w, quantity=1, department="buying")
    with pytest.raises(IntegrityError), transaction.atomic():
        StockAlert.objects.create(kind="low", sku=a, warehouse=w, quantity=1, department="buying")


def test_others_bring_watches(a, w):
    watches.register_watch("lots", lambda book: [Seen("expiring", a.pk, w.pk, D(3), note="L1")])
    keeping.look()
    assert stands() == [("expiring", "A", 3)]


def test_two_rules_for_the_same_goods_are_refused(a, w):
    rule(threshold=D(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        rule(threshold=D(2))


def test_places_others_keep_are_not_watched(a):
    other = warehouse("X")
    stock(a, other, 1)
    other.read_only = True
    other.save()
    rule(threshold=D(5))
    assert keeping.look() == (0, 0)
