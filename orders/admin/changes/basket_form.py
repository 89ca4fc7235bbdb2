"""What was typed on the form of orders and quotes: read field by field, each fault named where it stands."""

from __future__ import annotations

import dataclasses
import datetime as dt
import unicodedata
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from finance import currencies
from inventory import catalogue
from inventory.models import Shop, Sku
from orders.desk import usual_prices
from orders.desk.addresses import problems
from orders.desk.baskets import ADDRESS, PAYMENTS, Basket, BasketLine, address_of, totals
from orders.desk.checks import PHONE_COUNTRIES
from orders.desk.phones import dialable
from orders.intake.drafts import encodable

ZERO = Decimal(0)
MOST_LINES, BLANK_ROWS = 200, 3
TEXTS = {"buyer_name": 300, "email": 320, "phone": 100, "buyer_note": 2000, "note": 2000}
LINE = ("code", "quantity", "price", "discount", "number")
LENGTHS = {"line1": 300, "line2": 300, "postcode": 20, "country": 2, "phone": 40}
ADDRESS_FAULTS = {
    "missing": gettext_lazy("This is needed for this country."),
    "pattern": gettext_lazy("That is no postcode of this country."),
    "unknown_country": gettext_lazy("There is no such country."),
    "unknown_region": gettext_lazy("There is no such region in this country."),
    "not_in_region": gettext_lazy("This postcode lies in another region."),
}


@dataclasses.dataclass(slots=True)
class Typed:
    """The form as it was sent: what it makes, what is wrong, and what stands in its fields."""

    values: dict[str, Any]
    rows: list[dict[str, str]]
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    basket: Basket | None = None


def read(data: QueryDict, shop: Shop, *, address_needed: bool = True) -> Typed:
    """Read a form that was sent. `basket` is None when something is wrong."""
    names = [*TEXTS, *(f"address_{name}" for name in ADDRESS), "discount", "shipping", "tax_percent", "payment"]
    values: dict[str, Any] = {name: _clean(data.get(name, "")) for name in (*names, "currency", "ship_by")}
    values["taxes_included"] = bool(data.get("taxes_included"))
    typed = Typed(values, _rows(data))
    currency = values["currency"].upper() or shop.currency
    places = currencies.places_by_code().get(currency)
    if places is None:
        typed.errors["currency"] = str(_("The books do not know this currency."))
    lines = _lines(typed, shop, currency, 2 if places is None else places)
    basket = _basket(typed, lines, currency)
    _check_address(typed, basket, needed=address_needed)
    if not typed.errors:
        _check_sums(typed, basket, places or 0)
    if not typed.errors:
        typed.basket = basket
    return typed


def _clean(text: str) -> str:
    """Return text without what no database takes."""
    text = text.replace("\0", "").strip()
    return text if encodable(text) else text.encode("ascii", "ignore").decode()


def _rows(data: QueryDict) -> list[dict[str, str]]:
    columns = [data.getlist(f"line_{name}")[:MOST_LINES] for name in LINE]
    count = max(map(len, columns), default=0)
    return [
        {name: _clean(column[nth]) if nth < len(column) else "" for name, column in zip(LINE, columns, strict=True)}
        for nth in range(count)
    ]


# --- lines -----------------------------------------------------------------------------------------------------------


def _lines(typed: Typed, shop: Shop, currency: str, places: int) -> tuple[BasketLine, ...]:
    typed.rows = [row for row in typed.rows if row["code"] or row["quantity"]]
    found = find([row["code"] for row in typed.rows])
    usual = usual_prices.of({sku.pk for sku in found.values()}, shop.pk, currency)
    lines, taken = [], {row["number"] for row in typed.rows}
    for nth, row in enumerate(typed.rows):
        sku = found.get(row["code"])
        if sku is None:
            typed.errors[f"lines.{nth}.code"] = str(_("No SKU code or barcode is like this."))
            continue
        row["title"] = sku.name or sku.code
        price = _number(typed, f"lines.{nth}.price", row["price"], 4) if row["price"] else usual.get(sku.pk)
        if price is None:
            typed.errors.setdefault(f"lines.{nth}.price", str(_("Type a price.")))
            continue
        row["number"] = row["number"] or _free_number(taken)
        line = BasketLine(
            sku_id=sku.pk,
            code=sku.code,
            title=row["title"],
            quantity=_number(typed, f"lines.{nth}.quantity", row["quantity"] or "1", 3) or ZERO,
            unit_price=price,
            discount=_number(typed, f"lines.{nth}.discount", row["discount"] or "0", places) or ZERO,
            usual=usual.get(sku.pk),
            number=row["number"],
        )
        _check_line(typed, nth, line)
        lines.append(line)
    if not typed.rows:
        typed.errors["lines"] = str(_("Type at least one line of goods."))
    return tuple(lines)


def _free_number(taken: set[str]) -> str:
    number = next(str(one) for one in range(1, MOST_LINES * 2 + 2) if str(one) not in taken)
    taken.add(number)
    return number


def find(codes: Sequence[str]) -> dict[str, Sku]:
    """Return the SKUs of what was typed: by code, then by barcode."""
    found = catalogue.find(codes)
    rest = [code for code in codes if code and code not in found]
    barcodes = catalogue.find_by_barcode(rest) if rest else {}
    return found | {code: row.sku for code, row in barcodes.items()}


def _check_line(typed: Typed, nth: int, line: BasketLine) -> None:
    if f"lines.{nth}.quantity" not in typed.errors and not 0 < line.quantity <= 1_000_000:
        typed.errors[f"lines.{nth}.quantity"] = str(_("The quantity must be above zero."))
    if line.discount > line.quantity * line.unit_price:
        typed.errors[f"lines.{nth}.discount"] = str(_("The discount is more than the goods cost."))


