"""kill −9 within ordering, receiving, sending back and drafting from suggestions: nothing or everything (F03)."""

import pytest

from inventory.models import Balance, ExpectedArrival
from orders.models import PurchaseLine, PurchaseOrder, PurchaseReceipt, SupplierReturn
from orders.supply import ordering, receiving, returning
from tests.crash.killing import killed_at
from tests.inventory.invariants import broken
from tests.orders.supply.conftest import LI, WU, Buyer, D

pytestmark = pytest.mark.django_db(transaction=True)
STRIDE = 9


def test_an_order_killed_on_its_way_is_done_once_in_the_end(transactional_db):
    buyer = Buyer()
    order = buyer.draft((buyer.mug, 24))
    row = buyer.line(order)

    def work():
        state = PurchaseOrder.objects.get(pk=order.pk).state
        if state == "draft":
            ordering.hand_in(order_id=order.pk, actor=LI, limit=None)
        receiving.receive(
            order_id=order.pk, counts={row.pk: receiving.Counted(accepted=D(20), damaged=D(4))}, actor=WU, key="r"
        )
        goods = [returning.Back(line_id=row.pk, quantity=D(4), damaged=True)]
        returning.send_back(order_id=order.pk, goods=goods, reason="x", actor=LI, key="b")

    step = 1
    while killed_at(step, work):
        assert broken() == []
        arrivals, receipts, sent = (
            model.objects.count() for model in (ExpectedArrival, PurchaseReceipt, SupplierReturn)
        )
        assert (arrivals, receipts, sent) in ((0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1))
        line = PurchaseLine.objects.get(pk=row.pk)
        assert (line.accepted, line.damaged, line.damaged_returned) == (20 * receipts, 4 * receipts, 4 * sent)
        step += STRIDE
    assert step > 3 * STRIDE
    found = Balance.objects.get(sku=buyer.mug, warehouse=buyer.place)
    assert (found.on_hand, found.incoming, found.value) == (20, 0, 80)
    assert PurchaseOrder.objects.get().state == "received"
