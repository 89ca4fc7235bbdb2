"""Lists around late plays: supplies to be done, what buyers got, refunds to be made, complaints and penalties."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from backoffice import actors, audit, clock
from backoffice.adminkit import Outcome, ReadOnlyMixin, YikuModelAdmin, report_outcomes
from backoffice.errors import YikuError
from backoffice.incidents import causes
from backoffice.models import User
from finance.admin.figures import money
from inventory.access import sight, visible
from inventory.models import Shop
from orders.admin.filters import ShopFilter
from orders.admin.late import sheets
from orders.admin.wording import pieces
from orders.late import compensations, supply
from orders.models import Compensation, Order, PenaltyEntry, SupplyDraft

if TYPE_CHECKING:
    PenaltyModelForm = forms.ModelForm[PenaltyEntry]
else:
    PenaltyModelForm = forms.ModelForm
WAITING = {"draft": "warning", "confirmed": "success", "cancelled": "default"}


def each(request: HttpRequest, rows: QuerySet[Any], work: Callable[[Any], object], done: str) -> None:
    """Do it to each row by itself and tell what became of it."""
    outcomes = []
    for row in rows:
        try:
            work(row)
            outcomes.append(Outcome(str(row)))
        except YikuError as error:
            outcomes.append(Outcome(str(row), str(error)))
    report_outcomes(request, outcomes, done)


def order_link(order: Order) -> str:
    """An order's number, as a link."""
    return format_html('<a class="underline" href="{}">{}</a>', _order_url(order), order.number)


def _order_url(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


@admin.register(SupplyDraft)
class SupplyDraftAdmin(ReadOnlyMixin, YikuModelAdmin):
    """What has to be moved or bought; confirming a transfer moves the goods."""

    empty_note = _("Nothing has to be moved or bought. Drafts are made on the page of a late play.")
    list_display = (
        "goods", "kind", "wanted", "route", "expected_on", "state_label", "note", "created_at", "who",
    )  # fmt: skip
    list_display_links = ("goods",)
    list_filter = (("state", admin.ChoicesFieldListFilter), ("kind", admin.ChoicesFieldListFilter))
    list_select_related = ("sku", "origin", "destination", "play")
    ordering = ("-id",)
    actions = ("confirm", "drop")
    actions_list = ("export_xlsx",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupplyDraft]:
        rows, seen = super().get_queryset(request), sight(request.user).warehouses
        if seen is None:
            return rows
        nowhere = Q(origin__isnull=True, destination__isnull=True)
        return rows.filter(Q(origin__in=seen) | Q(destination__in=seen) | nowhere)

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        """Who carries drafts out."""
        return request.user.has_perm("orders.confirm_supplydraft")

    @display(description=_("SKU"), header=True)
    def goods(self, row: SupplyDraft) -> list[str]:
        """Code and name."""
        return [row.sku.code, row.sku.name]

    @admin.display(description=_("pieces"))
    def wanted(self, row: SupplyDraft) -> str:
        """How many."""
        return pieces(row.quantity)

    @admin.display(description=_("from and to"))
    def route(self, row: SupplyDraft) -> str:
        """Whence and whither."""
        whence = row.origin.name if row.origin else row.supplier or _now("not named")
        return f"{whence} → {row.destination.name}" if row.destination else whence

    @display(description=_("state"), label=WAITING)
    def state_label(self, row: SupplyDraft) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("by"))
    def who(self, row: SupplyDraft) -> str:
        """Who drafted it."""
        return actors.named(row.created_by)

    @admin.action(description=_("Done: goods moved, or ordered"), permissions=["confirm"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[SupplyDraft]) -> None:
        """Carry them out."""
        who, seen = audit.current_actor().name, sight(request.user)
        each(
            request, queryset, lambda row: supply.confirm(draft_id=row.pk, actor=who, seen=seen),
            _now("%(count)d drafts done."),
        )  # fmt: skip

    @admin.action(description=_("Drop"), permissions=["confirm"])
    def drop(self, request: HttpRequest, queryset: QuerySet[SupplyDraft]) -> None:
        """Not needed any more."""
        who, seen = audit.current_actor().name, sight(request.user)
        each(
            request, queryset, lambda row: supply.cancel(draft_id=row.pk, actor=who, seen=seen),
            _now("%(count)d drafts dropped."),
        )  # fmt: skip

    @action(description=_("Export"), url_path="export", icon="download", permissions=["view"])
    def export_xlsx(self, request: HttpRequest) -> HttpResponseBase:
        """All drafts this person sees."""
        rows = self.get_queryset(request).select_related("sku", "origin", "destination").iterator(500)
        file = sheets.workbook(sheets.SUPPLY, map(sheets.supply_row, rows), name=_now("Supplies"))
        return FileResponse(file, as_attachment=True, filename="supplies.xlsx")


class OfOrder(ReadOnlyMixin, YikuModelAdmin):
    """A list of rows that belong to orders of the shops a person sees."""

    list_select_related: Any = ("order", "preset")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(request.user, super().get_queryset(request))

    @admin.display(description=_("order"))
    def order_shown(self, row: Any) -> str:
        """A link to it."""
        return order_link(row.order)

    @admin.display(description=_("by"))
    def who(self, row: Any) -> str:
        """Who did it."""
        return actors.named(row.created_by)


@admin.register(Compensation)
class CompensationAdmin(OfOrder):
    """What buyers got for waiting, and what waits for approval."""

    empty_note = _("Nothing was given yet. Compensations are given on the page of a late play.")
    list_display = ("preset", "order_shown", "state_label", "code", "amount_shown", "refund_shown", "cost_shown",
                    "created_at", "who")  # fmt: skip
    list_display_links = ("preset",)
    list_select_related = ("preset", "order", "rma")
    list_filter = (("state", admin.ChoicesFieldListFilter), ("kind", admin.ChoicesFieldListFilter))
    actions = ("approve", "refuse")

    def has_approve_permission(self, request: HttpRequest) -> bool:
        """Who decides above the limits."""
        return request.user.has_perm(compensations.APPROVE)

    @display(description=_("state"), label={"asked": "warning", "given": "success", "refused": "danger"})
    def state_label(self, row: Compensation) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("amount"))
    def amount_shown(self, row: Compensation) -> str:
        """What the buyer gets back."""
        return money(row.amount, row.order.currency) if row.amount else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Compensation]:
        return super().get_queryset(request).prefetch_related("rma__money")

    @admin.display(description=_("refund"))
    def refund_shown(self, row: Compensation) -> str:
        """How far the money is, and the way to where it is dealt with."""
        if row.rma is None:
            return ""
        states = ", ".join(str(one.get_state_display()) for one in row.rma.money.all())
        return format_html('<a href="{}">{}</a>', reverse("admin:orders_return_change", args=[row.rma_id]), states)

    @admin.display(description=_("cost"))
    def cost_shown(self, row: Compensation) -> str:
        """In base currency."""
        return money(row.cost)

    @admin.action(description=_("Approve"), permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Compensation]) -> None:
        """Give what was asked for."""
        self._decide(request, queryset, good=True, done=_now("%(count)d compensations given."))

    @admin.action(description=_("Refuse"), permissions=["approve"])
    def refuse(self, request: HttpRequest, queryset: QuerySet[Compensation]) -> None:
        """Not this time."""
        self._decide(request, queryset, good=False, done=_now("%(count)d compensations refused."))

    def _decide(self, request: HttpRequest, queryset: QuerySet[Compensation], *, good: bool, done: str) -> None:
        who, user = audit.current_actor().name, cast(User, request.user)
        each(
            request, queryset,
            lambda row: compensations.decide(compensation_id=row.pk, user=user, actor=who, good=good), done,
        )  # fmt: skip


