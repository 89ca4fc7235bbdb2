"""Demand from the ledger, verdicts with their reasons, drafts from suggestions: exact figures."""

import datetime as dt
import random
from collections import defaultdict
from decimal import Decimal

import pytest
from django.utils import timezone

from backoffice import clock
from inventory import ledger
from inventory.ledger import EntryDraft
from inventory.models import Sku
from orders.models import PromotionDays, PurchaseOrder, ReplenishRow, ReplenishRun, SupplierItem
from orders.supply import demand_history, locking, replenishment, suggestions
from orders.supply.errors import SupplyError
from tests.inventory import factories as stock
from tests.orders.supply.conftest import LI, D

pytestmark = pytest.mark.django_db
DAYS = 20


@pytest.fixture(autouse=True)
def short_history(buyer):
    row = locking.setting()
    row.history_days, row.review_days = DAYS, 10
    row.save()


def move(sku, place, day: int, quantity, reason="shipment") -> None:
    """Goods moved at noon, so many days after the history begins."""
    today = timezone.localtime(clock.now()).date()
    noon = dt.datetime.combine(today - dt.timedelta(days=DAYS - day), dt.time(12), timezone.get_default_timezone())
    key = f"t{random.random()}"
    draft = EntryDraft(
        key=key, sku_id=sku.pk, warehouse_id=place.pk, quantity=D(quantity), reason=reason, occurred_at=noon
    )
    ledger.post(entries=[draft])


def history(sku, *, company=False):
    (found,) = [one for one in demand_history.read(days=DAYS, company=company) if one.sku_id == sku.pk]
    return found


def calculated() -> dict[str, ReplenishRow]:
    run = replenishment.begin(owner=None)
    assert run.ended_at is not None
    return {row.sku.code: row for row in ReplenishRow.objects.filter(run=run).select_related("sku")}


def test_sales_less_returns_of_days_with_stock(buyer):
    mug, place = buyer.mug, buyer.place
    move(mug, place, -5, 100, "opening")
    move(mug, place, 2, -3)
    move(mug, place, 2, -2)
    move(mug, place, 6, 1, "return")
    move(mug, place, 7, -10, "correction")  # moved to another warehouse: nobody bought it
    move(mug, place, DAYS, -50)  # today is not over
    found = history(mug)
    assert (found.sold, found.squares, found.days, found.out_days) == (4, 26, 20, 0)


def test_days_that_began_without_stock_and_sold_nothing_do_not_count(buyer):
    mug, place = buyer.mug, buyer.place
    move(mug, place, 3, 10, "receipt")  # days 0, 1, 2 and the day of the receipt
    move(mug, place, 5, -10)  # sold out: days 6 to 9
    move(mug, place, 10, 4, "receipt")  # and day 10
    move(mug, place, 15, -4)  # sold out: 16 to 19
    found = history(mug)
    assert (found.sold, found.out_days, found.days) == (14, 4 + 5 + 4, 7)


def test_promotion_days_are_left_out_once_whether_in_stock_or_not(buyer):
    mug, place = buyer.mug, buyer.place
    move(mug, place, -5, 100, "opening")
    move(mug, place, 2, -3)
    move(mug, place, 4, -40)
    move(mug, place, 6, -57)  # sold out: 7 to 19
    today = timezone.localtime(clock.now()).date()
    first = today - dt.timedelta(days=DAYS - 4)
    PromotionDays.objects.create(name="11.11", first=first, last=first)
    PromotionDays.objects.create(name="mugs", first=first, last=first + dt.timedelta(days=5), sku=mug)
    found = history(mug)
    assert (found.sold, found.promotion_days, found.out_days, found.days) == (3, 6, 10, 4)


def test_the_company_as_a_whole_has_stock_while_any_warehouse_has(buyer):
    other = stock.warehouse("SH")
    move(buyer.mug, buyer.place, -5, 2, "opening")
    move(buyer.mug, other, -5, 9, "opening")
    move(buyer.mug, buyer.place, 1, -2)
    move(buyer.mug, other, 2, -3)
    found = history(buyer.mug, company=True)
    assert (found.warehouse_id, found.sold, found.squares, found.out_days) == (0, 5, 13, 0)


def _by_hand(moves, on_hand):
    """The same day by day, slowly."""
    shipped, moved = defaultdict(Decimal), defaultdict(Decimal)
    for day, quantity, reason in moves:
        moved[day] += quantity
        if reason in ("shipment", "return"):
            shipped[day] -= quantity
    out = []
    for day in range(DAYS):
        began = on_hand - sum(n for when, n in moved.items() if when >= day)
        if began <= 0 and shipped[day] <= 0:
            out.append(day)
    return sum((shipped[day] for day in range(DAYS)), D(0)), len(out)


