"""What rules set going with the desk's own means: splitting an order that is short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.desk import actions
from orders.desk.rules.works import Kind, register
from orders.desk.table import RowOutcome
from orders.models import Order

SHORT = Q(order__state=Order.State.HELD, order__hold_code="short_stock")


def _split(order_ids: Sequence[int], _params: Mapping[str, Any], actor: str) -> Sequence[RowOutcome]:
    return actions.split_by_stock(order_ids=order_ids, actor=actor)


def register_own() -> None:
    """Register them; called once by AppConfig.ready()."""
    register(
        Kind(
            "split_short",
            gettext_lazy("If stock is short, send what is there"),
            (),
            lambda _raw: {},
            lambda _params: _("If stock is short, send what is there; the rest waits"),
            _split,
            SHORT,
        )
    )
