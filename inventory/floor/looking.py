"""What a scanned code is, where it lies, how much of it there is and what is on its way: for the phone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from backoffice.models import User
from inventory import access, arrivals, catalogue
from inventory.floor import bins
from inventory.lots import saying, scanning
from inventory.models import Balance, ExpectedArrival, ShelfPlace, Sku, Warehouse
from inventory.readable import money, pieces

MOST_EXPECTED = 1_000  # deliveries a phone carries to receive them without a connection


def look_up(*, code: str, user: User) -> dict[str, Any]:
    """Return the SKU behind a code with its places in the person's warehouses; cost only for who may see it."""
    sku, pack = _found(code)
    if sku is None:
        return {"ok": False, "message": _("“%(code)s” is not a SKU or barcode.") % {"code": code[:60]}}
    places = list(access.visible(user, Warehouse.objects.filter(active=True)).order_by("code"))
    return {
        "ok": True,
        "code": sku.code,
        "name": sku.name_en if get_language() == "en" and sku.name_en else sku.name,
        "picture": sku.product.image,
        "pack": pack,
        "note": _note(sku),
        **_lots(sku, code),
        "places": _places(sku, places, user),
        "incoming": [arrival_json(one) for one in _incoming(user).filter(sku=sku)[:50]],
    }


def _lots(sku: Sku, code: str) -> dict[str, Any]:
    """How the SKU is tracked, what a scanned GS1 code says of it, and the expiry date to suggest."""
    read, due = scanning.read(code), saying.suggested(sku)
    expires = read.expires_on if read and read.expires_on else due
    return {
        "tracking": sku.tracking,
        "lot": read.number(sku.tracking) if read else "",
        "expires_on": expires.isoformat() if expires else "",
    }


def _found(code: str) -> tuple[Sku | None, str]:
    code = scanning.article(code)
    sku = catalogue.find([code]).get(code)
    bar = None if sku else catalogue.find_by_barcode([code]).get(code)
    if bar is not None:
        sku = bar.sku
    if sku is None:
        return None, ""
    return Sku.objects.select_related("product").get(pk=sku.pk), str(bar.pack) if bar and bar.pack else ""


def _note(sku: Sku) -> str:
    if sku.kind == Sku.Kind.BUNDLE:
        parts = catalogue.parts_at([sku.pk]).get(sku.pk, ())
        names = Sku.objects.in_bulk([pk for pk, _quantity in parts])
        listed = ", ".join(f"{names[pk].code} × {pieces(quantity)}" for pk, quantity in parts)
        return _("A bundle, it has no stock of its own: %s") % listed
    return "" if sku.kind == Sku.Kind.STOCKED else _("This SKU has no stock.")


def _places(sku: Sku, places: list[Warehouse], user: User) -> list[dict[str, Any]]:
    if sku.kind != Sku.Kind.STOCKED:
        return []
    balances = {row.warehouse_id: row for row in Balance.objects.filter(sku=sku, warehouse__in=places)}
    lying = dict(ShelfPlace.objects.filter(sku=sku, warehouse__in=places).values_list("warehouse_id", "bin"))
    proposed = bins.proposals(sku, places)
    cost = user.has_perm("inventory.see_cost")
    found = []
    for place in places:
        row = balances.get(place.pk)
        on_hand, reserved, demand = (row.on_hand, row.reserved, row.demand) if row else (Decimal(0),) * 3
        held = row.unsellable if row else Decimal(0)
        one = {
            "warehouse": place.pk, "name": str(place), "on_hand": pieces(on_hand), "reserved": pieces(reserved),
            "free": pieces(on_hand - held - reserved - demand), "bin": lying.get(place.pk, ""),
            "known": row is not None,
            "proposed": [{"bin": bin.bin, "why": bin.why} for bin in proposed[place.pk]],
        }  # fmt: skip
        if cost and row and on_hand:
            one["cost"] = money(row.value / on_hand)
        found.append(one)
    return found


def _incoming(user: User) -> Any:
    rows = ExpectedArrival.objects.filter(state=arrivals.State.EXPECTED).select_related("sku", "warehouse")
    return access.visible(user, rows).order_by("expected_on", "pk")


def arrival_json(row: ExpectedArrival) -> dict[str, Any]:
    """One delivery as the phone carries it."""
    return {
        "arrival": row.pk, "warehouse": row.warehouse_id, "place": row.warehouse.name, "code": row.sku.code,
        "name": row.sku.name, "left": pieces(row.left), "pieces": f"{row.left.normalize():f}",
        "day": date_format(row.expected_on, "SHORT_DATE_FORMAT"),
        "source": row.source, "tracking": row.sku.tracking, "expires_on": str(saying.suggested(row.sku) or ""),
    }  # fmt: skip


def expected(user: User) -> list[dict[str, Any]]:
    """Return the deliveries to the person's warehouses, the earliest first, each with every code of its SKU."""
    rows = list(_incoming(user).filter(warehouse__active=True, warehouse__read_only=False)[:MOST_EXPECTED])
    codes: dict[int, list[str]] = {row.sku_id: [row.sku.code_key] for row in rows}
    for sku, code in Sku.objects.filter(pk__in=codes, barcodes__isnull=False).values_list("pk", "barcodes__code"):
        codes[sku].append(code)
    lying = {
        (sku, place): name
        for sku, place, name in ShelfPlace.objects.filter(sku__in=codes).values_list("sku_id", "warehouse_id", "bin")
    }
    return [
        {**arrival_json(row), "codes": codes[row.sku_id], "bin": lying.get((row.sku_id, row.warehouse_id), "")}
        for row in rows
    ]
