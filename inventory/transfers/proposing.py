"""What should go over: from where there is more than is wanted to where orders wait or the shelf runs low.

`propose` is pure: levels in, transfers out. It never takes more than is free at the origin.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, Sum

from backoffice import locks
from backoffice.models import User
from inventory import access
from inventory.models import Balance, ShopWarehouse, Sku, Transfer, TransferLine, Warehouse
from inventory.sets import Pair
from inventory.transfers import planning, reasons, transit
from inventory.transfers.planning import Wish

ZERO = Decimal(0)
MOST_SKUS = 2_000
Choice = tuple[int, int, int]  # (SKU, origin, destination)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A SKU in a warehouse. `free` is what is neither reserved nor ordered, below zero when orders wait.

    `mark` is the stock from which it is low (None: no mark, or nothing is sold from here); `coming` is what other
    transfers bring, `promised` what they will still take.
    """

    sku_id: int
    warehouse_id: int
    free: Decimal
    mark: Decimal | None = None
    coming: Decimal = ZERO
    promised: Decimal = ZERO


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One SKU from one warehouse to another; `for_orders` of the pieces are waited for by orders."""

    sku_id: int
    origin_id: int
    destination_id: int
    quantity: Decimal
    for_orders: Decimal
    origin_free: Decimal
    lacking: Decimal

    @property
    def choice(self) -> Choice:
        """What names it on the page."""
        return self.sku_id, self.origin_id, self.destination_id


def propose(levels: Iterable[Level]) -> list[Proposal]:
    """Return what should go over. Orders come first and may empty the origin down to its own orders; a low shelf is
    filled to its mark only with what the origin has above its own mark.
    """
    by_sku: dict[int, list[Level]] = {}
    for level in sorted(levels, key=lambda one: (one.sku_id, one.warehouse_id)):
        by_sku.setdefault(level.sku_id, []).append(level)
    return [proposal for group in by_sku.values() for proposal in _of_one(group)]


def _of_one(levels: list[Level]) -> list[Proposal]:
    spare = {one.warehouse_id: max(one.free - one.promised, ZERO) for one in levels}
    marks = {one.warehouse_id: one.mark or ZERO for one in levels}
    orders = {one.warehouse_id: max(-one.free - one.coming, ZERO) for one in levels}
    # What comes fills the orders that wait first; what is left of it counts towards the mark.
    low = {
        one.warehouse_id: max((one.mark or ZERO) - max(one.free - one.promised + one.coming, ZERO), ZERO)
        for one in levels
    }
    moved: dict[Pair, Decimal] = {}
    for_orders = _fill(orders, spare, marks, moved, lambda place: spare[place])
    # A shelf that is low itself gives nothing away for another one's mark.
    _fill(low, spare, marks, moved, lambda place: max(spare[place] - marks[place], ZERO))
    free = {one.warehouse_id: one.free - one.promised for one in levels}
    lacking = {place: orders[place] + low[place] for place in spare}
    return [
        Proposal(
            sku_id=levels[0].sku_id, origin_id=origin, destination_id=to, quantity=quantity,
            for_orders=for_orders.get((origin, to), ZERO), origin_free=free[origin], lacking=lacking[to],
        )
        for (origin, to), quantity in moved.items()
    ]  # fmt: skip


def _fill(
    needs: dict[int, Decimal],
    spare: dict[int, Decimal],
    marks: dict[int, Decimal],
    moved: dict[Pair, Decimal],
    gives: Callable[[int], Decimal],
) -> dict[Pair, Decimal]:
    """Take from one warehouse if it can give all, else from the fullest first; returns what this round moved."""
    done: dict[Pair, Decimal] = {}
    for to, need in sorted(needs.items(), key=lambda one: (-one[1], one[0])):
        left = need
        while left > 0:
            sources = [place for place in spare if place != to and gives(place) > 0]
            if not sources:
                break
            # The one with most above its own mark: whoever can give all is among the fullest.
            origin = max(sources, key=lambda place: (spare[place] - marks[place], spare[place], -place))
            quantity = min(left, gives(origin))
            spare[origin] -= quantity
            left -= quantity
            for book in (done, moved):
                book[origin, to] = book.get((origin, to), ZERO) + quantity
    return done


# --- reading ---------------------------------------------------------------------------------------------------------


def read(user: User | None) -> list[Level]:
    """Return the levels of every SKU that lacks something somewhere, in the warehouses the person sees."""
    rows = access.visible(user, Balance.objects.filter(warehouse__active=True, warehouse__read_only=False))
    rows = rows.filter(sku__kind=Sku.Kind.STOCKED, sku__active=True).order_by("sku_id", "warehouse_id")
    selling = set(ShopWarehouse.objects.filter(valid_to__isnull=True).values_list("warehouse_id", flat=True))
    short = Q(on_hand__lt=F("reserved") + F("demand") + F("unsellable"))
    low = Q(warehouse__in=selling, on_hand__lt=F("reserved") + F("demand") + F("unsellable") + F("sku__low_stock"))
    lacking = list(rows.filter(short | low).order_by("sku_id").values_list("sku_id", flat=True).distinct()[:MOST_SKUS])
    coming, promised = _planned(lacking)
    return [
        Level(
            sku_id=row.sku_id, warehouse_id=row.warehouse_id, free=row.sellable - row.reserved - row.demand,
            mark=row.sku.low_stock if row.warehouse_id in selling else None,
            coming=coming.get((row.sku_id, row.warehouse_id), ZERO),
            promised=promised.get((row.sku_id, row.warehouse_id), ZERO),
        )
        for row in rows.filter(sku__in=lacking).select_related("sku")
    ]  # fmt: skip


def _planned(sku_ids: Collection[int]) -> tuple[dict[Pair, Decimal], dict[Pair, Decimal]]:
    """What open transfers bring to a warehouse, and what those not picked yet will take from one."""
    State = Transfer.State
    coming: dict[Pair, Decimal] = {}
    promised: dict[Pair, Decimal] = {}
    lines = TransferLine.objects.filter(sku__in=sku_ids).order_by()
    waiting = lines.filter(transfer__state__in=[State.DRAFT, State.REQUESTED])
    ends = ("sku_id", "transfer__origin_id", "transfer__destination_id")
    for sku, origin, to, pieces_ in waiting.values_list(*ends).annotate(Sum("quantity")):
        promised[sku, origin] = promised.get((sku, origin), ZERO) + pieces_
        coming[sku, to] = coming.get((sku, to), ZERO) + pieces_
    for sku, _origin, to, pieces_ in lines.filter(transit__gt=0).values_list(*ends).annotate(Sum("transit")):
        coming[sku, to] = coming.get((sku, to), ZERO) + pieces_
    return coming, promised


def why(proposal: Proposal) -> str:
    """Return why this should go over, as a line keeps it (`reasons.told` makes a sentence of it)."""
    low = proposal.quantity - proposal.for_orders
    return reasons.kept(orders=proposal.for_orders, low=low, free=proposal.origin_free)


@transaction.atomic
def make_drafts(*, chosen: Collection[Choice], user: User | None) -> list[Transfer]:
    """Make a draft for each pair of warehouses from the proposals chosen, as they are now; a second click finds none.

    Nothing moves. Raises TransferRefused for a warehouse that is not the person's.
    """
    locks.locked_rows(Warehouse.objects.filter(pk=transit.place().pk))  # two who click at once go one after the other
    wanted = set(chosen)
    found = [one for one in propose(read(user)) if one.choice in wanted]
    places = Warehouse.objects.in_bulk({pk for one in found for pk in (one.origin_id, one.destination_id)})
    by_pair: dict[Pair, list[Wish]] = {}
    for one in found:
        wish = Wish(sku_id=one.sku_id, quantity=one.quantity, why=why(one))
        by_pair.setdefault((one.origin_id, one.destination_id), []).append(wish)
    return [
        planning.plan(origin=places[origin], destination=places[to], lines=lines, user=user, proposed=True)
        for (origin, to), lines in sorted(by_pair.items())
    ]
