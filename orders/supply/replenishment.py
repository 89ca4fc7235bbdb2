"""A look at every SKU: what to order, every number behind it, and why not where nothing is to be ordered."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from backoffice import bulk, clock, longwork, progress
from backoffice.fields import QuantityField
from backoffice.models import User
from inventory.models import Balance, Sku
from orders.models import PurchaseLine, PurchaseOrder, PurchaseSetting, ReplenishRow, ReplenishRun, SupplierItem
from orders.supply import demand_history, formula, lead_times, locking, terms
from orders.supply.demand_history import COMPANY, History
from orders.supply.errors import SupplyError
from orders.supply.formula import Lead, Terms

TASK = "orders.tasks.replenish"
PAGE = 2_000
KEEP = 3  # runs whose rows stay
STALE = dt.timedelta(minutes=15)  # a run that has not ended by then was cut off
UNKNOWN = Lead(14.0, 0.0)  # of a SKU that no supplier sells yet
ZERO, NONE = Decimal(0), History(0, 0, 0.0, 0.0, 0, 0, 0)
Verdict, Scope = ReplenishRow.Verdict, PurchaseSetting.Scope
UNITS = QuantityField()


@dataclasses.dataclass(slots=True)
class Stock:
    """What is here, wanted by buyers, coming, and in purchase orders that are not sent yet."""

    on_hand: Decimal = ZERO
    wanted: Decimal = ZERO
    incoming: Decimal = ZERO
    drafted: Decimal = ZERO

    @property
    def coming(self) -> Decimal:
        """What there will be without another order."""
        return self.on_hand - self.wanted + self.incoming


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """Who sells a SKU, on what terms, and how long it takes."""

    supplier_id: int
    terms: Terms
    lead: Lead


def begin(*, owner: User | None) -> ReplenishRun:
    """Calculate with the settings of now, in a worker if there is one; a run under way is joined.

    Raises SupplyError scope_place.
    """
    known = ReplenishRun.objects.filter(ended_at=None, started_at__gt=clock.now() - STALE).order_by("-pk").first()
    if known is not None and known.progress is not None and known.progress.state == progress.RUNNING:
        return known
    how = locking.setting()
    if how.scope == Scope.COMPANY and how.warehouse_id is None:
        raise SupplyError("scope_place")
    run = ReplenishRun.objects.create(
        owner=owner, scope=how.scope, service_level=how.service_level, history_days=how.history_days,
        review_days=how.review_days, started_at=clock.now(), progress=progress.start("orders.replenish", owner).row,
    )  # fmt: skip
    if longwork.workers_alive():
        transaction.on_commit(partial(longwork.enqueue, TASK, run.pk))
    else:
        work(run.pk)
    run.refresh_from_db()
    return run


def nightly() -> str:
    """The chore: look at every SKU once a day, if anything can be bought at all."""
    if not SupplierItem.objects.filter(active=True).exists():
        return "nothing to buy"
    return f"run {begin(owner=None).pk}"


def work(pk: int) -> str:
    """Do a run; one that ended is left alone, one that was cut off begins anew."""
    run = ReplenishRun.objects.select_related("owner", "progress").filter(pk=pk, ended_at=None).first()
    if run is None or run.progress_id is None:
        return "done already"
    if run.owner is not None:
        return longwork.in_the_name_of(run.owner, run.progress_id, lambda meter: _go(run, meter))
    with progress.followed(progress.resume(run.progress_id)) as meter:
        _go(run, meter)
    return "ok"


def latest() -> ReplenishRun | None:
    """Return the newest run that came to its end."""
    return ReplenishRun.objects.filter(ended_at__isnull=False).order_by("-pk").first()


def _go(run: ReplenishRun, meter: progress.Meter) -> None:
    """Read, then write page by page; the rows count once the run has ended."""
    ReplenishRow.objects.filter(run=run).delete()
    meter.row.state, meter.row.done = progress.RUNNING, 0
    meter.say(_("Reading the history of demand"))
    company = run.scope == Scope.COMPANY
    stock, offers = _stock(company), _offers()
    meter.total(len(stock) + Sku.objects.count())
    past = demand_history.read(days=run.history_days, company=company, step=meter.step)
    history = {(one.sku_id, one.warehouse_id): one for one in past}
    z = formula.z_of(float(run.service_level))
    meter.say(_("Calculating"))
    page: list[tuple[Any, ...]] = []
    for pair, here in stock.items():
        page.append(_row(run, pair, here, history.get(pair, NONE), offers.get(pair[0]), z))
        if len(page) == PAGE:
            _write(page, meter)
            page = []
    _write(page, meter)
    _end(run)


def _write(page: list[tuple[Any, ...]], meter: progress.Meter) -> None:
    with transaction.atomic():
        bulk.insert_rows(ReplenishRow, COLUMNS, page, prepared=True)
    meter.step(len(page))


@transaction.atomic
def _end(run: ReplenishRun) -> None:
    run.ended_at = clock.now()
    run.save(update_fields=["ended_at"])
    old = list(ReplenishRun.objects.filter(pk__lt=run.pk).order_by("-pk").values_list("pk", flat=True)[KEEP - 1 :])
    ReplenishRow.objects.filter(run__in=old).delete()
    ReplenishRun.objects.filter(pk__in=old).delete()


# --- what there is ---------------------------------------------------------------------------------------------------


def _stock(company: bool) -> dict[tuple[int, int], Stock]:
    """Return every SKU that may be bought with its stock in each place; one that lies nowhere stands alone."""
    skus = Sku.objects.filter(active=True, kind=Sku.Kind.STOCKED).order_by("pk").values_list("pk", flat=True)
    live = dict.fromkeys(skus, False)
    found: dict[tuple[int, int], Stock] = defaultdict(Stock)
    own = Balance.objects.filter(warehouse__active=True, warehouse__read_only=False)
    names = ("sku_id", "warehouse_id", "on_hand", "reserved", "demand", "incoming")
    for sku, place, on_hand, reserved, demand, incoming in own.values_list(*names).order_by("sku_id", "warehouse_id"):
        if sku in live:
            live[sku] = True
            one = found[sku, COMPANY if company else place]
            one.on_hand += on_hand
            one.wanted += reserved + demand
            one.incoming += incoming
    for sku, place, pieces in _drafted():
        if sku in live:
            live[sku] = True
            found[sku, COMPANY if company else place].drafted += pieces
    for sku, lies in live.items():
        if not lies:
            found[sku, COMPANY] = Stock()
    return found


def _drafted() -> Iterator[tuple[int, int, Decimal]]:
    states = (PurchaseOrder.State.DRAFT, PurchaseOrder.State.WAITING)
    rows = PurchaseLine.objects.filter(order__state__in=states).values_list("sku_id", "order__warehouse_id")
    yield from rows.annotate(pieces=Sum("quantity")).order_by()


def _offers() -> dict[int, Offer]:
    """Return who sells each SKU: the preferred supplier, else the first."""
    rows = SupplierItem.objects.filter(active=True, supplier__active=True).order_by("-preferred", "pk")
    found: dict[int, Offer] = {}
    for item in rows.select_related("supplier").prefetch_related("breaks").iterator(5_000):
        if item.sku_id not in found:
            lead = lead_times.lead_of(item.supplier)
            found[item.sku_id] = Offer(item.supplier_id, terms.of_item(item), lead)
    return found


# --- one SKU in one place --------------------------------------------------------------------------------------------

COLUMNS = (
    "run_id", "sku_id", "warehouse_id", "supplier_id", "verdict", "sold", "days", "out_days", "promotion_days", "mean",
    "sd", "lead", "lead_sd", "lead_measured", "z", "safety", "reorder_point", "order_up_to", "on_hand", "wanted",
    "incoming", "drafted", "quantity", "price", "chance", "why",
)  # fmt: skip


def _row(
    run: ReplenishRun, pair: tuple[int, int], here: Stock, past: History, offer: Offer | None, z: float
) -> tuple[Any, ...]:
    lead = offer.lead if offer else UNKNOWN
    demand = formula.demand(past.sold, past.squares, past.days)
    levels = formula.levels(demand, lead, z, run.review_days)
    position = here.coming + here.drafted
    verdict, pieces, why = _verdict(past, position, levels, offer)
    price = offer.terms.price_at(pieces or levels.order_up_to) if offer else ZERO
    figures = (levels.safety, levels.reorder_point, levels.order_up_to, here.on_hand, here.wanted, here.incoming,
               here.drafted, pieces)  # fmt: skip
    return (
        run.pk, pair[0], pair[1] or None, offer.supplier_id if offer else None, verdict.value, round(past.sold * 1000),
        max(past.days, 0), past.out_days, past.promotion_days, demand.mean, demand.sd, lead.mean, lead.sd,
        lead.measured, z, *(int(one * 1000) for one in figures), int(price * 10**6),
        formula.chance_to_run_out(here.coming, demand, lead), why,
    )  # fmt: skip


def _verdict(
    past: History, position: Decimal, levels: formula.Levels, offer: Offer | None
) -> tuple[ReplenishRow.Verdict, Decimal, str]:
    if past.days <= 0 and (past.out_days or past.promotion_days):
        return Verdict.NO_HISTORY, ZERO, ""
    if past.sold <= 0:
        return Verdict.NO_DEMAND, ZERO, ""
    if position > levels.reorder_point:
        return Verdict.ENOUGH, ZERO, ""
    missing = levels.order_up_to - position
    if offer is None:
        return Verdict.NO_SUPPLIER, missing, ""
    pieces, why = formula.quantity(missing, offer.terms)
    return Verdict.ORDER, pieces, why