@pytest.mark.parametrize("seed", range(12))
def test_the_statement_says_what_counting_by_hand_says(buyer, seed):
    rng, moves, here = random.Random(seed), [], D(0)
    for day in sorted(rng.sample(range(-3, DAYS + 1), 8)):
        quantity = D(rng.randint(1, 9)) if here <= 0 or rng.random() < 0.3 else -D(rng.randint(1, int(here)))
        reason = rng.choice(["receipt", "return"]) if quantity > 0 else rng.choice(["shipment", "lost"])
        moves.append((day, quantity, reason))
        here += quantity
        move(buyer.mug, buyer.place, day, quantity, reason)
    inside = [one for one in moves if one[0] >= 0]
    sold, out = _by_hand(inside, here)
    found = [one for one in demand_history.read(days=DAYS, company=False) if one.sku_id == buyer.mug.pk]
    if inside:
        assert (D(str(found[0].sold)), found[0].out_days) == (sold, out), moves


def test_slices_of_skus_say_what_all_say_together(buyer, monkeypatch):
    """Promotions of all SKUs and of one among them: no SKU comes twice, none is left out."""
    made = [buyer.mug, *(stock.sku(code) for code in ("A", "B", "C"))]
    for nth, one in enumerate(made):
        move(one, buyer.place, -5, 40 + nth, "opening")
        for day in range(0, DAYS, nth + 1):
            move(one, buyer.place, day, -1)
    first = timezone.localtime(clock.now()).date() - dt.timedelta(days=DAYS)
    for sku, day in ((None, 2), (made[2], 5)):
        at = first + dt.timedelta(days=day)
        PromotionDays.objects.create(name="sale", sku=sku, first=at, last=at)
    whole, steps = list(demand_history.read(days=DAYS, company=False)), []
    assert [one.promotion_days for one in whole] == [1, 1, 2, 1]
    monkeypatch.setattr(demand_history, "SLICE", 1)
    assert list(demand_history.read(days=DAYS, company=False, step=steps.append)) == whole
    assert sum(steps) == Sku.objects.count() == len(steps)


def test_a_suggestion_has_every_number_and_is_ordered_once(buyer):
    mug, place = buyer.mug, buyer.place
    move(mug, place, -5, 45, "opening")
    for day in range(DAYS):
        move(mug, place, day, -2)
    row = calculated()["MUG"]
    assert (row.sold, row.days, row.mean, row.sd, row.lead, row.lead_sd) == (40, 20, 2, 0, 10, 0)
    assert (row.safety, row.reorder_point, row.order_up_to) == (0, 20, 40)
    assert (row.on_hand, row.incoming, row.verdict, row.quantity, row.why) == (5, 0, "order", 36, "pack")
    assert (row.price, row.chance, row.lead_measured) == (4, 1, False)
    (order,) = suggestions.to_drafts(row_ids=[row.pk], actor=LI)
    assert (order.source, order.lines.get().quantity, order.total) == ("replenish", 36, 144)
    with pytest.raises(SupplyError) as refused:
        suggestions.to_drafts(row_ids=[row.pk], actor=LI)
    assert (refused.value.code, PurchaseOrder.objects.count()) == ("nothing_chosen", 1)
    again = calculated()["MUG"]
    assert (again.verdict, again.drafted, again.quantity) == ("enough", 36, 0)


def test_every_other_sku_says_why_not(buyer):
    for code in ("SLOW", "ORPHAN", "NEVER", "BARE"):
        stock.sku(code)
    skus = {one.code: one for one in Sku.objects.all()}
    skus["GONE"] = stock.sku("GONE", active=False)
    SupplierItem.objects.create(supplier=buyer.supplier, sku=skus["SLOW"], price=D(1))
    for code, opening in (("SLOW", 500), ("ORPHAN", 22), ("NEVER", 3)):
        move(skus[code], buyer.place, -5, opening, "opening")
    for day in range(DAYS):
        move(skus["SLOW"], buyer.place, day, -1)
        move(skus["ORPHAN"], buyer.place, day, -1)
    found = calculated()
    assert {code: row.verdict for code, row in found.items()} == {
        "MUG": "no_demand", "CUP": "no_demand", "SLOW": "enough", "ORPHAN": "no_supplier", "NEVER": "no_demand",
        "BARE": "no_demand",
    }  # fmt: skip
    assert found["ORPHAN"].quantity > 0
    assert found["BARE"].warehouse is None


def test_what_was_always_out_or_on_promotion_cannot_be_judged(buyer):
    move(buyer.mug, buyer.place, 5, 3, "receipt")
    move(buyer.mug, buyer.place, 5, -3, "lost")
    assert calculated()["MUG"].verdict == "no_history"


def test_a_run_that_was_cut_off_begins_anew_and_the_old_one_is_shown_meanwhile(buyer):
    calculated()
    first = replenishment.latest()
    cut = ReplenishRun.objects.create(
        scope="warehouse", service_level=D("0.95"), history_days=DAYS, review_days=10, started_at=clock.now(),
        progress=first.progress,
    )  # fmt: skip
    ReplenishRow.objects.create(run=cut, sku=buyer.mug, verdict="order")
    assert replenishment.latest() == first
    replenishment.work(cut.pk)
    assert replenishment.latest() == cut
    assert ReplenishRow.objects.filter(run=cut).count() == 2


def test_the_company_as_a_whole_needs_a_place_for_its_goods(buyer):
    row = locking.setting()
    row.scope = "company"
    row.save()
    with pytest.raises(SupplyError) as refused:
        replenishment.begin(owner=None)
    assert (refused.value.code, ReplenishRun.objects.count()) == ("scope_place", 0)
