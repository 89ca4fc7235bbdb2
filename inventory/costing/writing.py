"""Write layers and their uses: two statements for any number on PostgreSQL, one more on SQLite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import connection

from backoffice import bulk
from inventory import sets
from inventory.models import CostLayer, LayerUse

if TYPE_CHECKING:
    from inventory.costing.layers import Layer, Use

_LAYER = (
    "sku_id", "warehouse_id", "entry_key", "position", "origin", "received_at", "opened_quantity", "opened_value",
    "quantity", "value",
)  # fmt: skip
_USE = ("layer_id", "entry_key", "source", "quantity", "value")
# Both in one statement: the layers come down by what is noted, and nothing is noted that did not come down.
_BOTH = """
WITH v AS (
  SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
    AS v(layer_id, entry_key, source, quantity, value)
), noted AS (
  INSERT INTO inventory_layeruse (layer_id, entry_key, source, quantity, value)
  SELECT layer_id, entry_key, source, quantity, value FROM v
), taken AS (
  SELECT layer_id, sum(quantity) AS quantity, sum(value) AS value FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
    AS t(layer_id, quantity, value) GROUP BY layer_id
)
UPDATE inventory_costlayer l SET quantity = l.quantity - t.quantity, value = l.value - t.value
FROM taken t WHERE l.id = t.layer_id
"""


def write(made: Sequence[Layer], uses: Sequence[Use]) -> None:
    """Write what became of the layers; the caller holds the locks of their balances."""
    fresh = set(map(id, made))
    if made:
        rows = [_row(one) for one in made]
        ids = bulk.insert_rows(CostLayer, _LAYER, rows, returning=("entry_key", "position", "id"), prepared=True)
        by_key = {(key, position): pk for key, position, pk in ids}
        for one in made:
            one.id = by_key[one.entry_key, one.position]
    if uses:
        noted = [(one.layer.id, one.entry_key, one.source, one.quantity, one.value) for one in uses]
        # A layer made just now was written as it is left.
        moved = [(one.layer.id, one.quantity, one.value) for one in uses if id(one.layer) not in fresh]
        _together(noted, moved) if connection.vendor == "postgresql" else _one_by_one(noted, moved)


def _row(one: Layer) -> tuple[object, ...]:
    return (
        one.sku_id, one.warehouse_id, one.entry_key, one.position, one.origin, one.received_at, one.opened_quantity,
        one.opened_value, one.quantity, one.value,
    )  # fmt: skip


def _together(noted: list[tuple[int, str, str, int, int]], moved: list[tuple[int, int, int]]) -> None:
    columns = [*zip(*noted, strict=True), *(zip(*moved, strict=True) if moved else ((), (), ()))]
    with connection.cursor() as cursor:
        cursor.execute(_BOTH, [sets.array(column) for column in columns])


def _one_by_one(noted: list[tuple[int, str, str, int, int]], moved: list[tuple[int, int, int]]) -> None:
    bulk.insert_rows(LayerUse, _USE, noted, prepared=True)
    totals: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for layer_id, quantity, value in moved:
        totals[layer_id][0] -= quantity
        totals[layer_id][1] -= value
    rows = [(pk, *amounts) for pk, amounts in totals.items()]
    if rows:
        bulk.update_rows(CostLayer, ["id"], [], rows, increments=["quantity", "value"], prepared=True)
