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
    "channels_listing": ("account_id", "external_id"),
    "channels_remotelocation": ("account_id", "external_id"),
    "channels_duework": ("account_id", "kind"),
    "channels_publicationlog": ("idempotency_key",),
    "orders_orderfeed": ("sequence",),
    "orders_shipment.number": ("order_id", "number"),
    "orders_shipmentline": ("shipment_id", "line_id"),
    "finance_postingrequest": ("reference",),
    "finance_voucher": ("reference",),
    "finance_voucher.number": ("period_id", "number"),
    "finance_openitem": ("reference",),
    "orders_routedshop": ("shop_id",),
    "inventory_costlayer": ("entry_key", "position"),
    "orders_costdocument": ("once",),
    "orders_raterow": ("table_id", "country", "region", "postcode", "up_to_g"),
}
# One at a time: another may follow when the first is over.
OPEN_ONCE = {
    "listing_one_match": ("channels_listingmatch", {"listing_id"}),
    "brake_one_waiting": ("channels_pushbrake", {"account_id"}),
    "drift_open_once": ("channels_driftfinding", {"listing_id", "location_id"}),
    "sync_error_open_once": ("channels_syncerror", {"kind", "account_id", "reference"}),
    "warehouse_one_location": ("channels_locationlink", {"account_id", "warehouse_id"}),
    "shipment_external_once": ("orders_shipment", {"order_id", "external_id"}),
    "gone_open_once": ("orders_goodsgone", {"line_id", "sku_id", "warehouse_id"}),
    "shop_warehouse_open_once": ("inventory_shopwarehouse", {"shop_id", "warehouse_id"}),
}
GROWING = (
    "backoffice_auditentry",
    "channels_platformobservation",
    "channels_publicationlog",
    "finance_exchangerate",
    "finance_voucher",
    "finance_voucherline",
    "inventory_layeruse",
    "inventory_stockentry",
    "orders_orderevent",
    "orders_orderversion",
    "orders_reviewlog",
    "orders_routingplan",
    "orders_routingpolicyversion",
)
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


def unique_while_open(table):
    """The sets of columns that are unique on a condition, by the name of the index."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT i.relname, a.attname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
                "JOIN pg_attribute a ON a.attrelid = i.oid "
                "WHERE x.indrelid = %s::regclass AND x.indisunique AND x.indpred IS NOT NULL",
                [table],
            )
        else:
            cursor.execute(
                "SELECT l.name, c.name FROM pragma_index_list(%s) l, pragma_index_info(l.name) c "
                'WHERE l."unique" = 1 AND l.partial = 1',
                [table],
            )
        found = {}
        for name, column in cursor.fetchall():
            found.setdefault(name, set()).add(column)
        return found


def refusals(table):
    """The triggers on a table that let it only grow."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass", [table])
            return [sql for (sql,) in cursor.fetchall() if "append_only" in sql]
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [table])
        return [sql for (sql,) in cursor.fetchall() if "append-only" in sql]


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
    assert set(ONCE[table]) in unique(table.partition(".")[0])


@pytest.mark.parametrize("name", sorted(OPEN_ONCE))
def test_a_second_open_one_is_refused_by_the_database(name):
    table, columns = OPEN_ONCE[name]
    assert unique_while_open(table)[name] == columns


@pytest.mark.parametrize("table", GROWING)
def test_what_is_written_stays(table):
    said = " ".join(refusals(table))
    assert "BEFORE UPDATE" in said
    assert "BEFORE DELETE" in said


@pytest.mark.parametrize("table", sorted(CHECKS))
def test_an_impossible_figure_is_refused_by_the_database(table):
    assert CHECKS[table] in checks(table)
