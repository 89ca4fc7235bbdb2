"""The marks and tags in use, from the index that the database keeps of them (orders.triggers)."""

from __future__ import annotations

from django.db import connection

from orders.models import OrderLabel

MOST_CHOICES = 60
_CHOICES = """
WITH RECURSIVE found(text) AS (
  SELECT min(text) FROM orders_orderlabel WHERE kind = %s
  UNION ALL
  SELECT (SELECT min(text) FROM orders_orderlabel WHERE kind = %s AND text > found.text) FROM found
  WHERE found.text IS NOT NULL
)
SELECT text FROM found WHERE text IS NOT NULL LIMIT %s
"""


def used(kind: OrderLabel.Kind, most: int = MOST_CHOICES) -> list[str]:
    """Return the marks (or tags) in use, by name: one look into the index for each, however many orders have it."""
    with connection.cursor() as cursor:
        cursor.execute(_CHOICES, [kind.value, kind.value, most])
        return [row[0] for row in cursor.fetchall()]
