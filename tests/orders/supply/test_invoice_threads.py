"""Real threads on PostgreSQL: one invoice from two files, by file and by hand, taken back twice, goods in two files."""

import datetime as dt
import functools

import pytest

from backoffice.imports import applying, reading
from backoffice.imports.errors import ImportRefused
from inventory.models import Access, Balance
from orders.models import CostDocument, SupplierInvoice
from orders.supply import invoicing
from orders.supply.costs import withdrawing
from orders.supply.errors import SupplyError
from tests.inventory.importing.conftest import xlsx
from tests.inventory.invariants import broken
from tests.inventory.threads import errors, together
from tests.orders.supply.conftest import LI, Buyer, D
from tests.orders.supply.invoice_kit import HEADER, KIND, asked

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def buying(transactional_db) -> Buyer:
    return Buyer()


@pytest.fixture
def owner(people):
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    return people["owner"]


def came(buyer, *lines):
    made = buyer.ordered(*(lines or ((buyer.mug, 24, "4"), (buyer.cup, 10, "2"))))
    for line in made.lines.order_by("row"):
        buyer.receive(made, line.quantity, line=line)
    return made


def preview(owner, *rows):
    return reading.preview(kind=KIND, user=owner, file=xlsx((HEADER, *rows)), options={"carry": "book"})


def applied(owner, *runs):
    return together(*(functools.partial(applying.apply, run_id=run.pk, user=owner) for run in runs))


def worth(buyer):
    return [int(Balance.objects.get(sku=sku, warehouse=buyer.place).value) for sku in (buyer.mug, buyer.cup)]


@pytest.mark.parametrize("turn", range(3))
def test_one_invoice_from_two_files_is_written_down_once(buying, owner, turn):
    made = came(buying)
    results = applied(owner, preview(owner, asked(made)), preview(owner, asked(made, note="the other file")))
    refused = errors(results)
    assert [type(one) for one in refused] == [ImportRefused]
    assert (SupplierInvoice.objects.count(), CostDocument.objects.count(), worth(buying)) == (1, 1, [108, 20])
    assert broken() == []


def test_one_press_twice_imports_once(buying, owner):
    run = preview(owner, asked(came(buying)))
    assert errors(applied(owner, run, run)) == []
    assert (SupplierInvoice.objects.count(), worth(buying)) == (1, [108, 20])


@pytest.mark.parametrize("turn", range(3))
def test_by_file_and_by_hand_for_another_order_at_once_it_is_one_of_them(buying, owner, turn):
    one, other = came(buying), came(buying)
    run = preview(owner, asked(one))
    rows = {buying.line(other).pk: (D(24), D("4.5"))}
    results = together(
        lambda: applying.apply(run_id=run.pk, user=owner),
        lambda: invoicing.note_invoice(
            order_id=other.pk, number="INV-1", issued_on=dt.date(2026, 11, 5), rows=rows, actor=LI
        ),
    )
    assert len(errors(results)) == 1
    assert isinstance(errors(results)[0], ImportRefused | SupplyError)
    assert SupplierInvoice.objects.count() == 1


@pytest.mark.parametrize("turn", range(3))
def test_files_whose_goods_stand_in_other_order_do_not_wait_for_each_other(buying, owner, turn):
    one, other = came(buying), came(buying, (buying.cup, 10, "2"), (buying.mug, 24, "4"))
    runs = (preview(owner, asked(one, number="A"), asked(one, "CUP", 10, 3, number="B")),
            preview(owner, asked(other, "CUP", 10, 3, number="C"), asked(other, number="D")))  # fmt: skip
    refused = errors(applied(owner, *runs))
    assert {one.code for one in refused} <= {
        "preview_moved",
        "row_failed",
    }  # the other's price counts
    for run in runs:
        run.refresh_from_db()
        if run.state == "preview":
            applying.apply(run_id=run.pk, user=owner)
    assert worth(buying) == [96 * 2 + 24, 20 * 2 + 20]
    assert broken() == []


@pytest.mark.parametrize("turn", range(3))
def test_taken_back_twice_at_once_it_is_taken_back_once(buying, owner, turn):
    applied(owner, preview(owner, asked(came(buying))))
    invoice = SupplierInvoice.objects.get()
    back = functools.partial(withdrawing.withdraw, invoice_id=invoice.pk, actor=LI, may_book=True)
    assert [one.code for one in errors(together(back, back))] == ["invoice_undone"]
    assert (worth(buying), CostDocument.objects.get().state) == ([96, 20], "undone")
    assert broken() == []
