"""The OpenAPI document against the API itself: schemathesis sends what the document allows and what it forbids."""

import pytest
import schemathesis
from django.core import signals
from django.core.management import call_command
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from backoffice.api import keys
from backoffice.wsgi import application
from inventory.models import Access
from tests.inventory import factories

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
