"""The page of one stocktake and what its buttons do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from unfold.widgets import (
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from backoffice.errors import YikuError
from backoffice.models import User
from inventory import codes, readable, resources
from inventory.access import visible
from inventory.admin import warehouse_choice
from inventory.models import Sku, Stocktake, StocktakeCount, Warehouse
from inventory.stocktakes import counting, figures, opening, paper, posting, result, tasks
from inventory.stocktakes.errors import APPROVE, StocktakeRefused

COUNT, VIEW = "inventory.count_stock", "inventory.view_stocktake"
LINES_A_PAGE = 100
CONFLICTS_SHOWN = 50


def demand(request: HttpRequest, permission: str) -> User:
    """Refuse whoever lacks a right; returns the person."""
    if not request.user.has_perm(permission):
        raise PermissionDenied
    return cast(User, request.user)


def stocktake_of(request: HttpRequest, pk: int) -> Stocktake:
    """Return a stocktake of the person's own warehouses, or 404."""
    found = visible(request.user, Stocktake.objects.select_related("warehouse", "progress")).filter(pk=pk).first()
    if found is None or not request.user.has_perm(VIEW):
        raise Http404
    return found


def here(stocktake: Stocktake) -> str:
    """The address of its page."""
    return reverse("admin:inventory_stocktake_change", args=[stocktake.pk])


def part_of(stocktake: Stocktake) -> str:
    """What part of the warehouse is counted, in a few words."""
    parts = [stocktake.category, stocktake.bin_prefix and f"{stocktake.bin_prefix}…", stocktake.supplier]
    parts += [str(stocktake.product) if stocktake.product_id else "", stocktake.cycle]
    return " · ".join(part for part in parts if part)


def text(request: HttpRequest, name: str) -> str:
    """Return what was typed, without the NUL that PostgreSQL refuses."""
    return request.POST.get(name, "").replace("\0", "").strip()[:300]


# --- plan ------------------------------------------------------------------------------------------------------------


class PlanForm(forms.Form):
    """What is to be counted, and by whom."""

    warehouse = forms.ModelChoiceField(Warehouse.objects.none(), label=_("warehouse"), widget=UnfoldAdminSelectWidget())
    kind = forms.ChoiceField(label=_("kind"), choices=Stocktake.Kind.choices, widget=UnfoldAdminSelectWidget())
    category = forms.CharField(
        label=_("category"), required=False, max_length=100, widget=UnfoldAdminTextInputWidget(),
        help_text=_("For a part: goods must fit everything that is filled in."),
    )  # fmt: skip
    bin_prefix = forms.CharField(
        label=_("bins that begin with"), required=False, max_length=40, widget=UnfoldAdminTextInputWidget()
    )
    sku = forms.CharField(
        label=_("product (the code of one of its SKUs)"), required=False, max_length=100,
        widget=UnfoldAdminTextInputWidget(),
    )  # fmt: skip
    supplier = forms.CharField(
        label=_("supplier (as in expected deliveries)"), required=False, max_length=100,
        widget=UnfoldAdminTextInputWidget(),
    )  # fmt: skip
    cycle = forms.ChoiceField(
        label=_("class"), required=False, choices=[("", "–"), *Stocktake.Cycle.choices],
        widget=UnfoldAdminSelectWidget(),
        help_text=_("For a cycle count: by what was sold in the last 90 days, at cost."),
    )  # fmt: skip
    blind = forms.BooleanField(
        label=_("blind"), required=False, widget=UnfoldBooleanWidget(),
        help_text=_("Who counts does not see what the system says until counting is over."),
    )  # fmt: skip
    people = forms.ModelMultipleChoiceField(
        User.objects.none(), label=_("who counts"), required=False, widget=UnfoldAdminSelectMultipleWidget(),
        help_text=_("Nobody chosen: everybody who may count there."),
    )  # fmt: skip
    note = forms.CharField(label=_("note"), required=False, max_length=300, widget=UnfoldAdminTextInputWidget())

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        warehouse_choice.offer(self, user, Warehouse.objects.filter(active=True, read_only=False), "warehouse")
        people = cast(forms.ModelMultipleChoiceField, self.fields["people"])
        people.queryset = User.objects.filter(is_active=True, is_staff=True).order_by("username")

    def clean_sku(self) -> Sku | None:
        """The SKU whose product is counted."""
        typed = self.cleaned_data["sku"]
        found = Sku.objects.filter(code_key=codes.normalise(typed)).select_related("product").first() if typed else None
        if typed and found is None:
            raise forms.ValidationError(_now("“%(code)s” is not a SKU") % {"code": typed})
        return found

    def planned(self, user: User) -> Stocktake:
        """Plan what was said. Fields of other kinds are left out. Raises StocktakeRefused."""
        said = self.cleaned_data
        fields: dict[str, Any] = {"blind": said["blind"], "note": said["note"]}
        if said["kind"] == Stocktake.Kind.PARTIAL:
            fields |= {name: said[name] for name in ("category", "bin_prefix", "supplier")}
            fields["product"] = said["sku"].product if said["sku"] else None
        elif said["kind"] == Stocktake.Kind.CYCLE:
            fields["cycle"] = said["cycle"]
        return opening.plan(
            warehouse=said["warehouse"], user=user, kind=said["kind"], people=list(said["people"]), **fields
        )


