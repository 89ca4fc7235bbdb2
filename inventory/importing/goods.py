"""The SKUs that rows name, a batch in one query; unknown ones refused with the likely cause."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.imports.kinds import Line
from inventory import codes
from inventory.count_rows import unknown_sku
from inventory.models import Sku


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
