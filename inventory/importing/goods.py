"""The SKUs that rows name, a batch in one query; unknown ones refused with the likely cause."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.imports.kinds import Line
from backoffice.spreadsheets.schema import Column
from inventory import catalogue, codes, counts
from inventory.count_rows import unknown_sku
from inventory.models import Barcode, Sku


def named(lines: Sequence[Line], *columns: str) -> dict[str, Sku]:
    """Return the SKUs named in these columns by their key."""
    keys = {codes.normalise(line.values[column]) for line in lines for column in columns}
    return {row.code_key: row for row in Sku.objects.filter(code_key__in=keys - {""})}


def one(line: Line, column: str, known: dict[str, Sku]) -> Sku | None:
    """Return the SKU a cell names; None, with the cell refused, when there is none."""
    code = line.values[column]
    key = codes.normalise(code)
    found = known.get(key)
    if found is None:
        line.refuse(column, unknown_sku(code, key))
    return found


COLUMNS = (
    Column("sku", _("SKU code"), (*counts.SKU.names, "sku编码", "规格编码", "产品编码", "物料编码"), "code",
           required=False,
           longest=100),
    counts.BARCODE,
)  # fmt: skip


class Finder:
    """The goods that a batch of rows means: by SKU code or barcode; the barcode of a case alone stands for its pieces.

    Asks the database twice for the batch.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        said = {line.values[name] for line in lines for name in ("sku", "barcode") if line.values.get(name)}
        self._skus, self._barcodes = catalogue.find(said), catalogue.find_by_barcode(said)

    def one(self, line: Line) -> tuple[Sku, Decimal] | None:
        """Return the SKU and how many pieces one of it is; None, with the cell refused, when there is none."""
        code, barcode = line.values.get("sku"), line.values.get("barcode")
        named = self._named(line, code) if code else None
        scanned = self._scanned(line, barcode) if barcode else None
        if line.problems or not (named or scanned):
            if not (code or barcode):
                line.refuse("sku", _now("Give a SKU code or a barcode."))
            return None
        if named and scanned and named[0].pk != scanned[0].pk:
            what = _now("belongs to “%(other)s”, not to “%(sku)s”")
            line.refuse("barcode", what % {"other": scanned[0].code, "sku": named[0].code})
            return None
        sku, pieces = named or scanned or (None, Decimal(1))
        if sku is None or sku.kind != Sku.Kind.STOCKED:
            line.refuse("sku" if code else "barcode", _now("“%(code)s” has no stock of its own") % {"code": sku})
            return None
        return sku, pieces

    def _named(self, line: Line, code: str) -> tuple[Sku, Decimal] | None:
        """The SKU of a code; a barcode written there will do."""
        sku = self._skus.get(code)
        if sku is not None:
            return sku, Decimal(1)
        if code in self._barcodes:
            return _of_barcode(self._barcodes[code])
        line.refuse("sku", unknown_sku(code, codes.normalise(code)))
        return None

    def _scanned(self, line: Line, code: str) -> tuple[Sku, Decimal] | None:
        if code in self._barcodes:
            return _of_barcode(self._barcodes[code])
        line.refuse("barcode", _now("“%(code)s” is not a barcode of ours") % {"code": code})
        return None


def _of_barcode(found: Barcode) -> tuple[Sku, Decimal]:
    return found.sku, found.pack.quantity if found.pack else Decimal(1)
