"""Writing to the buyer of an order: who, in which language, with which facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format

from backoffice import audit, locks, messages
from backoffice.models import MessageTemplate, OutgoingMessage
from orders.models import Order, OrderLine, Shipment
from orders.models.order import order_reference

CHINESE = frozenset({"CN", "HK", "MO", "TW"})
MOST_GOODS = 20


def language_of(order: Order) -> str:
    """Return the language a buyer is written to in, by the country the parcel goes to."""
    contact = getattr(order, "contact", None)
    return "zh-hans" if contact is not None and contact.country in CHINESE else "en"


def recipient(order: Order, channel: str) -> str:
    """Return where a channel reaches the buyer, empty where it does not."""
    contact = getattr(order, "contact", None)
    if contact is None:
        return ""
    platform = contact.buyer_id or contact.buyer_name or order.number
    return str({"email": contact.email, "sms": contact.phone}.get(channel, platform)).strip()


def variables(order: Order, language: str) -> dict[str, str]:
    """Return what a template can say about an order; `new_date`, `coupon` and `compensation` come from the writer."""
    contact = getattr(order, "contact", None)
    with translation.override(language):
        parcel = Shipment.objects.filter(order=order).order_by("-pk").first()
        return {
            "order_number": order.number,
            "buyer_name": contact.buyer_name if contact is not None else "",
            "shop_name": order.shop.name,
            "ship_by": date_format(timezone.localtime(order.ship_by), "DATE_FORMAT") if order.ship_by else "",
            "goods": "\n".join(_goods(order)),
            "carrier": getattr(parcel, "carrier", "") if parcel else "",
            "tracking": getattr(parcel, "tracking_number", "") if parcel else "",
        }


def _goods(order: Order) -> list[str]:
    lines = OrderLine.objects.filter(order=order, quantity__gt=0).order_by("position")[:MOST_GOODS]
    return [f"{line.title or line.sku_code} × {line.quantity.normalize():f}" for line in lines]


@transaction.atomic
def write(
    *,
    order: Order,
    template: MessageTemplate,
    actor: str,
    key: str,
    more: Mapping[str, str] | None = None,
    forced: bool = False,
) -> OutgoingMessage:
    """Queue a template's message to the buyer of an order.

    Raises MessageError: no address for the channel, or the same template a short while ago and not `forced`.
    """
    locks.locked_rows(Order.objects.filter(pk=order.pk))  # of two who write the same at once the second is told
    language = language_of(order)
    values: dict[str, Any] = {**variables(order, language), **(more or {})}
    message = messages.queue_template(
        template=template, to=recipient(order, template.channel), variables=values, language=language,
        reference=order_reference(order.pk), actor=actor, key=key, shop_id=order.shop_id, forced=forced,
    )  # fmt: skip
    audit.record(
        action="order.message", target=order, actor=actor, after={"template": template.code, "message": message.pk}
    )
    return message
