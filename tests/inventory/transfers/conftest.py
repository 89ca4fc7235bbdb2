"""Two warehouses with stock, and people who move it."""

from decimal import Decimal

import pytest

from inventory.models import Access, Balance, Transfer, TransferLine
from inventory.transfers import picking, planning, receiving
from inventory.transfers.planning import Wish
from tests.inventory.factories import sku, stock, warehouse

D = Decimal


@pytest.fixture
def here():
    return warehouse("HERE")


@pytest.fixture
def there():
    return warehouse("THERE", adjust_limit=D(2))


@pytest.fixture
def a(here):
    """Ten of A worth 10.01 in all."""
    made = sku("A")
    stock(made, here, 7, "1")
    stock(made, here, 3, "1.003333")
    return made


@pytest.fixture
def b(here):
    """Five of B at 3.00."""
    made = sku("B")
    stock(made, here, 5, "3")
    return made


@pytest.fixture
def person(people):
    """Somebody of a role who sees every warehouse."""

    def named(role="warehouse_clerk"):
        Access.objects.get_or_create(user=people[role], defaults={"all_shops": True, "all_warehouses": True})
        return people[role]

    return named


@pytest.fixture
def clerk(person):
    return person("warehouse_clerk")


@pytest.fixture
def owner(person):
    return person("owner")


@pytest.fixture
def planned(here, there):
    """A draft of (SKU, pieces)."""

    def make(*goods, user=None, **fields):
        lines = [Wish(sku_id=item.pk, quantity=D(quantity)) for item, quantity in goods]
        return planning.plan(origin=here, destination=there, lines=lines, user=user, **fields)

    return make


@pytest.fixture
def sent(planned):
    """A transfer that has left."""

    def make(*goods, user=None):
        made = planned(*goods)
        planning.request(transfer_id=made.pk, user=user)
        picking.pick(transfer_id=made.pk, user=user)
        return picking.send(transfer_id=made.pk, user=user)

    return make


def line(transfer, item=None) -> TransferLine:
    """The line of a SKU, or the only one."""
    return transfer.lines.get(sku=item) if item else transfer.lines.get()


def came(transfer, good, damaged=0, item=None, user=None, **fields):
    """Receive so many of the only line."""
    row = receiving.Came(line_id=line(transfer, item).pk, good=D(good), damaged=D(damaged))
    return receiving.receive(transfer_id=transfer.pk, came=[row], user=user, **fields)


def lies(item, place):
    """(on hand, incoming, value) of a SKU in a warehouse."""
    row = Balance.objects.filter(sku=item, warehouse=place).first()
    return (row.on_hand, row.incoming, row.value) if row else (D(0), D(0), D(0))


def under_way(item):
    """(pieces, value) of a SKU in the account of goods under way."""
    row = Balance.objects.filter(sku=item, warehouse__kind="transit").first()
    return (row.on_hand, row.value) if row else (D(0), D(0))


def state(transfer) -> str:
    """Its state in the database."""
    return Transfer.objects.get(pk=transfer.pk).state
