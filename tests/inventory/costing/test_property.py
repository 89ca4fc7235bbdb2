"""Whatever happens to goods, by either method: value is kept to the cent and an empty shelf is worth nothing."""

from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory import adjusting, assembling, documents, ledger, moving, reservations
from inventory.costing import correcting, method
from inventory.costing.ripple import Correction, trace
from inventory.errors import NegativeStock, NotReserved
from inventory.ledger import EntryDraft
from inventory.models import Balance, RecipePart, StockEntry
from inventory.reservations import PutBack
from inventory.transfers import picking, planning, receiving
from tests.inventory import factories
from tests.inventory.costing.conftest import unsound, use

D = Decimal
pieces = st.integers(1, 9).map(D) | st.sampled_from([D("0.1"), D("2.375"), D("0.333")])
costs = st.decimals(0, 90, places=6)
amounts = st.decimals(-60, 60, places=4)
ends = st.permutations([0, 1])


class Costs(RuleBasedStateMachine):
    """Two SKUs and what is built of them in two warehouses. `gained` is what came from outside less what left."""

    first = "average"

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        use(self.first)
        self.items = [factories.sku() for _ in range(3)]
        RecipePart.objects.create(built=self.items[2], part=self.items[0], quantity=D(2))
        RecipePart.objects.create(built=self.items[2], part=self.items[1], quantity=D("0.5"))
        self.places = [factories.warehouse(), factories.warehouse()]
        self.received, self.sent, self.booked, self.built, self.counts, self.transfers = [], [], [], [], [], []
        self.charged = D(0)  # what corrections left outside stock
        self.added = D(0)  # what corrections were about in all
        self.done = 0
        for item in self.items:
            for place in self.places:
                self.receive(item, place, D(5), D("1.333333"))

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def key(self):
        self.done += 1
        return f"step:{self.done}"

    def tried(self, work):
        """A refusal changes nothing; the invariants look."""
        refusals = (NegativeStock, NotReserved, assembling.AssemblyRefused, receiving.TransferRefused,
                    receiving.AlreadyDone, documents.NotOpen)  # fmt: skip
        try:
            with transaction.atomic():
                return work()
        except refusals:
            return None

    def receive(self, item, place, quantity, cost):
        key = self.key()
        draft = EntryDraft(
            key=key, sku_id=item.pk, warehouse_id=place.pk, quantity=quantity, unit_cost=cost, reason="receipt"
        )
        ledger.post(entries=[draft])
        self.received.append(key)

    @rule(item=st.integers(0, 1), at=st.integers(0, 1), quantity=pieces, cost=costs)
    def goods_come(self, item, at, quantity, cost):
        self.receive(self.items[item], self.places[at], quantity, cost)

    @rule(item=st.integers(0, 2), at=st.integers(0, 1), quantity=pieces)
    def goods_are_sold(self, item, at, quantity):
        sku, place, name = self.items[item], self.places[at], self.key()

        def sell():
            want = factories.want(name, sku, quantity, place)
            reservations.reserve(wants=[want])
            return reservations.consume(items=[(name, sku.pk, place.pk, quantity)], document=name)

        gone = self.tried(sell)
        if gone:
            self.sent.append([name, sku, place, quantity, gone[0].cost_value])

    @rule(at=st.integers(0, 20), part=st.sampled_from([D(1), D("0.5")]), elsewhere=st.booleans())
    def goods_come_back(self, at, part, elsewhere):
        if not self.sent:
            return
        row = self.sent[at % len(self.sent)]
        name, sku, place, quantity, cost = row
        back = quantity if part == 1 else (quantity * part).quantize(D("0.001"))
        value = cost if back == quantity else (cost * back / quantity).quantize(D("0.0001")) if quantity else D(0)
        if back <= 0:
            return
        where = self.places[1 - self.places.index(place)] if elsewhere else place
        one = PutBack(
            reference=name, sku_id=sku.pk, warehouse_id=where.pk, quantity=back, value=value,
            source=reservations.out_key(name, (name, sku.pk, place.pk)),
        )  # fmt: skip
        reservations.put_back(items=[one], document=self.key())
        row[3], row[4] = quantity - back, cost - value

    @rule(item=st.integers(0, 2), ways=ends, quantity=pieces)
    def goods_move(self, item, ways, quantity):
        origin, destination = (self.places[end] for end in ways)
        self.tried(
            lambda: moving.move(
                key=self.key(), sku_id=self.items[item].pk, quantity=quantity, origin_id=origin.pk,
                destination_id=destination.pk, reference="m",
            )
        )  # fmt: skip

    @rule(item=st.integers(0, 1), ways=ends, quantity=st.integers(2, 6))
    def goods_are_sent_over(self, item, ways, quantity):
        lines = [planning.Wish(sku_id=self.items[item].pk, quantity=D(quantity))]
        origin, destination = (self.places[end] for end in ways)
        made = planning.plan(origin=origin, destination=destination, lines=lines, user=None)
        planning.request(transfer_id=made.pk, user=None)
        if self.tried(lambda: picking.pick(transfer_id=made.pk, user=None)):
            self.transfers.append(picking.send(transfer_id=made.pk, user=None))

    @rule(at=st.integers(0, 9), good=st.integers(0, 3), damaged=st.integers(0, 1), what=st.sampled_from("rrlb"))
    def goods_arrive(self, at, good, damaged, what):
        if not self.transfers:
            return
        made = self.transfers[at % len(self.transfers)]
        line = made.lines.get()
        came = [receiving.Came(line_id=line.pk, good=D(good), damaged=min(D(damaged), line.transit))]
        if what == "r":
            self.tried(lambda: receiving.receive(transfer_id=made.pk, came=came, user=None))
        else:
            rest = "lost" if what == "l" else "back"
            self.tried(lambda: receiving.close(transfer_id=made.pk, rest=rest, user=None))

    @rule(item=st.integers(0, 2), at=st.integers(0, 1), change=st.sampled_from([D(2), D(-1), D("-0.5")]))
    def a_count_differs(self, item, at, change):
        line = adjusting.Line(sku_id=self.items[item].pk, change=change, unit_cost=None)
        made = self.tried(
            lambda: adjusting.adjust(
                warehouse_id=self.places[at].pk, lines=[line], reason="correction", note="counted", user=None
            )
        )
        if made:
            self.counts.append(made)

    @rule(at=st.integers(0, 9))
    def a_count_is_undone(self, at):
        if self.counts:
            self.tried(lambda: documents.undo(document_id=self.counts[at % len(self.counts)].pk))

    @rule(at=st.integers(0, 1), apart=st.booleans(), labour=st.decimals(0, 5, places=4))
    def something_is_built(self, at, apart, labour):
        made = self.tried(
            lambda: assembling.assemble(
                kind="apart" if apart else "build", warehouse=self.places[at], sku=self.items[2], quantity=D(1),
                labour=D(0) if apart else labour, user=None,
            )
        )  # fmt: skip
        if made:
            self.built.append(made)

    @rule(at=st.integers(0, 9))
    def a_building_is_undone(self, at):
        if self.built:
            self.tried(lambda: assembling.undo(assembly_id=self.built[at % len(self.built)].pk, user=None))

    def correct(self, corrections, reference):
        before = worth()
        shown = trace(corrections)
        total = sum(one.amount for one in corrections)
        assert shown.kept_amount + shown.gone_amount == total
        ripple = correcting.book(corrections=corrections, reference=reference)
        assert ripple.kept_amount + ripple.gone_amount == total
        assert worth() - before == ripple.kept_amount
        self.added += total
        self.charged += ripple.gone_amount

    @rule(picks=st.lists(st.tuples(st.integers(0, 30), amounts), min_size=1, max_size=3))
    def a_cost_comes_late(self, picks):
        corrections = [Correction(self.received[at % len(self.received)], amount) for at, amount in picks]
        reference = self.key()
        self.correct(corrections, reference)
        self.booked.append((reference, corrections))

    @rule(at=st.integers(0, 9))
    def a_late_cost_is_undone(self, at):
        if self.booked:
            reference, corrections = self.booked.pop(at % len(self.booked))
            self.correct([Correction(one.entry_key, -one.amount) for one in corrections], f"{reference}/undo")

    @invariant()
    def nothing_is_unsound(self):
        assert unsound() == []

    @invariant()
    def what_corrections_did_not_charge_they_left_in_stock(self):
        rows = StockEntry.objects.filter(reason="revaluation").values_list("value", flat=True)
        assert sum(rows, D(0)) == self.added - self.charged


class Layered(Costs):
    """The same, first in first out."""

    first = "fifo"

    @rule()
    def the_method_changes_and_back(self):
        before = worth()
        for name in ("average", "fifo"):
            method.change_now(method=name, turn=method.setting().turn, user=None)
            assert unsound() == []
        assert worth() == before


def worth():
    return sum(Balance.objects.values_list("value", flat=True), D(0))


@pytest.mark.django_db
@pytest.mark.parametrize("machine", [Costs, Layered])
def test_any_sequence_keeps_value_to_the_cent(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
