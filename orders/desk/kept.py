"""Which kinds of rows there are of an order: asked once by its page, so that it asks no table that has none of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from django.apps import apps
from django.db import connection
from django.db.models import Model, QuerySet

from orders.models import Order

Row = TypeVar("Row", bound=Model)

KINDS = {
    "compensations": ("Compensation", "order"),
    "exchanged": ("Return", "exchange_order"),
    "followers": ("Order", "origin"),
    "gifts": ("Gift", "order"),
    "labels": ("Label", "order"),
    "late_plays": ("PlayOrder", "order"),
    "merges": ("MergeMember", "order"),
    "parcels": ("Shipment", "order"),
    "plan": ("OrderPart", "order"),
    "plans": ("RoutingPlan", "order"),
    "presale": ("PresaleLine", "line__order"),
    "prints": ("PaperPrint", "order"),
    "promises": ("PromiseChange", "order"),
    "refunds": ("Refund", "order"),
    "returns": ("Return", "order"),
    "rule_works": ("RuleWork", "order"),
    "staff_notes": ("StaffNote", "order"),
    "wave_parts": ("WaveOrder", "order"),
}
_NOTED = "_kept_kinds"


def note(order: Order) -> None:
    """Look what there is of this order, in one question; from now on `rows` of this instance asks for nothing else.

    For a page that only reads: what is written of the order afterwards is not seen through this instance.
    """
    with connection.cursor() as cursor:
        cursor.execute(_question(connection.vendor), [order.pk] * len(KINDS))
        setattr(order, _NOTED, frozenset(kind for (kind,) in cursor.fetchall()))


def lacks(order: Order, *kinds: str) -> bool:
    """Tell whether the order is known to have none of these; False when nobody looked."""
    noted: frozenset[str] | None = getattr(order, _NOTED, None)
    return noted is not None and noted.isdisjoint(kinds)


def rows(order: Order, kind: str, wanted: QuerySet[Row]) -> QuerySet[Row]:
    """Return the wanted rows, without asking for them where there are none of their kind."""
    return wanted.none() if lacks(order, kind) else wanted


@lru_cache(maxsize=2)
def _question(vendor: str) -> str:
    """One row for each kind that there is; the order's id once for each kind. `vendor` is what the text depends on."""
    asked = []
    for kind, (name, path) in KINDS.items():
        there = apps.get_model("orders", name)._base_manager.filter(**{path: 0}).order_by().values("pk")
        text, parameters = there.query.sql_with_params()
        if len(parameters) != 1:
            raise TypeError(f"{kind}: the order alone is asked for")
        asked.append(f"SELECT '{kind}' WHERE EXISTS ({text})")
    return " UNION ALL ".join(asked)
