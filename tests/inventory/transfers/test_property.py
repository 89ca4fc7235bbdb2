"""Whatever is picked, received, damaged, lost or called off, in any order: pieces and value are kept to the cent."""

from collections import Counter
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from backoffice.fields import QuantityField
from inventory import assembling
from inventory.errors import NegativeStock
from inventory.lots import keeping, switching
from inventory.lots.errors import LotRefused
from inventory.models import (
    Assembly,
    Balance,
    Lot,
    LotBalance,
    LotMovement,
    RecipePart,
    StockEntry,
    Tracking,
    TransferLine,
    TransferReceipt,
)
from inventory.transfers import picking, planning, receiving, taking_back
from inventory.transfers.errors import AlreadyDone, TransferRefused
from inventory.transfers.planning import Wish
from tests.inventory import factories
from tests.inventory.costing.conftest import unsound, use
from tests.inventory.lots.conftest import apart, in_days

D = Decimal
pieces = st.integers(0, 9).map(D) | st.sampled_from([D("0.1"), D("2.375"), D("0.333")])
some = st.integers(1, 9).map(D) | st.sampled_from([D("0.5"), D("1.125")])


def tracked(item, tracking):
    """The SKU, tracked so."""
    return switching.turn(sku_id=item.pk, tracking=tracking) if tracking else item


def written_off():
    """What was written off or found, and what takes that back."""
    said = Q(reason__in=["damaged", "lost", "found"])
    keys = StockEntry.objects.filter(said).values("key")
    return StockEntry.objects.filter(said | Q(reason="undo", source__in=keys))


