"""The demo company's rows in inventory and the books, loaded through the apps' own code."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice.models import User
from finance import demo as books
from finance import rates
from fixtures import company, demo
from fixtures.supply import Supply
from inventory import demo as stock
from inventory.models import Balance, Barcode, BundlePart, Shop, Sku, StockEntry, StockPolicy, Transfer, Warehouse
from orders import demo_routing
from orders.fulfil.routing import policies, returning
from orders.models import RateRow, RateTable, ReturnPolicy, RoutingPolicy

SINCE = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
pytestmark = pytest.mark.django_db


def test_whole_company_stands_and_a_second_load_adds_nothing():
    stock.load(company=company.full(), since=SINCE)
    before = [model.objects.count() for model in (Sku, Barcode, BundlePart, Shop, Warehouse, StockPolicy, User)]
    stock.load(company=company.full(), since=SINCE)
    assert before == [model.objects.count() for model in (Sku, Barcode, BundlePart, Shop, Warehouse, StockPolicy, User)]
    assert before[0] == 296
    assert before[3:6] == [5, 3, 6]


def test_staff_have_their_roles_and_see_their_places():
    stock.load(company=company.full(), since=SINCE)
    packer = User.objects.get(username="warehouse")
    assert [group.name for group in packer.groups.all()] == ["warehouse_clerk"]
    assert sorted(place.code for place in packer.access.warehouses.all()) == ["SH", "YW"]
    assert packer.check_password("qingwu-demo")
    assert User.objects.filter(is_superuser=True).get().username == "owner"


def test_goods_come_in_once_and_carry_their_cost():
    stock.load(company=company.tiny(), since=SINCE)
    arrival = stock.Arrival("TW-PM-TQ", "YW", Decimal(12), Decimal("8.40"))
    assert stock.receive(arrivals=[arrival], document="demo.receipt:1", at=SINCE) == 1
    assert stock.receive(arrivals=[arrival], document="demo.receipt:1", at=SINCE) == 0
    balance = Balance.objects.get(sku__code="TW-PM-TQ", warehouse__code="YW")
    assert (balance.on_hand, balance.value) == (Decimal(12), Decimal("100.80"))
    assert StockEntry.objects.get().occurred_at == SINCE


def test_free_stock_is_known_by_code():
    stock.load(company=company.tiny(), since=SINCE)
    stock.receive(arrivals=[stock.Arrival("00123", "YW", Decimal(3), Decimal(30))], document="demo.r", at=SINCE)
    assert stock.free_stock()["00123", "YW"] == 3


def test_transfers_stand_in_each_state_that_waits_and_a_box_is_built_once():
    stock.load(company=company.full(), since=SINCE)
    codes = list(Sku.objects.filter(kind="stocked").order_by("code_key").values_list("code", flat=True)[:20])
    arrivals = [stock.Arrival(code, "YW", Decimal(60), Decimal(8)) for code in codes]
    stock.receive(arrivals=arrivals, document="demo.r", at=SINCE)
    for _twice in range(2):
        stock.finish()
    states = sorted(Transfer.objects.filter(proposed=False).values_list("state", flat=True))
    assert states == ["partly", "requested", "transit"]
    assert Balance.objects.get(sku__code="BX-CHA-01", warehouse__code="YW").on_hand == 4


def test_the_buyer_fills_the_shelves_for_the_orders_to_come():
    teller = demo.teller(company.tiny(), 1, 3000)
    supply = Supply(teller)
    day = dt.date(2026, 3, 2)
    arriving = {(one.sku, one.warehouse): one.quantity for one in supply.opening(day)}
    need = supply.needed(day, 14)
    scarce = {sku.code for sku in company.tiny().catalogue.skus() if sku.number % 47 == 0}
    assert all(arriving[place] >= pieces for place, pieces in need.items() if place[0] not in scarce)
    assert supply.receipts(day, {place: Decimal(10_000) for place in arriving}) == []
    assert supply.receipts(day + dt.timedelta(days=1), {}) == []


def test_rates_go_through_the_banks_format():
    xml = demo.rates_xml(dt.date(2026, 3, 2), dt.date(2026, 3, 8))
    assert books.load(rates_xml=xml) == 25  # five working days, five currencies beside the yuan
    assert books.load(rates_xml=xml) == 0
    assert Decimal(7) < rates.rate("EUR", dt.date(2026, 3, 8)) < Decimal(9)


def test_small_company_has_its_thirty_orders():
    small = demo.small()
    assert len(small.stories) == 25
    assert {story.label.shop for story in small.stories} == {"shopify-eu", "woo-cn"}
    assert demo.small() == small


def test_customer_service_may_answer_buyers_and_the_pages_of_routing_have_rows():
    stock.load(company=company.full(), since=SINCE)
    for _twice in range(2):
        demo_routing.finish()
    service = User.objects.get(username="service")
    assert service.has_perm("orders.decide_return")
    assert not service.has_perm("orders.ship_order")
    assert [row.active for row in RoutingPolicy.objects.order_by("pk")] == [True, True, False]
    europe = policies.load().of(Shop.objects.get(code="shopify-eu").pk)
    assert [one.by for one in europe.criteria] == ["complete", "nearest", "cheapest"]
    assert (RateTable.objects.count(), RateRow.objects.count()) == (3, 10)
    back = returning.return_warehouse(country="FR", shop=Shop.objects.get(code="shopify-eu"))
    assert back is not None
    assert back.warehouse.code == "HAM"
    assert ReturnPolicy.objects.get(shop__code="taobao").days == 10
