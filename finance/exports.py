"""Vouchers as a workbook: one row per line, in the order of the books."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice import audit
from backoffice.spreadsheets.writing import Out, write_xlsx
from finance.models import Voucher, VoucherLine

COLUMNS = (
    Out(_("voucher"), width=14),
    Out(_("date"), "date", 11),
    Out(_("kind"), width=10),
    Out(_("summary"), width=32),
    Out(_("account"), width=10),
    Out(_("account name"), width=26),
    Out(_("debit"), "money", 13),
    Out(_("credit"), "money", 13),
    Out(_("currency"), width=8),
    Out(_("original amount"), "money", 14),
    Out(_("rate"), width=13),
    Out(_("shop"), width=14),
    Out(_("warehouse"), width=14),
    Out(_("order number"), width=18),
    Out(_("document"), width=24),
    Out(_("document date"), "date", 11),
)
CHUNK = 2000


def export_vouchers(target: Path | IO[bytes], vouchers: QuerySet[Voucher], *, of: str) -> int:
    """Write the lines of the vouchers, oldest first, and note the export; returns the number of lines.

    `of` says in the audit trail what was exported: `2026-11`, `3 vouchers`.
    """
    lines = VoucherLine.objects.filter(voucher__in=vouchers.order_by()).order_by(
        "voucher__period__month", "voucher__number", "position"
    )
    related = lines.select_related("voucher", "account", "shop", "warehouse")
    count = write_xlsx(target, COLUMNS, _rows(related), name=str(_("Vouchers")))
    audit.record(action="books.export", target="finance.voucher", after={"lines": count, "of": of})
    return count


def _rows(lines: QuerySet[VoucherLine]) -> Iterator[tuple[Any, ...]]:
    for line in lines.iterator(CHUNK):
        voucher = line.voucher
        yield (
            str(voucher),
            voucher.on,
            voucher.get_kind_display(),
            voucher.summary,
            line.account.code,
            line.account.label,
            line.debit or None,
            line.credit or None,
            line.currency_id,
            line.amount,
            f"{line.rate.normalize():f}",
            line.shop.code if line.shop else "",
            line.warehouse.code if line.warehouse else "",
            voucher.order_number or voucher.external_id,
            voucher.reference,
            voucher.occurred_on,
        )
