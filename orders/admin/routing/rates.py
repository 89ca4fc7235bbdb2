"""Rate tables: what carriers take, row by row in a form or many at once out of Excel, each fault with its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanWidget,
)

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.spreadsheets import uploads
from finance.admin.figures import money
from finance.models import Currency
from inventory import resources
from orders.fulfil.routing import geography, policies, rate_sheet
from orders.models import RateRow, RateTable

if TYPE_CHECKING:
    TableModelForm = forms.ModelForm[RateTable]
    RowModelForm = forms.ModelForm[RateRow]
else:
    TableModelForm = RowModelForm = forms.ModelForm

PURPOSE = "orders.rates"
SHOWN = 200


class TableForm(TableModelForm):
    """A carrier's table: its currency exists, its warehouses too."""

    currency = forms.ChoiceField(label=_("currency"), widget=UnfoldAdminSelectWidget())
    warehouses = forms.MultipleChoiceField(
        label=_("from these warehouses"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text=_("None ticked: from all warehouses."),
    )  # fmt: skip

    class Meta:
        model = RateTable
        fields = ["name", "currency", "warehouses", "active", "valid_from", "valid_to"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = list(Currency.objects.order_by("code").values_list("code", flat=True))
        self.fields["currency"].choices = [(code, code) for code in codes]  # type: ignore[attr-defined]
        rows = [(str(one.pk), str(one)) for one in policies.sendable_warehouses()]
        self.fields["warehouses"].choices = rows  # type: ignore[attr-defined]
        self.initial["warehouses"] = [str(pk) for pk in self.instance.warehouses or ()]

    def clean_warehouses(self) -> list[int]:
        """Their ids."""
        return sorted(int(pk) for pk in self.cleaned_data["warehouses"])

    def clean(self) -> dict[str, Any]:
        """It ends after it begins."""
        data = super().clean() or {}
        if data.get("valid_from") and data.get("valid_to") and data["valid_to"] < data["valid_from"]:
            self.add_error("valid_to", _("It would end before it begins."))
        return data


class SheetForm(forms.Form):
    """Rows pasted out of Excel, or a file."""

    text = forms.CharField(
        label=_("rates, a row each"), required=False, max_length=2_000_000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 10}),
        help_text=_("Country, region, postcode begins with, up to (g), base price, weight in the base price (g), each "
                    "further kg, rounded up to (g). Copy the columns out of Excel and paste them here."),
    )  # fmt: skip
    file = forms.FileField(
        label=_("or a file"), required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.tsv,.txt"}),
        help_text=_(".xlsx or .csv with the same columns; the export has them."),
    )  # fmt: skip
    replace = forms.BooleanField(
        label=_("instead of all rows that are there"), required=False, widget=UnfoldBooleanWidget()
    )

    def clean(self) -> dict[str, Any]:
        """One of the two."""
        data = super().clean() or {}
        if bool(data.get("file")) == bool(str(data.get("text", "")).strip()):
            raise ValidationError(_("Paste rows, or choose a file."))
        return data

    headless = False

    def sheet(self) -> Any:
        """What was given, as a file; pasted rows without titles get them."""
        if self.cleaned_data["file"]:
            return self.cleaned_data["file"]
        text = self.cleaned_data["text"].lstrip("\ufeff\r\n")
        first = text.splitlines()[0].replace(",", "\t").split("\t")[0].strip().upper()
        if first == "*" or first in policies.known_countries():
            mark = "\t" if "\t" in text else ","
            self.headless = True
            width = max(len(row.split(mark)) for row in text.splitlines())
            text = mark.join(rate_sheet.KEYS[:width]) + "\n" + text
        return ContentFile(text.encode(), name="pasted.tsv" if "\t" in text else "pasted.csv")


