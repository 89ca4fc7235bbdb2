"""Alerts as rows: opened once, seen again, closed by themselves; one incident a kind, warehouse and department."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import clock, incidents, notices
from backoffice.departments import Department
from backoffice.models import Incident
from inventory.alerts import watches
from inventory.alerts.rules import RuleBook
from inventory.alerts.watches import Seen
from inventory.models import AlertKind, StockAlert

KIND, PREFIX = "stock_alert", "alert:"
BAD = (AlertKind.OUT, AlertKind.NEGATIVE)
NAMED, PAGE = 5, 1_000
Place = tuple[str, int, int]  # (kind, sku id, warehouse id)


def register() -> None:
    """Register the kind of incident and the stock's own watches; called once by AppConfig.ready()."""
    incidents.register_kind(
        KIND, title=_("Stock alert"), sentence=_sentence, department=Department.BUYING,
        acknowledge_minutes=480, resolve_hours=48,
        advice=_("Open the list: buy, move or price the goods, or set another limit. It closes by itself."),
    )  # fmt: skip
    incidents.kinds.register_button(KIND, _button)
    watches.register_own()


def look() -> tuple[int, int]:
    """Bring the alerts in line with the stock; returns (opened, closed). Harmless to repeat (a chore)."""
    seen: dict[Place, Seen] = {}
    for one in watches.all_seen(RuleBook()):
        seen[str(one.kind), one.sku_id, one.warehouse_id] = one
    opened, closed = _write(seen)
    _tell(opened)
    return len(opened), closed


@transaction.atomic
def _write(seen: Mapping[Place, Seen]) -> tuple[list[StockAlert], int]:
    now = clock.now()
    rows = StockAlert.objects.select_for_update().filter(closed_at__isnull=True).order_by("pk")
    standing = {(row.kind, row.sku_id, row.warehouse_id): row for row in rows}
    again = [_told(row, seen[key]) for key, row in standing.items() if key in seen]
    for row in again:
        row.last_seen_at = now
    StockAlert.objects.bulk_update(again, [*_FIGURES, "last_seen_at"], batch_size=PAGE)
    new = [_told(StockAlert(opened_at=now, last_seen_at=now), one) for key, one in seen.items() if key not in standing]
    # A conflict means that another look opened the same a moment ago: its row counts.
    StockAlert.objects.bulk_create(new, ignore_conflicts=True, batch_size=PAGE)
    over = [row.pk for key, row in standing.items() if key not in seen]
    closed = StockAlert.objects.filter(pk__in=over).update(closed_at=now)
    _report()
    return new, closed


_FIGURES = ("quantity", "threshold", "note", "department", "person")


def _told(row: StockAlert, one: Seen) -> StockAlert:
    row.kind, row.sku_id, row.warehouse_id = str(one.kind), one.sku_id, one.warehouse_id
    row.quantity, row.threshold, row.note = one.quantity, one.threshold, one.note[:200]
    row.department = one.rule.department if one.rule else Department.BUYING
    row.person_id = one.rule.person_id if one.rule else None
    return row


def _report() -> None:
    """One incident for all alerts of a kind, warehouse and department: a thousand low SKUs are one line of work."""
    groups: dict[tuple[str, int, str], list[StockAlert]] = defaultdict(list)
    rows = StockAlert.objects.filter(closed_at__isnull=True).select_related("sku", "warehouse").order_by("pk")
    for row in rows:
        groups[row.kind, row.warehouse_id, row.department].append(row)
    reports = [
        incidents.Report(
            kind=KIND, key=f"{PREFIX}{kind}:{place}:{department}", warehouse_id=place, department=department,
            severity="high" if kind in BAD else "normal",
            data={
                "alert": kind, "count": len(mine), "warehouse": mine[0].warehouse.code,
                "goods": [row.sku.code for row in mine[:NAMED]],
            },
        )
        for (kind, place, department), mine in groups.items()
    ]  # fmt: skip
    incidents.reconcile(kind=KIND, prefix=PREFIX, reports=reports)


def _tell(new: Sequence[StockAlert]) -> None:
    """Tell the people named in rules, once for all that is new."""
    mine: dict[Any, list[StockAlert]] = defaultdict(list)
    for row in new:
        if row.person_id:
            mine[row.person].append(row)
    url = reverse("admin:inventory_stockalert_changelist")
    for person, rows in mine.items():
        notices.tell(person, subject=partial(_headline, rows), url=url)


def _headline(rows: Sequence[StockAlert]) -> str:
    count = ngettext("%(count)d new stock alert", "%(count)d new stock alerts", len(rows)) % {"count": len(rows)}
    return f"{count}: {', '.join(row.sku.code for row in rows[:NAMED])}"


def _sentence(data: Mapping[str, Any]) -> str:
    values = {
        "alert": AlertKind(data["alert"]).label, "warehouse": data["warehouse"],
        "count": data["count"], "goods": ", ".join(data["goods"]),
    }  # fmt: skip
    return _now("%(alert)s in warehouse %(warehouse)s (%(count)d): %(goods)s") % values


def _button(request: HttpRequest, row: Incident) -> tuple[str, str] | None:
    if not request.user.has_perm("inventory.view_stockalert"):
        return None
    url = reverse("admin:inventory_stockalert_changelist")
    return _now("See the alerts…"), f"{url}?warehouse={row.warehouse_id}&kind__exact={row.data.get('alert', '')}"
