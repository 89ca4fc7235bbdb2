"""Stock value at any date: from the movements, equal to the balances now, seen by whom it concerns."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook

from backoffice import clock
from inventory import ledger
from inventory.costing import valuation
from inventory.costing.valuation import Asked
from inventory.ledger import EntryDraft
from inventory.models import Access, Balance
from tests.inventory import factories

D = Decimal
pytestmark = pytest.mark.django_db


def post(key, sku, place, quantity, *, days=0, cost=None, value=None, reason="correction"):
    draft = EntryDraft(
        key=key, sku_id=sku.pk, warehouse_id=place.pk, quantity=D(quantity), reason=reason, value=value,
        unit_cost=None if cost is None else D(cost), occurred_at=clock.now() - dt.timedelta(days=days),
    )  # fmt: skip
    ledger.post(entries=[draft])


@pytest.fixture
def goods(db):
    """Two SKUs in two warehouses; ten pieces happened ten days ago and were booked now."""
    tea, cup = factories.sku("TEA"), factories.sku("CUP")
    tea.product.category = "tea"
    tea.product.save()
    here, there = factories.warehouse("HERE"), factories.warehouse("THERE")
    post("1", tea, here, 10, days=10, cost="1.5")
    post("2", tea, there, 2, cost=4)
    post("3", cup, here, 3, cost="0.3333")
    post("4", tea, here, -4)
    return tea, cup, here, there


def told(asked, **more):
    found = valuation.page(asked, limit=50, **more)
    return [(one.code, one.quantity, one.value) for one in found.rows], found.count, found.quantity, found.value


def test_now_is_what_the_balances_say_and_the_movements_too(goods):
    rows = [("CUP", 3, D("0.9999")), ("TEA", 8, 17)]
    moment = clock.now() + dt.timedelta(seconds=5)
    expected = (rows, 2, 11, D("17.9999"))
    assert told(Asked()) == told(Asked(at=moment)) == told(Asked(at=moment, by="happened")) == expected
    assert sum(Balance.objects.values_list("value", flat=True)) == expected[3]


def test_what_was_booked_late_counts_by_when_it_happened_only(goods):
    moment = clock.now() - dt.timedelta(days=5)
    assert told(Asked(at=moment)) == ([], 0, 0, 0)
    assert told(Asked(at=moment, by="happened")) == ([("TEA", 10, 15)], 1, 10, 15)


def test_warehouse_and_category_narrow_it_and_a_sold_out_sku_is_left_out(goods):
    tea, cup, here, there = goods
    assert told(Asked(warehouses=[there.pk])) == ([("TEA", 2, 8)], 1, 2, 8)
    assert told(Asked(category="tea", at=clock.now())) == ([("TEA", 8, 17)], 1, 8, 17)
    post("5", cup, here, -3)
    assert told(Asked())[0] == told(Asked(at=clock.now()))[0] == [("TEA", 8, 17)]


def test_a_correction_of_value_counts_without_pieces(goods):
    tea, _cup, here, _there = goods
    post("v", tea, here, 0, value=D("2.5"), reason="revaluation")
    assert told(Asked(category="tea")) == told(Asked(category="tea", at=clock.now())) == (
        [("TEA", 8, D("19.5"))], 1, 8, D("19.5")
    )  # fmt: skip


def test_pages_add_up_and_cost_one_statement_each(goods):
    for number in range(30):
        post(f"n{number}", factories.sku(f"N{number:02}"), goods[2], 1, cost=1)
    with CaptureQueriesContext(connection) as seen:
        pages = [valuation.page(Asked(at=clock.now()), limit=10, offset=n) for n in (0, 10, 20, 30)]
    assert len(seen) == 4
    assert [len(one.rows) for one in pages] == [10, 10, 10, 2]
    assert {(one.count, one.value) for one in pages} == {(32, D("47.9999"))}
    assert sum(row.value for one in pages for row in one.rows) == D("47.9999")


def test_the_page_shows_costs_to_those_who_may_see_them(goods, people):
    url = reverse("admin:inventory_costsetting_value")
    for name in ("owner", "warehouse_clerk"):
        Access.objects.create(user=people[name], all_shops=True, all_warehouses=True)
    assert "17.9999" not in (shown := people.client("owner").get(url).content.decode())
    assert "18.00" in shown
    hidden = people.client("warehouse_clerk").get(url).content.decode()
    assert ("TEA" in hidden, "18.00" in hidden, "17.00" in hidden) == (True, False, False)


def test_nobody_sees_the_stock_of_a_warehouse_that_is_not_his(goods, people):
    Access.objects.create(user=people["bookkeeper"], all_shops=True).warehouses.add(goods[3])
    client = people.client("bookkeeper")
    page = client.get(reverse("admin:inventory_costsetting_value")).content.decode()
    assert ("8.00" in page, "CUP" in page) == (True, False)
    answer = client.get(reverse("admin:inventory_costsetting_value"), {"warehouse": goods[2].pk}).content.decode()
    assert "CUP" not in answer


def test_a_day_to_come_is_a_form_error_and_an_old_one_shows_nothing(goods, people):
    client = people.client("owner")
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    url = reverse("admin:inventory_costsetting_value")
    assert "Choose a day that has been" in client.get(url, {"day": "2090-01-01"}).content.decode()
    old = client.get(url, {"day": "2001-01-01", "by": "happened"}).content.decode()
    assert "Nothing lay there then" in old


def test_the_workbook_holds_every_page(goods, people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    answer = people.client("owner").get(reverse("admin:inventory_costsetting_value_xlsx"))
    import io

    rows = list(load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active.values)
    assert rows[1:] == [("CUP", "CUP", None, None, 3, 0.3333, 0.9999), ("TEA", "TEA", None, "tea", 8, 2.125, 17)]
