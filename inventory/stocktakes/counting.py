"""Figures that come in one by one (a phone), disputes between counts, the end of counting, the recount."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.models import ApiKey, User
from inventory.access import Doer, person
from inventory.models import Stocktake, StocktakeCount, StocktakeLine
from inventory.readable import pieces
from inventory.stocktakes import figures, lines
from inventory.stocktakes.errors import (
    State,
    StocktakeRefused,
    demand,
    demand_counter,
    demand_warehouse,
    locked,
)

CLOCK_SLACK = dt.timedelta(minutes=5)
OLDEST = dt.timedelta(days=3)  # what was counted longer ago is no figure of this count
MOST = Decimal(10**9)


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What became of one figure, for the page that sent it."""

    ok: bool
    code: str
    message: str
    line_id: int = 0

    def to_json(self) -> dict[str, Any]:
        """The answer of the scan endpoint."""
        return {"ok": self.ok, "code": self.code, "message": self.message, "line": self.line_id}


def count(
    *,
    stocktake_id: int,
    code: str,
    quantity: Decimal,
    user: Doer,
    key: str,
    bin: str = "",
    counted_at: dt.datetime | None = None,
    lot: str = "",
    expires_on: str = "",
) -> Told:
    """Take one figure: a SKU code or barcode (that of a case counts cases) and how many lie there.

    An API key's figures are known by `key`, which must begin with `mark_of` it.
    Of tracked goods it is the figure of one lot: the one named, else that of a GS1 code.
    The same `key` again changes nothing. The same person counting the same bin again corrects the earlier figure;
    somebody else's stays beside it, and when they differ the line waits for a decision.
    """
    now = clock.now()
    moment = _moment(counted_at, now)
    _demand_quantity(quantity)
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        known = StocktakeCount.objects.filter(stocktake=stocktake, key=key[:64]).select_related("line").first()
        if known:
            return Told(True, "repeated", _now("Kept already."), known.line_id or 0)
        demand(stocktake, State.COUNTING)
        demand_warehouse(stocktake, user)
        demand_counter(stocktake, user)
        sku, many = lines.found(code)
        line = lines.line_of(stocktake, sku, lines.said(sku, code, lot, expires_on, quantity * many))
        place = lines.place_of(sku, line.bin, bin)
        corrected = _put(stocktake, line, place, quantity * many, user, key[:64], moment)
        line.refresh_from_db(fields=["conflict", "counted_quantity"])
        return _told(line.lot and f"{sku.code} {line.lot}" or sku.code, line, quantity * many, corrected)


