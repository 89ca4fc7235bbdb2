"""How goods are told apart, by file: in and out in both languages, undone, refused where goods lie."""

import pytest

from backoffice.imports import applying
from inventory.lots import switching
from inventory.models import Sku, Tracking
from tests.inventory.factories import sku, stock, warehouse
from tests.inventory.importing.conftest import counts, said
from tests.inventory.lots.conftest import lots

pytestmark = pytest.mark.django_db
SKUS = "inventory.skus"
HEADER = ("SKU code", "name", "批次管理", "保质期")


def how():
    return dict(Sku.objects.values_list("code", "tracking"))


def test_new_and_empty_skus_are_tracked_as_the_file_says_and_undone(take):
    sku("A")
    run = take(
        SKUS, HEADER, ("A", "A", "按批次和有效期", 365), ("B", "B", "By serial number", None), ("C", "C", None, None)
    )
    assert counts(run) == (2, 1, 0, 0)
    assert how() == {"A": Tracking.EXPIRY, "B": Tracking.SERIAL, "C": Tracking.NONE}
    assert Sku.objects.get(code="A").shelf_life_days == 365
    applying.undo(run_id=run.pk, user=run.owner)
    assert how() == {"A": Tracking.NONE}


def test_goods_that_lie_there_are_not_told_apart_by_a_file(look):
    stock(sku("A"), warehouse(), 3)
    switching.turn(sku_id=Sku.objects.get().pk, tracking=Tracking.LOT)
    run = look(SKUS, HEADER, ("A", "A", "Not tracked", None), ("B", "B", "by colour", None))
    assert counts(run) == (0, 0, 0, 2)
    assert "Goods of it lie in stock" in said(run)[2]
    assert "by colour" in said(run)[3]
    assert how() == {"A": Tracking.LOT}


def test_opening_stock_says_its_lots_by_row_and_column(look, take, owner):
    place = warehouse("SZ")
    milk, plain = sku("MILK"), sku("PLAIN")
    switching.turn(sku_id=milk.pk, tracking=Tracking.EXPIRY)
    header = ("sku", "quantity", "warehouse", "批次", "到期日")
    run = look("inventory.opening", header, ("MILK", 5, "SZ", None, None), ("PLAIN", 3, "SZ", "A", None), user=owner)
    assert "MILK is tracked: say which lot it is." in said(run)[2]
    assert "PLAIN is not tracked by lots" in said(run)[3]
    run = look("inventory.opening", header, ("MILK", 5, "SZ", "A", None), user=owner)
    assert "needs an expiry date" in said(run)[2]
    take("inventory.opening", header, ("MILK", 5, "SZ", "A*2; B*3", "2027-03-31"), ("PLAIN", 3, "SZ", None, None),
         user=owner)  # fmt: skip
    assert lots(milk, place) == {"A": 2, "B": 3}
    assert {str(lot.expires_on) for lot in milk.lots.all()} == {"2027-03-31"}
    assert lots(plain, place) == {}
