"""How the books' pages show money, rates and links to the documents behind them."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from django.apps import apps
from django.urls import NoReverseMatch, reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.text import capfirst

from backoffice.money import round_money
from finance import currencies

NONE = "–"


def money(amount: Decimal | None, code: str = "") -> str:
    """Return an amount with the decimals of its currency and grouped thousands; the base currency without its code."""
    if amount is None:
        return NONE
    base = currencies.base_code()
    places = _places(code or base)
    shown = round_money(amount, places)
    # Half a coin on a document is shown as it is: the page must not hide what was rounded.
    text = number_format(shown if shown == amount else amount.normalize(), use_l10n=True, force_grouping=True)
    return f"{text} {code}" if code and code != base else text


@lru_cache(maxsize=256)
def _places(code: str) -> int:
    return currencies.iso_places(code)


def rate(value: Decimal | None) -> str:
    """Return a rate without its trailing zeros."""
    return NONE if value is None else f"{value.normalize():f}"


def document_link(reference: str) -> str:
    """Return the document (`orders.shipment:12`) as a link to its page, as text when it has none.

    The books know their documents by name only: the link is made of the name, its page checks who may see it.
    """
    label, _colon, key = reference.partition(":")
    try:
        model = apps.get_model(label)
        # "orders.shipment:12/void" is told by the same page as the parcel itself.
        url = reverse(f"admin:{label.lower().replace('.', '_')}_change", args=[key.split("/")[0]])
    except (LookupError, ValueError, NoReverseMatch):
        return reference
    name = capfirst(f"{model._meta.verbose_name} {key}")
    return format_html('<a class="underline whitespace-nowrap" href="{}" title="{}">{}</a>', url, reference, name)


def row_link(name: str, pk: int | None, label: object) -> str:
    """Return a link to the page of a row of the books, or a dash when there is none."""
    if pk is None:
        return NONE
    url = reverse(f"admin:finance_{name}_change", args=[pk])
    return format_html('<a class="underline whitespace-nowrap" href="{}">{}</a>', url, label)
