"""A million orders as a house of two years has them, for the benchmarks of pages: made by the database itself.

1.5 % are still open (to be shipped, held, unpaid, partly shipped); each has a buyer, two lines and its promise. One
order in five had an incident, of which those of the last orders are open.
"""

from __future__ import annotations

ORDERS = """
INSERT INTO orders_order (shop_id, external_id, number, number_key, state, payment, currency, goods_total,
  discount_total, shipping_total, tax_total, fee_total, rounding, total, taxes_included, placed_at, paid_at,
  cancelled_here, closed, cancel_reason, platform_updated_at, received_at, updated_at, approved_at, hold_code,
  hold_note, hold_department, held_since, duplicate_key, test, risk, shipping_method, tags, url, revision,
  buyer_key, phone_key, address_key, marks, priority, ship_by, due_at, promised_on)
SELECT %(first)s + n %% 5, 'p' || n, '#' || (100000 + n), (100000 + n)::text, s.state,
  CASE WHEN s.state = 'unpaid' THEN 'pending' ELSE 'paid' END, 'EUR', 100000 + n %% 900000, 0, 49000, 20000, 0, 0,
  169000 + n %% 900000, false, at, at, false, false, '', at, at, at,
  CASE WHEN s.state IN ('held', 'unpaid') THEN NULL ELSE at END,
  CASE WHEN s.state = 'held'
    THEN (ARRAY['keyword', 'address', 'short_stock', 'presale', 'unmatched'])[1 + n / 5 %% 5] ELSE '' END, '',
  CASE WHEN s.state = 'held' THEN (ARRAY['desk', 'service', 'buying'])[1 + n %% 3] ELSE '' END,
  CASE WHEN s.state = 'held' THEN at END, md5(n::text), false, '', '', '[]'::jsonb, '', 0,
  md5('b' || n / 3), md5('p' || n / 3), md5('a' || n / 2), '[]'::jsonb, CASE WHEN n %% 50 = 0 THEN 7 ELSE 0 END,
  at + interval '3 days', at + interval '3 days', CASE WHEN s.state = 'held' THEN (at + interval '9 days')::date END
FROM generate_series(1, %(count)s) AS n
CROSS JOIN LATERAL (SELECT
  timestamptz '2024-11-20' + n * (interval '2 years' / %(count)s) AS at,
  CASE WHEN n > %(count)s * 0.985 THEN (ARRAY['approved', 'held', 'approved', 'unpaid', 'partly_shipped'])[1 + n %% 5]
    WHEN n %% 33 = 0 THEN 'cancelled' ELSE 'shipped' END AS state) AS s
"""
CONTACTS = """
INSERT INTO orders_ordercontact (order_id, buyer_id, buyer_name, email, phone, shipping, billing, country, buyer_note,
  seller_note, address_fixed, name_key, email_key, phone_key)
SELECT id, '', name, lower(replace(name, ' ', '.')) || id || '@buyer.example', '+33 6 ' || id,
  jsonb_build_object('name', name, 'line1', '1 Rue', 'city', 'Lyon', 'postcode', '69001', 'country', 'FR'), '{}', 'FR',
  '', '', false, lower(name), lower(replace(name, ' ', '.')) || id || '@buyer.example', '336' || id
FROM (SELECT id, (ARRAY['Ana', 'Ben', 'Chloe', 'Dimitri', 'Fatma', 'Hana', 'Iris', 'Kenji', 'Mara', 'Noor'])[1 + id % 10]
  || ' ' || (ARRAY['Smith', 'Rossi', 'Dubois', 'Jensen', 'Silva', 'Tanaka'])[1 + id % 6] || id / 1000 AS name
  FROM orders_order) AS o
"""  # noqa: E501


LINES = """
INSERT INTO orders_orderline (order_id, external_id, position, sku_code, listing_id, barcode, title, quantity,
  ordered_quantity, shipped_quantity, pack, unit_price, discount, tax, total, platform_fulfilled, stocked, match_code,
  own, properties)
SELECT o.id, 'l' || p, p, 'SKU-' || (o.id + p) % 2000, '', '', 'Product blue/large', 1000, 1000,
  CASE WHEN o.state = 'shipped' THEN 1000 ELSE 0 END, 1000, 500000, 0, 0, 500000, false, true, 'unmatched', false,
  '{}'::jsonb
FROM orders_order AS o CROSS JOIN generate_series(1, 2) AS p
"""
INCIDENTS = """
INSERT INTO backoffice_incident (kind, key, target, data, severity, state, department, shop_id, count, opened_at,
  last_seen_at, acknowledge_due, resolve_due, due_at, acknowledged_by, closed_at, closed_by, cause_id, done, level,
  escalated_department)
SELECT 'custom', 'orders.order:' || id, 'orders.order:' || id,
  '{"text": "A parcel is missing"}'::jsonb, (ARRAY['low', 'normal', 'high', 'critical'])[1 + id / 5 % 4], said.state,
  (ARRAY['desk', 'service', 'buying', 'warehouse'])[1 + id / 5 % 4], shop_id, 1, placed_at, placed_at,
  placed_at + interval '1 hour', placed_at + interval '2 days', placed_at + interval '1 hour', '',
  CASE WHEN said.state IN ('gone', 'resolved') THEN placed_at + interval '1 day' END, '',
  CASE WHEN said.state = 'resolved' THEN %(cause)s END, '', 0, ''
FROM (SELECT *, CASE WHEN id > (SELECT max(id) FROM orders_order) - %(open)s
    THEN (ARRAY['open', 'acknowledged', 'reopened'])[1 + id / 5 % 3]
    ELSE (ARRAY['gone', 'resolved'])[1 + id / 5 % 2] END AS state_now FROM orders_order WHERE id % 5 = 0) AS o
CROSS JOIN LATERAL (SELECT o.state_now AS state) AS said
"""
LINKS = """
INSERT INTO backoffice_incidentlink (incident_id, target) SELECT id, target FROM backoffice_incident
"""


def fill(count: int) -> None:
    """Make the orders and what hangs on them."""
    from django.db import connection

    from backoffice.models import IncidentCause
    from inventory.models import Shop

    shops = [Shop.objects.create(code=f"S{n}", name=f"Shop {n}", currency="EUR") for n in range(5)]
    cause = IncidentCause.objects.first() or IncidentCause.objects.create(name="bench")
    with connection.cursor() as cursor:
        cursor.execute(ORDERS, {"first": shops[0].pk, "count": count})
        cursor.execute(CONTACTS)
        cursor.execute(LINES)
        cursor.execute(INCIDENTS.replace(" % ", " %% "), {"cause": cause.pk, "open": count // 100})
        cursor.execute(LINKS)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
