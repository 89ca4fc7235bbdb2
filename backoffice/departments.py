"""The departments of the house: whose work something is, and which roles do it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.roles import roles_of


class Department(models.TextChoices):
    """Who has to act."""

    DESK = "desk", _("Order desk")
    WAREHOUSE = "warehouse", _("Warehouse")
    BUYING = "buying", _("Buying")
    SERVICE = "service", _("Customer service")
    FINANCE = "finance", _("Bookkeeping")
    OPERATIONS = "operations", _("Operations")
    OWNER = "owner", _("Owner")


ROLE_OF = {
    Department.DESK: "order_clerk",
    Department.WAREHOUSE: "warehouse_clerk",
    Department.BUYING: "buyer",
    Department.SERVICE: "customer_service",
    Department.FINANCE: "bookkeeper",
    Department.OPERATIONS: "ops_admin",
    Department.OWNER: "owner",
}


def departments_of(user: Any) -> list[str]:
    """Return the departments a person works in, by their roles."""
    roles = roles_of(user)
    return [department.value for department, role in ROLE_OF.items() if role in roles]


def people_of(department: str) -> models.QuerySet[Any]:
    """Return who works in a department and can log in; a department without people is the owners' work."""
    from backoffice.models import User

    active = User.objects.filter(is_active=True)
    role = ROLE_OF.get(Department(department)) if department in Department.values else None
    found = active.filter(groups__name=role) if role else active.none()
    if found.exists() and department != Department.OWNER:
        return found.order_by("pk")
    return active.filter(models.Q(groups__name="owner") | models.Q(is_superuser=True)).distinct().order_by("pk")
