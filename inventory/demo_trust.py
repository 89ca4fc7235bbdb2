"""The demo's trust in its stock: limits people set, goods somebody forgot, an audit that has run."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from backoffice import clock
from backoffice.models import User
from inventory import reservations
from inventory.alerts import keeping
from inventory.models import AlertKind, AuditRun, Balance, Reservation, StockAlertRule
from inventory.reservations import Want
from inventory.self_audit import runs

LOST, EXHIBIT = "orders.line:900000001", "demo.exhibit:1"  # an order line that is gone, and a show room


def finish() -> int:
    """Add them once the stories are told; returns how many alerts stand."""
    _rules()
    _forgotten()
    if not AuditRun.objects.exists():
        runs.measure(AuditRun.objects.create(started_by=runs.CLOCK))
    opened, _closed = keeping.look()
    return opened


def _rules() -> None:
    buyer = User.objects.filter(groups__name="buyer").order_by("pk").first()
    for kind, fields in (
        (AlertKind.OVER, {"threshold": Decimal(300), "department": "buying", "person": buyer}),
        (AlertKind.SLOW, {"days": 10, "department": "buying"}),
    ):
        StockAlertRule.objects.get_or_create(kind=kind, sku=None, category="", warehouse=None, defaults=fields)


def _forgotten() -> None:
    """Two pieces of a gone order line, one lent to the show room six weeks ago."""
    rows = Balance.objects.filter(on_hand__gt=20, reserved=0, demand=0, warehouse__read_only=False).order_by("-on_hand")
    if Reservation.objects.filter(reference__in=(LOST, EXHIBIT)).exists():
        return
    for reference, balance in zip((LOST, EXHIBIT), rows[:2], strict=False):
        want = Want(
            reference=reference, sku_id=balance.sku_id, quantity=Decimal(2),
            warehouses=(balance.warehouse_id,),
        )  # fmt: skip
        reservations.reserve(wants=[want], actor="demo")
    long_ago = clock.now() - dt.timedelta(days=42)
    Reservation.objects.filter(reference=EXHIBIT).update(updated_at=long_ago)
