"""Goods of a purchase order come with their lots."""

import pytest
from django.urls import reverse

from inventory.lots import keeping, switching
from inventory.lots.errors import LotRefused
from inventory.models import Access, Lot, Tracking
from orders.models import PurchaseReceipt
from orders.returns.places import quarantine_of
from orders.supply import receiving, returning
from tests.inventory.lots.conftest import apart, come, in_days, lots
from tests.orders.supply.conftest import LI, WU, D

pytestmark = pytest.mark.django_db


@pytest.fixture
def mug(buyer):
    switching.turn(sku_id=buyer.mug.pk, tracking=Tracking.EXPIRY)
    buyer.mug.refresh_from_db()
    return buyer.mug


def count(buyer, made, **fields):
    counted = receiving.Counted(**fields)
    return receiving.receive(order_id=made.pk, counts={buyer.line(made).pk: counted}, actor=WU, key=buyer.key())


def test_accepted_and_damaged_pieces_have_their_lot(buyer, mug):
    made = buyer.ordered()
    count(buyer, made, accepted=D(10), damaged=D(2), lot="A", expires_on="2027-03-31")
    count(buyer, made, accepted=D(12), lot="B*5 @ 2027-05-31\nC*7 @ 2027-06-30")
    from inventory.models import Warehouse

    apart_place = Warehouse.objects.get(pk=quarantine_of(buyer.place.pk))
    assert lots(mug, buyer.place) == {"A": D(10), "B": D(5), "C": D(7)}
    assert lots(mug, apart_place) == {"A": D(2)}
    assert apart() == []


def test_a_wrong_lot_books_nothing(buyer, mug):
    made = buyer.ordered()
    with pytest.raises(LotRefused) as refusal:
        count(buyer, made, accepted=D(10), lot="A")
    assert refusal.value.field == f"line_{buyer.line(made).pk}.expires_on"
    assert not PurchaseReceipt.objects.exists()
    assert not Lot.objects.exists()


def test_who_says_no_lot_gets_the_unknown_one(buyer, mug):
    count(buyer, buyer.ordered(), accepted=D(10))
    assert lots(mug, buyer.place) == {"": D(10)}


def test_the_page_asks_for_the_lot(buyer, mug, people):
    access, _made = Access.objects.get_or_create(user=people["warehouse_clerk"])
    access.warehouses.add(buyer.place)
    client, made = people.client("warehouse_clerk"), buyer.ordered()
    where, line = reverse("admin:orders_purchaseorder_receive", args=[made.pk]), buyer.line(made).pk
    shown = client.get(where).content.decode()
    assert f'name="lot_{line}"' in shown
    typed = {f"accepted_{line}": "10", f"damaged_{line}": "0", f"refused_{line}": "0", "once": "x"}
    refused = client.post(where, typed)
    assert "MUG is tracked: say which lot it is." in refused.content.decode()
    client.post(where, {**typed, f"lot_{line}": "A", f"expires_{line}": "2027-03-31"})
    assert lots(mug, buyer.place) == {"A": D(10)}


def test_what_came_with_the_order_goes_back_to_the_supplier_or_the_lots_that_are_said(buyer, mug):
    made = buyer.ordered()
    come(mug, buyer.place, {"OLD": 5})
    Lot.objects.filter(number="OLD").update(expires_on=in_days(3))
    count(buyer, made, accepted=D(10), lot="A × 6; B × 4", expires_on=str(in_days(90)))
    line = buyer.line(made).pk

    def back(key, quantity, lot=""):
        goods = [returning.Back(line_id=line, quantity=D(quantity), lot=lot)]
        return returning.send_back(order_id=made.pk, goods=goods, reason="cracked", actor=LI, key=key)

    back("1", 7)
    assert lots(mug, buyer.place) == {"OLD": D(5), "B": D(3)}
    back("2", 1, "B")
    assert lots(mug, buyer.place) == {"OLD": D(5), "B": D(2)}
    with pytest.raises(LotRefused) as refusal:
        back("3", 2, "NONE")
    assert refusal.value.code == "unknown_lot"
    assert (lots(mug, buyer.place), apart()) == ({"OLD": D(5), "B": D(2)}, [])


def test_a_lot_that_is_blocked_goes_back_as_what_came_with_the_order_and_serials_by_their_number(buyer, mug):
    made = buyer.ordered()
    come(mug, buyer.place, {"OLD": 5})
    count(buyer, made, accepted=D(10), lot="A", expires_on=str(in_days(90)))
    keeping.block(lot_id=Lot.objects.get(number="A").pk, reason="glaze")
    goods = [returning.Back(line_id=buyer.line(made).pk, quantity=D(10))]
    returning.send_back(order_id=made.pk, goods=goods, reason="cracked", actor=LI, key="1")
    assert (lots(mug, buyer.place), apart()) == ({"OLD": D(5)}, [])


def test_the_page_sends_back_the_lots_that_are_typed(buyer, mug, people):
    Access.objects.get_or_create(user=people["buyer"], defaults={"all_shops": True, "all_warehouses": True})
    client, made = people.client("buyer"), buyer.ordered()
    count(buyer, made, accepted=D(10), lot="A × 6; B × 4", expires_on=str(in_days(90)))
    line = buyer.line(made).pk
    shown = client.get(reverse("admin:orders_purchaseorder_change", args=[made.pk])).content.decode()
    assert f'name="shelf_lot_{line}"' in shown
    where = reverse("admin:orders_purchaseorder_do", args=[made.pk])
    typed = {"do": "back", "once": "x", "reason": "cracked", f"shelf_{line}": "3", f"shelf_lot_{line}": "B"}
    client.post(where, typed)
    assert lots(mug, buyer.place) == {"A": D(6), "B": D(1)}
