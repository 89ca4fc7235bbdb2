"""Whatever happens to tracked goods, in any order: lots add up, nothing below zero, FEFO holds, a serial is once."""

from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory import documents, goods, reservations
from inventory.adjusting import Line, adjust
from inventory.errors import NegativeStock, NotReserved
from inventory.lots import keeping, shelf, switching
from inventory.lots.errors import LotRefused
from inventory.models import Balance, Lot, LotBalance, LotMovement, StockDocument, Tracking, TransferLine
from inventory.stocktakes import counting, opening, posting
from inventory.stocktakes.errors import StocktakeRefused
from inventory.transfers import picking, planning, receiving
from inventory.transfers.errors import AlreadyDone, TransferRefused
from inventory.transfers.planning import Wish
from tests.inventory import factories
from tests.inventory.invariants import broken
from tests.inventory.lots.conftest import apart, come, go, in_days

D = Decimal
REFUSALS = (NegativeStock, NotReserved, LotRefused, TransferRefused, AlreadyDone, documents.NotOpen,
            StocktakeRefused)  # fmt: skip
some = st.integers(1, 6).map(D)
names = st.sampled_from(["A", "B", "C", ""])
places = st.integers(0, 1)
counts = st.dictionaries(st.sampled_from(["A", "B", "C", "?", "S1", "S2"]), st.integers(0, 9).map(D), min_size=1)


