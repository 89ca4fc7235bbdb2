"""One line reserved by one statement: the ledger's way for the hottest SKU of a campaign.

On PostgreSQL the balance, the entry, the reservation and the news are written by a single autocommit statement, so
that the row of a hot SKU is locked for one commit and not for the round trips of a transaction. It takes only the
plain case (nothing booked yet for the reference, no lots to look at, the first warehouse has enough); everything
else is the business of `inventory.reservations.reserve`.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, connection

from backoffice import audit, clock, outbox
from inventory.models import StockChangeDelivery

# The condition of the UPDATE is checked again on the newest row after each wait, so a hot SKU is not oversold; the
# table's own constraint stands behind it. A reference that has booked demand (or anything else) is left to `reserve`,
# which takes the demand along; a second call at the same moment collides on the unique keys and is rolled back whole.
STATEMENT = """
WITH taken AS (
  UPDATE inventory_balance SET reserved = reserved + %(quantity)s::bigint, updated_at = %(now)s::timestamptz
  WHERE sku_id = %(sku)s::bigint AND warehouse_id = %(warehouse)s::bigint
    AND tracking = 0 AND on_hand - reserved >= %(quantity)s::bigint
    AND NOT EXISTS (SELECT 1 FROM inventory_reservation WHERE reference = %(reference)s::text)
  RETURNING sku_id, warehouse_id
), entry AS (
  INSERT INTO inventory_stockentry (key, sku_id, warehouse_id, bucket, quantity, value, reason, reference,
    occurred_at, recorded_at, lot, bin, condition, actor)
  SELECT %(key)s::text, sku_id, warehouse_id, 3, %(quantity)s::bigint, 0, 'reserve', %(reference)s::text,
    %(now)s::timestamptz, %(now)s::timestamptz, '', '', '', %(actor)s::text FROM taken
), held AS (
  INSERT INTO inventory_reservation (bucket, reference, sku_id, warehouse_id, quantity, turn, updated_at)
  SELECT 3, %(reference)s::text, sku_id, warehouse_id, %(quantity)s::bigint, 1, %(now)s::timestamptz FROM taken
), news AS (
  INSERT INTO inventory_stockchange (created_at, sku_id, warehouse_id, cause)
  SELECT %(now)s::timestamptz, sku_id, warehouse_id, 'reserve' FROM taken RETURNING id
), delivered AS (
  INSERT INTO inventory_stockchangedelivery (event_id, consumer, state, not_before, fence, attempts, code)
  SELECT news.id, consumer, 'due', %(now)s::timestamptz, 0, 0, '' FROM news
    CROSS JOIN unnest(%(consumers)s::text[]) AS consumer
)
SELECT count(*), (SELECT count(pg_notify('yiku_wake', consumer)) FROM unnest(%(consumers)s::text[]) AS consumer)
FROM taken
"""


def fits(*, parts: Any, warehouses: tuple[int, ...]) -> bool:
    """True when one statement can do it: PostgreSQL, outside a transaction, no bundle, somewhere to take it from."""
    return bool(connection.vendor == "postgresql" and parts is None and warehouses and not connection.in_atomic_block)


def take(reference: str, sku_id: int, warehouse_id: int, quantity: int, actor: str = "") -> bool:
    """Reserve `quantity` (stored integer); False when it was not taken: too little, or something is booked already."""
    consumers = [one.name for one in outbox.consumers(StockChangeDelivery._meta.label)]
    values: dict[str, Any] = {
        "reference": reference,
        "key": f"{reference}/{sku_id}@{warehouse_id}.r1",
        "sku": sku_id,
        "warehouse": warehouse_id,
        "quantity": quantity,
        "now": clock.now(),
        "actor": actor or audit.current_actor().name,
        "consumers": consumers,
    }
    try:
        taken = _prepared(values)
    except IntegrityError:
        return False
    return bool(taken)


def _prepared(values: dict[str, Any]) -> int:
    """Run the statement planned once per connection: planning it anew each time costs as much as running it.

    Behind a pooler that shares connections (DISABLE_SERVER_SIDE_CURSORS, Django's own setting) it is planned anew.
    """
    import psycopg

    pooled = bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        row = cursor.execute(STATEMENT, values, prepare=not pooled).fetchone()
    return int(row[0]) if row else 0
