"""Messages on an order's page: what was written to the buyer, and a template to write now."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as told
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.models import MessageTemplate, OutgoingMessage
from orders.admin.parts import register_part, register_work
from orders.desk import letters
from orders.models import Order
from orders.models.order import order_reference


def register() -> None:
    """Register the card and its button; called once by AppConfig.ready()."""
    register_part("messages", "side", "admin/orders/order/messages.html", _facts, order=60)
    register_work("write_buyer", "backoffice.send_message", _write)


def _facts(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    if not request.user.has_perm("backoffice.view_outgoingmessage"):
        return None
    rows = OutgoingMessage.objects.filter(reference=order_reference(order.pk)).select_related("template")
    may_send = request.user.has_perm("backoffice.send_message")
    templates = MessageTemplate.objects.filter(active=True).order_by("purpose", "name") if may_send else []
    found = {"rows": list(rows.order_by("-id")[:5]), "templates": list(templates)}
    return found if found["rows"] or found["templates"] else None


def _write(request: HttpRequest, order: Order) -> None:
    value = request.POST.get("template", "")
    known = MessageTemplate.objects.filter(active=True)
    template = known.filter(pk=int(value)).first() if value.isdecimal() and len(value) < 18 else None
    if template is None:
        told.error(request, _("Choose a template."))
        return
    token = request.POST.get("once", "")[:64].replace("\0", "")
    row = letters.write(
        order=order, template=template, actor=audit.current_actor().name,
        key=f"order:{order.pk}:{template.pk}:{token}", forced="forced" in request.POST,
    )  # fmt: skip
    if row.state == OutgoingMessage.State.BY_HAND:
        told.warning(request, _("Written. Nothing sends this channel by itself: copy it from “Messages sent”."))
    else:
        told.success(request, _("On its way to the buyer."))
