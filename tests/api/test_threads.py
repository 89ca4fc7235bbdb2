"""Two requests at once on PostgreSQL: one works, the other is told or gets the same answer."""

from decimal import Decimal

import pytest

from inventory.models import Balance, StocktakeCount, TransferReceipt
from inventory.stocktakes import opening
from orders.models import PurchaseOrder, PurchaseReceipt
from tests.api.conftest import ApiClient
from tests.inventory import factories
from tests.inventory.invariants import broken
from tests.inventory.threads import errors, together
from tests.orders.supply.conftest import Buyer

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
D = Decimal


def on_hand(sku, place):
    return int(Balance.objects.get(sku=sku, warehouse=place).on_hand)


def statuses(results):
    assert not errors(results)
    return sorted(one.status_code for one in results)


@pytest.fixture
def under_way(api):
    """Six of ten pieces on their way, and the key that sent them."""
    here, there, item = factories.warehouse("HERE"), factories.warehouse("THERE"), factories.sku("TEA")
    factories.stock(item, here, 10)
    client = api("transfers:read", "transfers:plan", "transfers:move")
    lines = [{"sku": "TEA", "quantity": "6"}]
    made = client.post("transfers", {"origin": "HERE", "destination": "THERE", "lines": lines}, key="plan").json()
    for step in ("request", "pick", "send"):
        made = client.post(f"transfers/{made['id']}/{step}", {}, key=step).json()
    return client, made, item, there


def receive(client, made, good, key):
    """A job with a connection of its own, as another program would have."""
    line = {"line": made["lines"][0]["id"], "good": good}
    body = {"turn": made["turn"], "lines": [line]}
    return lambda: ApiClient(client.token).post(f"transfers/{made['id']}/receive", body, key=key)


@pytest.mark.parametrize("turn", range(2))
def test_one_receipt_sent_twice_at_once_is_one(under_way, turn):
    client, made, item, there = under_way
    assert statuses(together(*[receive(client, made, "4", "same")] * 3)) == [200, 200, 200]
    assert (on_hand(item, there), TransferReceipt.objects.count(), broken()) == (4, 1, [])


@pytest.mark.parametrize("turn", range(2))
def test_two_who_receive_the_same_goods_at_once_receive_them_once(under_way, turn):
    client, made, item, there = under_way
    results = together(receive(client, made, "4", "a"), receive(client, made, "4", "b"))
    assert statuses(results) == [200, 409]
    assert {one.json()["code"] for one in results if one.status_code == 409} == {"received_meanwhile"}
    assert (on_hand(item, there), TransferReceipt.objects.count(), broken()) == (4, 1, [])


def test_one_delivery_sent_twice_at_once_and_by_two_programs_is_counted_once(api):
    buyer = Buyer()
    order = buyer.ordered((buyer.mug, 24))
    client, line = api("purchasing:receive"), order.lines.get()
    body = {"lines": [{"line": line.pk, "accepted": "10", "seen": "0"}]}
    path = f"purchase-orders/{order.pk}/receipts"
    results = together(*[lambda key=key: ApiClient(client.token).post(path, body, key=key) for key in "aab"])
    assert statuses(results) in ([201, 201, 409], [201, 409, 409])
    assert {one.json()["code"] for one in results if one.status_code == 409} == {"moved"}
    assert (on_hand(buyer.mug, buyer.place), PurchaseReceipt.objects.count(), broken()) == (10, 1, [])


def test_one_draft_sent_twice_at_once_is_one(api):
    Buyer()
    client = api("purchasing:write")
    body = {"supplier": "QL", "warehouse": "YW", "lines": [{"sku": "MUG", "quantity": "24"}]}
    results = together(*[lambda: ApiClient(client.token).post("purchase-orders", body, key="same")] * 3)
    assert statuses(results) == [201, 201, 201]
    assert PurchaseOrder.objects.count() == 1


def test_figures_sent_twice_at_once_are_counted_once(api):
    place, item = factories.warehouse("W"), factories.sku("TEA")
    factories.stock(item, place, 10)
    made = opening.start(stocktake_id=opening.plan(warehouse=place, user=None).pk, user=None)
    client = api("stocktakes:count")
    body = {"counts": [{"code": "TEA", "quantity": "8"}]}
    path = f"stocktakes/{made.pk}/counts"
    results = together(*[lambda: ApiClient(client.token).post(path, body, key="same")] * 3)
    assert statuses(results) == [201, 201, 201]
    assert StocktakeCount.objects.count() == 1
