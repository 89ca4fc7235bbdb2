"""Begin a late play, wherever the click came from: the board, an order, an incident, a SKU."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice import audit, incidents
from backoffice.errors import YikuError
from backoffice.models import Incident
from inventory import codes
from inventory.access import sight, visible
from inventory.models import Sku
from orders.late import plays
from orders.models import Order

RUN = "orders.run_lateplay"
REFERENCE = "orders.order:"


def started(
    request: HttpRequest, *, once: str, order_ids: Sequence[int] = (), sku_id: int | None = None,
    incident: Incident | None = None,
) -> HttpResponse:  # fmt: skip
    """Begin or join, and go to the play; a refusal is told where the person was."""
    try:
        play, new = plays.begin(
            actor=audit.current_actor().name, once=once[:64], order_ids=order_ids, sku_id=sku_id,
            shops=sight(request.user).shops, incident=incident,
        )  # fmt: skip
    except YikuError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:orders_lateorder_changelist"))
    if not new:
        told = _("This play is under way already: begun by %(who)s, %(when)s. You have joined it.")
        messages.info(request, told % {"who": plays.named(play.started_by), "when": plays.at(play.started_at)})
    return HttpResponseRedirect(reverse("admin:orders_lateplay_change", args=[play.pk]))


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """The buttons: `order`, `incident` or `sku` says from what; `once` names the page the click was on."""
    if not request.user.has_perm(RUN):
        raise PermissionDenied
    text, _colon, once = request.POST.get("order", "").partition(":")
    key = number(text)
    if key:
        seen = visible(request.user, Order.objects.filter(pk=key))
        return started(request, once=f"{key}:{once[:40]}", order_ids=list(seen.values_list("pk", flat=True)))
    if request.POST.get("incident"):
        return _from_incident(request, number(request.POST["incident"]))
    code = codes.normalise(request.POST.get("sku", "").replace("\0", ""))
    sku = Sku.objects.filter(code_key=code).first() if code else None
    if sku is None:
        messages.error(request, _("There is no such SKU."))
        return HttpResponseRedirect(reverse("admin:orders_lateplay_add"))
    return started(request, once=f"{request.POST.get('once', '')[:40]}:sku{sku.pk}", sku_id=sku.pk)


def _from_incident(request: HttpRequest, pk: int) -> HttpResponse:
    incident = incidents.visible(request.user).filter(pk=pk).first()
    if incident is None:
        raise PermissionDenied
    targets = [incident.target, *incident.links.values_list("target", flat=True)]
    keys = [number(one.removeprefix(REFERENCE)) for one in targets if one.startswith(REFERENCE)]
    seen = visible(request.user, Order.objects.filter(pk__in=keys))
    return started(
        request, once=f"incident:{pk}:{incident.count}", order_ids=list(seen.values_list("pk", flat=True)),
        incident=incident,
    )  # fmt: skip


def number(text: str) -> int:
    """A key out of a form; 0 for anything else."""
    return int(text) if text.isdecimal() and len(text) < 18 else 0
