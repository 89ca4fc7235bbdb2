"""Printing: from the list of orders, from a pasted list, or one order; the page that shows what became of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import action

from backoffice import progress
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.errors import YikuError
from backoffice.spreadsheets import uploads
from inventory.access import visible
from orders.admin import buyers
from orders.admin.papers import kit
from orders.fulfil.papers import printing
from orders.intake.drafts import number_key
from orders.models import CarrierService, Order, PaperKind, PrintRun

CHEAPEST = "cheapest"


@admin.register(PrintRun)
class PrintRunAdmin(ReadOnlyMixin, YikuModelAdmin):
    """What one person printed lately; nobody else's."""

    empty_note = _("Nothing printed yet. Choose orders in the list of orders, or paste their numbers.")
    list_display = ("started_at", "papers", "orders_count", "pages", "ended_at")
    list_display_links = ("started_at",)
    ordering = ("-id",)
    actions_list = ("from_numbers",)

    def has_ask_permission(self, request: HttpRequest) -> bool:
        """Who may print."""
        return buyers.may_print(request)

    @action(description=_("Print by order numbers"), icon="print", permissions=["ask"])
    def from_numbers(self, request: HttpRequest) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:orders_printrun_ask"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[PrintRun]:
        return super().get_queryset(request).filter(owner=request.user.pk)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("ask/", wrap(ask), name="orders_printrun_ask"),
            path("<int:pk>/show/", wrap(show), name="orders_printrun_show"),
            path("<int:pk>/file/", wrap(file), name="orders_printrun_file"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of a run is our own."""
        return show(request, kit.whole(object_id))

    @admin.display(description=_("papers"))
    def papers(self, row: PrintRun) -> str:
        """Which."""
        return kinds_text(row)

    @admin.display(description=_("orders"))
    def orders_count(self, row: PrintRun) -> int:
        """How many."""
        return len(row.order_ids)


def kinds_text(run: PrintRun) -> str:
    """Name the papers of a run."""
    names = dict(PaperKind.choices)
    return ", ".join(str(names.get(one, one)) for one in run.kinds)


def begin(request: HttpRequest, order_ids: list[int], kinds: list[str], buy: str = "") -> HttpResponse:
    """Print, and go where the outcome stands; a single order without a fault goes straight to its file."""
    kit.demand_print(request)
    if buy:
        kit.demand(request, kit.BUY)
    run = printing.begin(user=kit.me(request), order_ids=order_ids, kinds=kinds, buy=buy)
    clean = run.upload and not any(one["problem"] for one in run.outcomes)
    view = "file" if clean and len(order_ids) == 1 and not buy else "show"
    return HttpResponseRedirect(reverse(f"admin:orders_printrun_{view}", args=[run.pk]))


def _run(request: HttpRequest, pk: int) -> PrintRun:
    kit.demand_print(request)
    run = PrintRun.objects.select_related("progress").filter(pk=pk, owner=request.user.pk).first()
    if run is None:
        raise Http404
    return run


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The bar while it works, then the file and what could not be printed."""
    run = _run(request, pk)
    bad = [{**one, "url": kit.order_url(one["order_id"])} for one in run.outcomes if one["problem"]]
    page = kit.context(
        request, _now("Print"), run=run, kinds=kinds_text(run), bad=bad[:200], more=max(len(bad) - 200, 0),
        running=run.ended_at is None and run.progress is not None and run.progress.state == progress.RUNNING,
        summary=printing.summary(run) if run.ended_at else "", there=_there(run), good=len(run.outcomes) - len(bad),
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/papers/run.html", page)


def _there(run: PrintRun) -> bool:
    try:
        return bool(run.upload) and printing.file_of(run) is not None
    except YikuError:
        return False


@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF."""
    run = _run(request, pk)
    try:
        upload = printing.file_of(run)
    except YikuError:
        messages.error(request, _now("The file is gone: papers are kept for less than an hour. Print again."))
        return HttpResponseRedirect(reverse("admin:orders_printrun_show", args=[run.pk]))
    return kit.pdf(uploads.path_of(upload).read_bytes(), f"papers-{run.pk}.pdf")


def ask(request: HttpRequest) -> HttpResponse:
    """Orders by their numbers, which papers, and whether labels are bought on the way."""
    kit.demand_print(request)
    numbers = request.POST.get("orders", "").replace("\0", "")
    if request.method == "POST" and "print" in request.POST:
        ids, missing = found_orders(request, numbers)
        kinds = [one for one in request.POST.getlist("kinds") if one in PaperKind.values]
        if missing:
            told = _now("Not found, or not yours: %s.") % ", ".join(missing[:20])
            messages.error(request, told)
        elif not ids or not kinds:
            messages.error(request, _now("Name at least one order and one paper."))
        else:
            try:
                return begin(request, ids, kinds, _how(request))
            except YikuError as error:
                messages.error(request, str(error))
    page = kit.context(
        request, _now("Print papers"), numbers=numbers, kinds=PaperKind.choices, services=services(),
        chosen=request.POST.getlist("kinds") or ["slip", "label"], may_buy=request.user.has_perm(kit.BUY),
        buy=request.POST.get("buy", ""),
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/papers/ask.html", page)


def services() -> list[tuple[str, str]]:
    """Return (key, carrier and service) of all in use, for choices."""
    rows = CarrierService.objects.filter(active=True, account__active=True).select_related("account")
    return [(str(one.pk), str(one)) for one in rows.order_by("account__name", "code")]


def _how(request: HttpRequest) -> str:
    wanted = request.POST.get("buy", "")
    return wanted if wanted == CHEAPEST or wanted in dict(services()) else ""


def found_orders(request: HttpRequest, text: str) -> tuple[list[int], list[str]]:
    """Return the ids of orders named by number, in the order named, and what is not among the person's orders."""
    names = [one for one in text.replace(",", "\n").replace("，", "\n").split("\n") if one.strip()]
    asked = [one.strip() for one in names][: printing.MOST]
    keys = {number_key(one): one for one in asked}
    rows = visible(kit.me(request), Order.objects.filter(number_key__in=list(keys)))
    found = dict(rows.order_by("pk").values_list("number_key", "pk"))
    ids = [found[key] for key in keys if key in found]
    return ids, [name for key, name in keys.items() if key not in found]


# --- from the list of orders -----------------------------------------------------------------------------------------


def _many(request: HttpRequest, queryset: QuerySet[Order], *kinds: str) -> HttpResponse | None:
    if not queryset.exists():
        return None
    try:
        return begin(request, list(queryset.values_list("pk", flat=True)), list(kinds))
    except YikuError as error:
        messages.error(request, str(error))
        return None


@admin.action(description=_("Print packing slips"), permissions=["print"])
def print_slips(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
    """One file, a slip an order."""
    return _many(request, queryset, "slip")


@admin.action(description=_("Print labels"), permissions=["print"])
def print_labels(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
    """One file, the labels that were bought."""
    return _many(request, queryset, "label")


@admin.action(description=_("Print slips and labels"), permissions=["print"])
def print_both(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
    """One file, slip and label of each order together."""
    return _many(request, queryset, "slip", "label")


@admin.action(description=_("Print invoices"), permissions=["print"])
def print_invoices(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
    """One file; who has no invoice yet gets one."""
    return _many(request, queryset, "invoice")


@admin.action(description=_("Buy labels and print…"), permissions=["print"])
def buy_labels(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse:
    """Ask for the carrier first."""
    if not request.user.has_perm(kit.BUY):
        raise PermissionDenied
    numbers = "\n".join(queryset.values_list("number", flat=True)[: printing.MOST])
    page = kit.context(
        request, _now("Print papers"), numbers=numbers, kinds=PaperKind.choices, services=services(),
        chosen=["slip", "label"], may_buy=True, buy=CHEAPEST,
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/papers/ask.html", page)
