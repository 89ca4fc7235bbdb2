"""Exchange rates: the history, entry by hand, and the ECB's file with a preview before anything is kept."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminFileFieldWidget

from backoffice.adminkit import YikuModelAdmin
from finance import currencies, ecb, ratebook, rates
from finance.admin import figures
from finance.admin.kept_upload import MOST_BYTES, Unreadable, open_upload, seal_upload
from finance.errors import BadRates
from finance.models import Currency, ExchangeRate

MOST_SHOWN = 200
SOURCE_LABELS = {ExchangeRate.Source.HAND: "warning", ExchangeRate.Source.ECB: "info"}


class CurrencyFilter(admin.SimpleListFilter):
    """Only currencies that have rates."""

    title = _("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, code) for code in sorted(rates.latest_days())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ExchangeRate]) -> QuerySet[ExchangeRate]:
        return queryset.filter(currency=self.value()) if self.value() else queryset


class RateForm(forms.ModelForm):
    """One rate by hand."""

    class Meta:
        model = ExchangeRate
        fields = ("currency", "on", "rate")

    def clean_currency(self) -> Currency:
        """The base currency is worth one, always."""
        currency: Currency = self.cleaned_data["currency"]
        if currency.code == currencies.base_code():
            raise forms.ValidationError(_("This is the currency of the books: it needs no rate."))
        return currency

    def clean_rate(self) -> Decimal:
        """What one unit is worth is never nothing."""
        value: Decimal = self.cleaned_data["rate"]
        if value <= 0:
            raise forms.ValidationError(_("Enter a rate above zero."))
        return value


class SourceForm(forms.Form):
    """Where the rates come from: a file, or the ECB itself when none is given."""

    file = forms.FileField(
        label=_("XML file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xml"}),
        help_text=_("The ECB's daily or 90-day file. Leave it empty to fetch today's from the ECB."),
    )

    def clean_file(self) -> Any:
        """Small enough for a page; longer histories are read by the command fetch_rates."""
        file = self.cleaned_data["file"]
        if file and file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is too large for this page; use the command fetch_rates --file."))
        return file


@admin.register(ExchangeRate)
class ExchangeRateAdmin(YikuModelAdmin):
    """Every rate ever entered or published. A correction is a new row; the old one stays as history."""

    form = RateForm
    list_display = ("on", "currency", "rate_shown", "source_label", "recorded_at", "recorded_by")
    list_display_links = None
    list_filter = (CurrencyFilter, ("source", admin.ChoicesFieldListFilter), ("on", RangeDateFilter))
    list_select_related = ("recorded_by",)
    ordering = ("-on", "-id")
    autocomplete_fields = ("currency",)
    actions_list = ("import_ecb",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExchangeRate]:
        return super().get_queryset(request).filter(base=currencies.base_code())

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: Any, change: bool) -> None:
        made = ratebook.set_rate(currency=obj.currency_id, on=obj.on, rate=obj.rate, user=request.user)
        obj.pk = made.pk

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("currency", "on", "rate", "source", "recorded_at", "recorded_by") if obj else ("currency", "on", "rate")

    @admin.display(description=_("rate"))
    def rate_shown(self, row: ExchangeRate) -> str:
        """What one unit is worth in the base currency."""
        return f"1 {row.currency_id} = {figures.rate(row.rate)} {row.base}"

    @display(description=_("source"), label=SOURCE_LABELS)
    def source_label(self, row: ExchangeRate) -> tuple[str, str]:
        """Where it comes from, as a badge."""
        return row.source, row.get_source_display()

    @action(description=_("Import from the ECB"), url_path="ecb", icon="cloud_download", permissions=["add"])
    def import_ecb(self, request: HttpRequest) -> HttpResponse:
        """Choose a source, look at what would be kept, keep it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST" and "upload" in request.POST:
            return self._keep(request)
        form = SourceForm(request.POST, request.FILES) if request.method == "POST" else SourceForm()
        steps: list[ratebook.Step] = []
        upload = ""
        if form.is_valid():
            steps, upload = self._look(request, form)
        return self._page(request, form, steps, upload)

    def _look(self, request: HttpRequest, form: SourceForm) -> tuple[list[ratebook.Step], str]:
        """Return what the import would do and the file sealed for this person; a refusal is an error of the form."""
        file = form.cleaned_data["file"]
        try:
            data = file.read() if file else ecb.fetch()
            return ratebook.preview(data), seal_upload(data, str(request.user.pk))
        except BadRates as error:
            form.add_error("file", str(error))
            return [], ""

    def _keep(self, request: HttpRequest) -> HttpResponse:
        back = reverse("admin:finance_exchangerate_changelist")
        try:
            data = open_upload(request.POST["upload"], str(request.user.pk))
            steps = ratebook.import_rates(data=data, user=request.user)
        except (BadRates, Unreadable) as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:finance_exchangerate_import_ecb"))
        added = sum(step.adds for step in steps)
        messages.success(request, _now("%(count)d rates were added.") % {"count": added})
        return HttpResponseRedirect(back)

    def _page(self, request: HttpRequest, form: SourceForm, steps: list[ratebook.Step], upload: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import from the ECB"),
            "opts": self.opts,
            "form": form,
            "rows": bool(steps),
            "table": _table(steps),
            "added": sum(step.adds for step in steps),
            "days": sorted({step.on for step in steps}),
            "upload": upload,
            "base": currencies.base_code(),
        }
        return TemplateResponse(request, "admin/finance/import_rates.html", context)


def _table(steps: list[ratebook.Step]) -> dict[str, Any]:
    """Return the preview as unfold's table: new figures first, then the newest days; at most MOST_SHOWN rows."""
    shown = sorted(steps, key=lambda step: (not step.adds, -step.on.toordinal(), step.currency))[:MOST_SHOWN]
    headers = [_("date"), _("currency"), _("rate"), _("kept until now"), _("what happens")]
    return {"headers": headers, "rows": [_cells(step) for step in shown]}


def _cells(step: ratebook.Step) -> list[Any]:
    if step.adds:
        news = _("new") if step.before is None else _("corrected")
    else:
        news = _("nothing, it is kept already") if step.known else _("left out: not one of our currencies")
    return [step.on.isoformat(), step.currency, figures.rate(step.rate), figures.rate(step.before), news]
