"""Every address of the installation, found in the resolver, each with an object to ask for."""

import dataclasses
import re
from collections.abc import Iterator

from django.apps import apps
from django.urls import get_resolver, reverse

MODEL_PAGE = re.compile(r"^admin:(?P<model>.+)_(?P<page>changelist|add|change|delete|history)$")
MISSING = 987654321


@dataclasses.dataclass(frozen=True)
class Address:
    """One named route; `model` and `page` are set for the admin's own five pages of a model."""

    name: str
    route: str
    arguments: tuple[str, ...]
    model: str = ""
    page: str = ""

    def url(self, pk=None) -> str:
        """The address with `pk` where an object is asked for (a missing one by default)."""
        values = {"pk": pk or MISSING, "object_id": pk or MISSING, "id": pk or MISSING, "code": "X", "rest": "x"}
        values |= {"platform": "shopify", "token": "nobody", "content_type_id": 1, "app_label": "orders"}
        values |= {"kind": "inventory.skus", "key": "imports"}
        return reverse(self.name, kwargs={name: values.get(name, pk or MISSING) for name in self.arguments})


def every() -> Iterator[Address]:
    """Walk the resolver; unnamed catch-alls of the admin only redirect and are left out."""
    for name, route, arguments in _walk(get_resolver(), "", "", ()):
        found = MODEL_PAGE.match(name)
        known = found and _is_model(found["model"])
        if name and not name.endswith(":"):
            yield Address(name, route, arguments, *((found["model"], found["page"]) if known else ("", "")))


def _walk(resolver, prefix, namespace, arguments):
    for pattern in resolver.url_patterns:
        route, given = prefix + str(pattern.pattern), (*arguments, *pattern.pattern.regex.groupindex)
        if hasattr(pattern, "url_patterns"):
            below = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern, route, below, given)
        else:
            yield namespace + (pattern.name or ""), route, given


def _is_model(label: str) -> bool:
    return any(label == f"{model._meta.app_label}_{model._meta.model_name}" for model in apps.get_models())


def model_of(label: str):
    """The model behind `orders_order`."""
    return next(m for m in apps.get_models() if label == f"{m._meta.app_label}_{m._meta.model_name}")
