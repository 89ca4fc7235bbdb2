"""How goods are valued: chosen once, changed later by one deed that opens (or closes) a layer for every balance.

Whoever changes it holds the table of balances for himself: everybody else locks balances to move goods, waits, and then
reads the new method with the lock.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Q, Sum
from django.utils.formats import date_format
from django.utils.timezone import localtime

from backoffice import audit, clock
from backoffice.models import User
from backoffice.roles import OWNER, has_role
from inventory.costing.errors import refused
from inventory.models import Balance, CostLayer, CostSetting

Method = CostSetting.Method
KEY = "inventory.costing:"  # how the entries of a change of method begin
# Everything a balance holds becomes one layer, as old as the change.
OPEN = """
INSERT INTO inventory_costlayer (sku_id, warehouse_id, entry_key, position, origin, received_at, opened_quantity,
  opened_value, quantity, value)
SELECT sku_id, warehouse_id, %s || sku_id || '@' || warehouse_id, 0, %s || sku_id || '@' || warehouse_id, %s, on_hand,
  value, on_hand, value FROM inventory_balance WHERE on_hand > 0
"""
NOTE = """
INSERT INTO inventory_layeruse (layer_id, entry_key, source, quantity, value)
SELECT id, %s || sku_id || '@' || warehouse_id, '', quantity, value FROM inventory_costlayer WHERE quantity > 0
"""
CLOSE = "UPDATE inventory_costlayer SET quantity = 0, value = 0 WHERE quantity > 0"


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What a change of method would touch."""

    setting: CostSetting
    balances: int
    pieces: Decimal
    value: Decimal
    layers: int

    @property
    def other(self) -> str:
        """The method that is not in use."""
        return Method.AVERAGE if self.setting.method == Method.FIFO else Method.FIFO

    @property
    def free(self) -> bool:
        """True while nothing of value is there: the method may just be chosen."""
        return not self.value


def setting() -> CostSetting:
    """Return the row, or one with the defaults that is not saved yet."""
    return CostSetting.objects.filter(pk=1).first() or CostSetting(pk=1)


def standing() -> Standing:
    """Return the method and what lies in stock, in three queries."""
    there = Balance.objects.aggregate(
        balances=Count("pk", filter=Q(on_hand__gt=0)), pieces=Sum("on_hand"), value=Sum("value")
    )
    layers = CostLayer.objects.filter(quantity__gt=0).count()
    zero = Decimal(0)
    return Standing(setting(), there["balances"], there["pieces"] or zero, there["value"] or zero, layers)


@transaction.atomic
def choose(*, method: str, late: str, user: User | None) -> CostSetting:
    """Save the settings; the method as long as the ledger holds no goods with value.

    Raises CostRefused: owner, worth.
    """
    _demand_owner(user)
    row = _locked()
    before = {"method": row.method, "late": row.late}
    if method != row.method:
        worth = standing().value
        if worth:
            raise refused("worth", value=f"{worth:.2f}")
        _turn(row, method)
    row.late = late
    return _saved(row, user, "costing.settings", before)


@transaction.atomic
def change_now(*, method: str, turn: int, user: User | None) -> CostSetting:
    """Value goods by the other method from now on. What is there keeps its value, to the cent.

    `turn` is the one the person looked at. Raises CostRefused: owner, stale, same.
    """
    _demand_owner(user)
    row = _locked()
    if row.turn != turn:
        when = date_format(localtime(row.changed_at), "SHORT_DATETIME_FORMAT") if row.changed_at else "–"
        raise refused("stale", who=row.changed_by or "–", when=when)
    if row.method == method:
        raise refused("same", method=row.get_method_display())
    before = {"method": row.method}
    there = standing()
    _turn(row, method)
    return _saved(row, user, "costing.method", before, balances=there.balances, value=f"{there.value:f}")


def _demand_owner(user: User | None) -> None:
    if user is not None and not has_role(user, OWNER):
        raise refused("owner")


def _locked() -> CostSetting:
    """The row, with all balances to ourselves until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE inventory_balance IN EXCLUSIVE MODE")
    CostSetting.objects.get_or_create(pk=1)
    return CostSetting.objects.select_for_update().get(pk=1)


def _turn(row: CostSetting, method: str) -> None:
    row.turn, row.method = row.turn + 1, method
    name = f"{KEY}{row.turn}/"
    with connection.cursor() as cursor:
        if method == Method.FIFO:
            cursor.execute(OPEN, [name, name, _moment(clock.now())])
        else:
            cursor.execute(NOTE, [name])
            cursor.execute(CLOSE)


def _moment(now: dt.datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(now)


def _saved(row: CostSetting, user: User | None, action: str, before: dict[str, str], **told: object) -> CostSetting:
    row.changed_at = clock.now()
    row.changed_by = audit.current_actor().name if user is None else user.get_username()[:150]
    row.save()
    audit.record(action=action, target=row, before=before, after={"method": row.method, "late": row.late, **told})
    return row
