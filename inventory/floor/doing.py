"""One thing done on a phone: received, put into another bin, moved to another warehouse. The same key again: done once.

The row of the action is written first, in the transaction of what it does: a second sending meets its key and waits.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import access, adjusting, arrivals, moving
from inventory.floor import bins
from inventory.lots import saying, scanning
from inventory.lots.errors import refused as lots_refused
from inventory.models import ExpectedArrival, FloorAction, Reason, Sku, StockDocument, Warehouse
from inventory.readable import pieces
from inventory.stocktakes.lines import found

Kind = FloorAction.Kind
REASONS = (Reason.RECEIPT, Reason.FOUND, Reason.CORRECTION)  # why goods come in that nobody expected
RIGHTS = {
    Kind.RECEIVE: "inventory.receive_expectedarrival",
    Kind.FREE: "inventory.count_stock",
    Kind.BIN: "inventory.change_shelfplace",
    Kind.MOVE: "inventory.count_stock",
}
MOST = Decimal(10**9)
LONG_AGO = dt.timedelta(days=3)


class FloorRefused(YikuError):
    """This was not done; the sentence says why. Nothing was changed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a phone asks for."""

    key: str
    kind: str
    code: str
    warehouse_id: int
    quantity: Decimal | None = None
    destination_id: int | None = None
    arrival_id: int | None = None
    finished: bool = False
    bin: str = ""
    reason: str = ""
    note: str = ""
    at: dt.datetime | None = None
    lot: str = ""
    expires_on: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What became of it, for the phone."""

    ok: bool
    code: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """The answer to one scan."""
        return {"ok": self.ok, "code": self.code, "message": self.message}


def carry_out(*, wish: Wish, user: User) -> Told:
    """Do what a phone asks for, once for its key. Raises YikuError with a sentence; nothing has changed then."""
    work = WORK.get(wish.kind)
    if work is None or not wish.key:
        raise FloorRefused("unknown_action", _("This page is out of date: load it anew."))
    if not user.has_perm(RIGHTS[Kind(wish.kind)]):
        raise FloorRefused("not_allowed", _("You may not do this. Ask whoever gives out the rights."))
    if _done(wish, user):
        return Told(True, "repeated", _now("Done already: it is not done twice."))
    try:
        with transaction.atomic():
            return _carry_out(wish, user, work)
    except IntegrityError:
        if _done(wish, user):  # the same sending, twice in one moment
            return Told(True, "repeated", _now("Done already: it is not done twice."))
        raise


def _done(wish: Wish, user: User) -> bool:
    """True when this was done; somebody else's key, or another action's, is not this one."""
    row = FloorAction.objects.filter(key=wish.key).first()
    if row is not None and (row.person_id, row.kind) != (user.pk, wish.kind):
        raise FloorRefused("key_reused", _("This page is out of date: load it anew."))
    return row is not None


def _carry_out(wish: Wish, user: User, work: Callable[[FloorAction, Wish, User], str]) -> Told:
    place = _warehouse(wish.warehouse_id, user)
    sku, many = found(wish.code)
    action = FloorAction(
        key=wish.key, kind=wish.kind, sku=sku, warehouse=place, person=user, note=wish.note[:300],
        quantity=None if wish.quantity is None else _quantity(wish.quantity) * many,
        scanned_at=_moment(wish.at), done_at=clock.now(),
    )  # fmt: skip
    action.save()
    message = work(action, wish, user)
    action.save()
    after = {"sku": sku.code, "warehouse": place.code, "quantity": str(action.quantity or ""), "bin": action.to_bin}
    audit.record(action=f"floor.{wish.kind}", target=action, after=after)
    return Told(True, "done", message)


def _moment(at: dt.datetime | None) -> dt.datetime:
    """A phone's clock may be wrong: never later than now."""
    now = clock.now()
    return min(at, now) if at and now - at < LONG_AGO else now


def _quantity(quantity: Decimal) -> Decimal:
    if not quantity.is_finite() or not 0 < quantity < MOST or quantity * 1000 % 1:
        message = _("This is not a quantity: a number above 0 with at most three decimals.")
        raise FloorRefused("bad_quantity", message, field="quantity")
    return quantity


def _warehouse(pk: int | None, user: User) -> Warehouse:
    place = access.visible(user, Warehouse.objects.filter(pk=pk or 0)).first()
    if place is None:
        raise FloorRefused("no_such_warehouse", _("There is no such warehouse."), field="warehouse")
    if place.read_only or not place.active:
        message = _("Nothing is moved in “%(warehouse)s”: it is closed, or somebody else keeps its stock.")
        raise FloorRefused("closed_warehouse", message, params={"warehouse": place.name}, field="warehouse")
    return place


def _demand_quantity(action: FloorAction) -> Decimal:
    if action.quantity is None:
        raise FloorRefused("bad_quantity", _("Say how many pieces."), field="quantity")
    return action.quantity


# --- the kinds -------------------------------------------------------------------------------------------------------