def _moment(counted_at: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """A phone's clock may be wrong: never later than now."""
    return min(counted_at, now) if counted_at and now - counted_at < OLDEST else now


def _demand_quantity(quantity: Decimal) -> None:
    if not quantity.is_finite() or quantity >= MOST or quantity * 1000 % 1:
        raise StocktakeRefused("bad_quantity", _("This is not a quantity: a number with at most three decimals."))
    if quantity < 0:
        raise StocktakeRefused("negative_count", _("A shelf cannot hold less than nothing: count 0 or more."))


def _put(
    stocktake: Stocktake,
    line: StocktakeLine,
    place: str,
    quantity: Decimal,
    user: Doer,
    key: str,
    moment: dt.datetime,
) -> Decimal | None:
    """Write the figure; returns the one it corrects, if the person had counted this bin by hand before."""
    mine = line.counts.filter(active=True, round=line.round, bin=place, person=person(user), sheet=None)
    if isinstance(user, ApiKey):  # no person: its figures are known by their keys
        mine = mine.filter(key__startswith=mark_of(user))
    before = mine.values_list("quantity", flat=True).first()
    mine.update(active=False)
    StocktakeCount.objects.create(
        stocktake=stocktake, line=line, round=line.round, bin=place, quantity=quantity, counted_at=moment,
        active=True, key=key or None, person=person(user),
    )  # fmt: skip
    figures.agree(stocktake, [line.pk])
    if line.counted_quantity is None:
        Stocktake.objects.filter(pk=stocktake.pk).update(counted_count=F("counted_count") + 1)
    return before


def mark_of(key: ApiKey) -> str:
    """Return what the keys of the figures of an API key begin with: how its own are told from others'."""
    return f"api:{key.pk}:"


def _told(what: str, line: StocktakeLine, quantity: Decimal, corrected: Decimal | None) -> Told:
    if line.conflict:
        text = _now("%(sku)s in this bin was counted before, differently: the two counts wait for a decision.")
        return Told(True, "conflict", text % {"sku": what}, line.pk)
    if corrected is not None and corrected != quantity:
        text = _now("%(sku)s: %(now)s instead of %(before)s.")
        figures_said = {"sku": what, "now": pieces(quantity), "before": pieces(corrected)}
        return Told(True, "corrected", text % figures_said, line.pk)
    return Told(True, "counted", "", line.pk)


@transaction.atomic
def decide(*, count_id: int, user: User | None) -> StocktakeLine:
    """Let one of several counts of a bin hold; the others of that bin no longer count."""
    chosen = StocktakeCount.objects.select_related("line__sku").get(pk=count_id)
    stocktake = locked(chosen.stocktake_id)
    demand(stocktake, State.COUNTING)
    demand_warehouse(stocktake, user)
    line = chosen.line
    if line is None or not StocktakeCount.objects.filter(pk=count_id, active=True, round=line.round).exists():
        raise StocktakeRefused("count_gone", _("This count no longer stands: somebody has decided already."))
    rivals = line.counts.filter(active=True, round=line.round, bin=chosen.bin).exclude(pk=chosen.pk)
    after = {"held": pieces(chosen.quantity), "left": [pieces(one.quantity) for one in rivals]}
    rivals.update(active=False)
    figures.agree(stocktake, [line.pk])
    figures.total(stocktake)
    audit.record(action="stocktake.decide", target=stocktake, summary=line.sku.code, after=after)
    return line


ZEROES = """INSERT INTO inventory_stocktakecount (stocktake_id, line_id, row, round, bin, quantity, counted_at, active,
  difference, doubled, person_id)
SELECT l.stocktake_id, l.id, 0, l.round, l.bin, 0, %s, TRUE, 0, FALSE, %s FROM inventory_stocktakeline l
WHERE l.stocktake_id = %s AND l.counted_quantity IS NULL AND l.round = %s"""


def close(*, stocktake_id: int, user: User | None, rest_is_zero: bool = False) -> Stocktake:
    """End the counting. What nobody counted is left as it is, or taken for empty when the person says so.

    With a difference above the warehouse's limit it goes under review, else whoever counts may post it.
    Raises StocktakeRefused while counts disagree, or when nothing was counted.
    """
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        demand(stocktake, State.COUNTING)
        demand_warehouse(stocktake, user)
        demand_counter(stocktake, user)
        now = clock.now()
        if rest_is_zero:
            moment = connection.ops.adapt_datetimefield_value(now)
            with connection.cursor() as cursor:
                who = user.pk if user else None
                cursor.execute(ZEROES, [moment, who, stocktake.pk, stocktake.round])
        figures.agree(stocktake)
        figures.total(stocktake)
        _demand_whole(stocktake)
        stocktake.state = State.REVIEW if figures.over_limit(stocktake) else State.COUNTED
        stocktake.submitted_at, stocktake.submitted_by = now, user
        stocktake.save(update_fields=["state", "submitted_at", "submitted_by"])
        after = {"counted": stocktake.counted_count, "differences": stocktake.difference_count}
        audit.record(action="stocktake.close", target=stocktake, after={**after, "rest_is_zero": rest_is_zero})
    return stocktake


def _demand_whole(stocktake: Stocktake) -> None:
    apart = stocktake.lines.filter(conflict=True).count()
    if apart:
        message = _("%(count)s lines were counted twice with different results. Decide which count holds.")
        raise StocktakeRefused("counts_disagree", message, params={"count": apart})
    if not stocktake.counted_count:
        raise StocktakeRefused("nothing_counted", _("Nothing was counted yet."))
    waiting = stocktake.lines.filter(round=stocktake.round, counted_quantity=None).count()
    if stocktake.round > 1 and waiting:
        message = _("%(count)s lines are still to be counted again.")
        raise StocktakeRefused("recount_not_done", message, params={"count": waiting})


def recount(*, stocktake_id: int, user: User | None, line_ids: list[int] | None = None) -> int:
    """Have the differing lines (or some of them) counted again; returns how many. The old counts stay on record."""
    with transaction.atomic():
        stocktake = locked(stocktake_id)
        demand(stocktake, State.COUNTED, State.REVIEW)
        demand_warehouse(stocktake, user)
        rows = stocktake.lines.filter(counted_quantity__isnull=False).exclude(difference=Decimal(0))
        rows = rows if line_ids is None else rows.filter(pk__in=line_ids)
        again = rows.update(
            round=stocktake.round + 1, counted_quantity=None, counted_at=None, system_quantity=None,
            difference=Decimal(0), value=Decimal(0),
        )  # fmt: skip
        if not again:
            raise StocktakeRefused("nothing_differs", _("No line differs: there is nothing to count again."))
        stocktake.round, stocktake.state = stocktake.round + 1, State.COUNTING
        stocktake.save(update_fields=["round", "state"])
        figures.total(stocktake)
        audit.record(action="stocktake.recount", target=stocktake, after={"lines": again, "round": stocktake.round})
    return int(again)
