"""Labels in the admin: the list, buying with prices compared, the door where parcels are scanned out."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.decorators import display

from backoffice.adminkit import Outcome, ReadOnlyMixin, YikuModelAdmin, report_outcomes
from backoffice.errors import YikuError
from finance import currencies
from finance.admin.figures import money
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from orders.admin.papers import kit, prints
from orders.carriers.base import Piece
from orders.fulfil import labels, leaving, offers, voiding
from orders.fulfil.carrier_words import sentence
from orders.fulfil.papers import printing
from orders.models import Label, Order, PaperKind

STATE_LABELS = {
    "asked": "warning", "bought": "primary", "printed": "primary", "used": "success", "void": "default",
    "failed": "danger",
}  # fmt: skip


class OpenFilter(admin.SimpleListFilter):
    """What somebody has to see to."""

    title = _("to do")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("not_left", _("Printed, not left in time")),
            ("to_void", _("To be voided")),
            ("asked", _("The carrier has not answered")),
            ("way", _("On the way")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Label]) -> QuerySet[Label]:
        if self.value() == "not_left":
            return queryset.filter(pk__in=leaving.not_left().order_by().values("pk"))
        conditions = {
            "to_void": Q(to_void=True),
            "asked": Q(state="asked"),
            "way": Q(state="used", delivered_at=None),
        }
        found = conditions.get(self.value() or "")
        return queryset.filter(found) if found is not None else queryset


@admin.register(Label)
class LabelAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Every label, newest first."""

    empty_note = _("No labels yet. Buy one on the page of an approved order, or for many in the list of orders.")
    list_display = ("tracking_shown", "order_link", "account", "state_label", "cost_shown", "asked_at", "left_shown")
    list_display_links = ("tracking_shown",)
    list_filter = (OpenFilter, ("state", admin.ChoicesFieldListFilter), "account", WarehouseFilter)
    list_select_related = ("order", "account")
    ordering = ("-id",)
    prefix_search = ("tracking_number",)
    search_help_text = _("Tracking number: type the beginning")
    actions = ("print_chosen", "void_chosen")
    fields = readonly_fields = (
        "tracking_shown", "order_link", "parcel", "state_label", "account", "service", "warehouse", "cost_shown",
        "weight_g", "note", "actor", "asked_at", "bought_at", "printed_at", "scanned_out_at", "delivered_at",
        "manifest", "voided_at", "voided_by", "to_void_why", "problem_shown",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Label]:
        return visible(kit.me(request), super().get_queryset(request)).defer("pdf", "request")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Label], search_term: str
    ) -> tuple[QuerySet[Label], bool]:
        term = search_term.strip().replace("\0", "")
        return (queryset.filter(tracking_number__startswith=term) if term else queryset), False

    def has_print_permission(self, request: HttpRequest) -> bool:
        """Who may print."""
        from orders.admin import buyers

        return buyers.may_print(request)

    def has_buy_permission(self, request: HttpRequest) -> bool:
        """Who may buy and void."""
        return request.user.has_perm(kit.BUY)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("offers/<int:order_id>/", wrap(offers_page), name="orders_label_offers"),
            path("<int:pk>/pdf/", wrap(own_pdf), name="orders_label_pdf"),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description=_("tracking number"))
    def tracking_shown(self, row: Label) -> str:
        """The number, or that there is none yet."""
        return row.tracking_number or "–"

    @admin.display(description=_("order"))
    def order_link(self, row: Label) -> str:
        """The order's page."""
        return format_html('<a class="underline" href="{}">{}</a>', kit.order_url(row.order_id), row.order.number)

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: Label) -> tuple[str, str]:
        """As a badge."""
        return row.state, _now("To be voided") if row.to_void else row.get_state_display()

    @admin.display(description=_("cost"))
    def cost_shown(self, row: Label) -> str:
        """What it costs; nothing once it is void."""
        return money(row.cost, row.currency) if row.cost is not None and row.state != Label.State.VOID else "–"

    @admin.display(description=_("left"))
    def left_shown(self, row: Label) -> dt.datetime | None:
        """When the parcel left."""
        return row.scanned_out_at

    @admin.display(description=_("last fault"))
    def problem_shown(self, row: Label) -> str:
        """In words."""
        return sentence(row.problem) or "–"

    @admin.action(description=_("Print the labels"), permissions=["print"])
    def print_chosen(self, request: HttpRequest, queryset: QuerySet[Label]) -> HttpResponse:
        """All labels of their orders."""
        ids = list(dict.fromkeys(queryset.order_by("pk").values_list("order_id", flat=True)))
        return prints.begin(request, ids, ["label"])

    @admin.action(description=_("Void the labels"), permissions=["buy"])
    def void_chosen(self, request: HttpRequest, queryset: QuerySet[Label]) -> None:
        """Each with its outcome."""
        outcomes = []
        for row in queryset.order_by("pk"):
            try:
                row = voiding.void(label_id=row.pk, actor=kit.who(), warehouses=kit.seen_warehouses(request))
                problem = "" if row.state == Label.State.VOID else void_told(row)
            except YikuError as error:
                problem = str(error)
            outcomes.append(Outcome(str(row), problem, kit.order_url(row.order_id)))
        done = sum(one.ok for one in outcomes)
        report_outcomes(request, outcomes, ngettext("%(count)d label voided.", "%(count)d labels voided.", done))


