"""The last line: what must never exist twice, or below zero, is refused by the database itself, on both engines."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db
ONCE = {
    "inventory_stockentry": ("key",),
    "inventory_reservation": ("reference", "sku_id", "warehouse_id", "bucket"),
    "inventory_balance": ("sku_id", "warehouse_id"),
    "inventory_stockchangedelivery": ("event_id", "consumer"),
    "orders_order": ("shop_id", "external_id"),
    "orders_orderversion": ("order_id", "digest"),
    "orders_orderline": ("order_id", "external_id"),
    "orders_shipment": ("idempotency_key",),
    "orders_refund": ("order_id", "external_id"),
    "orders_ordereventdelivery": ("event_id", "consumer"),
    "channels_inboundpayload": ("account_id", "kind", "external_id", "sha256"),
    "channels_webhookarrival": ("account_id", "delivery_id"),
    "channels_pushjob": ("listing_id", "location_id"),
    "channels_ordernotice": ("account_id", "kind", "reference"),
    "channels_credential": ("fingerprint",),
    "channels_account": ("platform", "external_shop_id"),
    "backoffice_lease": ("name",),
    "backoffice_idempotentreply": ("key_id", "idempotency_key"),
}
CHECKS = {
    "inventory_balance": "balance_not_negative",
    "inventory_reservation": "reservation_not_negative",
    "orders_orderline": "line_never_overshipped",
    "orders_shipmentgoods": "shipment_goods_returned",
}


def unique(table):
    """The sets of columns that are unique in the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            found = connection.introspection.get_constraints(cursor, table).values()
            return [set(one["columns"]) for one in found if one["unique"] and one["columns"]]
        cursor.execute('SELECT name FROM pragma_index_list(%s) WHERE "unique" = 1 AND partial = 0', [table])
        names = [name for (name,) in cursor.fetchall()]
        return [{row[2] for row in cursor.execute(f"PRAGMA index_info('{name}')").fetchall()} for name in names]


def checks(table):
    """Where the table's CHECK constraints are spelt out, or their names."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return [
                name for name, one in connection.introspection.get_constraints(cursor, table).items() if one["check"]
            ]
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
        return [word.strip('"') for word in cursor.fetchone()[0].split()]


@pytest.mark.parametrize("table", sorted(ONCE))
def test_a_twin_is_refused_by_the_database(table):
    assert set(ONCE[table]) in unique(table)


@pytest.mark.parametrize("table", sorted(CHECKS))
def test_an_impossible_figure_is_refused_by_the_database(table):
    assert CHECKS[table] in checks(table)
