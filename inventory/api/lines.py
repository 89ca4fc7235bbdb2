"""The lines of a request: which goods each names, and which line of a document each is about."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from inventory import catalogue
from inventory.models import Sku


def goods_of(lines: Sequence[dict[str, Any]]) -> list[tuple[Sku, Decimal]]:
    """Return SKU and pieces of each line; a problem names every line whose `sku` is neither a code nor a barcode."""
    typed = [line["sku"] for line in lines]
    known = catalogue.find(typed)
    barcodes = catalogue.find_by_barcode([code for code in typed if code not in known])
    found = []
    faults: dict[Any, Any] = {}
    for place, line in enumerate(lines):
        barcode = barcodes.get(line["sku"])
        sku = known.get(line["sku"]) or (barcode.sku if barcode else None)
        if sku is None:
            text = _("“%(code)s” is neither a SKU code nor a barcode.") % {"code": line["sku"]}
            faults[place] = {"sku": [serializers.ErrorDetail(text, code="unknown_sku")]}
            continue
        pack = barcode.pack.quantity if barcode and barcode.pack else Decimal(1)
        found.append((sku, line["quantity"] * pack))
    if faults:
        raise serializers.ValidationError({"lines": faults})
    return found


def places_of(ids: Sequence[int], rows: Sequence[dict[str, Any]], missing: str) -> dict[int, int]:
    """Return line of the document → where it stands in the request; a problem names each `line` that is not its."""
    seen: dict[int, int] = {}
    faults: dict[Any, Any] = {}
    for place, row in enumerate(rows):
        if row["line"] not in ids or row["line"] in seen:
            faults[place] = {"line": [missing if row["line"] not in ids else _("This line stands twice.")]}
        seen.setdefault(row["line"], place)
    if faults:
        raise serializers.ValidationError({"lines": faults})
    return seen
