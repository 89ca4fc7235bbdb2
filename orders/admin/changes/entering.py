"""The form for orders and quotes: one page, filled and read alike, for both."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from backoffice.errors import YikuError
from finance import currencies
from finance.admin.figures import money
from inventory.access import visible
from inventory.models import Shop
from orders.admin import buyers
from orders.admin.changes import basket_form
from orders.admin.changes.basket_form import Typed
from orders.desk import baskets
from orders.desk.addresses import country_rules
from orders.desk.baskets import ADDRESS, Basket
from orders.desk.rules import words

MAY_TYPE = ("orders.add_ownorder", "orders.add_quote", "orders.change_ownorder", "orders.change_quote")
LABELS: tuple[tuple[str, Any], ...] = tuple(
    zip(ADDRESS, (
        lambda: _("Recipient"), lambda: _("Company"), lambda: _("Street"), lambda: _("Second line"), lambda: _("Town"),
        lambda: _("Region"), lambda: _("Postcode"), lambda: _("Country"), lambda: _("Phone"),
    ), strict=True)
)  # fmt: skip
PAYMENT_LABELS = {
    "paid": lambda: _("Paid"),
    "account": lambda: _("On account: sent now, paid later"),
    "pending": lambda: _("Waits for the money"),
}


def demand(request: HttpRequest, *rights: str) -> None:
    """Refuse whoever has none of the rights."""
    if not any(request.user.has_perm(right) for right in rights):
        raise PermissionDenied


def text(request: HttpRequest, name: str, most: int = 300) -> str:
    """What was typed, without the NUL that PostgreSQL refuses."""
    return request.POST.get(name, "").replace("\0", "").strip()[:most]


def number(value: str) -> int:
    """Return a key that was sent; 0 for what is none."""
    return int(value) if value.isdecimal() and value.isascii() and len(value) < 18 else 0


def once(request: HttpRequest) -> str:
    """Return the key of this form: a second click sends it again."""
    return text(request, "once", 32) or uuid.uuid4().hex


def shops(request: HttpRequest) -> list[Shop]:
    """Return the shops the person may enter orders for."""
    return list(visible(request.user, Shop.objects.filter(active=True)))


def chosen_shop(request: HttpRequest, found: list[Shop]) -> Shop | None:
    """Return the shop that was chosen, else the first; None when the person sees none."""
    asked = request.POST.get("shop") or request.GET.get("shop")
    if asked:
        shop = next((one for one in found if one.pk == number(asked)), None)
        if shop is None:
            raise Http404
        return shop
    return found[0] if found else None


def page(request: HttpRequest, typed: Typed, shop: Shop, *, title: str, **more: Any) -> HttpResponse:
    """Show the form."""
    context = {
        **admin.site.each_context(request),
        "title": title,
        "values": typed.values,
        "errors": typed.errors,
        "rows": basket_form.shown_rows(typed),
        "shop": shop,
        "address": _address_fields(typed),
        "countries": words.countries(get_language() or "en"),
        "payments": [(code, label()) for code, label in PAYMENT_LABELS.items()],
        "sums": sums(typed.basket),
        "may_search": buyers.may_reveal(request),
        "once": text(request, "once", 32) or uuid.uuid4().hex,
        "addresses": {
            name: reverse(f"admin:orders_ownorder_{name}") for name in ("preview", "skus", "buyers", "buyer", "country")
        },
        **more,
    }
    return TemplateResponse(request, "admin/orders/changes/basket.html", context)


def _address_fields(typed: Typed) -> list[dict[str, Any]]:
    country = str(typed.values.get("address_country", "")).upper()
    needed = needed_fields(country)
    return [
        {
            "name": name,
            "label": label(),
            "value": typed.values.get(f"address_{name}", ""),
            "error": typed.errors.get(f"address_{name}", ""),
            "needed": name in needed,
            "most": basket_form.LENGTHS.get(name, 200),
        }
        for name, label in LABELS
    ]


def needed_fields(country: str) -> list[str]:
    """Return the fields of an address that a country needs."""
    rules = country_rules(country)
    phone = ["phone"] if country in basket_form.PHONE_COUNTRIES else []
    return ["name", *(sorted(rules.required) if rules else ()), *phone]


def sums(basket: Basket | None) -> list[tuple[str, str]]:
    """Return what a basket adds up to, line by line as the page shows it."""
    if basket is None:
        return []
    found = baskets.totals(basket, currencies.places(basket.currency))
    tax = _("Tax (included)") if basket.taxes_included else _("Tax")
    rows = [
        (_("Goods"), found.goods + found.discount), (_("Discount"), -found.discount), (_("Shipping"), found.shipping),
        (tax, found.tax),
    ]  # fmt: skip
    shown = [(str(label), money(amount, basket.currency)) for label, amount in rows if amount]
    return [*shown, (str(_("Total")), money(found.total, basket.currency))]


def refused(typed: Typed, error: YikuError) -> None:
    """Put a refusal of the domain where it belongs on the form."""
    typed.basket = None
    typed.errors[_FIELDS.get(error.field.rpartition(".")[2], "form")] = str(error)


_FIELDS: Mapping[str, str] = {"currency": "currency", "ship_by": "ship_by"}


def with_basket(typed: Typed, basket: Basket) -> Typed:
    """Return the form with a basket beside it, for its sums."""
    return dataclasses.replace(typed, basket=basket)