def _receive(action: FloorAction, wish: Wish, user: User) -> str:
    """Goods somebody expected: more than that is received too."""
    quantity = _demand_quantity(action)
    rows = access.visible(user, ExpectedArrival.objects.filter(pk=wish.arrival_id or 0))
    row = rows.filter(sku=action.sku, warehouse=action.warehouse).first()
    if row is None:
        message = _("No delivery of %(sku)s is expected there any more. Receive it without a delivery.")
        raise FloorRefused("no_such_delivery", message, params={"sku": action.sku.code})
    lot, expires_on = _lot(wish, action.sku)
    row = arrivals.receive(
        arrival_id=row.pk, quantity=quantity, finished=wish.finished, lot=lot, expires_on=expires_on, demand_lot=True
    )
    action.arrival, action.reference = row, row.reference
    _shelve(action, wish, user)
    over = row.received_quantity - row.quantity
    if over > 0:
        told = {"n": pieces(quantity), "sku": action.sku.code, "over": pieces(over)}
        return _now("%(n)s of %(sku)s received, %(over)s more than expected.") % told
    return _now("%(n)s of %(sku)s received.") % {"n": pieces(quantity), "sku": action.sku.code}


def _free(action: FloorAction, wish: Wish, user: User) -> str:
    """Goods nobody expected come in with a reason; above the person's limit somebody else has to say yes."""
    quantity = _demand_quantity(action)
    if wish.reason not in REASONS:
        raise FloorRefused("no_reason", _("Say why these goods come in."), field="reason")
    lot, expires_on = _lot(wish, action.sku)
    if action.sku.tracking and not lot:
        raise lots_refused("lot_missing", sku=action.sku.code, field="lot")
    line = adjusting.Line(sku_id=action.sku_id, change=quantity, lot=lot, expires_on=expires_on)
    document = adjusting.adjust(
        warehouse_id=action.warehouse_id, lines=[line],
        reason=wish.reason, note=wish.note[:300], user=user,
    )  # fmt: skip
    action.reference = document.reference
    _shelve(action, wish, user)
    told = {"n": pieces(quantity), "sku": action.sku.code}
    if document.state != StockDocument.State.POSTED:
        return _now("%(n)s of %(sku)s proposed: above your limit, somebody else posts it.") % told
    return _now("%(n)s of %(sku)s received.") % told


def _lot(wish: Wish, sku: Sku) -> tuple[str, str]:
    """What was typed, else what the scanned GS1 code says."""
    read = scanning.read(wish.code)
    if wish.lot.strip() or read is None:
        return wish.lot, wish.expires_on
    expires = read.expires_on.isoformat() if read.expires_on else wish.expires_on
    return read.number(sku.tracking), expires


def _bin(action: FloorAction, wish: Wish, user: User) -> str:
    """The SKU lies in another bin of the same warehouse."""
    action.quantity = None  # all of it: a SKU has one bin in a warehouse
    action.from_bin, action.to_bin = _put(action.sku, action.warehouse, wish.bin, user)
    told = {"sku": action.sku.code, "before": action.from_bin or "–", "now": action.to_bin}
    return _now("%(sku)s: from %(before)s to %(now)s.") % told


def _move(action: FloorAction, wish: Wish, user: User) -> str:
    """Pieces go to another warehouse, with their value."""
    quantity = _demand_quantity(action)
    destination = _warehouse(wish.destination_id, user)
    if destination.pk == action.warehouse_id:
        raise FloorRefused("same_warehouse", _("The goods are in this warehouse already."), field="destination")
    action.destination, action.reference = destination, f"inventory.floor:{action.pk}"
    moving.move(
        key=action.reference, sku_id=action.sku_id, quantity=quantity, origin_id=action.warehouse_id,
        destination_id=destination.pk, reference=action.reference, actor=user.get_username(),
        lots=tuple((one.number, one.quantity) for one in saying.said(
            action.sku, quantity, _lot(wish, action.sku)[0], demanded=False, dated=False)),
    )  # fmt: skip
    if wish.bin:
        _before, action.to_bin = _put(action.sku, destination, wish.bin, user)
    told = {"n": pieces(quantity), "sku": action.sku.code, "warehouse": destination.name}
    return _now("%(n)s of %(sku)s moved to %(warehouse)s.") % told


def _shelve(action: FloorAction, wish: Wish, user: User) -> None:
    if wish.bin:
        action.from_bin, action.to_bin = _put(action.sku, action.warehouse, wish.bin, user)


def _put(sku: Sku, warehouse: Warehouse, name: str, user: User) -> tuple[str, str]:
    return bins.put(sku=sku, warehouse=warehouse, name=name, actor=user.get_username())


WORK: dict[str, Callable[[FloorAction, Wish, User], str]] = {
    Kind.RECEIVE: _receive, Kind.FREE: _free, Kind.BIN: _bin, Kind.MOVE: _move,
}  # fmt: skip
