"""The desk of expected deliveries: announce them one by one or from Excel, put them off, receive them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.dateparse import parse_date
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminTextareaWidget

from backoffice import clock
from backoffice.adminkit import YikuModelAdmin, outcome_of, report_outcomes
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import arrivals, catalogue, readable
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from inventory.arrivals import Expected
from inventory.lots.errors import LotRefused
from inventory.lots.saying import suggested
from inventory.models import ExpectedArrival, Sku, Tracking, Warehouse

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ExpectedArrival]
else:
    ModelForm = forms.ModelForm
State = ExpectedArrival.State
LABELS = {State.EXPECTED: "info", State.RECEIVED: "success", State.CANCELLED: "default"}
MOST_PASTED = 2_000


class ArrivalForm(ModelForm):
    """What is expected; the domain's refusals stand on the form before anything is saved."""

    class Meta:
        model = ExpectedArrival
        fields = ["sku", "warehouse", "quantity", "expected_on", "unit_cost", "source"]

    def clean_source(self) -> str:
        """PostgreSQL refuses a NUL."""
        return str(self.cleaned_data["source"]).replace("\0", "")

    def clean(self) -> dict[str, Any]:
        """Ask the rules before saving."""
        data: dict[str, Any] = super().clean() or {}
        sku, warehouse, quantity = data.get("sku"), data.get("warehouse"), data.get("quantity")
        if quantity is not None and quantity <= 0:
            self.add_error("quantity", str(arrivals.SENTENCES["not_positive"]))
        if quantity is not None and self.instance.pk and quantity < self.instance.received_quantity:
            text = str(arrivals.SENTENCES["below_received"])
            self.add_error("quantity", text % {"received": readable.pieces(self.instance.received_quantity)})
        if sku is not None and sku.kind != sku.Kind.STOCKED:
            self.add_error("sku", str(arrivals.SENTENCES["no_stock_of_its_own"]) % {"code": sku.code})
        if warehouse is not None and warehouse.read_only:
            self.add_error("warehouse", str(arrivals.SENTENCES["read_only"]) % {"warehouse": warehouse.name})
        return data


class PasteForm(forms.Form):
    """Columns as they come from a sheet."""

    def __init__(self, *args: Any, places: QuerySet[Warehouse], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = places

    text = forms.CharField(
        label=_("rows"), max_length=500_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}),
        help_text=_("A row each: SKU, warehouse code, pieces, day (2026-12-24) and, if you like, where it comes from. "
                    "Copy the columns out of Excel and paste them here."),
    )  # fmt: skip

    def clean_text(self) -> list[Expected]:
        """All rows or none: each fault is named with its row."""
        rows = [line for line in self.cleaned_data["text"].replace("\0", "").splitlines() if line.strip()]
        if len(rows) > MOST_PASTED:
            raise ValidationError(_now("At most %d rows at once.") % MOST_PASTED)
        split = [[cell.strip() for cell in (row.split("\t") if "\t" in row else row.split(","))] for row in rows]
        skus = catalogue.find([cells[0] for cells in split])
        places = {place.code.casefold(): place for place in self.places}
        found, wrong = [], []
        for number, cells in enumerate(split, 1):
            try:
                found.append(_expected(cells, skus, places))
            except ValueError as error:
                wrong.append(_now("Row %(row)d: %(what)s") % {"row": number, "what": str(error)})
        if wrong:
            raise ValidationError(wrong[:20])
        return found


def _expected(cells: list[str], skus: dict[str, Any], places: dict[str, Warehouse]) -> Expected:
    cells = [*cells, "", "", "", ""]
    sku, place = skus.get(cells[0]), places.get(cells[1].casefold())
    if sku is None:
        raise ValueError(_now("there is no SKU “%s”.") % cells[0][:60])
    if sku.kind != sku.Kind.STOCKED:
        raise ValueError(str(arrivals.SENTENCES["no_stock_of_its_own"]) % {"code": sku.code})
    if place is None:
        raise ValueError(_now("there is no warehouse “%s”.") % cells[1][:60])
    return Expected(
        sku_id=sku.pk, warehouse_id=place.pk, quantity=_pieces(cells[2]), expected_on=_day(cells[3]), source=cells[4]
    )


def _pieces(text: str) -> Decimal:
    try:
        quantity = Decimal(text)
    except InvalidOperation:
        quantity = Decimal(0)
    if not quantity.is_finite() or not 0 < quantity < 1_000_000_000 or quantity != round(quantity, 3):
        raise ValueError(_now("the pieces must be a number above 0."))
    return quantity


