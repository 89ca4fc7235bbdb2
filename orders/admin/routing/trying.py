"""The page to try a policy: a destination and goods in, the plan and its alternatives out; nothing is kept."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from inventory import codes
from inventory.access import visible
from inventory.models import Shop, Sku
from orders.admin.routing import card, wording
from orders.fulfil.routing import geography, plans, policies, trying
from orders.models import RoutingPolicy

MOST_LINES = 50


class TryForm(forms.Form):
    """Where it goes and what."""

    shop = forms.ModelChoiceField(label=_("shop"), queryset=Shop.objects.none(), widget=UnfoldAdminSelectWidget())
    policy = forms.ModelChoiceField(
        label=_("routing policy"), queryset=RoutingPolicy.objects.none(), required=False,
        empty_label=_("the shop's own"), widget=UnfoldAdminSelectWidget(),
    )  # fmt: skip
    country = forms.CharField(label=_("country (two letters)"), max_length=2, widget=UnfoldAdminTextInputWidget())
    region = forms.CharField(label=_("region"), max_length=60, required=False, widget=UnfoldAdminTextInputWidget())
    postcode = forms.CharField(label=_("postcode"), max_length=12, required=False, widget=UnfoldAdminTextInputWidget())
    latitude = forms.FloatField(
        label=_("latitude"), min_value=-90, max_value=90, required=False, widget=UnfoldAdminTextInputWidget()
    )
    longitude = forms.FloatField(
        label=_("longitude"), min_value=-180, max_value=180, required=False, widget=UnfoldAdminTextInputWidget(),
        help_text=_("Only if you know them: otherwise the region or the country is taken."),
    )  # fmt: skip
    goods = forms.CharField(
        label=_("goods"), max_length=5_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("A line each: SKU and pieces, such as MUG-01 2."),
    )  # fmt: skip

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shop"].queryset = visible(user, Shop.objects.order_by("name"))  # type: ignore[attr-defined]
        self.fields["policy"].queryset = RoutingPolicy.objects.all()  # type: ignore[attr-defined]

    def clean_country(self) -> str:
        """One that exists."""
        code: str = self.cleaned_data["country"].upper()
        if code not in policies.known_countries():
            raise ValidationError(_now("There is no country %s.") % code[:10])
        return code

    def clean_goods(self) -> list[tuple[Sku, Decimal]]:
        """SKUs that exist, each with its pieces."""
        rows = [row.split() for row in self.cleaned_data["goods"].replace("\t", " ").splitlines() if row.strip()]
        if len(rows) > MOST_LINES:
            raise ValidationError(_now("At most %d rows at once.") % MOST_LINES)
        asked = [(codes.normalise(" ".join(row[:-1]) or row[0]), row) for row in rows]
        skus = {sku.code_key: sku for sku in Sku.objects.filter(code_key__in=[key for key, _row in asked])}
        found, wrong = [], []
        for number, (key, row) in enumerate(asked, 1):
            pieces = _pieces(row[-1] if len(row) > 1 else "1")
            if key not in skus or pieces is None:
                what = _now("there is no SKU “%s”.") if key not in skus else _now("“%s” is no number of pieces.")
                told = " ".join(row[:-1] or row) if key not in skus else row[-1]
                wrong.append(_now("Row %(row)d: %(what)s") % {"row": number, "what": what % told[:60]})
            else:
                found.append((skus[key], pieces))
        if wrong:
            raise ValidationError(wrong[:20])
        return found


def _pieces(text: str) -> Decimal | None:
    try:
        pieces = Decimal(text)
    except InvalidOperation:
        return None
    whole = pieces.is_finite() and 0 < pieces < 1_000_000 and pieces == pieces.to_integral_value()
    return pieces if whole else None


def page(request: HttpRequest) -> HttpResponse:
    """Show the form, and what would be planned."""
    if not request.user.has_perm("orders.view_routingpolicy"):
        raise PermissionDenied
    form = TryForm(request.POST or None, user=request.user)
    context = {
        **admin.site.each_context(request),
        "title": _now("Try the routing"),
        "opts": RoutingPolicy._meta,
        "form": form,
        "found": _found(request, form.cleaned_data) if form.is_valid() else None,
    }
    return TemplateResponse(request, "admin/orders/routing/try.html", context)


def _found(request: HttpRequest, data: dict[str, Any]) -> dict[str, Any]:
    known = data["latitude"] is not None and data["longitude"] is not None
    point = (data["latitude"], data["longitude"]) if known else None
    to = geography.destination(data["country"], data["region"], data["postcode"], point)
    trial = trying.plan(shop=data["shop"], to=to, goods=data["goods"], policy=data["policy"])
    content = plans.content(trial.plan)
    names = wording.Names(request, card.sites_in(content))
    return {
        "policy": trial.policy,
        "parcels": card.parcels(content, names, trial.labels),
        "cost": wording.cost(None if trial.plan.cost is None else f"{trial.plan.cost:f}"),
        "missing": wording.missing(content["missing"], trial.labels),
        "alternatives": card.alternatives(content, names, trial.labels),
        "nowhere": not trial.plan.ranked,
    }