def new(request: HttpRequest) -> HttpResponse:
    """Plan a stocktake."""
    user = demand(request, COUNT)
    form = PlanForm(user, request.POST) if request.method == "POST" else PlanForm(user)
    if form.is_valid():
        try:
            return HttpResponseRedirect(here(form.planned(user)))
        except StocktakeRefused as refusal:
            form.add_error(refusal.field or None, str(refusal))
    context = {
        **admin.site.each_context(request),
        "title": _("Plan a stocktake"),
        "opts": Stocktake._meta,
        "form": form,
        "button_text": _("Make the draft"),
        "help": _("Nothing is written down yet: the snapshot is taken when you start it."),
    }
    return TemplateResponse(request, "admin/inventory/upload.html", context)


# --- the page --------------------------------------------------------------------------------------------------------


def context(request: HttpRequest, stocktake: Stocktake) -> dict[str, Any]:
    """Return what the page shows; the system's figures stay hidden from who counts blind."""
    user = cast(User, request.user)
    may_count, may_approve = user.has_perm(COUNT), user.has_perm(APPROVE)
    hidden = stocktake.hidden and not may_approve
    closed = stocktake.state in ("counted", "review", "posted", "undone")
    only = _only(request, closed, hidden)
    page = Paginator(_lines(stocktake, only), LINES_A_PAGE).get_page(request.GET.get("page"))
    over = figures.over_lines(stocktake, [line.pk for line in page]) if closed and page.object_list else set()
    return {
        "title": str(stocktake),
        "stocktake": stocktake,
        "part": part_of(stocktake),
        "people": list(stocktake.people.values_list("username", flat=True)),
        "lines": page,
        "only": only,
        "over": over,
        "over_count": figures.over_limit(stocktake) if stocktake.state in ("counted", "review") else 0,
        "took_part": figures.took_part(stocktake, user),
        "hidden": hidden,
        "closed": closed,
        "conflicts": _conflicts(stocktake) if stocktake.state == "counting" else [],
        "sheets": stocktake.sheets.select_related("created_by")[:20],
        "result": result.of(stocktake) if closed else None,
        "top": result.top(stocktake, 10) if closed else [],
        "may_count": may_count,
        "may_approve": may_approve,
        "see_cost": readable.sees_cost(request),
        "entries_url": reverse("admin:inventory_stockentry_changelist") + f"?q={stocktake.reference}",
    }


def _only(request: HttpRequest, closed: bool, hidden: bool) -> str:
    asked = request.GET.get("lines", "different" if closed else "all")
    allowed = ("all", "open") if hidden else ("all", "open", "different")
    return asked if asked in allowed else "all"


def _lines(stocktake: Stocktake, only: str) -> Any:
    rows = figures.told(stocktake).order_by("walk", "id")
    if only == "different":
        return rows.filter(counted_quantity__isnull=False).exclude(difference=0)
    return rows.filter(counted_quantity=None, round=stocktake.round) if only == "open" else rows


def _conflicts(stocktake: Stocktake) -> list[dict[str, Any]]:
    """Lines counted twice with different results, each with its counts."""
    lines = {line.pk: line for line in figures.told(stocktake).filter(conflict=True)[:CONFLICTS_SHOWN]}
    rows = StocktakeCount.objects.filter(line__in=lines, active=True).select_related("person", "sheet")
    found: dict[tuple[int, str], list[StocktakeCount]] = {}
    for one in rows:
        line = lines[one.line_id or 0]
        if one.round == line.round:
            found.setdefault((line.pk, one.bin), []).append(one)
    return [
        {"line": lines[pk], "bin": bin, "counts": many}
        for (pk, bin), many in found.items()
        if len({one.quantity for one in many}) > 1
    ]


