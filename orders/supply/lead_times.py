"""How long suppliers really take, measured from receipts: one figure a delivery, the newest hundred count."""

from __future__ import annotations

from collections.abc import Sequence

from orders.models import PurchaseReceipt, PurchaseReceiptLine, Supplier
from orders.supply import formula
from orders.supply.formula import Lead

MOST = 100
DAY = 86_400


def days_of(supplier_id: int) -> list[float]:
    """Return the days from order to each delivery, the newest first; one of which all was refused is none."""
    rows = PurchaseReceipt.objects.filter(order__supplier=supplier_id, order__ordered_at__isnull=False)
    goods = PurchaseReceiptLine.objects.exclude(accepted=0, damaged=0).values("receipt_id")
    moments = rows.filter(pk__in=goods).order_by("-pk").values_list("order__ordered_at", "at")[:MOST]
    return [max((came - ordered).total_seconds() / DAY, 0.0) for ordered, came in moments if ordered]


def measure(supplier_id: int) -> None:
    """Write down what a supplier's deliveries say; called with each receipt, under the order's lock."""
    days = days_of(supplier_id)
    found = formula.lead(days, 0.0)
    mean, sd = (found.mean, found.sd) if found.measured else (None, None)
    Supplier.objects.filter(pk=supplier_id).update(measured_mean=mean, measured_sd=sd, measured_count=len(days))


def lead_of(supplier: Supplier) -> Lead:
    """Return the lead time that counts: measured where there is enough to measure, else as stated."""
    if supplier.measured_mean is None or supplier.measured_sd is None:
        return Lead(float(supplier.lead_days), 0.0)
    return Lead(supplier.measured_mean, supplier.measured_sd, measured=True)


def leads(suppliers: Sequence[Supplier]) -> dict[int, Lead]:
    """Return the lead times of many."""
    return {one.pk: lead_of(one) for one in suppliers}
