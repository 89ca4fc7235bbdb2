"""Orders as a workbook: chosen or found by filters, a row for each line, bundles as bought with their parts below.

Made by a worker when it takes long. Buyers are masked unless the person may uncover them and asks for it; every export
stands in the audit trail with what it held.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin as admin_site
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, longwork, masking, progress
from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.progress import Meter
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory.access import visible
from orders.admin import status, views
from orders.models import Order, OrderExport, OrderLine
from orders.models.order import Department

TASK = "orders.tasks.export_orders"
AT_ONCE, CHUNK, MOST = 200, 500, 100_000
KEEP = dt.timedelta(days=1)
REVEAL, SEE, EXPORT = "orders.reveal_buyer", "orders.see_buyer", "orders.add_orderexport"
HEAD = (
    Out(_("order number"), width=20), Out(_("shop"), width=18), Out(_("state"), width=26), Out(_("payment"), width=14),
    Out(_("ordered"), "datetime", 17), Out(_("ship by"), "datetime", 17), Out(_("promised for"), "date", 12),
    Out(_("department"), width=14), Out(_("marks"), width=18), Out(_("priority"), "number", 8),
    Out(_("country"), width=8), Out(_("currency"), width=8), Out(_("total"), "money", 12),
)  # fmt: skip
BUYER = (
    Out(_("buyer"), width=18),
    Out(_("phone"), width=16),
    Out(_("e-mail"), width=24),
    Out(_("delivery address"), width=36),
)
LINE = (
    Out(_("line"), "number", 6), Out(_("bundle"), width=16), Out(_("SKU"), width=18), Out(_("title"), width=30),
    Out(_("wanted"), "number", 9), Out(_("shipped"), "number", 9), Out(_("unit price"), "money", 11),
    Out(_("line total"), "money", 12),
)  # fmt: skip


def begin(*, user: User, query: str = "", ids: Sequence[int] = (), clear: bool = False) -> OrderExport:
    """Start an export; a small one, or one without workers, is done at once. Raises PermissionDenied."""
    if not user.has_perm(EXPORT) or (clear and not user.has_perm(REVEAL)):
        raise PermissionDenied
    row = OrderExport.objects.create(
        owner=user, query=query, ids=list(ids), clear=clear, token=secrets.token_urlsafe(32), started_at=clock.now(),
        progress=progress.start("orders.export", user).row,
    )  # fmt: skip
    small = 0 < len(ids) <= AT_ONCE or (not ids and found(row)[: AT_ONCE + 1].count() <= AT_ONCE)
    if small or not longwork.workers_alive():
        run(row.pk)
    else:
        longwork.enqueue(TASK, row.pk)
    row.refresh_from_db()
    return row


def run(pk: int) -> str:
    """Do it in the name of who asked, under the bar. One that is done already is left alone."""
    row = OrderExport.objects.select_related("owner", "progress").get(pk=pk)
    if row.ended_at is not None or row.progress is None:
        return "done already"
    return longwork.in_the_name_of(row.owner, row.progress.pk, lambda meter: _run(row, meter))


def found(row: OrderExport) -> Any:
    """Return the orders it is about, as its owner may see them now."""
    if row.ids:
        return visible(row.owner, Order.objects.filter(pk__in=row.ids)).order_by("-placed_at", "-pk")
    return views.found_by(admin_site.site._registry[Order], row.owner, row.query)


def _run(row: OrderExport, meter: Meter) -> None:
    ids = list(found(row).values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        raise YikuError("export_too_large", _("More than 100,000 orders: narrow the list, then export again."))
    meter.total(len(ids))
    columns = (*HEAD, *(BUYER if row.owner.has_perm(SEE) or row.owner.has_perm(REVEAL) else ()), *LINE)
    path = path_of(row)
    write_xlsx(path, columns, _rows(row, ids, meter), name=_now("Orders"))
    path.chmod(0o600)
    row.rows, row.ended_at = len(ids), clock.now()
    row.save(update_fields=["rows", "ended_at"])
    after = {
        "orders": len(ids),
        "filters": views.without_search(row.query),
        "chosen": bool(row.ids),
        "buyers_uncovered": row.clear,
    }
    audit.record(action="order.export", target=row, after=after, summary=str(len(ids)))


def _rows(row: OrderExport, ids: Sequence[int], meter: Meter) -> Iterator[tuple[Any, ...]]:
    """Page by page: the memory stays the same whatever the number of orders."""
    seen = row.owner.has_perm(SEE) or row.owner.has_perm(REVEAL)
    departments = dict(Department.choices)
    for start in range(0, len(ids), CHUNK):
        page = list(Order.objects.filter(pk__in=ids[start : start + CHUNK]).select_related("shop", "contact"))
        page.sort(key=lambda one: (one.placed_at, one.pk), reverse=True)
        said = status.of(page)
        lines = _lines([one.pk for one in page])
        for order in page:
            head = (
                order.number, order.shop.name, said[order.pk].label, order.get_payment_display(), order.placed_at,
                order.ship_by, order.promised_on, str(departments.get(order.hold_department, "")),
                ", ".join(map(str, order.marks)), order.priority or None, order.contact.country, order.currency,
                order.total,
            )  # fmt: skip
            buyer = _buyer(order, clear=row.clear) if seen else ()
            yield from _with_lines((*head, *buyer), lines.get(order.pk, []))
        meter.step(len(page))


def _buyer(order: Order, *, clear: bool) -> tuple[str, ...]:
    contact = order.contact
    address = [str(contact.shipping.get(name) or "") for name in ("line1", "line2", "postcode", "city", "region")]
    if clear:
        return contact.buyer_name, contact.phone, contact.email, " ".join(filter(None, address))
    return (
        masking.name(contact.buyer_name), masking.phone(contact.phone), masking.email(contact.email),
        " ".join(filter(None, address[2:])),
    )  # fmt: skip


def _with_lines(head: tuple[Any, ...], lines: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """The order stands on the first row only, so that its total can be summed up."""
    below = (head[0], *[None] * (len(head) - 1))
    for place, line in enumerate(lines or [(None,) * len(LINE)]):
        yield (*(below if place else head), *line)


def _lines(order_ids: Sequence[int]) -> dict[int, list[tuple[Any, ...]]]:
    """Return the lines as they were bought, each bundle with its parts below."""
    rows = OrderLine.objects.filter(order_id__in=order_ids).select_related("sku").prefetch_related("parts__sku")
    found: dict[int, list[tuple[Any, ...]]] = {}
    for line in rows.order_by("order_id", "position"):
        code = line.sku.code if line.sku else line.sku_code
        mine = found.setdefault(line.order_id, [])
        bought = (line.quantity, line.shipped_quantity, line.unit_price, line.total)
        mine.append((line.position + 1, "", code, line.title, *bought))
        for part in line.parts.all():
            pieces = (part.quantity * line.pack * line.quantity, part.quantity * line.pack * line.shipped_quantity)
            mine.append((line.position + 1, code, part.sku.code, part.sku.name, *pieces, None, None))
    return found


# --- the file --------------------------------------------------------------------------------------------------------


def path_of(row: OrderExport) -> Path:
    """Return where its workbook lies."""
    folder = Path(settings.MEDIA_ROOT) / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{row.token}.xlsx"


def clean_up() -> int:
    """Remove exports of yesterday and their files; returns how many."""
    old = OrderExport.objects.filter(started_at__lt=clock.now() - KEEP)
    count = 0
    for row in old[:500]:
        path_of(row).unlink(missing_ok=True)
        row.delete()
        count += 1
    return count


def _mine(request: HttpRequest, token: str) -> OrderExport:
    """Another's export is as good as none."""
    if not request.user.has_perm(EXPORT):
        raise PermissionDenied
    row = OrderExport.objects.filter(token=token, owner=request.user.pk).select_related("progress").first()
    if row is None:
        raise Http404
    return row


def page(model_admin: Any, request: HttpRequest, token: str) -> HttpResponse:
    """The bar while it is made, the file when it is done."""
    row = _mine(request, token)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _now("Excel file of orders"),
        "opts": model_admin.opts,
        "row": row,
        "progress": row.progress,
    }
    return TemplateResponse(request, "admin/orders/order/export.html", context)


def file(model_admin: Any, request: HttpRequest, token: str) -> FileResponse:
    """The workbook."""
    row = _mine(request, token)
    path = path_of(row)
    if row.ended_at is None or not path.is_file():
        raise Http404
    name = f"orders-{row.started_at:%Y%m%d-%H%M}.xlsx"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)
