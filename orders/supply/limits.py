"""Up to how much a person orders alone: by role or by name, in the base currency; who may approve has no limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Q

from backoffice.roles import roles_of
from orders.models import PurchaseLimit

APPROVE = "orders.approve_purchaseorder"
START = (("buyer", Decimal(20_000)),)


def limit_of(user: Any) -> Decimal | None:
    """Return the limit of a person: one of his own before those of his roles (the highest); None: any amount."""
    if user.has_perm(APPROVE):
        return None
    rows = PurchaseLimit.objects.filter(Q(person=user.pk) | Q(role__in=roles_of(user)))
    found = list(rows.values_list("person_id", "amount"))
    own = [amount for person, amount in found if person is not None]
    return own[0] if own else max((amount for _person, amount in found), default=Decimal(0))


def seed() -> None:
    """Give the buyer a first limit; what the owner set is left alone."""
    if not PurchaseLimit.objects.exists():
        PurchaseLimit.objects.bulk_create([PurchaseLimit(role=role, amount=amount) for role, amount in START])
