"""A buyer with a supplier of mugs and cups, and a warehouse to fill."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice import clock
from orders.models import PriceBreak, PurchaseOrder, Supplier, SupplierItem
from orders.supply import drafting, ordering, receiving
from tests.inventory import factories as stock
from tests.inventory.costing.conftest import use

LI, WANG, WU = "user:1 li", "user:2 wang", "user:3 wu"
D = Decimal


class Buyer:
    """Short words for what a buyer does."""

    def __init__(self):
        self.place = stock.warehouse("YW")
        self.mug, self.cup = stock.sku("MUG"), stock.sku("CUP")
        self.supplier = Supplier.objects.create(code="QL", name="青岚陶瓷厂", currency="CNY", lead_days=10)
        self.item = SupplierItem.objects.create(
            supplier=self.supplier, sku=self.mug, price=D("4"), minimum=D(24), pack_size=D(12), preferred=True,
            supplier_code="M-001",
        )  # fmt: skip
        PriceBreak.objects.create(item=self.item, quantity=D(120), price=D("3.5"))
        SupplierItem.objects.create(supplier=self.supplier, sku=self.cup, price=D("2"))
        self.count = 0

    def key(self) -> str:
        """A key nobody used."""
        self.count += 1
        return f"k{self.count}"

    def draft(self, *lines, **fields) -> PurchaseOrder:
        """A draft; the default: 24 mugs at 4.00 and 10 cups at 2.00."""
        wanted = lines or ((self.mug, 24), (self.cup, 10))
        rows = [
            drafting.Wanted(sku_id=sku.pk, quantity=D(n), price=D(price[0]) if price else None)
            for sku, n, *price in wanted
        ]
        values = {"supplier_id": self.supplier.pk, "warehouse_id": self.place.pk, "actor": LI, "once": self.key()}
        return drafting.draft(lines=rows, **{**values, **fields})

    def ordered(self, *lines, **fields) -> PurchaseOrder:
        """One that has been sent."""
        return ordering.hand_in(order_id=self.draft(*lines, **fields).pk, actor=LI, limit=None)

    def line(self, order, sku=None):
        """The line of a SKU, read anew."""
        return order.lines.get(sku=sku or self.mug)

    def receive(self, order, *figures, **fields):
        """Count the mugs: accepted, damaged, refused."""
        line = fields.pop("line", None) or self.line(order)
        counts = {
            line.pk: receiving.Counted(**dict(zip(("accepted", "damaged", "refused"), map(D, figures), strict=False)))
        }
        values = {"actor": WU, "key": self.key()}
        return receiving.receive(order_id=order.pk, counts=counts, **{**values, **fields})


@pytest.fixture
def buyer(db) -> Buyer:
    return Buyer()


@pytest.fixture
def at():
    """Set the clock: `at(day)` days after the first of March 2026, eight in the morning."""
    start = dt.datetime(2026, 3, 1, 0, 0, tzinfo=dt.UTC)
    before = clock._source

    def move(days: float) -> dt.datetime:
        moment = start + dt.timedelta(days=days)
        clock._source = lambda: moment
        return moment

    yield move
    clock._source = before


@pytest.fixture(params=["average", "fifo"])
def came(request, buyer):
    """24 mugs at 4.00 and 10 cups at 2.00 have come: 96 and 20."""
    use(request.param)
    made = buyer.ordered()
    buyer.receive(made, 24)
    buyer.receive(made, 10, line=buyer.line(made, buyer.cup))
    return made
