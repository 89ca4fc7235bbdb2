"""Self-audit, forgotten reservations and alerts: sidebar, home card, rights, whose rows they are, chores."""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from backoffice.chores import register_chore
from backoffice.home import Figure, HomeCard, register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access, home
from inventory.models import (
    AlertKind,
    AuditFinding,
    AuditRun,
    ExpectedArrival,
    GhostReservation,
    StockAlert,
    StockAlertRule,
    TransferLine,
)

AUDIT = ["view_auditfinding", "view_auditrun"]
RULES = [f"{verb}_stockalertrule" for verb in ("view", "add", "change", "delete")]
GHOSTS = ["view_ghostreservation", "release_ghostreservation"]
BOSS = [
    *AUDIT, "start_auditrun", "repair_auditfinding", "view_auditsetting", "change_auditsetting", *GHOSTS,
    "view_stockalert", *RULES,
]  # fmt: skip
ROLES = {
    "owner": BOSS,
    "ops_admin": BOSS,
    "order_clerk": [*GHOSTS, "view_stockalert"],
    "warehouse_clerk": [
        *AUDIT, "start_auditrun", "view_auditsetting", *GHOSTS, "view_stockalert", "view_stockalertrule",
    ],
    "buyer": [*AUDIT, "view_ghostreservation", "view_stockalert", *RULES],
    "bookkeeper": AUDIT,
    "auditor": [*AUDIT, "view_auditsetting", "view_ghostreservation", "view_stockalert", "view_stockalertrule"],
}  # fmt: skip
TONES: dict[str, str] = {
    AlertKind.OUT: "bad",
    AlertKind.NEGATIVE: "bad",
    AlertKind.LOW: "warn",
    AlertKind.EXPIRING: "warn",
}
LOOK_SECONDS, CLOCK_SECONDS = 600, 120


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    from inventory.alerts import keeping
    from inventory.self_audit import alarm, runs, sources

    register_role_permissions("inventory", ROLES)
    for rows in (AuditFinding, GhostReservation, StockAlert):
        access.register(rows, shop=None, warehouse="warehouse")
    access.register(AuditRun, shop=None)
    access.register(StockAlertRule, shop=None, warehouse="warehouse", empty=True)
    sources.register_incoming("inventory.arrivals", _on_their_way)
    sources.register_incoming("inventory.transfers", _between_warehouses)
    alarm.register()
    keeping.register()
    register_card("stock_trust", card, order=42, permission="inventory.view_stockalert")
    register_chore("stock.audit", CLOCK_SECONDS, runs.nightly)
    register_chore("stock.alerts", LOOK_SECONDS, keeping.look)
    lines = (
        ("stock", _("Stock alerts"), "stockalert", "notifications_active", _alerts),
        ("stock", _("Forgotten reservations"), "ghostreservation", "lock_clock", None),
        ("stock", pgettext_lazy("audit", "Stock differences"), "auditfinding", "difference", _open),
        ("stock", _("Stock audits"), "auditrun", "fact_check", None),
        ("settings", _("Rules of stock alerts"), "stockalertrule", "tune", None),
        ("settings", _("Stock audit"), "auditsetting", "schedule", None),
    )
    for place, (section, title, model, icon, badge) in enumerate(lines):
        register_sidebar(
            section, title, f"admin:inventory_{model}_changelist", icon=icon,
            permission=f"inventory.view_{model}", order=40 + place, badge=badge,
        )  # fmt: skip


def _on_their_way() -> list[tuple[int, int, str, int]]:
    """The expected deliveries that are open, with what is left of each."""
    rows = ExpectedArrival.objects.filter(state=ExpectedArrival.State.EXPECTED).only(
        "sku_id", "warehouse_id", "quantity", "received_quantity"
    )
    return [(one.sku_id, one.warehouse_id, one.reference, int(one.left * 1000)) for one in rows if one.left]


def _between_warehouses() -> list[tuple[int, int, str, int]]:
    """What is left of transfers under way: their destinations expect it."""
    rows = TransferLine.objects.filter(transit__gt=0).values_list(
        "sku_id", "transfer__destination_id", "transfer_id", "transit"
    )
    return [(sku, place, f"inventory.transfer:{pk}", int(left * 1000)) for sku, place, pk, left in rows]


def _open(request: HttpRequest) -> QuerySet[AuditFinding]:
    return home.own(request, AuditFinding.objects.filter(state=AuditFinding.State.OPEN))


def _alerts(request: HttpRequest) -> QuerySet[StockAlert]:
    return home.own(request, StockAlert.objects.filter(closed_at__isnull=True, kind__in=("out", "negative")))


def card(request: HttpRequest) -> HomeCard:
    """What to look at in the stock: alerts by kind, and whether every counter is what its documents say."""
    url = reverse("admin:inventory_stockalert_changelist")
    rows = home.own(request, StockAlert.objects.filter(closed_at__isnull=True)).order_by()
    counts = dict(rows.values_list("kind").annotate(n=Count("pk")).values_list("kind", "n"))
    figures = [
        Figure(AlertKind(kind).label, f"{counts[kind]:,}", f"{url}?kind__exact={kind}", TONES.get(kind, "neutral"))
        for kind in AlertKind.values
        if counts.get(kind)
    ]
    last = None
    if request.user.has_perm("inventory.view_auditfinding"):
        last = AuditRun.objects.filter(state=AuditRun.State.DONE).order_by("-id").first()
        count = _open(request).count()
        if count:
            differences = reverse("admin:inventory_auditfinding_changelist")
            figures.append(Figure(pgettext("audit", "Stock differences"), f"{count:,}", differences, "bad"))
    return HomeCard(
        title=_("Stock to look at"), figures=figures, url=url, icon="notifications_active",
        empty=_("No limit is passed, and nothing differs."), as_of=last.ended_at if last else None,
    )  # fmt: skip
