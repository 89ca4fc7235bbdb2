"""What the pages of returns share: who asks, what was typed, refusals shown where the person is."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import audit
from backoffice.errors import YikuError
from inventory.access import sight, visible
from inventory.models import Barcode, Warehouse
from orders.models import Return, StrayParcel
from orders.returns import deciding, photos
from orders.returns.errors import ReturnError
from orders.returns.receiving import Told
from orders.returns.sight import RECEIVE, VIEW, mine

FOLDER = "admin/orders/return"
MOST_DIGITS = 15


def who() -> str:
    """Return who acts, as the audit trail names them."""
    return audit.current_actor().name


def demand(request: HttpRequest, *permissions: str) -> None:
    """Refuse whoever has none of the rights."""
    if not any(request.user.has_perm(one) for one in permissions):
        raise PermissionDenied


def get_return(request: HttpRequest, pk: int) -> Return:
    """Return a return that the person sees, else "not found", whether it is there or not."""
    demand(request, VIEW)
    found = mine(request.user).filter(pk=pk).select_related("order__shop", "warehouse", "reason").first()
    if found is None:
        raise Http404
    return found


def page(request: HttpRequest, template: str, title: Any, **more: Any) -> HttpResponse:
    """Render a page of returns."""
    context = {**admin.site.each_context(request), "title": title, "once": uuid.uuid4().hex, **more}
    return TemplateResponse(request, f"{FOLDER}/{template}.html", context)


def url_of(found: Return, name: str = "change") -> str:
    """Return the address of a page of one return."""
    return reverse(f"admin:orders_return_{name}", args=[found.pk])


def to(found: Return, name: str = "change") -> HttpResponseRedirect:
    """Go to a page of one return."""
    return HttpResponseRedirect(url_of(found, name))


def text(request: HttpRequest, name: str, most: int = 300) -> str:
    """Return what was typed, without the NUL that PostgreSQL refuses."""
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def day(request: HttpRequest, name: str) -> dt.date | None:
    """Return a day that was chosen, None for none. Raises ReturnError bad_day for what is no day."""
    typed = request.POST.get(name, "").strip()
    try:
        return dt.date.fromisoformat(typed) if typed else None
    except ValueError as error:
        raise ReturnError("bad_day", most=deciding.LONGEST.days) from error


def number(value: str) -> int | None:
    """Return an id that was sent; None for anything else."""
    return int(value) if value.isdecimal() and value.isascii() and len(value) < 18 else None


def decimal(request: HttpRequest, name: str) -> Decimal:
    """Return a figure that was typed, 0 for none. Raises ReturnError for what is no figure."""
    typed = request.POST.get(name, "").strip().replace(",", ".")
    try:
        figure = Decimal(typed or "0")
    except InvalidOperation:
        figure = Decimal("NaN")
    if not figure.is_finite() or figure.adjusted() > MOST_DIGITS:  # NaN cannot even be compared
        raise ReturnError("bad_quantity", label=_("Figure"), wanted=typed[:40])
    return figure


def once(request: HttpRequest, what: str, pk: int) -> str:
    """Return the key of this form: sent twice, it does its work once."""
    return f"{what}:{pk}:{text(request, 'once', 64) or uuid.uuid4().hex}"


def tried(request: HttpRequest, work: Callable[[], Any], done: Any = "") -> Any:
    """Do it and say so; a refusal becomes a message and None."""
    try:
        answer = work()
    except YikuError as error:
        messages.error(request, str(error))
        return None
    if done:
        messages.success(request, str(done))
    return answer if answer is not None else True


def places(request: HttpRequest) -> list[Warehouse]:
    """Return the warehouses a person may receive at: own ones, not the shelves beside them."""
    rows = Warehouse.objects.filter(active=True, read_only=False).order_by("code")
    return list(visible(request.user, rows))


def my_place(request: HttpRequest, typed: str) -> int | None:
    """Return the warehouse chosen, if the person sees it; None for anything else."""
    return next((one.pk for one in places(request) if str(one.pk) == typed), None)


def within(request: HttpRequest) -> frozenset[int] | None:
    """Return the warehouses a person sees; None: all."""
    return sight(request.user).warehouses


def may_receive(request: HttpRequest, found: Return) -> bool:
    """Whether a person may count and inspect goods of a return."""
    seen = within(request)
    return request.user.has_perm(RECEIVE) and (seen is None or found.warehouse_id in seen)


def take_photos(request: HttpRequest, *, rma: Return | None = None, stray: StrayParcel | None = None) -> int:
    """Keep the pictures that came with the form; one that is refused is said, the others stay. Returns how many."""
    kept = 0
    for file in request.FILES.getlist("photo")[: photos.MOST_PHOTOS]:
        try:
            photos.keep(file, actor=who(), rma=rma, stray=stray)  # type: ignore[arg-type]
            kept += 1
        except YikuError as error:
            messages.warning(request, str(error))
    return kept


def told(rows: list[Told]) -> Iterator[str]:
    """Say what was over, missing or wrong in a parcel."""
    sentences = {
        "over": _("%(label)s: %(counted)s came, %(wanted)s were announced."),
        "under": _("%(label)s: only %(counted)s of %(wanted)s came."),
        "wrong": _("%(label)s: %(counted)s came that belong to none of the lines."),
    }
    for one in rows:
        if one.get("code") in sentences:
            yield sentences[one["code"]] % one


def codes_of(sku_ids: set[int]) -> dict[int, list[str]]:
    """Return the barcodes of SKUs, for the scanner."""
    found: dict[int, list[str]] = {pk: [] for pk in sku_ids}
    for sku_id, code in Barcode.objects.filter(sku__in=sku_ids).values_list("sku_id", "code"):
        found[sku_id].append(code)
    return found
