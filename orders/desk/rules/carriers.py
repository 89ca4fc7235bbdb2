"""Rules that choose the carrier: the wish is noted on the order, and is what a label is bought from later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import audit, locks
from orders.desk.rules.own_works import AT_ONCE
from orders.desk.rules.works import Input, Kind, register
from orders.desk.table import RowOutcome
from orders.models import CarrierService, Order

Params = Mapping[str, Any]


def register_carrier() -> None:
    """Register it; called once by AppConfig.ready()."""
    to = Input("service", gettext_lazy("carrier"), choices)
    register(Kind("carrier", gettext_lazy("Choose the carrier"), (to,), _read, _words, _wish, AT_ONCE))


def choices(_principal: Any) -> list[tuple[str, str]]:
    """Return the services in use as (value, carrier and service)."""
    rows = CarrierService.objects.filter(active=True, account__active=True).select_related("account")
    return [(str(one.pk), str(one)) for one in rows.order_by("account__name", "code")]


def _number(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def _read(raw: Params) -> dict[str, Any]:
    pk = _number(raw.get("service"))
    if not CarrierService.objects.filter(pk=pk).exists():
        raise ValueError(_("Choose the carrier's service: the one named is not there any more."))
    return {"service": pk}


def _words(saved: Params) -> str:
    row = CarrierService.objects.filter(pk=_number(saved.get("service"))).select_related("account").first()
    return _("Carrier: %s") % (row or saved.get("service", ""))


def _wish(order_ids: Sequence[int], params: Params, actor: str) -> Sequence[RowOutcome]:
    """Note the wish on orders that have none; the first rule's wish stays."""
    service = CarrierService.objects.filter(pk=params["service"], active=True).select_related("account").first()
    if service is None:
        return [RowOutcome(pk, False, "gone", _("This carrier's service is not in use any more.")) for pk in order_ids]
    entries = []
    for order in locks.locked_rows(Order.objects.filter(pk__in=order_ids, carrier_service__isnull=True)):
        Order.objects.filter(pk=order.pk).update(carrier_service=service)
        entries.append(audit.Entry("order.carrier", order, {}, {"carrier": str(service)}, order.number[:300], actor))
    if entries:
        audit.record_many(entries)
    return [RowOutcome(pk, True, "wished") for pk in order_ids]
