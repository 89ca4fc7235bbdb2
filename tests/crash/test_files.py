"""kill −9 before every statement of files that people bring, and of goods that come back (F03)."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from backoffice.models import User
from channels import accounts, order_files
from channels.models import Account, OrderFile, PollRun
from finance.currencies import seed_currencies
from finance.models import PostingRequest
from inventory import counts
from inventory.counts import CountOrder
from inventory.models import StockDocument, StockEntry
from orders import intake
from orders.fulfil import shipping
from orders.models import Order, Refund, RefundLine, Shipment
from tests.crash.killing import killed_at
from tests.inventory import factories as stock
from tests.inventory.factories import buckets
from tests.inventory.invariants import broken
from tests.inventory.sheets import xlsx
from tests.orders.factories import later as newer
from tests.orders.factories import line, order, refund

pytestmark = pytest.mark.django_db(transaction=True)
STRIDES = [pytest.param(1, marks=pytest.mark.soak, id="every-step"), pytest.param(None, id="strided")]
STOCK = 9_000
HEAD = "订单号,下单时间,商家编码,数量,单价\n"


@pytest.fixture
def place(transactional_db):
    """A warehouse with teas and cups."""
    seed_currencies()
    made = stock.warehouse()
    for code in ("TEA", "CUP"):
        stock.stock(stock.sku(code), made, STOCK)
    return made


@pytest.fixture
def shop(place):
    """A shop that sells from it."""
    return stock.shop(place, currency="EUR")


def on_hand(place, code):
    return buckets(stock.Sku.objects.get(code=code), place)[0]


def sweep(prepare, work, *, every, mend=lambda: None):
    """Prepare something for each step, kill `work` on it at that step, do it again; returns how often it was killed."""
    times, step = 0, 1
    while True:
        made = prepare(step)
        if not killed_at(step, lambda made=made: work(made)):
            assert times > 3
            return times
        assert broken() == []
        mend()
        work(made)
        assert broken() == []
        times, step = times + 1, step + every


@pytest.mark.parametrize("every", STRIDES)
def test_a_file_of_orders_killed_anywhere_goes_on_where_it_was(place, later, monkeypatch, every):
    owner = User.objects.create_user("wang")
    seller = stock.shop(place, currency="CNY", country="CN")
    account = Account.objects.create(shop=seller, platform="files", name="Store", options={"handed_over": True})
    accounts.ready(account)
    monkeypatch.setattr(order_files, "PAGE", 2)

    def bring(step):
        text = HEAD + "".join(f"S-{step}-{n},2026-11-20 10:00,TEA,1,9.90\n" for n in range(5))
        file = SimpleUploadedFile(f"{step}.csv", text.encode())
        return order_files.preview(account=account, file=file, user=owner)

    def take(row):
        if OrderFile.objects.get(pk=row.pk).taken_at is None:  # killed after its last commit, it is done
            order_files.take_in(order_file=row, user=owner, actor="t")

    times = sweep(bring, take, every=every or 47, mend=lambda: later(seconds=order_files.HOLD + 5))
    assert OrderFile.objects.filter(taken_at__isnull=False).count() == times + 1
    assert Order.objects.filter(state="shipped").count() == Shipment.objects.count() == 5 * (times + 1)
    assert PostingRequest.objects.filter(kind="sale").count() == 5 * (times + 1)
    assert on_hand(place, "TEA") == STOCK - 5 * (times + 1)
    for row in OrderFile.objects.all():
        assert row.result["created"] + row.result["known"] == 5
    assert PollRun.objects.filter(ended_at__isnull=True).count() <= times


@pytest.mark.parametrize("every", STRIDES)
def test_a_count_killed_anywhere_is_posted_whole_and_once(place, every):
    def preview(step):
        order = CountOrder(warehouse_id=place.pk)
        return counts.preview(file=xlsx([("TEA", 500 + step), ("CUP", 300 + step)]), order=order, user=None)

    def post(document):
        counts.post(document_id=document.pk, user=None)
        expected = [(row.sku.code, row.counted_quantity) for row in document.lines.select_related("sku")]
        assert expected == [(code, on_hand(place, code)) for code, _counted in expected]

    times = sweep(preview, post, every=every or 5)
    assert StockDocument.objects.filter(state="posted").count() == times + 1
    assert StockEntry.objects.filter(reason="count").count() == 2 * (times + 1)


def shipped_order(shop, step, quantity="3"):
    """An order whose goods have left."""
    made = order(step, line("TEA", quantity), line("CUP", "1", number=2))
    intake.take_in(shop_id=shop.pk, orders=[made])
    found = Order.objects.get(external_id=f"o{step}")
    (parcel,) = shipping.ship(order_id=found.pk, parcels=[shipping.Parcel()], actor="t", idempotency_key=f"k{step}")
    return made, parcel


@pytest.mark.parametrize("every", STRIDES)
def test_goods_that_come_back_killed_anywhere_are_put_back_once(shop, place, every):
    def prepare(step):
        made, _parcel = shipped_order(shop, step)
        return newer(made, refunds=(refund(step, "20", ("1", "2"), restock=True),))

    def take(version):
        intake.take_in(shop_id=shop.pk, orders=[version])

    times = sweep(prepare, take, every=every or 7)
    assert Refund.objects.count() == RefundLine.objects.filter(restocked=Decimal(2)).count() == times + 1
    assert PostingRequest.objects.filter(kind="refund").count() == times + 1
    assert (on_hand(place, "TEA"), on_hand(place, "CUP")) == (STOCK - (times + 1), STOCK - (times + 1))


@pytest.mark.parametrize("every", STRIDES)
def test_a_parcel_taken_back_killed_anywhere_comes_back_once(shop, place, every):
    def void(parcel):
        if Shipment.objects.get(pk=parcel.pk).state == Shipment.State.SENT:
            shipping.void(shipment_id=parcel.pk, actor="t", reason="wrong address")

    times = sweep(lambda step: shipped_order(shop, step)[1], void, every=every or 7)
    assert Shipment.objects.exclude(state=Shipment.State.SENT).count() == times + 1
    assert (on_hand(place, "TEA"), on_hand(place, "CUP")) == (STOCK, STOCK)
    assert not Order.objects.filter(state="shipped").exists()
