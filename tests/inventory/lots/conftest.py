"""A tracked SKU in two warehouses, and short words for what the tests do to it."""

import datetime as dt
from decimal import Decimal

import pytest

from inventory import ledger
from inventory.lots import shelf, switching
from inventory.models import Balance, Lot, LotBalance, LotMovement, Tracking
from tests.inventory.factories import number, sku, warehouse

D = Decimal


@pytest.fixture
def here():
    return warehouse("HERE")


@pytest.fixture
def there():
    return warehouse("THERE")


@pytest.fixture
def milk():
    """An SKU tracked by lot and expiry date."""
    return tracked("MILK", Tracking.EXPIRY)


def tracked(code, tracking, **fields):
    made = sku(code, **fields)
    return switching.turn(sku_id=made.pk, tracking=tracking)


def in_days(days):
    """The day so many days from today, on the clock of the house."""
    return shelf.today() + dt.timedelta(days=days)


def come(item, place, lots, reason="receipt", reference=""):
    """Put {number: pieces} on the shelf in one movement; returns its key."""
    key, lots = f"in:{number()}", {one: D(pieces) for one, pieces in lots.items()}
    draft = ledger.EntryDraft(
        key=key, sku_id=item.pk, warehouse_id=place.pk, quantity=sum(lots.values()), unit_cost=D(1), reason=reason,
        reference=reference, lots=tuple((one, pieces) for one, pieces in lots.items() if one),
    )  # fmt: skip
    ledger.post(entries=[draft])
    return key


def go(item, place, pieces, reason="lost", **fields):
    """Take pieces off the shelf; returns the movement's key."""
    key = f"out:{number()}"
    draft = ledger.EntryDraft(
        key=key, sku_id=item.pk, warehouse_id=place.pk, quantity=-D(pieces), reason=reason, **fields
    )
    ledger.post(entries=[draft])
    return key


def expires(item, **days):
    """Say in how many days lots expire: A=10."""
    for name, left in days.items():
        Lot.objects.filter(sku=item, number=name).update(expires_on=in_days(left))


def lots(item, place):
    """What lies there: {number: pieces}."""
    rows = LotBalance.objects.filter(sku=item, warehouse=place, on_hand__gt=0).select_related("lot")
    return {row.lot.number: row.on_hand for row in rows}


def of(key):
    """The lots of one movement: {number: signed pieces}."""
    return {one.lot.number: one.quantity for one in LotMovement.objects.filter(key=key).select_related("lot")}


def apart():
    """Every sum of lots that is not what it has to be."""
    found = []
    for balance in Balance.objects.select_related("sku"):
        there = [one.on_hand for one in LotBalance.objects.filter(sku=balance.sku, warehouse=balance.warehouse_id)]
        moved = [one.quantity for one in LotMovement.objects.filter(sku=balance.sku, warehouse=balance.warehouse_id)]
        wanted = balance.on_hand if balance.tracking else D(0)
        if not sum(there, D(0)) == sum(moved, D(0)) == wanted:
            found.append(f"{balance}: lots {sum(there)}, moved {sum(moved)}")
        if balance.tracking != balance.sku.tracking:
            found.append(f"{balance}: tracking {balance.tracking}")
    return found
