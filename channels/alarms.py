"""What goes wrong between us and the platforms and does not heal becomes an incident, and goes with its cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import clock, incidents
from backoffice.departments import Department
from channels import error_queue
from channels.models import Account, DriftFinding, DriftState, ErrorState, SyncError

DRIFT, SYNC = "drift", "sync_failure"
STANDING = (DriftState.OPEN, DriftState.HEALING)
HEALING_TIME = dt.timedelta(minutes=30)  # a correction on its way is no alarm yet
ABOUT: Mapping[str, Any] = {
    "order": _("orders"),
    "listing": _("listings"),
    "stock": _("stock figures"),
    "tracking": _("parcels"),
    "account": _("the account"),
    "token": _("access"),
}


def register_kinds() -> None:
    """Register what the shops report; called once by AppConfig.ready()."""
    incidents.register_kind(
        DRIFT, title=_("Drift"), sentence=_drift_sentence, department=Department.DESK,
        acknowledge_minutes=60, resolve_hours=8,
        advice=_("Look at the figures under “Drift”: who changed them over there, or why is our write ignored?"),
    )  # fmt: skip
    incidents.register_kind(
        SYNC, title=_("Sync failure"), sentence=_sync_sentence, department=Department.DESK,
        acknowledge_minutes=30, resolve_hours=8,
        advice=_("Open the error queue of this shop: each line says what to do, and can be run again."),
    )  # fmt: skip


def _drift_sentence(data: Mapping[str, Any]) -> str:
    count = int(data["figures"])
    text = ngettext(
        "%(shop)s shows %(count)d figure that is not ours: %(goods)s.",
        "%(shop)s shows %(count)d figures that are not ours: %(goods)s.",
        count,
    )
    return text % {"shop": data["shop"], "count": count, "goods": ", ".join(data.get("goods") or ()) or "–"}


def _sync_sentence(data: Mapping[str, Any]) -> str:
    if data.get("topics"):
        return _now("%(shop)s had stopped telling us about: %(topics)s. It was asked to go on.") % {
            "shop": data["shop"], "topics": ", ".join(data["topics"]),
        }  # fmt: skip
    count, about = int(data["errors"]), str(ABOUT.get(str(data.get("about")), data.get("about")))
    text = ngettext(
        "%(shop)s: %(count)d entry about %(about)s waits in the error queue.",
        "%(shop)s: %(count)d entries about %(about)s wait in the error queue.",
        count,
    )
    return text % {"shop": data["shop"], "count": count, "about": about}


# --- drift -----------------------------------------------------------------------------------------------------------


def look_at_drift(account_id: int) -> None:
    """After a comparison: report the figures that should have healed or cannot; settle when none is left."""
    account = Account.objects.select_related("shop").get(pk=account_id)
    alarming = DriftFinding.objects.filter(account=account, state__in=STANDING).filter(
        Q(kind__in=("missing", "ignored")) | Q(found_at__lte=clock.now() - HEALING_TIME)
    )
    count = alarming.count()
    if not count:
        incidents.settle(kind=DRIFT, key=f"account:{account_id}", actor="task:drift")
        return
    goods = alarming.order_by("pk").values_list("listing__sku_text", "listing__external_id")[:5]
    incidents.report(
        kind=DRIFT, key=f"account:{account_id}", target=f"channels.account:{account_id}", shop_id=account.shop_id,
        data={"shop": account.shop.name, "figures": count, "goods": [code or listing for code, listing in goods]},
    )  # fmt: skip


def drift_healed(account_id: int) -> None:
    """Figures went through: settle when nothing differs any more."""
    if not DriftFinding.objects.filter(account=account_id, state__in=STANDING).exists():
        incidents.settle(kind=DRIFT, key=f"account:{account_id}", actor="task:push")


# --- the error queue -------------------------------------------------------------------------------------------------


def look_at_errors() -> None:
    """Bring the incidents in line with the error queue: too many, too old, or a person is needed."""
    incidents.reconcile(kind=SYNC, prefix="errors:", reports=list(_failing()))


def _failing() -> Iterator[incidents.Report]:
    """One report per account and what the errors are about; webhooks have their own."""
    now = clock.now()
    old = Q(first_seen_at__lte=now - dt.timedelta(minutes=settings.INCIDENT_ERROR_MINUTES))
    rows = (
        SyncError.objects.filter(state=ErrorState.OPEN)
        .exclude(kind=error_queue.HOOK)
        .values("account_id", "kind", "account__shop_id", "account__shop__name")
        .annotate(count=Count("pk"), stale=Count("pk", filter=old), oldest=Min("first_seen_at"))
        .order_by("account_id", "kind")
    )
    for row in rows:
        if row["stale"] or row["count"] >= settings.INCIDENT_ERROR_ROWS:
            yield incidents.Report(
                kind=SYNC, key=f"errors:{row['account_id']}:{row['kind']}",
                target=f"channels.account:{row['account_id']}", shop_id=row["account__shop_id"],
                severity="high" if row["count"] >= settings.INCIDENT_ERROR_ROWS else "normal",
                data={"shop": row["account__shop__name"], "about": row["kind"], "errors": row["count"]},
            )  # fmt: skip


# --- webhooks --------------------------------------------------------------------------------------------------------


def hooks_vanished(account: Account, topics: Sequence[str]) -> None:
    """Subscriptions that stood are gone: nobody knows for how long we heard nothing."""
    incidents.report(
        kind=SYNC, key=f"hooks:{account.pk}", target=f"channels.account:{account.pk}", shop_id=account.shop_id,
        severity="high", data={"shop": account.shop.name, "topics": sorted(topics)},
    )  # fmt: skip


def hooks_stand(account_id: int) -> None:
    """All subscriptions stand at the next look: settle."""
    incidents.settle(kind=SYNC, key=f"hooks:{account_id}", actor="task:webhooks")