@require_safe
def result_file(request: HttpRequest, pk: int) -> FileResponse:
    """The result as a workbook; value only for who may see it."""
    demand(request, VIEW)
    stocktake = stocktake_of(request, pk)
    if stocktake.hidden and not request.user.has_perm(APPROVE):
        raise PermissionDenied
    cost = readable.sees_cost(request)
    name = f"stocktake-{stocktake}"
    return resources.download(request, name, lambda file: result.export(file, stocktake, cost=cost))


@require_safe
def result_paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The result as a PDF; value only for who may see it."""
    demand(request, VIEW)
    stocktake = stocktake_of(request, pk)
    if stocktake.hidden and not request.user.has_perm(APPROVE):
        raise PermissionDenied
    try:
        content = paper.pdf(stocktake, cost=readable.sees_cost(request))
    except YikuError as refusal:  # no font that knows the letters
        messages.error(request, str(refusal))
        return HttpResponseRedirect(here(stocktake))
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="stocktake-{stocktake}.pdf"'
    answer["Cache-Control"] = "private, no-store"
    return answer


# --- the buttons -----------------------------------------------------------------------------------------------------


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button says; a refusal is shown on the page, and nothing has changed then."""
    demand(request, COUNT)
    stocktake = stocktake_of(request, pk)
    permission, work = WORK.get(request.POST.get("do", ""), ("", None))
    if work is None:
        raise Http404
    demand(request, permission)
    try:
        work(request, stocktake)
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(here(stocktake))


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _start(request: HttpRequest, stocktake: Stocktake) -> None:
    done = opening.start(stocktake_id=stocktake.pk, user=_user(request))
    told = ngettext("Started: %(n)d line to count.", "Started: %(n)d lines to count.", done.line_count)
    messages.success(request, told % {"n": done.line_count})


def _take_rest(request: HttpRequest, stocktake: Stocktake) -> None:
    more = opening.take_rest(stocktake_id=stocktake.pk, user=_user(request))
    told = ngettext("%(n)d more SKU to count.", "%(n)d more SKUs to count.", more)
    messages.success(request, told % {"n": more})


def _close(request: HttpRequest, stocktake: Stocktake) -> None:
    zero = request.POST.get("rest") == "zero"
    done = counting.close(stocktake_id=stocktake.pk, user=_user(request), rest_is_zero=zero)
    if done.state == Stocktake.State.REVIEW:
        messages.warning(request, _now("Counting is over. Differences above the limit wait for a second person."))
    else:
        messages.success(request, _now("Counting is over: look at the differences, then post them."))


def _decide(request: HttpRequest, stocktake: Stocktake) -> None:
    chosen = request.POST.get("count", "")
    count = stocktake.counts.filter(pk=int(chosen)).first() if chosen.isdecimal() and len(chosen) < 18 else None
    if count is None:
        raise Http404
    counting.decide(count_id=count.pk, user=_user(request))
    messages.success(request, _now("Decided: that count holds."))


def _recount(request: HttpRequest, stocktake: Stocktake) -> None:
    again = counting.recount(stocktake_id=stocktake.pk, user=_user(request))
    told = ngettext("%(n)d line is counted again.", "%(n)d lines are counted again.", again)
    messages.success(request, told % {"n": again})


def _post(request: HttpRequest, stocktake: Stocktake) -> None:
    try:
        done = tasks.begin_posting(stocktake, _user(request))
    except posting.FiguresMoved as moved:
        posting.look_again(stocktake_id=stocktake.pk)
        messages.warning(request, str(moved))
        return
    if done:
        messages.success(request, _now("Posted: the stock is what was counted."))


def _cancel(request: HttpRequest, stocktake: Stocktake) -> None:
    opening.cancel(stocktake_id=stocktake.pk, user=_user(request), note=text(request, "note"))
    messages.success(request, _now("Cancelled: nothing was posted."))


def _undo(request: HttpRequest, stocktake: Stocktake) -> None:
    posting.undo(stocktake_id=stocktake.pk, user=_user(request), note=text(request, "note"))
    messages.success(request, _now("Undone: the opposite of every difference was posted."))


def _look(request: HttpRequest, stocktake: Stocktake) -> None:
    posting.look_again(stocktake_id=stocktake.pk)


WORK: dict[str, tuple[str, Callable[[HttpRequest, Stocktake], None]]] = {
    "start": (COUNT, _start),
    "take_rest": (COUNT, _take_rest),
    "close": (COUNT, _close),
    "decide": (COUNT, _decide),
    "recount": (COUNT, _recount),
    "post": (COUNT, _post),
    "look": (COUNT, _look),
    "cancel": (COUNT, _cancel),
    "undo": (APPROVE, _undo),
}
