"""Find SKUs by what other people call them, a page of them in one query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from decimal import Decimal

from django.db.models import Q

from backoffice import clock
from inventory.codes import normalise
from inventory.models import Barcode, BundlePart, Sku

_PAGE = 10_000  # below the number of variables SQLite takes in a statement


def find(codes: Iterable[str]) -> dict[str, Sku]:
    """Return the SKUs of the codes as sent, however they are spelled; codes nobody knows are left out."""
    keys = {code: normalise(code) for code in codes}
    wanted = sorted({key for key in keys.values() if key})
    found: dict[str, Sku] = {}
    for start in range(0, len(wanted), _PAGE):
        page = Sku.objects.filter(code_key__in=wanted[start : start + _PAGE])
        found |= {sku.code_key: sku for sku in page}
    return {code: found[key] for code, key in keys.items() if key in found}


def find_by_barcode(barcodes: Iterable[str]) -> dict[str, Barcode]:
    """Return the barcodes as sent, each with its SKU and pack; unknown ones are left out."""
    keys = {code: normalise(code) for code in barcodes}
    wanted = [key for key in keys.values() if key]
    rows = Barcode.objects.filter(code__in=wanted).select_related("sku", "pack") if wanted else ()
    found = {row.code: row for row in rows}
    return {code: found[key] for code, key in keys.items() if key in found}


def parts_at(bundle_ids: Collection[int], at: dt.datetime | None = None) -> dict[int, tuple[tuple[int, Decimal], ...]]:
    """Return what each bundle was made of at a moment (default: now): (part's SKU id, pieces in one bundle)."""
    moment = at or clock.now()
    then = Q(valid_to__isnull=True) | Q(valid_to__gt=moment)
    rows = BundlePart.objects.filter(then, bundle_id__in=bundle_ids, valid_from__lte=moment).order_by("part_id")
    parts: dict[int, list[tuple[int, Decimal]]] = {}
    for bundle_id, part_id, quantity in rows.values_list("bundle_id", "part_id", "quantity"):
        parts.setdefault(bundle_id, []).append((part_id, quantity))
    return {bundle_id: tuple(found) for bundle_id, found in parts.items()}


def bundles_with(part_ids: Collection[int], at: dt.datetime | None = None) -> dict[int, set[int]]:
    """Return the bundles each part is in now (or at a moment): what must be shown anew when the part moves."""
    moment = at or clock.now()
    then = Q(valid_to__isnull=True) | Q(valid_to__gt=moment)
    rows = BundlePart.objects.filter(then, part_id__in=part_ids, valid_from__lte=moment)
    found: dict[int, set[int]] = {}
    for part_id, bundle_id in rows.values_list("part_id", "bundle_id"):
        found.setdefault(part_id, set()).add(bundle_id)
    return found