@admin.register(RateTable)
class RateTableAdmin(YikuModelAdmin):
    """Carriers and services, each with its table."""

    form = TableForm
    empty_note = _("None yet: the routing knows no costs. Add a table per carrier, then paste its prices from Excel.")
    list_display = ("name", "currency", "rows_shown", "active", "valid_from", "valid_to", "updated_at")
    list_filter = ("active",)
    ordering = ("name",)
    sortable_by = ("name",)
    deletable = False
    fields = ("name", "active", "currency", "warehouses", ("valid_from", "valid_to"))
    actions_detail = ("see_rows", "from_excel", "to_excel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RateTable]:
        return super().get_queryset(request).annotate(count=Count("rows"))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/sheet/", wrap(self.sheet_page), name="orders_ratetable_sheet"),
            path("<int:pk>/xlsx/", wrap(self.export_page), name="orders_ratetable_xlsx"),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description=_("rows"))
    def rows_shown(self, row: Any) -> str:
        """How many, as a link to them."""
        url = reverse("admin:orders_raterow_changelist")
        return format_html('<a class="underline" href="{}?table__id__exact={}">{}</a>', url, row.pk, row.count)

    def save_model(self, request: HttpRequest, obj: RateTable, form: Any, change: bool) -> None:
        obj.updated_at, obj.updated_by = clock.now(), audit.current_actor().name[:150]
        super().save_model(request, obj, form, change)
        before = {name: str(form.initial.get(name)) for name in form.changed_data} if change else {}
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        audit.record(action="rate_table.change", target=obj, before=before, after=after)

    @action(description=pgettext_lazy("rate table", "Rows"), icon="table_rows", permissions=["view"])
    def see_rows(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the rows."""
        return HttpResponseRedirect(f"{reverse('admin:orders_raterow_changelist')}?table__id__exact={object_id}")

    @action(description=_("Rows from Excel"), icon="content_paste", permissions=["change"])
    def from_excel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that takes rows."""
        return HttpResponseRedirect(reverse("admin:orders_ratetable_sheet", args=[object_id]))

    @action(description=_("Rows as Excel"), icon="download", permissions=["view"])
    def to_excel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the file."""
        return HttpResponseRedirect(reverse("admin:orders_ratetable_xlsx", args=[object_id]))

    def export_page(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The rows as a workbook."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        table = _table(pk)
        return resources.download(request, "rates", lambda file: rate_sheet.export(file, table))

    def sheet_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the form, what the sheet says row by row, and keep it when nothing is wrong and the person agrees."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        table, user = _table(pk), cast(User, request.user)
        if request.method == "POST" and "upload" in request.POST:
            return _keep(request, user, table)
        form = SheetForm(request.POST, request.FILES) if request.method == "POST" else SheetForm()
        context = {
            **self.admin_site.each_context(request),
            **(_preview(form, user) if form.is_valid() else {}),
            "title": _now("Rates from Excel: %s") % table.name,
            "opts": self.opts,
            "form": form,
            "table": table,
            "button_text": _now("Show what would be kept"),
            "help": _now("Nothing is kept yet: you see first what the rows say, and what is wrong with which."),
        }
        return TemplateResponse(request, "admin/orders/routing/sheet.html", context)


def _table(pk: int) -> RateTable:
    table = RateTable.objects.filter(pk=pk).first()
    if table is None:
        raise Http404
    return table


def _preview(form: SheetForm, user: User) -> dict[str, Any]:
    try:
        upload = uploads.keep(form.sheet(), owner=user, purpose=PURPOSE)
        rows, faults = rate_sheet.look(uploads.path_of(upload), headless=form.headless)
    except YikuError as refusal:
        form.add_error(None, str(refusal))
        return {}
    return {
        "upload": upload.token if rows and not faults else "",
        "replace": form.cleaned_data["replace"],
        "faults": faults[:SHOWN],
        "more": max(len(faults) - SHOWN, 0),
        "rows": [{**{key: getattr(row, key) for key in rate_sheet.KEYS}, **_plain(row)} for row in rows[:SHOWN]],
        "count": len(rows),
    }


def _plain(row: RateRow) -> dict[str, str]:
    """The prices without trailing zeros."""
    return {"base": f"{row.base.normalize():f}", "per_kg": f"{row.per_kg.normalize():f}"}


def _keep(request: HttpRequest, user: User, table: RateTable) -> HttpResponse:
    here = reverse("admin:orders_ratetable_sheet", args=[table.pk])
    try:
        upload = uploads.find(request.POST["upload"], owner=user, purpose=PURPOSE)
        rows, faults = rate_sheet.look(uploads.path_of(upload))
    except YikuError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(here)
    if faults or not rows:
        messages.error(request, _now("Some rows have a problem. Nothing was kept."))
        return HttpResponseRedirect(here)
    replace = bool(request.POST.get("replace"))
    kept, _had = rate_sheet.keep(table_id=table.pk, rows=rows, replace=replace, actor=audit.current_actor().name)
    uploads.discard(upload)
    messages.success(request, ngettext("%(count)d rate kept.", "%(count)d rates kept.", kept) % {"count": kept})
    return HttpResponseRedirect(f"{reverse('admin:orders_raterow_changelist')}?table__id__exact={table.pk}")


class RowForm(RowModelForm):
    """One row, checked as those out of Excel are."""

    class Meta:
        model = RateRow
        fields = ["table", "country", "region", "postcode", "up_to_g", "base", "first_g", "per_kg", "step_g"]

    def clean_country(self) -> str:
        """Upper case."""
        return str(self.cleaned_data["country"]).strip().upper()

    def clean_postcode(self) -> str:
        """As prefixes are compared."""
        return geography.postcode_key(self.cleaned_data["postcode"])

    def clean(self) -> dict[str, Any]:
        """A place that exists, figures that are none below zero."""
        data = super().clean() or {}
        for name in ("base", "per_kg"):
            if data.get(name) is not None and data[name] < 0:
                self.add_error(name, _("Not below zero."))
        if not self.errors:
            what = rate_sheet.problem(RateRow(**{name: value for name, value in data.items() if name != "table"}))
            if what:
                raise ValidationError(what)
        return data


@admin.register(RateRow)
class RateRowAdmin(YikuModelAdmin):
    """The rows of all tables; the filter shows those of one."""

    form = RowForm
    empty_note = _("No rows yet. Open a rate table and take its rows from Excel, or add them one by one.")
    list_display = ("zone", "table", "up_to_shown", "base_shown", "first_g", "further", "step_g")
    list_display_links = ("zone",)
    list_filter = ("table",)
    list_select_related = ("table",)
    fields = ("table", ("country", "region", "postcode"), ("up_to_g", "base"), ("first_g", "per_kg", "step_g"))
    ordering = ("-id",)
    deletable = True

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """A new row belongs to the table that was looked at."""
        found = super().get_changeform_initial_data(request)
        filters = request.GET.get("_changelist_filters", "")
        if filters.startswith("table__id__exact=") and filters[17:].isdecimal():
            found["table"] = filters[17:]
        return found

    @admin.display(description=_("zone"))
    def zone(self, row: RateRow) -> str:
        """Country, region, postcode."""
        said = " · ".join(part for part in (row.country, row.region, row.postcode and f"{row.postcode}…") if part)
        return _now("everywhere else") if row.country == "*" else said

    @admin.display(description=_("up to"))
    def up_to_shown(self, row: RateRow) -> str:
        """In grams."""
        return f"{row.up_to_g} g" if row.up_to_g else _now("any weight")

    @admin.display(description=_("base price"))
    def base_shown(self, row: RateRow) -> str:
        """In the table's currency."""
        return money(row.base, row.table.currency)

    @admin.display(description=_("each further kg"))
    def further(self, row: RateRow) -> str:
        """In the table's currency."""
        return money(row.per_kg, row.table.currency)

    def save_model(self, request: HttpRequest, obj: RateRow, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self._changed(obj, "rate_row.change", {name: str(form.cleaned_data[name]) for name in form.changed_data})

    def delete_model(self, request: HttpRequest, obj: RateRow) -> None:
        self._changed(obj, "rate_row.delete", {"zone": str(obj)})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RateRow]) -> None:
        for row in queryset.select_related("table"):
            self._changed(row, "rate_row.delete", {"zone": str(row)})
        super().delete_queryset(request, queryset)

    def _changed(self, row: RateRow, what: str, after: dict[str, str]) -> None:
        rate_sheet.touch(table_id=row.table_id, actor=audit.current_actor().name)
        audit.record(action=what, target=row, after={"table": row.table.name, **after})
