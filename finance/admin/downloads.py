"""Vouchers to a browser as a workbook."""

from __future__ import annotations

import tempfile

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _

from finance.exports import export_vouchers
from finance.models import Voucher, VoucherLine

MOST_LINES = 200_000  # about ten seconds of writing
IN_MEMORY = 5_000_000  # bytes, then a temporary file


def download(request: HttpRequest, vouchers: QuerySet[Voucher], *, of: str) -> FileResponse | None:
    """Return the vouchers as an .xlsx download; None with a message when they are too many for a page."""
    lines = VoucherLine.objects.filter(voucher__in=vouchers.order_by())[: MOST_LINES + 1].count()
    if lines > MOST_LINES:
        text = _("More than %(count)s lines: use the command export_vouchers on the server.")
        messages.error(request, text % {"count": f"{MOST_LINES:,}"})
        return None
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 — FileResponse closes it
    export_vouchers(file, vouchers, of=of)
    file.seek(0)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return FileResponse(file, as_attachment=True, filename=f"vouchers-{of.replace(' ', '-')}.xlsx", content_type=kind)