class PenaltyForm(PenaltyModelForm):
    """An order is named by its number; it says the shop."""

    number = forms.CharField(
        label=_("order number"), max_length=200, required=False, widget=UnfoldAdminTextInputWidget(),
        help_text=_("Leave empty when it is about the shop as a whole."),
    )  # fmt: skip

    class Meta:
        model = PenaltyEntry
        fields = ["kind", "shop", "amount", "cause", "happened_on", "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.order_id and self.instance.order is not None:
            self.initial["number"] = self.instance.order.number

    def clean(self) -> dict[str, Any]:
        """The order must be one of the shop's; an amount is never below zero."""
        data = super().clean() or {}
        number, shop = data.get("number", "").replace("\0", "").strip(), data.get("shop")
        self.instance.order = None
        if number and shop is not None:
            self.instance.order = Order.objects.filter(shop=shop, number=number).order_by("-id").first()
            if self.instance.order is None:
                self.add_error("number", _("The shop has no order of this number."))
        if (data.get("amount") or Decimal(0)) < 0:
            self.add_error("amount", ValidationError(_("The amount is never below 0.")))
        return data


@admin.register(PenaltyEntry)
class PenaltyEntryAdmin(YikuModelAdmin):
    """Complaints, bad reviews and fines: typed in, counted by the monthly review."""

    form = PenaltyForm
    empty_note = _("None yet. Enter fines of platforms, complaints and bad reviews: the monthly review counts them.")
    list_display = ("happened_on", "kind", "shop", "order_shown", "amount_shown", "cause_shown", "note", "created_by")
    list_display_links = ("happened_on",)
    list_filter = (("kind", admin.ChoicesFieldListFilter), ShopFilter)
    list_select_related = ("shop", "order", "cause")
    fields = ("kind", "shop", "number", "amount", "cause", "happened_on", "note")
    ordering = ("-happened_on", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PenaltyEntry]:
        return visible(request.user, super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops the person sees, only causes of lateness."""
        if db_field.name == "shop":
            kwargs["queryset"] = visible(request.user, Shop.objects.all())
        if db_field.name == "cause":
            kwargs["queryset"] = causes.for_kind("late")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=_("order"))
    def order_shown(self, row: PenaltyEntry) -> str:
        """A link to it."""
        return order_link(row.order) if row.order else ""

    @admin.display(description=_("amount"))
    def amount_shown(self, row: PenaltyEntry) -> str:
        """In base currency."""
        return money(row.amount) if row.amount else ""

    @admin.display(description=_("cause"))
    def cause_shown(self, row: PenaltyEntry) -> str:
        """Why."""
        return causes.name_of(row.cause) if row.cause else ""

    def save_model(self, request: HttpRequest, obj: PenaltyEntry, form: Any, change: bool) -> None:
        if not change:
            obj.created_at, obj.created_by = clock.now(), request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {"kind": obj.kind, "amount": format(obj.amount, "f"), "order": obj.order_id}
        audit.record(action="penalty.enter", target=obj, after=after, summary=obj.note[:300])
