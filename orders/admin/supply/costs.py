"""Late costs: the list, the form that shares a charge over receipts, the preview of where it goes, book and undo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from backoffice import actors, audit, clock, references
from backoffice.adminkit import OwnPageAdmin
from backoffice.attachments import listing
from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.spreadsheets.writing import Out, write_xlsx
from finance.currencies import base_code
from finance.models import Currency
from inventory import readable, resources
from inventory.access import visible
from inventory.costing.method import setting
from inventory.costing.ripple import Ripple
from inventory.models import Sku, Warehouse
from orders.admin.supply import kit
from orders.models import CostDocument, PurchaseOrder
from orders.supply.costs import booking, drafting, receipts
from orders.supply.costs.drafting import Charge
from orders.supply.errors import SupplyError

State, Kind, Basis = CostDocument.State, CostDocument.Kind, CostDocument.Basis
VIEW, ADD, BOOK = "orders.view_costdocument", "orders.add_costdocument", "orders.book_costdocument"
LABELS = {State.DRAFT: "warning", State.POSTED: "success", State.UNDONE: "default"}
SHOWN = 200
COLUMNS = (
    Out(_("purchase order"), width=14), Out(_("SKU code"), width=20), Out(_("name"), width=32),
    Out(_("received"), "datetime", 18), Out(_("pieces"), "number", 10), Out(_("value then"), "money", 14),
    Out(_("amount shared"), "money", 14), Out(_("share of a piece"), "money", 14),
)  # fmt: skip


@admin.register(CostDocument)
class CostDocumentAdmin(OwnPageAdmin):
    """Costs that came after the goods, of the warehouses a person sees."""

    empty_note = _("None yet. Freight, duty or another price of goods that have come is shared here.")
    list_display = ("name", "state_label", "kind", "charged_by", "amount_shown", "dated")
    list_display_links = ("name",)
    list_filter = (("state", admin.ChoicesFieldListFilter), ("kind", admin.ChoicesFieldListFilter))
    list_select_related = ("supplier",)
    ordering = ("-id",)
    actions_list = ("share",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CostDocument]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def get_urls(self) -> list[Any]:
        views = (("new/", new, "new"), ("<int:pk>/do/", act, "do"), ("<int:pk>/shares.xlsx", out, "xlsx"))
        own = [
            path(where, self.admin_site.admin_view(view), name=f"orders_costdocument_{name}")
            for where, view, name in views
        ]
        return [*own, *super().get_urls()]

    def has_share_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may make drafts."""
        return request.user.has_perm(ADD)

    @action(description=_("Share a cost"), url_path="share", icon="add", permissions=["share"])
    def share(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse("admin:orders_costdocument_new"))

    def own_page(self, request: HttpRequest, row: CostDocument) -> HttpResponse:
        return kit.page(request, "cost", str(row), **_shown(request, row), opts=self.opts)

    @admin.display(description=_("number"))
    def name(self, row: CostDocument) -> str:
        """Its number."""
        return str(row)

    @display(description=_("state"), label=LABELS)
    def state_label(self, row: CostDocument) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("who charges it"))
    def charged_by(self, row: CostDocument) -> str:
        """The partner, else the supplier."""
        return row.partner or (row.supplier.name if row.supplier else readable.NONE)

    @admin.display(description=_("amount in base currency"))
    def amount_shown(self, row: CostDocument) -> str:
        """Rounded for the eye."""
        return readable.money(row.base_amount)


def document_of(request: HttpRequest, pk: int) -> CostDocument:
    """Return a document that the person sees, else "not found", whether it is there or not."""
    kit.demand(request, VIEW)
    found = visible(cast(User, request.user), CostDocument.objects.filter(pk=pk)).first()
    if found is None:
        raise Http404
    return found


# --- one document ----------------------------------------------------------------------------------------------------


