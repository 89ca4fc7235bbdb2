"""Why things go wrong: the causes every installation starts with, by kind; each house renames and adds its own."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice.models import IncidentCause, WorkTime

BUILT_IN: dict[tuple[str, str], Any] = {
    ("drift", "platform_changed"): _("Changed on the platform by hand"),
    ("drift", "sold_elsewhere"): _("Sold outside of Yiku"),
    ("drift", "counted_wrong"): _("Our own stock was wrong"),
    ("sync_failure", "credentials"): _("Access expired or withdrawn"),
    ("sync_failure", "platform_away"): _("The platform was away"),
    ("sync_failure", "bad_data"): _("The platform sent something unreadable"),
    ("shortage", "supplier_late"): _("Supplier late"),
    ("shortage", "oversold"): _("Oversold"),
    ("shortage", "damaged"): _("Damaged or lost in the warehouse"),
    ("late", "stock_missing"): _("Goods missing"),
    ("late", "warehouse_busy"): _("Too much work in the warehouse"),
    ("late", "carrier"): _("Carrier"),
    ("late", "held_too_long"): _("Held too long"),
    ("bad_address", "typing_error"): _("Typing error of the buyer"),
    ("bad_address", "no_answer"): _("The buyer did not answer"),
    ("return_problem", "wrong_goods"): _("Other goods came back"),
    ("return_problem", "never_arrived"): _("The return never arrived"),
    ("label_not_left", "not_collected"): _("The carrier did not collect"),
    ("label_not_left", "not_packed"): _("The goods were never packed"),
    ("", "our_mistake"): _("Our own mistake"),
    ("", "false_alarm"): _("False alarm"),
    ("", "other"): _("Something else"),
}


def name_of(cause: IncidentCause) -> str:
    """Return what a cause is called: the house's own name, else ours in the reader's language."""
    return cause.name or str(BUILT_IN.get((cause.kind, cause.code), cause.code))


def for_kind(kind: str) -> QuerySet[IncidentCause]:
    """Return the causes in use for a kind, its own before the common ones."""
    return IncidentCause.objects.filter(Q(kind=kind) | Q(kind=""), active=True).order_by("-kind", "place", "id")


def after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: each built-in cause has its row, to be renamed or retired, and the working time its."""
    if sender.label != "backoffice":
        return
    WorkTime.objects.using(using).get_or_create(pk=1, defaults={"quiet_channels": ["sms"]})
    there = set(IncidentCause.objects.using(using).exclude(code="").values_list("kind", "code"))
    missing = [
        IncidentCause(kind=kind, code=code, place=10 + number)
        for number, (kind, code) in enumerate(BUILT_IN)
        if (kind, code) not in there
    ]
    IncidentCause.objects.using(using).bulk_create(missing, ignore_conflicts=True)


def register_causes(kind: str, causes: dict[str, Any]) -> None:
    """Add causes of a kind (code → name) that every installation starts with, in AppConfig.ready()."""
    BUILT_IN.update({(kind, code): name for code, name in causes.items()})
