"""Purchase orders and suggestions as workbooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.spreadsheets.writing import Out
from orders.models import PurchaseLine, PurchaseOrder, ReplenishRow

LINES = (
    Out(_("SKU"), width=20), Out(_("supplier's code"), width=20), Out(_("name"), width=36),
    Out(_("ordered quantity"), "number", 12), Out(_("received"), "number", 12), Out(_("damaged"), "number", 10),
    Out(pgettext_lazy("purchase", "refused"), "number", 10),
)  # fmt: skip
PRICES = (Out(_("price"), "number", 12), Out(_("amount"), "money", 14))
ORDERS = (
    Out(_("purchase order"), width=16), Out(_("supplier"), width=28), Out(_("arrives in"), width=20),
    Out(_("state"), width=18), Out(_("expected on"), "date", 14), Out(_("created"), "datetime", 18),
    Out(_("note"), width=30),
)  # fmt: skip
TOTALS = (Out(_("currency"), width=10), Out(_("total"), "money", 16))
ROWS = (
    Out(_("SKU"), width=20), Out(_("name"), width=32), Out(_("warehouse"), width=18), Out(_("supplier"), width=24),
    Out(pgettext_lazy("replenishment", "verdict"), width=26),
    Out(pgettext_lazy("replenishment", "to order"), "number", 10),
    Out(_("sold"), "number", 10),
    Out(_("days counted"), "number", 10), Out(_("days out of stock"), "number", 10),
    Out(_("promotion days"), "number", 10), Out(_("daily demand"), "number", 12), Out(_("its spread"), "number", 12),
    Out(_("lead time (days)"), "number", 12), Out(_("its spread (days)"), "number", 12), Out(_("z"), "number", 8),
    Out(_("safety stock"), "number", 12), Out(_("reorder point"), "number", 12), Out(_("order up to"), "number", 12),
    Out(_("on hand"), "number", 10), Out(_("ordered by buyers"), "number", 10), Out(_("incoming"), "number", 10),
    Out(_("in draft purchase orders"), "number", 10), Out(_("chance to run out before delivery"), "number", 12),
    Out(_("purchase order"), width=16),
)  # fmt: skip


def line_row(line: PurchaseLine, prices: bool) -> Sequence[Any]:
    """One line of an order."""
    paid = (line.price, round(line.quantity * line.price, 4)) if prices else ()
    return (
        line.sku.code, line.supplier_code, line.sku.name, line.quantity, line.accepted, line.damaged, line.refused,
        *paid,
    )  # fmt: skip


def order_row(order: PurchaseOrder, prices: bool) -> Sequence[Any]:
    """One order of the list."""
    paid = (order.currency, order.total) if prices else ()
    return (
        order.number, order.supplier.name, order.warehouse.name, str(order.get_state_display()), order.expected_on,
        order.created_at, order.note, *paid,
    )  # fmt: skip


def suggestion_row(row: ReplenishRow) -> Sequence[Any]:
    """One suggestion with every number of the formula."""
    return (
        row.sku.code, row.sku.name, row.warehouse.name if row.warehouse else "",
        row.supplier.name if row.supplier else "", str(row.get_verdict_display()), row.quantity, row.sold, row.days,
        row.out_days, row.promotion_days, round(row.mean, 4), round(row.sd, 4), round(row.lead, 2),
        round(row.lead_sd, 2), round(row.z, 3), row.safety, row.reorder_point, row.order_up_to, row.on_hand,
        row.wanted, row.incoming, row.drafted, round(row.chance, 4), row.purchase.number if row.purchase else "",
    )  # fmt: skip
