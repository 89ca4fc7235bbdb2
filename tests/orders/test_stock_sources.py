"""What orders answer the stock's self-audit: no false alarm whatever happens to them, each real difference named."""

from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import ghosts
from inventory.models import AuditFinding, AuditRun, Reservation
from inventory.self_audit import recompute, repairing, runs
from orders.desk import actions
from orders.models import OrderLine, Shipment, ShipmentGoods
from tests.inventory.factories import bundle
from tests.orders.factories import Seller, line, order
from tests.orders.test_any_sequence import STEP, World
from tests.orders.test_shipping import send

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def sold():
    """Four orders: to be shipped, shipped, cancelled, and one of a bundle."""
    seller = Seller(A=20, B=9)
    seller.skus["SET"] = bundle((seller.skus["A"], 2), (seller.skus["B"], 1), code="SET")
    seller.take(*(order(n, line("A", 2)) for n in (1, 2, 3)), order(4, line("SET", 3)))
    send(seller, 2)
    actions.cancel(order_ids=[seller.order(3).pk], actor="user:1 li", reason="x")
    return seller


def audited():
    runs.measure(AuditRun.objects.create())
    return list(AuditFinding.objects.filter(state="open").order_by("pk"))


def tamper(sql, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_orders_in_every_state_agree_with_the_stock(sold):
    assert audited() == []


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEP, min_size=3, max_size=12))
def test_whatever_is_done_to_orders_is_no_false_alarm(steps):
    with transaction.atomic():
        world = World()
        for what, n, amount in steps:
            world.step(what, n, amount)
            assert recompute.differences().differences == []
        transaction.set_rollback(True)


def test_a_cancelled_order_that_still_holds_goods_is_named(sold):
    row = sold.lines(1)[0]
    tamper("UPDATE orders_order SET state = 'cancelled' WHERE id = %s", row.order_id)
    (finding,) = audited()
    assert (finding.kind, finding.documents, finding.found, finding.should_be) == ("wanted", [row.reference], 2, 0)
    assert ghosts.all_of_them() == {Reservation.objects.get(reference=row.reference, bucket=3).pk: "cancelled"}


def test_a_part_of_a_bundle_that_is_held_too_often_is_named(sold):
    row = sold.lines(4)[0]
    tamper("UPDATE orders_orderline SET quantity = 2000 WHERE id = %s", row.pk)
    found = {(one.sku.code, one.size) for one in audited()}
    assert found == {("A", 2), ("B", 1)}


def test_a_line_that_is_gone_is_named_and_released(sold):
    row = sold.lines(1)[0]
    held = Reservation.objects.get(reference=row.reference, bucket=3)
    OrderLine.objects.filter(pk=row.pk).delete()
    (finding,) = audited()
    assert ghosts.why([held]) == {held.pk: "gone"}
    repairing.repair(finding_id=finding.pk, size=D(2), actor="olga")
    assert not Reservation.objects.filter(reference=row.reference, quantity__gt=0).exists()


def test_a_parcel_without_its_goods_out_is_named_repaired_and_undone(sold):
    parcel = Shipment.objects.get()
    goods = ShipmentGoods.objects.get(shipment_line__shipment=parcel)
    tamper("UPDATE orders_shipmentgoods SET quantity = 3000 WHERE id = %s", goods.pk)
    (finding,) = audited()
    line_row = sold.lines(2)[0]
    assert (finding.kind, finding.found, finding.should_be) == ("shipped", 2, 3)
    assert finding.documents == [parcel.reference, line_row.reference]
    made = repairing.repair(finding_id=finding.pk, size=finding.size, actor="olga")
    assert sold.buckets("A")[0] == 20 - 2 - 1
    assert audited() == []
    repairing.undo(repair_id=made.pk, actor="olga")
    assert sold.buckets("A")[0] == 20 - 2
    assert [one.kind for one in audited()] == ["shipped"]


def test_the_audit_asks_a_constant_number_of_statements(sold, django_assert_max_num_queries):
    sold.take(*(order(n, line("A", 1)) for n in range(10, 13)))
    with django_assert_max_num_queries(16):  # twelve for the counters, two for layers of value, two for lots
        recompute.differences()
