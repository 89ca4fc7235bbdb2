"""What platforms delivered of a person: the texts are emptied, their hashes stay, so that nothing is taken in twice."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.erasing import Person, blot, register_place
from channels.models import InboundPayload, SyncError
from orders.erasing import PREFIX
from orders.models import Order


def register() -> None:
    """Register the places; called once by AppConfig.ready()."""
    register_place("payloads", _("texts as delivered"), _payloads)
    register_place("sync_errors", _("faults of shops"), _faults)


def _payloads(person: Person, write: bool) -> int:
    orders = Order.objects.filter(pk__in=person.ids(PREFIX)).values_list("shop_id", "external_id")
    whose = Q(pk__in=[])
    for shop_id, external_id in orders:
        whose |= Q(account__shop=shop_id, external_id=external_id)
    rows = InboundPayload.objects.filter(whose).exclude(body="")
    return rows.update(body="", expires_at=None) if write else rows.count()


def _faults(person: Person, write: bool) -> int:
    shops = Order.objects.filter(pk__in=person.ids(PREFIX)).values("shop")
    return blot(SyncError.objects.filter(account__shop__in=shops), person, write=write)
