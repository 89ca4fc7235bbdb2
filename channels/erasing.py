"""What platforms delivered of a person: the texts are emptied, their hashes stay, so that nothing is taken in twice."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.erasing import Person, blot, register_place
from channels import error_queue
from channels.models import InboundPayload, SyncError
from orders.erasing import PREFIX
from orders.models import Order


def register() -> None:
    """Register the places; called once by AppConfig.ready()."""
    register_place("payloads", _("texts as delivered"), _payloads)
    register_place("sync_errors", _("faults of shops"), _faults)


def _payloads(person: Person, write: bool) -> int:
    rows = InboundPayload.objects.filter(_whose(person, "external_id")).exclude(body="")
    return rows.update(body="", expires_at=None) if write else rows.count()


def _faults(person: Person, write: bool) -> int:
    return blot(SyncError.objects.filter(_whose(person, "reference")), person, write=write)


def _whose(person: Person, column: str) -> Q:
    """What speaks of one of the person's orders by its id on the platform, or by a text that it was delivered in."""
    told: dict[int, list[str]] = defaultdict(list)
    for shop_id, external_id in Order.objects.filter(pk__in=person.ids(PREFIX)).values_list("shop_id", "external_id"):
        told[shop_id].append(external_id)
    found = Q(pk__in=[])
    for shop_id, ids in told.items():
        found |= Q(account__shop=shop_id, **{f"{column}__in": ids})
        if column == "reference":
            found |= Q(account__shop=shop_id, kind=error_queue.TRACKING)  # named by parcels
            found |= Q(payload__account__shop=shop_id, payload__external_id__in=ids)
    return found