def _shown(request: HttpRequest, row: CostDocument) -> dict[str, Any]:
    ripple, problem = None, ""
    if row.state == State.DRAFT:
        try:
            ripple = booking.preview(row)
        except YikuError as refusal:
            problem = str(refusal)
    lines = list(row.lines.select_related("sku", "line__order"))
    has = request.user.has_perm
    return {
        "row": row, "lines": [_line(one) for one in lines], "problem": problem,
        "total": sum((one.share for one in lines), Decimal(0)), "late": setting(),
        "ripple": ripple, "parts": _parts(request, ripple) if ripple else None,
        "effects": _effects(row), "may_book": has(BOOK), "may_add": has(ADD),
        "attached": listing.box(request, row), "by": actors.named(row.created_by),
        "posted_by": actors.named(row.posted_by),
        "undone_by": actors.named(row.undone_by),
    }  # fmt: skip


def _line(one: Any) -> dict[str, Any]:
    return {"row": one, "order": one.line.order, "piece": one.share / one.pieces}


def _parts(request: HttpRequest, ripple: Ripple) -> dict[str, Any]:
    """What is kept, gone and carried on, with names; and the months that change."""
    moved: list[Any] = [*ripple.kept, *ripple.gone, *ripple.carried]
    skus = Sku.objects.in_bulk({one.sku_id for one in moved})
    places = Warehouse.objects.in_bulk()
    told: list[Any] = [*ripple.gone[:SHOWN], *ripple.carried]
    named = references.describe(request, [one.reference for one in told])
    months: dict[Any, Decimal] = defaultdict(Decimal)
    groups = booking.grouped(ripple.gone, setting().late)
    for (_shop, month), rows in groups.items():
        for one in rows:
            months[month] += one.amount
    return {
        "kept": [{"one": one, "sku": skus[one.sku_id], "place": places[one.warehouse_id]} for one in ripple.kept],
        "gone": [
            {"one": one, "sku": skus[one.sku_id], "place": places[one.warehouse_id], "document": named[one.reference]}
            for one in ripple.gone[:SHOWN]
        ],
        "more": max(len(ripple.gone) - SHOWN, 0),
        "carried": [
            {"one": one, "sku": skus[one.sku_id], "origin": places[one.origin_id],
             "to": places[one.destination_id], "document": named[one.reference]}
            for one in ripple.carried[:SHOWN]
        ],
        "months": sorted(months.items(), key=lambda pair: (pair[0] is None, pair[0])),
    }  # fmt: skip