class Transfers(RuleBasedStateMachine):
    """Two SKUs and a pre-built one in three warehouses, up to a handful of transfers under way at once."""

    trackings = (Tracking.NONE, Tracking.NONE, Tracking.NONE)

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.items = [tracked(factories.sku(), one) for one in self.trackings]
        RecipePart.objects.create(built=self.items[2], part=self.items[0], quantity=D(2))
        RecipePart.objects.create(built=self.items[2], part=self.items[1], quantity=D("0.5"))
        self.places = [factories.warehouse() for _ in range(3)]
        for place, cost in zip(self.places, ("1.3333", "0.017", "7"), strict=True):
            for item in self.items:
                self.fill(item, place, cost)
        self.value = Balance.objects.aggregate(all=Sum("value"))["all"]
        self.labour = D(0)
        self.made = []
        self.receipts = []
        self.built = []

    def fill(self, item, place, cost):
        """Goods whose lots nobody knows, and of tracked SKUs some of two lots."""
        factories.stock(item, place, "11.5" if not item.tracking else "4.5", cost)
        for number, quantity in (("L1", 4), ("L2", 3)) if item.tracking else ():
            factories.stock(item, place, quantity, cost, lot=number)
        Lot.objects.filter(sku=item, number="L1").update(expires_on=in_days(9))
        Lot.objects.filter(sku=item, number="L2").update(expires_on=in_days(5))

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def tried(self, work):
        """A refusal changes nothing; the invariants look."""
        try:
            with transaction.atomic():
                return work()
        except (AlreadyDone, TransferRefused, NegativeStock, assembling.AssemblyRefused, LotRefused):
            return None

    @rule(ends=st.permutations([0, 1, 2]), first=some, second=some)
    def plan(self, ends, first, second):
        lines = [Wish(sku_id=item.pk, quantity=q) for item, q in zip(self.items, (first, second), strict=False)]
        origin, destination = self.places[ends[0]], self.places[ends[1]]
        made = planning.plan(origin=origin, destination=destination, lines=lines, user=None)
        self.made.append(planning.request(transfer_id=made.pk, user=None))

    def any(self, at):
        return self.made[at % len(self.made)].pk if self.made else 0

    @rule(at=st.integers(0, 9), some=st.none() | st.lists(pieces, min_size=2, max_size=2), on=st.booleans())
    def pick(self, at, some, on):
        if not self.made:
            return
        lines = TransferLine.objects.filter(transfer=self.any(at)).order_by("pk")
        wanted = None if some is None else {row.pk: min(q, row.quantity) for row, q in zip(lines, some, strict=True)}
        done = self.tried(lambda: picking.pick(transfer_id=self.any(at), user=None, quantities=wanted))
        if on and done:
            picking.send(transfer_id=done.pk, user=None)

    @rule(at=st.integers(0, 9), what=st.sampled_from(["unpick", "send", "cancel", "lost", "back"]))
    def end(self, at, what):
        if not self.made:
            return
        if what in ("lost", "back"):
            self.tried(lambda: receiving.close(transfer_id=self.any(at), rest=what, user=None))
        else:
            self.tried(lambda: getattr(picking, what)(transfer_id=self.any(at), user=None))

    @rule(
        at=st.integers(0, 9),
        good=st.lists(pieces, min_size=2, max_size=2),
        bad=st.lists(pieces, min_size=2, max_size=2),
    )
    def receive(self, at, good, bad):
        if not self.made:
            return
        lines = TransferLine.objects.filter(transfer=self.any(at)).order_by("pk")
        came = [
            receiving.Came(line_id=row.pk, good=g, damaged=min(d, row.transit))
            for row, g, d in zip(lines, good, bad, strict=True)
        ]
        done = self.tried(lambda: receiving.receive(transfer_id=self.any(at), came=came, user=None))
        if done:
            self.receipts.append(done.receipt.pk)

    @rule(at=st.integers(0, 9))
    def take_back(self, at):
        if not self.receipts:
            return
        pk = self.receipts[-1 - at % len(self.receipts)]
        done = self.tried(lambda: taking_back.take_back(receipt_id=pk, user=None, why="wrong"))
        if done:
            assert self.tried(lambda: taking_back.take_back(receipt_id=pk, user=None, why="wrong")) is None

    @rule(
        at=st.integers(0, 2),
        apart=st.booleans(),
        quantity=some,
        labour=st.decimals(0, 5, places=4),
        part=st.sampled_from(["", "", "L1", "L2", "?"]),
        whole=st.sampled_from(["", "", "L1", "K", "?"]),
        back=st.booleans(),
    )
    def build(self, at, apart, quantity, labour, part, whole, back):
        kind = Assembly.Kind.APART if apart else Assembly.Kind.BUILD
        said = zip(self.items, (part, "", whole), strict=True)
        words = assembling.Words({item.pk: text for item, text in said if text and item.tracking})
        before = self.by_lot()
        made = self.tried(
            lambda: assembling.assemble(
                kind=kind, warehouse=self.places[at], sku=self.items[2], quantity=quantity, labour=labour, user=None,
                words=words,
            )
        )  # fmt: skip
        if made:
            self.built.append(made)
            if back and self.tried(lambda: assembling.undo(assembly_id=made.pk, user=None)):
                assert self.by_lot() == before

    def by_lot(self):
        """Every lot where it lies."""
        return set(LotBalance.objects.filter(on_hand__gt=0).values_list("lot", "warehouse", "on_hand"))

    @rule(at=st.integers(0, 9))
    def undo(self, at):
        if not self.built:
            return
        made, before = self.built[at % len(self.built)], self.by_lot()
        if self.tried(lambda: assembling.undo(assembly_id=made.pk, user=None)):
            assert self.moved(before) == self.said_to_move(made)

    def moved(self, before):
        """What an undo did to each lot."""
        net = Counter()
        for sign, rows in ((-1, before), (1, self.by_lot())):
            for lot, _place, pieces in rows:
                net[lot] += sign * pieces
        return {lot: pieces for lot, pieces in net.items() if pieces}

    def said_to_move(self, made):
        """The opposite of what the assembly did."""
        rows = LotMovement.objects.filter(reference=made.reference, reason="assembly")
        return {one.lot_id: -one.quantity for one in rows}

    @rule(which=st.integers(0, 2), number=st.sampled_from(["L1", "L2", "K"]), block=st.booleans())
    def hold(self, which, number, block):
        lot = Lot.objects.filter(sku=self.items[which], number=number).first()
        if lot:
            self.tried(lambda: (keeping.block if block else keeping.unblock)(lot_id=lot.pk, reason="test"))

    @invariant()
    def lots_add_up(self):
        assert apart() == []

    @invariant()
    def entries_and_balances_agree(self):
        assert unsound() == []

    @invariant()
    def value_left_only_where_it_was_said(self):
        said = written_off().aggregate(all=Sum("value"))["all"]
        labour = sum((self.labour_left(one) for one in self.built), D(0))
        now = Balance.objects.aggregate(all=Sum("value"))["all"]
        assert now == self.value + (said or 0) + labour

    def labour_left(self, made):
        """What the entries of an assembly add up to: its labour, or nothing once it is undone."""
        total = StockEntry.objects.filter(reference=made.reference).aggregate(all=Sum("value"))["all"]
        undone = Assembly.objects.get(pk=made.pk).state == "undone"
        assert total == (0 if undone else made.labour) or undone and 0 <= total <= made.labour
        return total

    @invariant()
    def lines_are_what_their_receipts_say(self):
        stands = TransferReceipt.objects.filter(undone_at=None, lines__line=OuterRef("pk")).order_by()
        for name, column in (("received", "good"), ("damaged", "damaged")):
            total = stands.values("lines__line").annotate(all=Sum(f"lines__{column}")).values("all")
            lines = TransferLine.objects.annotate(said=Coalesce(Subquery(total), 0, output_field=QuantityField()))
            assert not lines.exclude(**{name: F("said")}).exists()

    @invariant()
    def pieces_under_way_are_those_of_the_lines(self):
        lines = TransferLine.objects.values("sku_id").annotate(q=Sum("transit"), v=Sum("transit_value")).order_by()
        lies = {row.sku_id: (row.on_hand, row.value) for row in Balance.objects.filter(warehouse__kind="transit")}
        for row in lines:
            assert lies.get(row["sku_id"], (0, 0)) == (row["q"], row["v"])

    @invariant()
    def what_is_expected_is_what_is_under_way(self):
        for place in self.places:
            expected = Balance.objects.filter(warehouse=place).aggregate(all=Sum("incoming"))["all"] or 0
            lines = TransferLine.objects.filter(transfer__destination=place).aggregate(all=Sum("transit"))["all"] or 0
            assert expected == lines

    @invariant()
    def pieces_add_up(self):
        there = Balance.objects.filter(sku=self.items[1]).aggregate(all=Sum("on_hand"))["all"]
        gone = written_off().filter(sku=self.items[1], bucket=1).aggregate(all=Sum("quantity"))["all"] or 0
        built = Balance.objects.filter(sku=self.items[2]).aggregate(all=Sum("on_hand"))["all"]
        assert there + D("0.5") * built == 3 * D("11.5") * D("1.5") + gone


class WithLots(Transfers):
    """The same with the parts and the pre-built SKU by lots, one of the parts not tracked."""

    trackings = (Tracking.LOT, Tracking.NONE, Tracking.EXPIRY)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["average", "fifo"])
@pytest.mark.parametrize(("machine", "examples"), [(Transfers, 15), (WithLots, 20)])
def test_any_sequence_keeps_pieces_and_value(method, machine, examples):
    use(method)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,  # other ones each day and on each engine
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


@given(
    value=st.decimals(0, 999, places=4), weights=st.lists(st.decimals(0, 99, places=3), min_size=1, max_size=8)
)  # fmt: skip
def test_a_shared_value_adds_up_and_no_share_is_below_zero(value, weights):
    shares = assembling.shared(value, weights)
    assert sum(shares) == value
    assert min(shares) >= 0
