"""The OpenAPI document against the API itself: schemathesis sends what the document allows and what it forbids."""

from decimal import Decimal

import pytest
import schemathesis
from django.core import signals
from django.core.management import call_command
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from backoffice.api import keys
from backoffice.wsgi import application
from inventory.models import Access, Warehouse
from inventory.stocktakes import counting, opening
from inventory.transfers import picking, planning, receiving
from orders.supply import replenishment
from tests.inventory import factories
from tests.inventory.lots.conftest import come
from tests.orders.supply.conftest import Buyer

load_all_checks()
EXAMPLES = 25
ALL = list(HealthCheck)
CHECKED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]


@pytest.fixture
def own_connection(db):
    """Keep the test's connection open from one request to the next, as Django's test client does."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def document(own_connection):
    """The document as a key reads it, from a shop with one SKU."""
    place = factories.warehouse("HZ")
    goods = factories.sku("TEA-1")
    factories.shop(place, code="OWN")
    factories.stock(goods, place, 10)
    key, token = keys.create(name="fuzz", scopes=list(keys.SCOPES), per_minute=10_000_000)
    Access.objects.create(api_key=key, all_shops=True, all_warehouses=True)
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", application, headers=headers)
    schema.config.update(headers=headers)
    return schema


OPERATIONS = [
    ("GET", "/api/v1/skus"),
    ("GET", "/api/v1/skus/{code}"),
    ("GET", "/api/v1/availability"),
    ("GET", "/api/v1/stock"),
    ("GET", "/api/v1/stock-value"),
    ("GET", "/api/v1/lots"),
    ("GET", "/api/v1/lot-stock"),
    ("GET", "/api/v1/lot-movements"),
    ("POST", "/api/v1/stock-adjustments"),
    ("GET", "/api/v1/transfers"),
    ("POST", "/api/v1/transfers"),
    ("GET", "/api/v1/transfers/{id}"),
    ("POST", "/api/v1/transfers/{id}/request"),
    ("POST", "/api/v1/transfers/{id}/pick"),
    ("POST", "/api/v1/transfers/{id}/send"),
    ("POST", "/api/v1/transfers/{id}/receive"),
    ("POST", "/api/v1/transfers/{id}/cancel"),
    ("GET", "/api/v1/stocktakes"),
    ("GET", "/api/v1/stocktakes/{id}"),
    ("GET", "/api/v1/stocktakes/{id}/lines"),
    ("POST", "/api/v1/stocktakes/{id}/counts"),
    ("GET", "/api/v1/suppliers"),
    ("GET", "/api/v1/suppliers/{code}"),
    ("GET", "/api/v1/suppliers/{code}/items"),
    ("GET", "/api/v1/purchase-orders"),
    ("POST", "/api/v1/purchase-orders"),
    ("GET", "/api/v1/purchase-orders/{id}"),
    ("POST", "/api/v1/purchase-orders/{id}/receipts"),
    ("GET", "/api/v1/replenishment"),
    ("GET", "/api/v1/orders"),
    ("POST", "/api/v1/orders"),
    ("GET", "/api/v1/orders/{id}"),
    ("GET", "/api/v1/orders/changes"),
    ("POST", "/api/v1/shipments"),
]


def test_the_document_is_made_without_a_warning(db, tmp_path):
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yml"))


def test_no_operation_is_left_out(document):
    found = {(one.ok().method.upper(), one.ok().path) for one in document.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_the_document_knows(document, method, path):
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=ALL)
    @given(case=document[path][method].as_strategy())
    def send(case):
        case.validate_response(case.call(), checks=CHECKED)

    send()


@pytest.fixture
def rows(document):
    """A transfer under way, a stocktake begun, an order partly received and what the newest run says."""
    here, there = Warehouse.objects.get(code="HZ"), factories.warehouse("THERE")
    milk = factories.sku("MILK", tracking=1)
    come(milk, here, {"L1": 5})
    sent = planning.plan(
        origin=here, destination=there, lines=[planning.Wish(sku_id=milk.pk, quantity=Decimal(4))], user=None
    )
    planning.request(transfer_id=sent.pk, user=None)
    picking.pick(transfer_id=sent.pk, user=None)
    picking.send(transfer_id=sent.pk, user=None)
    receiving.receive(
        transfer_id=sent.pk, came=[receiving.Came(line_id=sent.lines.get().pk, good=Decimal(5))], user=None
    )
    begun = opening.start(stocktake_id=opening.plan(warehouse=here, user=None).pk, user=None)
    counting.count(stocktake_id=begun.pk, code="TEA-1", quantity=Decimal(9), user=None, key="k")
    buyer = Buyer()
    order = buyer.ordered()
    buyer.receive(order, 5, 1)
    replenishment.work(replenishment.begin(owner=None).pk)
    return {"transfers": sent.pk, "stocktakes": begun.pk, "purchase-orders": order.pk, "suppliers": "QL"}


READS = [one for method, one in OPERATIONS if method == "GET" and one.split("/")[3] in {
    "transfers", "stocktakes", "purchase-orders", "suppliers", "replenishment",
}]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_what_there_is_reads_as_the_document_says(document, rows, path):
    what = path.split("/")[3]
    asked = {"code" if what == "suppliers" else "id": rows[what]} if "{" in path else {}
    case = document[path]["GET"].Case(path_parameters=asked, headers=dict(document.config.headers))
    answer = case.call_and_validate(checks=CHECKED)
    assert answer.status_code == 200
    assert answer.json().get("results", True)
