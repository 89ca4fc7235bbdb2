"""A clerk corrects where an order goes; later versions from the platform keep the correction."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from backoffice import audit, clock
from orders.desk import actions
from orders.intake.drafts import phone_key
from orders.models import Order, OrderContact
from orders.models.order import OPEN_STATES

FIELDS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country", "phone")
LONGEST = 300


@transaction.atomic
def correct_address(*, order_id: int, address: Mapping[str, str], actor: str) -> actions.RowOutcome:
    """Store the corrected address and, for a held order, check it again. What was there stays in the versions."""
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.state not in OPEN_STATES:
        return actions.RowOutcome(order_id, False, "not_open")
    contact, _made = OrderContact.objects.get_or_create(order=order)
    before = dict(contact.shipping)
    contact.shipping = {name: str(address.get(name, "")).replace("\0", "").strip()[:LONGEST] for name in FIELDS}
    contact.shipping["country"] = contact.shipping["country"].upper()[:2]
    contact.country = contact.shipping["country"]
    contact.phone_key = phone_key(contact.shipping["phone"] or contact.phone)
    contact.address_fixed = True
    contact.save()
    Order.objects.filter(pk=order.pk).update(updated_at=clock.now())
    changed = sorted(name for name in FIELDS if before.get(name, "") != contact.shipping[name])
    audit.record(action="order.correct_address", target=order, actor=actor, after={"fields": changed})
    if order.state == Order.State.HELD:
        return actions.release_hold(order_ids=[order.pk], actor=actor, reason="address")[0]
    return actions.RowOutcome(order_id, True, "corrected")
