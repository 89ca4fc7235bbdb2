"""Finding orders by number or buyer: a prefix of an indexed column, on either engine, however many begin with it."""

from __future__ import annotations

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from backoffice.search import LAST_CHARACTER
from orders.models import Order

NUMBER = ("orders_order", "id", "number_key")
BUYER = tuple(("orders_ordercontact", "order_id", column) for column in ("name_key", "email_key", "phone_key"))
MOST = 1_000  # rows taken from each index: who types one digit gets the first thousand, at once


def found(orders: QuerySet[Order], term: str, *, buyers: bool) -> QuerySet[Order]:
    """Return the orders whose number, or whose buyer when `buyers`, begins with the term (in search form).

    One branch per index, each capped, joined by UNION: an OR over two tables would read a million rows.
    """
    branches = [_branch(*NUMBER, term.lstrip("#"))]
    if buyers:
        branches += [_branch(*column, term) for column in BUYER]
    sql = " UNION ".join(sql for sql, _parameters in branches)
    parameters = [value for _sql, values in branches for value in values]
    return orders.filter(pk__in=RawSQL(sql, parameters))  # noqa: S611 — names from above, values as parameters


def _branch(table: str, key: str, column: str, term: str) -> tuple[str, list[str]]:
    if connection.vendor == "postgresql":
        condition, order = f"{column} LIKE %s", f"{column} USING ~<~"  # the order of the pattern index
        values = [connection.ops.prep_for_like_query(term) + "%"]
    else:
        condition, order = f"{column} >= %s AND {column} < %s", column  # LIKE cannot use an index there
        values = [term, term + LAST_CHARACTER]
    inner = f"SELECT {key} AS id FROM {table} WHERE {condition} ORDER BY {order} LIMIT {MOST}"  # noqa: S608 — no input
    return f"SELECT id FROM ({inner}) AS {column}_found", values  # noqa: S608
