"""The ledger: entries and balances move together, once, at moving average, and never below zero."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from backoffice import outbox
from inventory import ledger
from inventory.errors import KeyReused, NegativeStock
from inventory.ledger import EntryDraft
from inventory.models import Balance, StockChange, StockChangeDelivery, StockEntry
from tests.inventory import factories

pytestmark = pytest.mark.django_db
D = Decimal


def draft(sku, place, quantity, key="k1", **fields):
    fields.setdefault("reason", "correction")
    return EntryDraft(key=key, sku_id=sku.pk, warehouse_id=place.pk, quantity=D(quantity), **fields)


@pytest.fixture
def shelf():
    return factories.sku("A"), factories.warehouse("W")


def test_an_entry_and_its_balance_are_written_together(shelf):
    sku, place = shelf
    ledger.post(entries=[draft(sku, place, "3.5", unit_cost=D("2.5"), reference="doc:1")], actor="user:1 wang")
    balance, entry = Balance.objects.get(), StockEntry.objects.get()
    assert (balance.on_hand, balance.value, balance.last_cost) == (D("3.5"), D("8.75"), D("2.5"))
    assert (entry.quantity, entry.value, entry.unit_cost) == (D("3.5"), D("8.75"), D("2.5"))
    assert (entry.reference, entry.actor, entry.occurred_at) == ("doc:1", "user:1 wang", entry.recorded_at)


def test_a_repeated_key_changes_nothing(shelf):
    sku, place = shelf
    first = ledger.post(entries=[draft(sku, place, 5, unit_cost=D(2))])
    again = ledger.post(entries=[draft(sku, place, 5, unit_cost=D(2)), draft(sku, place, 1, key="k2")])
    assert again.repeated == first.posted
    assert [one.key for one in again.posted] == ["k2"]
    assert Balance.objects.get().on_hand == 6


def test_a_key_with_other_content_is_refused(shelf):
    sku, place = shelf
    ledger.post(entries=[draft(sku, place, 5)])
    with pytest.raises(KeyReused) as refused:
        ledger.post(entries=[draft(sku, place, 1, key="new"), draft(sku, place, 6)])
    assert refused.value.keys == ("k1",)
    assert (StockEntry.objects.count(), Balance.objects.get().on_hand) == (1, 5)


def test_the_same_entry_twice_in_one_call_is_one(shelf):
    sku, place = shelf
    ledger.post(entries=[draft(sku, place, 5), draft(sku, place, 5)])
    assert Balance.objects.get().on_hand == 5
    with pytest.raises(KeyReused):
        ledger.post(entries=[draft(sku, place, 5, key="x"), draft(sku, place, 4, key="x")])


def test_stock_never_falls_below_zero_and_every_short_balance_is_named(shelf):
    sku, place = shelf
    other = factories.sku("B")
    factories.stock(sku, place, 3)
    with pytest.raises(NegativeStock) as refused:
        ledger.post(entries=[draft(sku, place, -4), draft(other, place, -1, key="k2")])
    shorts = [(one.sku_id, one.warehouse_id, one.wanted, one.available) for one in refused.value.shorts]
    assert shorts == [(sku.pk, place.pk, D(4), D(3)), (other.pk, place.pk, D(1), D(0))]
    assert str(refused.value) == "Not enough stock: A @ W: 3 < 4, B @ W: 0 < 1."
    assert (Balance.objects.get(sku=sku).on_hand, StockEntry.objects.count()) == (3, 1)


def test_goods_leave_at_the_average_and_the_last_unit_takes_the_remainder(shelf):
    sku, place = shelf
    factories.stock(sku, place, 1, "1")
    factories.stock(sku, place, 2, "0.5001")  # 3 pieces worth 2.0002
    entries = [draft(sku, place, -1, key=f"out{i}") for i in range(3)]
    values = [one.value for one in ledger.post(entries=entries).posted]
    assert values == [D("-0.6667"), D("-0.6668"), D("-0.6667")]
    assert Balance.objects.filter(on_hand=0, value=0).count() == 1


def test_goods_in_without_a_cost_come_in_at_the_average_or_the_last_cost(shelf):
    sku, place = shelf
    factories.stock(sku, place, 4, "2.5")
    assert ledger.post(entries=[draft(sku, place, 2)]).posted[0].value == D(5)
    ledger.post(entries=[draft(sku, place, -6, key="all out")])
    assert ledger.post(entries=[draft(sku, place, 1, key="found")]).posted[0].value == D("2.5")


def test_a_reversal_never_takes_more_value_than_there_is(shelf):
    sku, place = shelf
    factories.stock(sku, place, 2, "1")
    posted = ledger.post(entries=[draft(sku, place, -1, value=D(-9))]).posted
    assert posted[0].value == D(-2)
    assert Balance.objects.get().value == 0


def test_incoming_goods_carry_no_value(shelf):
    sku, place = shelf
    ledger.post(entries=[draft(sku, place, 7, bucket=4)])
    balance = Balance.objects.get()
    assert (balance.incoming, balance.on_hand, balance.value) == (7, 0, 0)


@pytest.mark.parametrize(
    "fields",
    [{"bucket": 2}, {"bucket": 3}, {"quantity": 0}, {"key": ""}, {"value": D(-1)}, {"unit_cost": D(-1)}],
)
def test_senseless_entries_are_bugs_of_the_caller(shelf, fields):
    sku, place = shelf
    given = {"key": "k", "quantity": 1, **fields}
    with pytest.raises(ValueError):
        ledger.post(entries=[draft(sku, place, **given)])
    assert not Balance.objects.exists()


def test_a_quantity_beyond_counting_is_refused(shelf):
    sku, place = shelf
    most = D(9 * 10**15)
    ledger.post(entries=[draft(sku, place, most, unit_cost=D(0))])
    with pytest.raises(Exception, match="larger than stock can be"):
        ledger.post(entries=[draft(sku, place, most, key="k2", unit_cost=D(0))])
    assert Balance.objects.get().on_hand == most


def test_one_piece_of_news_per_balance_with_a_delivery_for_each_consumer(shelf, one_consumer):
    sku, place = shelf
    outbox.register_consumer("inventory.StockChangeDelivery", "alerts")
    ledger.post(entries=[draft(sku, place, 5), draft(sku, place, -2, key="k2", reason="lost")])
    news = StockChange.objects.get()
    assert (news.sku, news.warehouse, news.cause) == (sku, place, "lost")
    assert sorted(StockChangeDelivery.objects.values_list("event_id", "consumer", "state")) == [
        (news.pk, "alerts", "due"),
        (news.pk, "tester", "due"),
    ]


def test_a_refused_post_is_no_news(shelf):
    with pytest.raises(NegativeStock):
        ledger.post(entries=[draft(*shelf, -1)])
    assert not StockChange.objects.exists()


@pytest.mark.parametrize("lines", [1, 40])
def test_a_page_of_any_size_costs_the_same_statements(shelf, lines, one_consumer, django_assert_num_queries):
    place = shelf[1]
    skus = [factories.sku() for _ in range(lines)]
    for sku in skus:
        factories.stock(sku, place, 1)
    entries = [draft(sku, place, 1, key=f"p{sku.pk}") for sku in skus]
    with django_assert_num_queries(8):  # savepoint, lock, keys, balances, entries, news, deliveries, release
        ledger.post(entries=entries)


@pytest.mark.parametrize("sql", ["UPDATE inventory_stockentry SET quantity = 1", "DELETE FROM inventory_stockentry"])
def test_the_ledger_is_append_only(shelf, sql):
    from django.db import connection

    factories.stock(*shelf, 5)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        StockEntry.objects.all().delete()
    assert StockEntry.objects.get().quantity == 5


@pytest.mark.parametrize(
    "wrong",
    [{"on_hand": -1}, {"demand": -1}, {"reserved": 6}, {"incoming": -1}, {"value": -1}, {"on_hand": 0}],
)
def test_the_database_itself_refuses_an_impossible_balance(shelf, wrong):
    factories.stock(*shelf, 5)
    with pytest.raises(IntegrityError), transaction.atomic():
        Balance.objects.update(**wrong)
