"""Whatever happens to stock, in any order: balances equal their entries, nothing falls below zero, no value is lost."""

from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from inventory import ledger, reservations
from inventory.errors import NegativeStock, NotReserved
from inventory.ledger import EntryDraft
from inventory.models import Balance
from tests.inventory import factories
from tests.inventory.invariants import broken

D = Decimal
pieces = st.integers(1, 12).map(D) | st.sampled_from([D("0.1"), D("2.375"), D("0.333")])
costs = st.none() | st.decimals(0, 90, places=6)
lines = st.integers(1, 5).map("l:{}".format)


class StockMachine(RuleBasedStateMachine):
    """Two SKUs and their bundle in two warehouses; an independent plain-dict model counts what is on the shelf."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.items = [factories.sku(), factories.sku()]
        self.places = [factories.warehouse(), factories.warehouse()]
        self.pair = factories.bundle((self.items[0], 2), (self.items[1], 1))
        self.shelf = {(sku.pk, place.pk): D(0) for sku in self.items for place in self.places}
        self.done = 0

    def teardown(self):
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def key(self):
        self.done += 1
        return f"step:{self.done}"

    @rule(item=st.integers(0, 1), place=st.integers(0, 1), quantity=pieces, out=st.booleans(), cost=costs)
    def move_goods(self, item, place, quantity, out, cost):
        sku, warehouse = self.items[item].pk, self.places[place].pk
        signed = -quantity if out else quantity
        draft = EntryDraft(
            key=self.key(), sku_id=sku, warehouse_id=warehouse, quantity=signed, unit_cost=cost, reason="correction"
        )
        try:
            ledger.post(entries=[draft])
        except NegativeStock:
            assert out
        else:
            ledger.post(entries=[draft])  # a repeat
            self.shelf[sku, warehouse] += signed

    def want(self, line, quantity, of_bundle, whole, turned):
        places = self.places[::-1] if turned else self.places
        made = factories.want_bundle if of_bundle else factories.want
        count = max(D(int(quantity)), D(1)) if of_bundle else quantity
        return made(f"{line}{of_bundle}", self.pair if of_bundle else self.items[0], count, *places, whole=whole)

    @rule(line=lines, quantity=pieces, of_bundle=st.booleans(), whole=st.booleans(), turned=st.booleans())
    def book(self, line, quantity, of_bundle, whole, turned):
        reservations.book_demand(wants=[self.want(line, quantity, of_bundle, whole, turned)])

    @rule(line=lines, quantity=pieces, of_bundle=st.booleans(), turned=st.booleans())
    def change(self, line, quantity, of_bundle, turned):
        reservations.change_demand(wants=[self.want(line, quantity, of_bundle, True, turned)])

    @rule(
        line=lines,
        quantity=pieces,
        of_bundle=st.booleans(),
        whole=st.booleans(),
        turned=st.booleans(),
        partial=st.booleans(),
    )
    def reserve(self, line, quantity, of_bundle, whole, turned, partial):
        wants = [self.want(line, quantity, of_bundle, whole, turned), self.want("l:6", D(1), False, True, turned)]
        first = reservations.reserve(wants=wants, partial=partial)
        again = reservations.reserve(wants=wants, partial=partial)
        assert first.reserved == again.reserved

    @rule(line=lines, of_bundle=st.booleans(), back=st.booleans())
    def give_back(self, line, of_bundle, back):
        give = reservations.unreserve if back else reservations.release
        give(references=[f"{line}{of_bundle}"])

    @precondition(lambda self: Balance.objects.filter(reserved__gt=0).exists())
    @rule(line=lines, of_bundle=st.booleans(), quantity=pieces, place=st.integers(0, 1))
    def ship(self, line, of_bundle, quantity, place):
        sku, warehouse = self.items[0].pk, self.places[place].pk
        try:
            gone = reservations.consume(items=[(f"{line}{of_bundle}", sku, warehouse, quantity)], document=self.key())
        except NotReserved:
            return
        assert gone[0].cost_value >= 0
        self.shelf[sku, warehouse] -= quantity

    @invariant()
    def nothing_is_broken(self):
        assert broken() == []

    @invariant()
    def the_shelf_is_what_the_model_says(self):
        there = {(row.sku_id, row.warehouse_id): row.on_hand for row in Balance.objects.all()}
        assert {pair: there.get(pair, D(0)) for pair in self.shelf} == self.shelf


@pytest.mark.django_db
def test_any_sequence_keeps_the_books_straight():
    run_state_machine_as_test(
        StockMachine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