def _number(typed: Typed, field: str, text: str, places: int) -> Decimal | None:
    """Read a number of at most so many decimals, zero or more; what is none is named."""
    plain = unicodedata.normalize("NFKC", text).replace(" ", "")
    try:
        value = Decimal(plain or "0")
    except InvalidOperation:
        typed.errors[field] = str(_("This is no number."))
        return None
    if not value.is_finite() or not 0 <= value < 1_000_000_000:
        typed.errors[field] = str(_("This is no number that can be right."))
        return None
    if value and value.adjusted() < -places or value != value.quantize(Decimal(1).scaleb(-places)):
        typed.errors[field] = str(_("At most %d decimal places.")) % places
        return None
    return value


# --- the rest --------------------------------------------------------------------------------------------------------


def _basket(typed: Typed, lines: tuple[BasketLine, ...], currency: str) -> Basket:
    values = typed.values
    for name, most in TEXTS.items():
        if len(values[name]) > most:
            typed.errors[name] = str(_("At most %d characters.")) % most
    if values["email"] and not _is_email(values["email"]):
        typed.errors["email"] = str(_("This is no e-mail address."))
    if values["payment"] not in PAYMENTS:
        values["payment"] = "paid"
    places = currencies.iso_places(currency)
    amounts = {name: _number(typed, name, values[name] or "0", places) or ZERO for name in ("discount", "shipping")}
    percent = _number(typed, "tax_percent", values["tax_percent"] or "0", 3) or ZERO
    if percent > 100:
        typed.errors["tax_percent"] = str(_("This is no number that can be right."))
    address = {name: values[f"address_{name}"] for name in ADDRESS}
    address["country"] = address["country"].upper()
    address["name"] = address["name"] or values["buyer_name"]
    address["phone"] = address["phone"] or values["phone"]
    return Basket(
        currency=currency,
        lines=lines,
        address=address,
        tax_percent=percent,
        taxes_included=values["taxes_included"],
        payment=values["payment"],
        ship_by=_moment(typed, values["ship_by"]),
        discount=amounts["discount"],
        shipping=amounts["shipping"],
        **{name: str(values[name]) for name in TEXTS},
    )


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _moment(typed: Typed, text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        found = parse_datetime(text)
        moment = timezone.make_aware(found) if found is not None and timezone.is_naive(found) else found
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 2000 <= moment.year < 2200:
        typed.errors["ship_by"] = str(_("This is no time."))
        return None
    return moment


def _check_address(typed: Typed, basket: Basket, *, needed: bool) -> None:
    for name in ADDRESS:
        most = LENGTHS.get(name, 200)
        if len(basket.address[name]) > most:
            typed.errors[f"address_{name}"] = str(_("At most %d characters.")) % most
    if not needed:
        return
    for problem in problems(address_of(basket)):
        field = "country" if problem.field == "address" else problem.field
        typed.errors.setdefault(f"address_{field}", str(ADDRESS_FAULTS[problem.code]))
    phone, country = basket.address["phone"], basket.address["country"]
    if phone and not dialable(phone, country):
        typed.errors.setdefault("address_phone", str(_("Nobody can dial this number from this country.")))
    elif not phone and country in PHONE_COUNTRIES:
        typed.errors.setdefault("address_phone", str(ADDRESS_FAULTS["missing"]))


def _check_sums(typed: Typed, basket: Basket, places: int) -> None:
    sums = totals(dataclasses.replace(basket, discount=ZERO), places)
    if basket.discount > sums.goods:
        typed.errors["discount"] = str(_("The discount is more than the goods cost."))


# --- filling the form ------------------------------------------------------------------------------------------------


def fill(basket: Basket) -> Typed:
    """Return the form filled with a basket."""
    values: dict[str, Any] = {name: getattr(basket, name) for name in (*TEXTS, "payment", "taxes_included", "currency")}
    values |= {f"address_{name}": basket.address.get(name, "") for name in ADDRESS}
    for name in ("discount", "shipping", "tax_percent"):
        values[name] = plain(getattr(basket, name)) if getattr(basket, name) else ""
    local = timezone.localtime(basket.ship_by) if basket.ship_by else None
    values["ship_by"] = local.strftime("%Y-%m-%dT%H:%M") if local else ""
    rows = [
        {
            "code": line.code, "quantity": plain(line.quantity), "price": plain(line.unit_price),
            "discount": plain(line.discount) if line.discount else "", "number": line.number, "title": line.title,
        }
        for line in basket.lines
    ]  # fmt: skip
    return Typed(values, rows)


def empty(shop: Shop) -> Typed:
    """Return the form as it begins."""
    values: dict[str, Any] = dict.fromkeys((*TEXTS, "discount", "shipping", "tax_percent", "ship_by"), "")
    values |= {f"address_{name}": "" for name in ADDRESS}
    values |= {"currency": shop.currency, "payment": "paid", "taxes_included": True, "address_country": shop.country}
    return Typed(values, [])


def shown_rows(typed: Typed) -> list[dict[str, str]]:
    """Return the rows with their faults, and some that are still empty."""
    rows = [
        {**row, **{f"{name}_error": typed.errors.get(f"lines.{nth}.{name}", "") for name in LINE}}
        for nth, row in enumerate(typed.rows)
    ]
    return [*rows, *({} for _nth in range(BLANK_ROWS if len(rows) < MOST_LINES else 0))]


def plain(value: Decimal) -> str:
    """`3`, `0.5`."""
    return f"{value.normalize():f}" if value else "0"
