"""Real threads on a real database: the last layer, a cost that comes while goods leave, the same button twice."""

import threading
from decimal import Decimal

import pytest

from inventory import ledger
from inventory.costing import correcting, method
from inventory.costing.ripple import Correction
from inventory.errors import NegativeStock
from inventory.ledger import EntryDraft
from inventory.models import Balance, CostLayer, CostSetting
from tests.inventory import factories
from tests.inventory.costing.conftest import unsound, use
from tests.inventory.threads import after, errors, slowly, together

D = Decimal
pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shelf(transactional_db):
    """Five pieces worth 10 in one layer."""
    use("fifo")
    sku, place = factories.sku(), factories.warehouse()
    post("in", sku, place, 5, D(2))
    return sku, place


def post(key, sku, place, quantity, cost=None):
    draft = EntryDraft(
        key=key, sku_id=sku.pk, warehouse_id=place.pk, quantity=D(quantity), unit_cost=cost, reason="correction"
    )
    return ledger.post(entries=[draft])


def test_two_shipments_want_the_last_layer_and_one_gets_it(shelf):
    results = together(lambda: post("a", *shelf, -4), lambda: post("b", *shelf, -4))
    assert [type(one) for one in errors(results)] == [NegativeStock]
    assert (CostLayer.objects.get().quantity, Balance.objects.get().value) == (1, 2)
    assert unsound() == []


def test_two_that_both_fit_share_a_layer_to_the_cent(shelf):
    assert errors(together(lambda: post("a", *shelf, -2), lambda: post("b", *shelf, -2))) == []
    assert (CostLayer.objects.get().quantity, CostLayer.objects.get().value) == (1, 2)
    assert unsound() == []


def test_a_cost_comes_while_goods_leave_and_nothing_is_lost(shelf):
    booked = []

    def cost():
        booked.append(correcting.book(corrections=[Correction("in", D(5))], reference="c"))

    assert errors(together(cost, lambda: post("out", *shelf, -3))) == []
    gone = 10 + booked[0].kept_amount - Balance.objects.get().value
    assert booked[0].kept_amount + booked[0].gone_amount == 5
    assert gone in (6, 9)  # at the old cost, or with its share of the new one
    assert unsound() == []


def test_goods_that_come_while_the_method_changes_have_their_layer(transactional_db):
    sku, place = factories.sku(), factories.warehouse()
    post("in", sku, place, 5, D(2))
    begun = threading.Event()
    change = slowly(lambda: method.change_now(method="fifo", turn=0, user=None), begun)
    assert errors(together(change, after(begun, lambda: post("more", sku, place, 3, D(4))))) == []
    assert sorted(CostLayer.objects.values_list("quantity", "value")) == [(3, 12), (5, 10)]
    assert unsound() == []


def test_the_same_button_twice_changes_the_method_once(transactional_db):
    post("in", factories.sku(), factories.warehouse(), 5, D(2))
    jobs = [lambda: method.change_now(method="fifo", turn=0, user=None)] * 2
    assert len(errors(together(*jobs))) == 1
    assert (CostSetting.objects.get().turn, CostLayer.objects.count()) == (1, 1)
