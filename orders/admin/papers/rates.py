"""Prices of carriers without a server: a table that is pasted out of Excel."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from finance.rates import known_codes
from orders.models import CarrierRate, CarrierService

MOST_PASTED = 5_000
MOST_PRICE = 1_000_000


class PasteRatesForm(forms.Form):
    """Columns as they come from a sheet; they replace the prices of one service."""

    service = forms.ModelChoiceField(
        label=_("service"), queryset=CarrierService.objects.select_related("account"), widget=UnfoldAdminSelectWidget()
    )
    text = forms.CharField(
        label=_("rows"), max_length=500_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 14}),
        help_text=_("A row each: country (two letters or empty), region, beginning of the postcode, up to g, price, "
                    "currency, each further kg. Copy the columns out of Excel and paste them here."),
    )  # fmt: skip

    def clean_text(self) -> list[dict[str, Any]]:
        """All rows or none: each fault is named with its row."""
        rows = [line for line in self.cleaned_data["text"].replace("\0", "").splitlines() if line.strip()]
        if len(rows) > MOST_PASTED:
            raise ValidationError(_now("At most %d rows at once.") % MOST_PASTED)
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        wrong, codes = [], known_codes()
        for number, row in enumerate(rows, 1):
            try:
                values = _rate([cell.strip() for cell in (row.split("\t") if "\t" in row else row.split(","))], codes)
                key = tuple(values[name] for name in ("country", "region", "postcode", "up_to_g"))
                if key in found:
                    raise ValueError(_now("the same zone and weight stands above."))
                found[key] = values
            except ValueError as error:
                wrong.append(_now("Row %(row)d: %(what)s") % {"row": number, "what": str(error)})
        if wrong:
            raise ValidationError(wrong[:20])
        return list(found.values())


def _rate(cells: list[str], codes: set[str]) -> dict[str, Any]:
    cells = [*cells, *[""] * (7 - len(cells))]
    country, region, postcode, grams, price, currency, more = cells[:7]
    country = country.upper().replace("*", "")
    if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ValueError(_now("a country has two letters."))
    if not (grams.isascii() and grams.isdecimal() and int(grams[:9]) > 0 and len(grams) < 9):
        raise ValueError(_now("the weight must be whole grams above 0."))
    currency = (currency or "CNY").upper()
    if currency not in codes and currency != "CNY":
        raise ValueError(_now("there is no currency “%s”.") % currency[:10])
    return {
        "country": country, "region": region[:60], "postcode": postcode.upper()[:10], "up_to_g": int(grams),
        "price": _amount(price), "currency": currency, "more_per_kg": _amount(more) if more else None,
    }  # fmt: skip


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(_now("the price must be a number, 0 or more.")) from None
    if not amount.is_finite() or not 0 <= amount < MOST_PRICE:
        raise ValueError(_now("the price must be a number, 0 or more."))
    return amount.quantize(Decimal("0.0001"))


@admin.register(CarrierRate)
class CarrierRateAdmin(YikuModelAdmin):
    """What carriers ask, by zone and weight."""

    empty_note = _("None yet. Paste a carrier's price list out of Excel.")
    list_display = ("service", "country", "region", "postcode", "up_to_g", "price", "more_per_kg", "currency")
    list_display_links = ("service",)
    list_filter = ("service",)
    list_select_related = ("service", "service__account")
    fields = ("service", "country", "region", "postcode", "up_to_g", "price", "more_per_kg", "currency")
    ordering = ("-id",)
    deletable = True
    actions_list = ("paste",)

    def get_urls(self) -> list[Any]:
        own = path("paste/", self.admin_site.admin_view(self.paste_page), name="orders_carrierrate_paste")
        return [own, *super().get_urls()]

    @action(description=_("Paste from Excel"), icon="content_paste", permissions=["add"])
    def paste(self, request: HttpRequest) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:orders_carrierrate_paste"))

    def paste_page(self, request: HttpRequest) -> HttpResponse:
        """Replace the prices of a service; all rows or none."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PasteRatesForm(request.POST or None)
        if form.is_valid():
            service, rows = form.cleaned_data["service"], form.cleaned_data["text"]
            with transaction.atomic():
                CarrierRate.objects.filter(service=service).delete()
                CarrierRate.objects.bulk_create([CarrierRate(service=service, **values) for values in rows])
                audit.record(action="carrier_rate.paste", target=service, summary=f"{service}: {len(rows)}")
            told = ngettext("%(count)d price kept.", "%(count)d prices kept.", len(rows))
            messages.success(request, told % {"count": len(rows)})
            return HttpResponseRedirect(reverse("admin:orders_carrierrate_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Carrier rates from Excel"),
            "opts": self.opts,
            "form": form,
            "button_text": _now("Replace the prices"),
            "help": _now("The rows replace all prices of the service. All are kept, or none: faults are named by row."),
        }
        return TemplateResponse(request, "admin/inventory/upload.html", context)

    def save_model(self, request: HttpRequest, obj: CarrierRate, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {"service": str(obj.service), "up_to_g": obj.up_to_g, "price": format(obj.price, "f")}
        audit.record(action="carrier_rate.change", target=obj, after=after)