def void_told(label: Label) -> str:
    """Say why a label is not void yet."""
    if label.to_void:
        return _now("The carrier has not answered; it is asked again by itself.")
    return _now("The carrier refuses: %(what)s") % {"what": sentence(label.problem)}


def order_of(request: HttpRequest, pk: int) -> Order:
    """Return an order the person sees."""
    order = visible(kit.me(request), Order.objects.filter(pk=pk)).select_related("shop", "contact").first()
    if order is None:
        raise Http404
    return order


@require_POST
def own_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The carrier's own file of a label; printing it counts like any other."""
    kit.demand_print(request)
    orders = printing.printable(kit.me(request), [PaperKind.LABEL])
    label = Label.objects.filter(pk=pk, order__in=orders).select_related("order").first()
    seen = kit.seen_warehouses(request)
    if label is not None and seen is not None and label.warehouse_id not in seen:
        raise Http404
    if label is None or not label.pdf or label.to_void or label.state not in ("bought", "printed", "used"):
        raise Http404
    printing.count_label(label, kit.who())
    return kit.pdf(bytes(label.pdf), f"label-{label.pk}.pdf")


def offers_page(request: HttpRequest, order_id: int) -> HttpResponse:
    """What every carrier asks for this parcel, cheapest first, with a button each."""
    kit.demand(request, kit.BUY)
    order = order_of(request, order_id)
    plan = offers.plans_of([order.pk]).get(order.pk)
    plan = plan.within(kit.seen_warehouses(request)) if plan is not None else None
    places = kit.warehouses(request)
    place = kit.whole(request.GET.get("warehouse", "")) or (plan.warehouse_id if plan else 0)
    weight = kit.whole(request.GET.get("weight", "")) or (plan.weight_g if plan else offers.DEFAULT_WEIGHT)
    sizes = [kit.whole(request.GET.get(name, "")) or None for name in ("length", "width", "height")]
    found, problem = offers.Offers(()), ""
    if place not in {one.pk for one in places}:
        problem = _now("Choose the warehouse it goes out from.")
    else:
        try:
            piece = Piece(weight_g=weight, length_mm=sizes[0], width_mm=sizes[1], height_mm=sizes[2])
            found = offers.offers(order, warehouse_id=place, piece=piece)
        except YikuError as error:
            problem = str(error)
    page = kit.context(
        request, _now("Prices of carriers"), order=order, rows=[_shown(one) for one in found.rows], problem=problem,
        silent=found.silent, places=places, place=place, weight=weight, sizes=sizes, once=uuid.uuid4().hex,
        base=currencies.base_code(), has_label=labels.current(order.pk) is not None,
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/papers/offers.html", page)


def _shown(one: offers.Offer) -> dict[str, Any]:
    return {
        "offer": one,
        "amount": money(one.amount, one.currency),
        "base": money(one.base, currencies.base_code()) if one.base is not None else "",
    }


# --- what the buttons of an order's page do --------------------------------------------------------------------------


def buy(request: HttpRequest, order: Order) -> HttpResponse | None:
    """Buy the label that was chosen."""
    once = request.POST.get("once", "").replace("\0", "")[:64] or uuid.uuid4().hex
    wish = labels.Wish(
        order_id=order.pk,
        service_id=kit.whole(request.POST.get("service", "")),
        warehouse_id=kit.whole(request.POST.get("warehouse", "")),
        weight_g=kit.whole(request.POST.get("weight", "")),
        key=f"desk:{order.pk}:{once}",
        sizes_mm=(_size(request, "length"), _size(request, "width"), _size(request, "height")),
        note=request.POST.get("note", "").replace("\0", "").strip()[:100],
        more=bool(request.POST.get("more")),
    )
    label = labels.buy(wish=wish, actor=kit.who(), warehouses=kit.seen_warehouses(request))
    _tell(request, order, label)
    return HttpResponseRedirect(kit.order_url(order.pk))


def _size(request: HttpRequest, name: str) -> int | None:
    return kit.whole(request.POST.get(name, "")) or None


def _tell(request: HttpRequest, order: Order, label: Label) -> None:
    outcome = labels.outcome_of(order, label)
    if outcome.ok:
        messages.success(request, _now("Label %(number)s is bought.") % {"number": label.tracking_number})
    elif label.state == Label.State.ASKED:
        messages.warning(request, outcome.problem)
    else:
        messages.error(request, outcome.problem)


def _label_of(request: HttpRequest, order: Order) -> Label:
    rows = visible(kit.me(request), Label.objects.filter(order=order, pk=kit.whole(request.POST.get("label", ""))))
    label = rows.select_related("account").defer("pdf").first()
    if label is None:
        raise Http404
    return label


def void(request: HttpRequest, order: Order) -> HttpResponse:
    """Take a label back."""
    reason = request.POST.get("reason", "").replace("\0", "").strip()[:200]
    label = voiding.void(
        label_id=_label_of(request, order).pk, actor=kit.who(), reason=reason, warehouses=kit.seen_warehouses(request)
    )
    if label.state == Label.State.VOID:
        messages.success(request, _now("Label %(number)s is void.") % {"number": label.tracking_number})
    else:
        messages.warning(request, void_told(label))
    return HttpResponseRedirect(kit.order_url(order.pk))


def again(request: HttpRequest, order: Order) -> HttpResponse:
    """Ask the carrier again now."""
    label = _label_of(request, order)
    if label.to_void and label.state in voiding.OPEN:
        Label.objects.filter(pk=label.pk).update(attempts=0)
        voiding.carry_out(label.pk)
    elif label.state == Label.State.ASKED:
        Label.objects.filter(pk=label.pk, attempts__gte=labels.MOST_ATTEMPTS).update(attempts=0)
        _tell(request, order, labels.carry_out(label.pk))
    return HttpResponseRedirect(kit.order_url(order.pk))


def ship(request: HttpRequest, order: Order) -> None:
    """Ship all that is left in one parcel with this label."""
    from orders.fulfil import shipping

    label = _label_of(request, order)
    if not label.live:
        raise YikuError("label_gone", _("This label is not in use any more."))
    parcel = shipping.Parcel(
        carrier=label.account.name, tracking=label.tracking_number, tracking_url=labels.tracking_address(label),
        warehouse_id=label.warehouse_id, warehouses=kit.seen_warehouses(request),
    )  # fmt: skip
    key = f"label:{label.pk}:{order.shipments.count()}"  # taken back, it may be shipped again
    shipping.ship(order_id=order.pk, parcels=[parcel], actor=kit.who(), idempotency_key=key)
    messages.success(request, _now("Shipped. The platform will be told, and the books write the sale."))


def print_papers(request: HttpRequest, order: Order) -> HttpResponse:
    """Print what the button names."""
    kinds = [one for one in request.POST.getlist("kinds") if one in printing.KINDS]
    if not kinds:
        raise PermissionDenied
    return prints.begin(request, [order.pk], kinds)
