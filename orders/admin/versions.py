"""The page of an order's versions: two of them side by side, who let each in, and where it came from."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from backoffice import masking, references
from backoffice.models import AuditEntry
from orders import contracts
from orders.admin import buyers
from orders.contracts import IncomingOrder
from orders.desk.compare import Comparison, Difference, compare
from orders.desk.table import named
from orders.models import Order, OrderVersion
from orders.models.order import order_reference

MASKS = {"name": masking.name, "phone": masking.phone, "email": masking.email, "text": masking.text}
MOST = 200
DECIDED = {"order.accept_edit": OrderVersion.Outcome.ACCEPTED, "order.reject_edit": OrderVersion.Outcome.REJECTED}


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One version in the list."""

    version: OrderVersion
    by: str
    at: dt.datetime | None
    source: references.Described
    accepted: bool


def page(model_admin: Any, request: HttpRequest, order: Order, *, clear: bool) -> HttpResponse:
    """Compare two versions: those asked for, else the accepted one with the newest."""
    rows = list(order.versions.order_by("-number").defer("content")[:MOST])
    before, after = _chosen(request, order, rows)
    both = OrderVersion.objects.in_bulk([one.pk for one in (before, after) if one is not None])
    contents = [_content(both[one.pk]) if one is not None else None for one in (before, after)]
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Versions of order %s") % order.number,
        "opts": model_admin.opts,
        "order": order,
        "rows": _rows(request, order, rows),
        "before": before,
        "after": after,
        "purged": any(one is not None and text is None for one, text in zip((before, after), contents, strict=True)),
        "found": _shown(request, contents, clear=clear),
        "may_reveal": buyers.may_reveal(request) and not clear,
    }
    return TemplateResponse(request, "admin/orders/order/versions.html", context)


def _chosen(
    request: HttpRequest, order: Order, rows: Sequence[OrderVersion]
) -> tuple[OrderVersion | None, OrderVersion | None]:
    numbers = {one.number: one for one in rows}
    asked = [request.GET.get(name, "") for name in ("a", "b")]
    found = [numbers.get(int(text)) if text.isdecimal() and len(text) < 9 else None for text in asked]
    if found[0] is not None and found[1] is not None:
        return found[0], found[1]
    newest = rows[0] if rows else None
    accepted = next((one for one in rows if one.pk == order.accepted_version_id), None)
    if accepted is not None and accepted != newest:
        return accepted, newest
    return (rows[1], newest) if len(rows) > 1 else (newest, newest)


def _content(version: OrderVersion) -> IncomingOrder | None:
    try:
        return contracts.from_json(version.content)
    except (ValueError, KeyError, TypeError):  # its personal data were purged, and the rest with them
        return None


def _rows(request: HttpRequest, order: Order, rows: Sequence[OrderVersion]) -> list[Row]:
    described = references.describe(request, [one.source_ref for one in rows if one.source_ref])
    decided = _decisions(order, rows)
    found = []
    for one in rows:
        by, at = decided.get(one.pk, ("", None))
        if not by and one.outcome == OrderVersion.Outcome.ACCEPTED:
            by = _("automatically")
        source = described.get(one.source_ref, references.Described(one.source_ref))
        found.append(Row(one, by, at, source, one.pk == order.accepted_version_id))
    return found


def _decisions(order: Order, rows: Sequence[OrderVersion]) -> dict[int, tuple[str, dt.datetime]]:
    """Who accepted or rejected which: a decision is about the newest version that had arrived by then."""
    entries = AuditEntry.objects.filter(target=order_reference(order.pk), action__in=DECIDED).order_by("id")
    found: dict[int, tuple[str, dt.datetime]] = {}
    for entry in entries:
        wanted = DECIDED[entry.action]
        about = next((one for one in rows if one.delivered_at <= entry.at and one.outcome == wanted), None)
        if about is not None:
            found[about.pk] = (named(entry.actor), entry.at)
    return found


def _shown(request: HttpRequest, contents: Sequence[IncomingOrder | None], *, clear: bool) -> Comparison | None:
    if contents[0] is None or contents[1] is None:
        return None
    found = compare(contents[0], contents[1])
    fields = [one if clear or not one.personal else masked(one) for one in found.fields]
    if not buyers.may_see(request):
        fields = [dataclasses.replace(one, before="", after="") if one.personal else one for one in fields]
    return dataclasses.replace(found, fields=tuple(fields))


def masked(one: Difference) -> Difference:
    """Return a difference of personal data so that it tells that, not what."""
    hide = MASKS[one.personal]
    return dataclasses.replace(one, before=hide(one.before), after=hide(one.after))
