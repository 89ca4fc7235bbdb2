"""Who did the steps of a transfer that no person did: the API keys that the audit trail names."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice import actors, audit
from backoffice.models import AuditEntry
from inventory.models import Transfer, TransferReceipt

STEPS = {
    "transfer.plan": "created", "transfer.request": "requested", "transfer.pick": "picked", "transfer.send": "sent",
    "transfer.cancel": "ended", "transfer.receive": "ended",
}  # fmt: skip
RECEIVE = "transfer.receive"


def keys_of(transfer: Transfer, receipts: Sequence[TransferReceipt]) -> tuple[dict[str, str], dict[int, str]]:
    """Return the names of the keys behind the steps of a transfer, and behind its receipts (in their order), by id.

    Each receipt wrote one entry of the trail. Nothing is asked where persons did everything.
    """
    steps, came = dict.fromkeys(STEPS.values(), ""), dict.fromkeys((one.pk for one in receipts), "")
    done = [step for step in sorted(set(STEPS.values())) if getattr(transfer, f"{step}_at") is not None]
    people = [getattr(transfer, f"{step}_by_id") for step in done] + [one.created_by_id for one in receipts]
    if all(people):
        return steps, came
    rows = AuditEntry.objects.filter(target=audit.target_text(transfer), action__in=STEPS).order_by("pk")
    entries = list(rows.values_list("action", "actor"))
    for action, actor in entries:
        steps[STEPS[action]] = actors.named(actor) if actor.startswith("api:") else ""
    received = [actor for action, actor in entries if action == RECEIVE]
    for one, actor in zip(receipts, received, strict=False):
        came[one.pk] = actors.named(actor) if actor.startswith("api:") else ""
    return steps, came
