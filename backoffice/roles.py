"""The roles of a house, each a group whose permissions the apps declare; brought up to date after every migrate.

Built-in roles are what the code says, on every installation alike. Who needs another mix makes a group of his own:
those are never touched here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

OWNER = "owner"
ROLES = {
    OWNER: _("Owner"),
    "ops_admin": _("Operations manager"),
    "order_clerk": _("Order clerk"),
    "warehouse_clerk": _("Warehouse clerk"),
    "customer_service": _("Customer service"),
    "bookkeeper": _("Bookkeeper"),
    "buyer": pgettext_lazy("role", "Buyer"),
    "auditor": _("Auditor"),
}
ALL = "*"  # every permission of the app

_declared: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))


def register_role_permissions(app: str, permissions: Mapping[str, Sequence[str]]) -> None:
    """Declare what each role may do in an app: `{"order_clerk": ["view_order", "approve_order"], "owner": ["*"]}`.

    Codenames are Django's (`view_`, `add_`, `change_`, `delete_` + model) or the model's own. Call it in
    AppConfig.ready(). Raises ValueError for a role that does not exist.
    """
    unknown = set(permissions) - set(ROLES)
    if unknown:
        raise ValueError(f"No such role: {', '.join(sorted(unknown))}.")
    for role, codenames in permissions.items():
        _declared[app][role].update(codenames)


def declared(app: str, role: str) -> set[str]:
    """Return the codenames a role has in an app."""
    return set(_declared.get(app, {}).get(role, set()))


def sync_after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate: give each role exactly what the migrated app declares for it. Safe to repeat."""
    if sender.label in _declared or sender.label == "backoffice":
        sync(sender.label, using)


@transaction.atomic
def sync(app: str, using: str = "default") -> None:
    """Bring the groups in line with what `app` declares. Raises LookupError for a permission that does not exist."""
    from django.contrib.auth.models import Group, Permission

    permissions = dict(
        Permission.objects.using(using).filter(content_type__app_label=app).values_list("codename", "pk")
    )
    for role in ROLES:
        group, _made = Group.objects.using(using).get_or_create(name=role)
        wanted = {permissions[name] for name in _wanted(app, role, permissions)}
        held = set(group.permissions.filter(content_type__app_label=app).values_list("pk", flat=True))
        group.permissions.add(*(wanted - held))
        group.permissions.remove(*(held - wanted))


def _wanted(app: str, role: str, permissions: Mapping[str, int]) -> set[str]:
    names = declared(app, role)
    if ALL in names:
        return set(permissions)
    unknown = names - set(permissions)
    if unknown:
        raise LookupError(f"Role {role!r} is given permissions that {app!r} does not have: {sorted(unknown)}")
    return names


def role_label(name: str) -> str:
    """Return a group's name in words: a built-in role in the reader's language, another group as it is called."""
    return str(ROLES.get(name, name))


def roles_of(user: Any) -> set[str]:
    """Return the built-in roles a person has; a superuser counts as owner."""
    if not user.is_authenticated:
        return set()
    if user.is_superuser:
        return {OWNER}
    cached = getattr(user, "_yiku_roles", None)
    if cached is None:
        cached = user._yiku_roles = set(user.groups.values_list("name", flat=True)) & set(ROLES)
    return set(cached)


def has_role(user: Any, *roles: str) -> bool:
    """True when the person has one of the roles."""
    return bool(roles_of(user) & set(roles))
