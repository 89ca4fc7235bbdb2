"""kill −9 within receiving, deciding and settling: nothing or everything, and it goes on (F03)."""

import pytest

from finance.models import PostingRequest
from inventory.models import Balance
from orders.models import Refund, Return, ReturnDecision, ReturnReceipt
from orders.returns import inspecting, receiving, refunding
from tests.crash.killing import killed_at
from tests.inventory.invariants import broken
from tests.orders.factories import line
from tests.orders.returns.conftest import ANN, Returns

pytestmark = pytest.mark.django_db(transaction=True)
STRIDE = 9


def test_a_return_killed_on_its_way_is_done_once_in_the_end(transactional_db):
    seller = Returns(MUG=4)
    seller.sent(1, line("MUG", 2))
    found = seller.rma()
    row = found.lines.get()
    choices = [
        inspecting.Choice(line_id=row.pk, verdict=verdict, units=row.quantity / 2, reason="x")
        for verdict in ("restock", "scrap")
    ]

    def work():
        receiving.receive(return_id=found.pk, counts={row.pk: row.quantity}, actor=ANN, key="r")
        inspecting.decide(return_id=found.pk, choices=choices, actor=ANN, key="d")
        money = refunding.propose(
            return_id=found.pk, lines={row.pk: 20 + row.quantity * 0}, limit=None, actor=ANN, key="m"
        )
        refunding.by_hand([money.pk])
        if not Refund.objects.exists():
            refunding.given_by_hand(money_id=money.pk, actor=ANN)

    step = 1
    while killed_at(step, work):
        assert broken() == []
        received, decided = ReturnReceipt.objects.count(), ReturnDecision.objects.count()
        assert (received, decided) in ((0, 0), (1, 0), (1, 2))
        row.refresh_from_db()
        assert row.received_quantity == 2 * received
        assert row.decided_quantity == decided
        step += STRIDE
    assert step > 5 * STRIDE
    assert (ReturnReceipt.objects.count(), ReturnDecision.objects.count(), Refund.objects.count()) == (1, 2, 1)
    assert Balance.objects.get(sku__code="MUG", warehouse=seller.place).on_hand == 3
    assert PostingRequest.objects.filter(reference__startswith="orders.returndecision:").count() == 2
    assert Return.objects.get().state == "settled"
