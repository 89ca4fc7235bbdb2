"""Up to how much a person gives back alone: by role, in the base currency; who may approve has no limit."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.auth.models import AnonymousUser

from backoffice.models import User
from backoffice.roles import roles_of
from orders.models import Order, RefundLimit
from orders.returns import amounts

APPROVE = "orders.approve_refund"
START = (("customer_service", Decimal(300)), ("order_clerk", Decimal(2000)))


def limit_of(user: User | AnonymousUser) -> Decimal | None:
    """Return the highest limit of a person's roles; None: any amount; a role without a limit gives nothing alone."""
    if user.has_perm(APPROVE):
        return None
    rows = RefundLimit.objects.filter(role__in=roles_of(user)).values_list("amount", flat=True)
    return max(rows, default=Decimal(0))


def within(order: Order, amount: Decimal, limit: Decimal | None) -> bool:
    """Say whether an amount of the order is within a limit. Without a rate nobody can say, so it is not."""
    if limit is None:
        return True
    base = amounts.in_base(order, amount)
    return base is not None and base <= limit


def seed() -> None:
    """Give the roles that refund their first limits; what the owner set is left alone."""
    if not RefundLimit.objects.exists():
        RefundLimit.objects.bulk_create([RefundLimit(role=role, amount=amount) for role, amount in START])