class Lots(RuleBasedStateMachine):
    """One SKU by lot and expiry and one by serial, in two warehouses, with orders, transfers, counts and undoing."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.milk, self.phone = factories.sku(), factories.sku()
        switching.turn(sku_id=self.milk.pk, tracking=Tracking.EXPIRY)
        switching.turn(sku_id=self.phone.pk, tracking=Tracking.SERIAL)
        self.places = [factories.warehouse(), factories.warehouse()]
        self.orders, self.shipped, self.transfers = 0, [], []
        self.turns, self.sent_at = 0, {}

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def tried(self, work):
        """A refusal changes nothing; the invariants look."""
        try:
            with transaction.atomic():
                return work()
        except REFUSALS:
            return None

    @rule(name=names, pieces=some, place=places, days=st.integers(-1, 40))
    def receive(self, name, pieces, place, days):
        def work():
            come(self.milk, self.places[place], {name: pieces})
            Lot.objects.filter(sku=self.milk, number=name, expires_on=None).exclude(number="").update(
                expires_on=in_days(days)
            )

        self.tried(work)

    @rule(first=st.integers(1, 6), count=st.integers(1, 3), place=places)
    def receive_serials(self, first, count, place):
        serials = {f"S{n}": D(1) for n in range(first, first + count)}
        self.tried(lambda: come(self.phone, self.places[place], serials))

    @rule(serials=st.booleans(), pieces=st.integers(1, 4).map(D), place=places)
    def order(self, serials, pieces, place):
        self.orders += 1
        reference, item = f"orders.line:{self.orders}", self.phone if serials else self.milk
        wanted = factories.want(reference, item, pieces, self.places[place])
        if not reservations.reserve(wants=[wanted]).shortages:
            self.shipped.append((reference, item, place, pieces, "reserved"))

    @rule(at=st.integers(0, 9))
    def ship(self, at):
        if not self.shipped:
            return
        at %= len(self.shipped)
        reference, item, place, pieces, state = self.shipped[at]
        where = self.places[place]
        before = self.eligible(item, where)
        done = self.tried(lambda: goods.consume(
            items=[(reference, item.pk, where.pk, pieces)], document=f"orders.shipment:{reference}"
        )) if state == "reserved" else None  # fmt: skip
        if done:
            self.shipped[at] = (reference, item, place, pieces, "sent")
            self.sent_at[reference] = self.turns
            self.first_expired_first(before, reference)

    def eligible(self, item, where):
        there = shelf.shelves([((item.pk, where.pk), item.tracking)])[item.pk, where.pk]
        return [(line.lot_id, line.turn, line.quantity) for line in there.in_turn() if line.sellable]

    def first_expired_first(self, before, reference):
        """Every lot before the last one taken is taken whole, and none that may not be sold."""
        rows = LotMovement.objects.filter(reference=reference, reason="shipment")
        gone = {row.lot_id: int(-row.quantity * 1000) for row in rows}
        assert gone.keys() <= {lot for lot, _turn, _there in before}
        left = sum(gone.values())
        for lot, _turn, there in sorted(before, key=lambda one: one[1]):
            part = min(there, left)
            assert gone.get(lot, 0) == part
            left -= part

    @rule(at=st.integers(0, 9))
    def give_back(self, at):
        if not self.shipped:
            return
        at %= len(self.shipped)
        reference, item, place, pieces, state = self.shipped[at]
        if state == "sent":
            back = goods.PutBack(
                reference=reference, sku_id=item.pk, warehouse_id=self.places[place].pk, quantity=pieces
            )
            if self.tried(lambda: goods.put_back(items=[back], document=f"orders.return:{reference}")):
                self.shipped[at] = (reference, item, place, pieces, "back")
                net = LotMovement.objects.filter(reference=reference)
                if self.sent_at[reference] == self.turns:  # else it left, or came back, without lots
                    assert sum(row.quantity for row in net) == 0

    @rule(serials=st.booleans(), counted=st.integers(0, 9).map(D), place=places)
    def count(self, serials, counted, place):
        line = Line(sku_id=(self.phone if serials else self.milk).pk, counted=counted)
        self.tried(lambda: adjust(warehouse_id=self.places[place].pk, lines=[line], reason="correction"))

    @rule(name=st.sampled_from(["A", "B", "C"]), counted=st.integers(0, 9).map(D), place=places)
    def count_a_lot(self, name, counted, place):
        line = Line(sku_id=self.milk.pk, counted=counted, lot=name, expires_on=str(in_days(20)))
        done = self.tried(lambda: adjust(warehouse_id=self.places[place].pk, lines=[line], reason="correction"))
        if done is not None:
            rows = LotBalance.objects.filter(sku=self.milk, lot__number=name, warehouse=self.places[place])
            assert sum(row.on_hand for row in rows) == counted

    @rule(
        serials=st.booleans(),
        place=places,
        gone=some,
        back=st.booleans(),
        figures=counts,
    )
    def take_stock(self, serials, place, gone, back, figures):
        """Lots counted, goods lost after the count, posted, perhaps undone: each lot is what was counted less that."""
        item, where = self.phone if serials else self.milk, self.places[place]
        before = self.by_lot(item, where)
        done = self.tried(lambda: self.counted(item, where, gone, figures))
        if done is None:
            return
        stocktake, lost = done
        there = self.by_lot(item, where)
        if item.tracking:
            for name in figures:
                number = "" if name == "?" else name
                assert there.get(number, 0) == self.figure(item, figures[name]) + lost.get(number, 0)
            for number in before.keys() - {"" if name == "?" else name for name in figures}:
                assert there.get(number, 0) == before[number] + lost.get(number, 0)
        if back and self.tried(lambda: posting.undo(stocktake_id=stocktake.pk, user=None)):
            wanted = {number: before.get(number, 0) + lost.get(number, 0) for number in before.keys() | lost.keys()}
            assert self.by_lot(item, where) == {number: pieces for number, pieces in wanted.items() if pieces}

    def counted(self, item, where, gone, figures):
        made = opening.plan(warehouse=where, user=None, kind="partial", product=item.product)
        opening.start(stocktake_id=made.pk, user=None)
        for name, pieces in figures.items() if item.tracking else [("", D(5))]:
            known = Lot.objects.filter(sku=item, number=name, expires_on=None).exclude(number="").exists()
            dated = item.tracking == Tracking.EXPIRY and not known
            stands = Lot.objects.filter(sku=item, number=name).values_list("expires_on", flat=True).first()
            counting.count(
                stocktake_id=made.pk, code=item.code, quantity=self.figure(item, pieces), user=None, key=name or "k",
                lot=name, expires_on=str(stands or in_days(9)) if dated else "",
            )  # fmt: skip
        key = self.tried(lambda: go(item, where, gone))
        counting.close(stocktake_id=made.pk, user=None)
        lost = {row.lot.number: row.quantity for row in LotMovement.objects.filter(key=key or "-")}
        return posting.post(stocktake_id=made.pk, user=None), lost

    def figure(self, item, pieces):
        return min(pieces, D(1)) if item.tracking == Tracking.SERIAL else pieces

    def by_lot(self, item, where):
        rows = LotBalance.objects.filter(sku=item, warehouse=where, on_hand__gt=0).select_related("lot")
        return {row.lot.number: row.on_hand for row in rows}

    @rule(at=st.integers(0, 9))
    def undo(self, at):
        rows = list(StockDocument.objects.filter(state="posted", reverses=None).order_by("pk"))
        if rows:
            self.tried(lambda: documents.undo(document_id=rows[at % len(rows)].pk))

    @rule(pieces=some, serials=st.booleans(), back=st.booleans())
    def send_over(self, pieces, serials, back):
        origin, destination = self.places[:: -1 if back else 1]
        wish = Wish(sku_id=(self.phone if serials else self.milk).pk, quantity=pieces)

        def work():
            made = planning.plan(origin=origin, destination=destination, lines=[wish], user=None)
            planning.request(transfer_id=made.pk, user=None)
            picking.pick(transfer_id=made.pk, user=None)
            picking.send(transfer_id=made.pk, user=None)
            return made.pk

        made = self.tried(work)
        if made:
            self.transfers.append(made)

    @rule(at=st.integers(0, 9), call_off=st.booleans(), pieces=some)
    def arrive(self, at, call_off, pieces):
        if not self.transfers:
            return
        pk = self.transfers[at % len(self.transfers)]
        if call_off:
            self.tried(lambda: picking.cancel(transfer_id=pk, user=None))
        else:
            self.tried(lambda: self.take_in(pk, pieces))

    def take_in(self, pk, pieces):
        line = TransferLine.objects.get(transfer=pk)
        came = [receiving.Came(line_id=line.pk, good=min(pieces, line.transit))]
        return receiving.receive(transfer_id=pk, came=came, user=None)

    @rule(name=names, block=st.booleans())
    def hold(self, name, block):
        lot = Lot.objects.filter(sku=self.milk, number=name).first()
        if lot:
            work = keeping.block if block else keeping.unblock
            self.tried(lambda: work(lot_id=lot.pk, reason="test"))

    @rule(serials=st.booleans(), pieces=some, place=places)
    def lose(self, serials, pieces, place):
        self.tried(lambda: go(self.phone if serials else self.milk, self.places[place], pieces))

    @rule(on=st.booleans())
    def track(self, on):
        how = Tracking.EXPIRY if on else Tracking.NONE
        self.tried(lambda: switching.turn(sku_id=self.milk.pk, tracking=how))
        before = self.milk.tracking
        self.milk.refresh_from_db()
        self.turns += self.milk.tracking != before

    @invariant()
    def lots_add_up(self):
        assert apart() == []
        assert broken() == []
        assert not LotBalance.objects.filter(on_hand__lt=0).exists()

    @invariant()
    def what_is_held_back_is_known(self):
        for balance in Balance.objects.filter(tracking__gt=0):
            pair = (balance.sku_id, balance.warehouse_id)
            assert balance.unsellable * 1000 >= 0
            there = shelf.shelves([(pair, balance.tracking)])[pair]
            assert sum(line.quantity for line in there.lines.values()) == balance.on_hand * 1000

    @invariant()
    def a_serial_is_in_one_place(self):
        for lot in Lot.objects.filter(sku=self.phone).exclude(number=""):
            rows = LotBalance.objects.filter(lot=lot, on_hand__gt=0)
            assert sum(row.on_hand for row in rows) <= 1
            assert rows.count() <= 1


@pytest.mark.django_db
def test_any_sequence_keeps_the_lots():
    run_state_machine_as_test(
        Lots,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
