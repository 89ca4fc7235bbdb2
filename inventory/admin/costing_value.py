"""The stock value page: what lay in the warehouses at a date and what it was worth, and the same as a workbook."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from backoffice import clock
from backoffice.models import User
from backoffice.spreadsheets.writing import Out, write_xlsx
from inventory import readable, resources
from inventory.access import sight, visible
from inventory.costing import valuation
from inventory.costing.valuation import Asked
from inventory.models import Balance, CostSetting, Product, Warehouse

SHOWN = 50
COLUMNS = (
    Out(_("SKU code"), width=20), Out(_("name"), width=32), Out(_("English name"), width=32),
    Out(_("category"), width=16), Out(_("on hand"), "number", 12),
)  # fmt: skip
COST = (Out(_("unit cost"), "money", 12), Out(_("value"), "money", 14))


class AskForm(forms.Form):
    """Which day, which time counts, which warehouse and category."""

    day = forms.DateField(
        label=_("end of the day"), required=False, widget=UnfoldAdminSingleDateWidget(attrs={"type": "date"}),
        help_text=_("Empty: now."),
    )  # fmt: skip
    by = forms.ChoiceField(
        label=_("movements count by"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[(valuation.RECORDED, _("when they were recorded")), (valuation.HAPPENED, _("when they happened"))],
    )  # fmt: skip
    warehouse = forms.ModelChoiceField(
        label=_("warehouse"), required=False, queryset=Warehouse.objects.none(), widget=UnfoldAdminSelectWidget
    )
    category = forms.ChoiceField(label=_("category"), required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.GET or None)
        self.request = request
        places = visible(cast(User, request.user), Warehouse.objects.order_by("code"))
        self.fields["warehouse"].queryset = places  # type: ignore[attr-defined]
        kinds = Product.objects.exclude(category="").order_by("category").values_list("category", flat=True).distinct()
        self.fields["category"].choices = [("", "–"), *((one, one) for one in kinds)]  # type: ignore[attr-defined]

    def clean_day(self) -> dt.date | None:
        """A day to come says nothing."""
        day: dt.date | None = self.cleaned_data["day"]
        if day is not None and not dt.date(1990, 1, 1) <= day <= timezone.localtime(clock.now()).date():
            raise forms.ValidationError(_("Choose a day that has been, or leave it empty for now."))
        return day

    def asked(self) -> Asked | None:
        """What is asked, in the warehouses this person sees; None for a form that cannot be."""
        if self.is_bound and not self.is_valid():
            return None
        data = self.cleaned_data if self.is_bound else {}
        place, seen = data.get("warehouse"), sight(cast(User, self.request.user)).warehouses
        return Asked(
            at=_end(data.get("day")), by=data.get("by") or valuation.RECORDED, category=data.get("category") or "",
            warehouses=[place.pk] if place else seen,
        )  # fmt: skip


def _end(day: dt.date | None) -> dt.datetime | None:
    """The last moment of a day of the house; today is now."""
    if day is None or day >= timezone.localtime(clock.now()).date():
        return None
    after = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), timezone.get_default_timezone())
    return after - dt.timedelta(microseconds=1)


def _demand(request: HttpRequest) -> None:
    if not request.user.has_perm("inventory.view_balance"):
        raise PermissionDenied


def page(request: HttpRequest) -> HttpResponse:
    """A page of SKUs with the totals of all."""
    _demand(request)
    form = AskForm(request)
    asked, number = form.asked(), _number(request.GET.get("p", ""))
    worth = valuation.page(asked, limit=SHOWN, offset=(number - 1) * SHOWN) if asked else valuation.Worth()
    if not worth.rows and number > 1:
        return HttpResponseRedirect(f"{reverse('admin:inventory_costsetting_value')}?{_query(request)}")
    context: dict[str, Any] = {
        **admin.site.each_context(request), "opts": Balance._meta, "title": _("Stock value"), "form": form,
        "worth": worth, "asked": asked, "cost": readable.sees_cost(request), "number": number,
        "last": max(-(-worth.count // SHOWN), 1), "query": _query(request), "setting": CostSetting._meta,
    }  # fmt: skip
    return TemplateResponse(request, "admin/inventory/costing/value.html", context)


def out(request: HttpRequest) -> HttpResponseBase:
    """The same, all pages, as a workbook."""
    _demand(request)
    asked = AskForm(request).asked()
    if asked is None:
        return HttpResponseRedirect(f"{reverse('admin:inventory_costsetting_value')}?{_query(request)}")
    cost = readable.sees_cost(request)
    rows = (
        (one.code, one.name, one.name_en, one.category, one.quantity, *((one.unit_cost, one.value) if cost else ()))
        for one in valuation.every(asked)
    )
    columns = (*COLUMNS, *COST) if cost else COLUMNS
    return resources.download(
        request, "stock-value", lambda file: write_xlsx(file, columns, rows, name=str(_("Stock value")))
    )


def _query(request: HttpRequest) -> str:
    asked = request.GET.copy()
    asked.pop("p", None)
    return asked.urlencode()


def _number(text: str) -> int:
    return max(int(text), 1) if text.isdecimal() and len(text) < 8 else 1