def _effects(row: CostDocument) -> list[dict[str, Any]]:
    sums: dict[tuple[str, bool, Any], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for one in row.effects.all():
        found = sums[one.get_kind_display(), one.undo, one.month]
        found[0] += one.pieces
        found[1] += one.amount
    return [
        {"kind": kind, "undo": undo, "month": month, "pieces": pieces, "amount": amount}
        for (kind, undo, month), (pieces, amount) in sums.items()
    ]


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Book, undo or drop; a refusal is shown where the person is."""
    row, actor = document_of(request, pk), audit.current_actor().name
    what = request.POST.get("do", "")
    if what not in ("book", "undo", "drop"):
        raise Http404
    kit.demand(request, ADD if what == "drop" else BOOK)
    try:
        if what == "drop":
            drafting.discard(document_id=row.pk, actor=actor)
            messages.success(request, _now("Dropped: nothing was booked."))
            return HttpResponseRedirect(reverse("admin:orders_costdocument_changelist"))
        if what == "book":
            shown = kit.decimal(request.POST.get("shown", ""), str(row))
            booking.book(document_id=row.pk, actor=actor, shown=shown)
            messages.success(request, _now("Booked. It can be undone below."))
        else:
            booking.undo(document_id=row.pk, actor=actor)
            messages.success(request, _now("Undone: the opposite was booked."))
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("admin:orders_costdocument_change", args=[row.pk]))


def out(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The shares as a workbook."""
    row = document_of(request, pk)
    rows = (
        (one.line.order.number, one.sku.code, one.sku.name, one.received_at, one.pieces, one.value, one.share,
         round(one.share / one.pieces, 4))
        for one in row.lines.select_related("sku", "line__order")
    )  # fmt: skip
    return resources.download(request, f"cost-{row}", lambda file: write_xlsx(file, COLUMNS, rows, name=str(row)))


# --- the form --------------------------------------------------------------------------------------------------------


def new(request: HttpRequest) -> HttpResponse:
    """Choose the receipts of purchase orders and say what is charged."""
    if not request.user.has_perm(ADD):
        raise PermissionDenied
    numbers = request.POST.get("orders", "") if request.method == "POST" else request.GET.get("orders", "")
    orders, unknown = _orders(request, numbers.replace("\0", "")[:500])
    found = receipts.of_orders([order.pk for order in orders]) if orders else []
    problem = _now("There is no purchase order “%(numbers)s”.") % {"numbers": ", ".join(unknown)} if unknown else ""
    if request.method == "POST" and not problem:
        try:
            made = _made(request, orders, found)
            return HttpResponseRedirect(reverse("admin:orders_costdocument_change", args=[made.pk]))
        except YikuError as refusal:
            problem = str(refusal)
    ticked = set(request.POST.getlist("receipt")) if request.method == "POST" else {one.entry_key for one in found}
    rows = [
        {"one": one, "on": one.entry_key in ticked, "hand": request.POST.get(f"hand_{one.entry_key}", "")}
        for one in found
    ]
    return kit.page(
        request, "cost_form", _("Share a cost"), orders=", ".join(one.number for one in orders) or numbers, rows=rows,
        problem=problem, kinds=[one for one in Kind.choices if one[0] != Kind.INVOICE], bases=Basis.choices,
        currencies=list(Currency.objects.order_by("code").values_list("code", flat=True)), typed=request.POST,
        base=base_code(), today=clock.now().date().isoformat(), opts=CostDocument._meta,
    )  # fmt: skip


def _orders(request: HttpRequest, typed: str) -> tuple[list[PurchaseOrder], list[str]]:
    numbers = [one.strip() for one in typed.replace("，", ",").replace(" ", ",").split(",") if one.strip()][:30]
    found = {one.number: one for one in kit.mine(request).filter(number__in=numbers)}
    return [found[one] for one in dict.fromkeys(numbers) if one in found], [one for one in numbers if one not in found]


def _made(request: HttpRequest, orders: Iterable[PurchaseOrder], found: list[receipts.Receipt]) -> CostDocument:
    chosen = set(request.POST.getlist("receipt"))
    kind, basis = kit.text(request, "kind", 10), kit.text(request, "basis", 10)
    currency = kit.text(request, "currency", 3)
    if kind not in Kind.values or kind == Kind.INVOICE or basis not in Basis.values:
        raise Http404
    if not Currency.objects.filter(code=currency).exists():
        raise SupplyError("no_rate", field="currency", currency=currency)
    by_hand = {
        one.entry_key: kit.decimal(request.POST.get(f"hand_{one.entry_key}", ""), one.sku.code)
        for one in found if one.entry_key in chosen
    } if basis == Basis.HAND else None  # fmt: skip
    charge = Charge(
        kind=kind, amount=kit.decimal(request.POST.get("amount", ""), _now("amount")), currency=currency, basis=basis,
        dated=kit.day(request, "dated") or clock.now().date(), partner=kit.text(request, "partner", 100),
        number=kit.text(request, "number", 60), note=kit.text(request, "note"),
    )  # fmt: skip
    return drafting.draft(
        order_ids=[one.pk for one in orders], entry_keys=chosen, charge=charge, actor=audit.current_actor().name,
        once=kit.once(request, "cost"), by_hand=by_hand, warehouses=kit.within(request),
    )  # fmt: skip
