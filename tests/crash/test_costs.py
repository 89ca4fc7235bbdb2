"""kill −9 before every statement of a late cost and of a sale out of layers: done whole and once (F03)."""

from decimal import Decimal

import pytest
from django.db.models import Sum

from finance.models import PostingRequest
from inventory import ledger
from inventory.ledger import EntryDraft
from inventory.models import Balance, CostLayer, LayerUse, StockEntry
from orders.models import CostDocument
from orders.supply.costs import booking, drafting, receipts
from orders.supply.costs.drafting import Charge
from tests.crash.test_files import STRIDES, sweep
from tests.inventory import factories as stock
from tests.inventory.costing.conftest import unsound, use
from tests.orders.supply.conftest import LI, Buyer

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def came(transactional_db):
    """24 mugs at 4.00 have come, six of them are gone."""
    use("fifo")
    buyer = Buyer()
    order = buyer.ordered((buyer.mug, 24))
    buyer.receive(order, 24)
    out = EntryDraft(
        key="out", sku_id=buyer.mug.pk, warehouse_id=buyer.place.pk, quantity=D(-6), reason="lost", reference="r"
    )
    ledger.post(entries=[out])
    return order


def worth():
    return Balance.objects.aggregate(all=Sum("value"))["all"]


@pytest.mark.parametrize("every", STRIDES)
def test_a_late_cost_killed_anywhere_is_booked_whole_and_once(came, every):
    keys = [one.entry_key for one in receipts.of_orders([came.pk])]

    def drafted(step):
        charge = Charge(kind="freight", amount=D(24), currency="CNY", dated=came.created_at.date())
        return drafting.draft(order_ids=[came.pk], entry_keys=keys, charge=charge, actor=LI, once=f"k{step}")

    def book(made):
        booking.book(document_id=made.pk, actor=LI)
        assert (made.effects.count(), CostDocument.objects.get(pk=made.pk).state) == (2, "posted")

    times = sweep(drafted, book, every=every or 7)
    assert worth() == 72 + 18 * (times + 1)
    assert PostingRequest.objects.filter(kind="cost").count() == times + 1
    assert unsound() == []


@pytest.mark.parametrize("every", STRIDES)
def test_a_sale_out_of_layers_killed_anywhere_takes_them_once(transactional_db, every):
    use("fifo")
    sku, place = stock.sku(), stock.warehouse()
    for cost in range(1, 4):
        stock.stock(sku, place, 40, str(cost))

    def sell(step):
        out = EntryDraft(key=f"o{step}", sku_id=sku.pk, warehouse_id=place.pk, quantity=D(-1), reason="shipment")
        ledger.post(entries=[out])

    times = sweep(lambda step: step, sell, every=every or 2)
    assert StockEntry.objects.filter(reason="shipment").count() == times + 1
    assert CostLayer.objects.aggregate(all=Sum("quantity"))["all"] == 120 - times - 1
    assert LayerUse.objects.count() == times + 1
    assert unsound() == []
