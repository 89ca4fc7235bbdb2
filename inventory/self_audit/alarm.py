"""Open differences as one incident a warehouse: told once, worse when there are more, gone when nothing differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import incidents
from backoffice.departments import Department
from backoffice.models import Incident
from inventory.models import AuditFinding

KIND = "stock_audit"


def register() -> None:
    """Register the kind; called once by AppConfig.ready()."""
    incidents.register_kind(
        KIND, title=_("Stock differs from its documents"), sentence=_sentence, department=Department.WAREHOUSE,
        acknowledge_minutes=240, resolve_hours=24,
        advice=_("Open the difference, read what the repair would do, repair it, or count the goods."),
    )  # fmt: skip
    incidents.kinds.register_button(KIND, _button)


def sound() -> None:
    """Bring the incidents in line with what is open."""
    rows = (
        AuditFinding.objects.filter(state=AuditFinding.State.OPEN)
        .values("warehouse_id", "warehouse__code").annotate(count=Count("pk")).order_by("warehouse_id")
    )  # fmt: skip
    reports = [
        incidents.Report(
            kind=KIND, key=f"warehouse:{row['warehouse_id']}", warehouse_id=row["warehouse_id"],
            data={"warehouse": row["warehouse__code"], "count": row["count"]},
        )
        for row in rows
    ]  # fmt: skip
    incidents.reconcile(kind=KIND, prefix="warehouse:", reports=reports)


def _sentence(data: Mapping[str, Any]) -> str:
    text = ngettext(
        "%(count)d figure of warehouse %(warehouse)s is not what its documents say.",
        "%(count)d figures of warehouse %(warehouse)s are not what their documents say.",
        int(data["count"]),
    )
    return text % {"count": data["count"], "warehouse": data["warehouse"]}


def _button(request: HttpRequest, row: Incident) -> tuple[str, str] | None:
    if not request.user.has_perm("inventory.view_auditfinding"):
        return None
    url = reverse("admin:inventory_auditfinding_changelist")
    return _now("See the differences…"), f"{url}?warehouse={row.warehouse_id}"