def _day(text: str) -> dt.date:
    try:
        day = parse_date(text.replace("/", "-").replace(".", "-"))
    except ValueError:
        day = None
    if day is None:
        raise ValueError(_now("the day must look like 2026-12-24."))
    return day


@admin.register(ExpectedArrival)
class ExpectedArrivalAdmin(YikuModelAdmin):
    """Deliveries that are on their way; what is here stands in the ledger."""

    form = ArrivalForm
    empty_note = _(
        "Nothing is on its way. Write down what you have ordered and when it comes: short orders get a date from it."
    )
    list_display = ("goods", "warehouse", "left_shown", "day", "state_label", "source", "updated_at")
    list_display_links = ("goods",)
    list_filter = (("state", admin.ChoicesFieldListFilter), WarehouseFilter)
    list_select_related = ("sku", "warehouse")
    autocomplete_fields = ("sku",)
    ordering = ("-id",)
    actions = ("receive", "give_up")
    actions_list = ("paste",)

    def get_list_display(self, request: HttpRequest) -> Any:
        """The way to receive is shown to who may."""
        names = super().get_list_display(request)
        return names if self.has_receive_permission(request) else [n.replace("left_shown", "left_plain") for n in names]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExpectedArrival]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What has come or does not come is history."""
        open_here = obj is None or (obj.state == State.EXPECTED and not obj.owner)
        return super().has_change_permission(request, obj) and open_here

    def has_receive_permission(self, request: HttpRequest) -> bool:
        """Who puts goods on the shelf."""
        return request.user.has_perm("inventory.receive_expectedarrival")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Other goods or another place are another delivery; what goods cost is not for everybody."""
        cost = () if readable.sees_cost(request) else ("unit_cost",)
        return ("sku", "warehouse", "unit_cost") if obj is not None else cost

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = ["sku", "warehouse", "quantity", "expected_on", "unit_cost", "source"]
        return names if readable.sees_cost(request) else [name for name in names if name != "unit_cost"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only warehouses the person sees."""
        if db_field.name == "warehouse":
            own = Warehouse.objects.filter(active=True, read_only=False)
            kwargs["queryset"] = visible(cast(User, request.user), own)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ExpectedArrival, form: Any, change: bool) -> None:
        """Through the domain: the ledger moves along."""
        if change:
            arrivals.change(
                arrival_id=obj.pk, quantity=obj.quantity, expected_on=obj.expected_on, source=obj.source
            )  # fmt: skip
            return
        (made,) = arrivals.announce(
            rows=[
                Expected(
                    sku_id=obj.sku_id, warehouse_id=obj.warehouse_id, quantity=obj.quantity,
                    expected_on=obj.expected_on, unit_cost=obj.unit_cost, source=obj.source,
                )
            ]
        )  # fmt: skip
        obj.pk = made.pk

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("paste/", wrap(self.paste_page), name="inventory_expectedarrival_paste"),
            path("<int:pk>/came/", wrap(self.came_page), name="inventory_expectedarrival_came"),
        ]
        return [*own, *super().get_urls()]

    @action(description=_("Paste from Excel"), icon="content_paste", permissions=["add"])
    def paste(self, request: HttpRequest) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:inventory_expectedarrival_paste"))

    def paste_page(self, request: HttpRequest) -> HttpResponse:
        """Announce many deliveries at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        own = Warehouse.objects.filter(active=True, read_only=False)
        form = PasteForm(request.POST or None, places=visible(cast(User, request.user), own))
        if form.is_valid():
            count = len(arrivals.announce(rows=form.cleaned_data["text"]))
            told = ngettext("%(count)d delivery is expected.", "%(count)d deliveries are expected.", count)
            messages.success(request, told % {"count": count})
            return HttpResponseRedirect(reverse("admin:inventory_expectedarrival_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Expected deliveries from Excel"),
            "opts": self.opts,
            "form": form,
            "button_text": _now("Expect them"),
            "help": _now("All rows are taken, or none: what is wrong is named with its row."),
        }
        return TemplateResponse(request, "admin/inventory/upload.html", context)

    def came_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Receive a part of a delivery, or more than was expected."""
        if not self.has_view_permission(request) or not self.has_receive_permission(request):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=pk).select_related("sku", "warehouse").first()
        if row is None:
            raise Http404
        form = CameForm(request.POST or None, sku=row.sku, initial={"quantity": row.left})
        if form.is_valid():
            data = form.cleaned_data
            try:
                arrivals.receive(
                    arrival_id=pk, quantity=data["quantity"], finished=data["finished"], lot=data.get("lot", ""),
                    expires_on=str(data.get("expires_on") or ""), demand_lot=True,
                )  # fmt: skip
            except LotRefused as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else "lot", str(refusal))
            except YikuError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _now("Received: the pieces are on the shelf."))
                return HttpResponseRedirect(reverse("admin:inventory_expectedarrival_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Receive %(what)s") % {"what": row},
            "opts": self.opts,
            "form": form,
            "button_text": _now("Put on the shelf"),
            "help": f"{row.warehouse.name} · {row.source}" if row.source else row.warehouse.name,
        }
        return TemplateResponse(request, "admin/inventory/upload.html", context)

    # --- columns -----------------------------------------------------------------------------------------------------

    @display(description=_("goods"), header=True)
    def goods(self, row: ExpectedArrival) -> list[str]:
        """Code and name."""
        return [row.sku.code, row.sku.name]

    @admin.display(description=_("still to come / expected"))
    def left_shown(self, row: ExpectedArrival) -> str:
        """Pieces, and the way to receive them."""
        if row.state != State.EXPECTED:
            return self.left_plain(row)
        url = reverse("admin:inventory_expectedarrival_came", args=[row.pk])
        return format_html('{} <a class="underline" href="{}">{}</a>', self.left_plain(row), url, _now("has come…"))

    @admin.display(description=_("still to come / expected"))
    def left_plain(self, row: ExpectedArrival) -> str:
        """Pieces still to come of those expected; what came of a delivery that is over."""
        if row.state != State.EXPECTED:
            return readable.pieces(row.received_quantity)
        return f"{readable.pieces(row.left)} / {readable.pieces(row.quantity)}"

    @admin.display(description=_("expected on"))
    def day(self, row: ExpectedArrival) -> Any:
        """Red once the day is over."""
        if row.state == State.EXPECTED and row.expected_on < clock.now().date():
            return format_html(
                '<strong class="text-red-600">{} ({})</strong>',
                date_format(row.expected_on, "SHORT_DATE_FORMAT"),
                _now("overdue"),
            )
        return row.expected_on

    @display(description=_("state"), label=LABELS)
    def state_label(self, row: ExpectedArrival) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()

    # --- many at once ------------------------------------------------------------------------------------------------

    @admin.action(description=_("Has come: put all of it on the shelf"), permissions=["receive"])
    def receive(self, request: HttpRequest, queryset: QuerySet[ExpectedArrival]) -> None:
        """Receive what is left of each."""
        self._each(
            request, queryset, partial(arrivals.receive, demand_lot=True), _now("Deliveries received: %(count)d.")
        )

    @admin.action(description=_("Does not come"), permissions=["change"])
    def give_up(self, request: HttpRequest, queryset: QuerySet[ExpectedArrival]) -> None:
        """Give up what has not come."""
        self._each(request, queryset, arrivals.cancel, _now("Deliveries given up: %(count)d."))

    def _each(self, request: HttpRequest, queryset: QuerySet[ExpectedArrival], work: Any, done: str) -> None:
        outcomes = []
        for row in queryset.select_related("sku"):
            try:
                work(arrival_id=row.pk)
                outcomes.append(outcome_of(row))
            except YikuError as refusal:
                outcomes.append(outcome_of(row, refusal))
        report_outcomes(request, outcomes, done)


class CameForm(forms.Form):
    """How many pieces have come."""

    quantity = forms.DecimalField(label=_("pieces that have come"), min_value=0, max_digits=15, decimal_places=3)
    finished = forms.BooleanField(label=_("the rest does not come"), required=False)

    def __init__(self, *args: Any, sku: Sku, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sku.tracking:
            serials = sku.tracking == Tracking.SERIAL
            label = _("Serial numbers, one a line") if serials else _("Lot; several: one a line, A12 × 6")
            area = UnfoldAdminTextareaWidget(attrs={"rows": 4 if serials else 2})
            self.fields["lot"] = forms.CharField(label=label, max_length=4000, widget=area)
        if sku.tracking == Tracking.EXPIRY:
            self.fields["expires_on"] = forms.DateField(
                label=_("Expires on"), required=False, initial=suggested(sku), widget=UnfoldAdminDateWidget()
            )
