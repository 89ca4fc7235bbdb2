"""kill −9 before every statement of intake, shipping and decisions: all or nothing, and it goes on (F01, F03)."""

import pytest

from finance.currencies import seed_currencies
from finance.models import PostingRequest
from inventory.models import Balance, Reservation
from orders import intake
from orders.desk import actions
from orders.fulfil import shipping
from orders.models import Order, OrderEvent, OrderLine, OrderVersion, ReviewLog, Shipment
from tests.crash.killing import killed_at, steps_of
from tests.inventory import factories as stock
from tests.inventory.invariants import broken
from tests.orders.factories import later, line, order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shop(transactional_db):
    """A shop with two SKUs and a bundle of them, 400 pieces each."""
    seed_currencies()
    place = stock.warehouse()
    made = stock.shop(place, currency="EUR")
    tea, cup = stock.sku("TEA"), stock.sku("CUP")
    stock.bundle((tea, 1), (cup, 2), code="SET")
    for goods in (tea, cup):
        stock.stock(goods, place, 400)
    return made


def page(number):
    """Five orders: plain, a bundle, several lines, one that nobody knows, one too large."""
    first = number * 10
    return [
        order(first, line("TEA")),
        order(first + 1, line("SET", "2")),
        order(first + 2, line("TEA"), line("CUP", "3", number=2)),
        order(first + 3, line("NOBODY-KNOWS")),
        order(first + 4, line("CUP", "900")),
    ]


def sweep(work, every=1):
    """Run `work(step)` killed at step 1, 2, 3 … until it finishes unharmed; returns how many steps there were."""
    step = 1
    while killed_at(step, lambda now=step: work(now)):
        assert broken() == []
        work(step)
        assert broken() == []
        step += every
    return step


def test_a_page_killed_anywhere_is_stored_whole_or_not_at_all_and_once(shop):
    def take(step):
        intake.take_in(shop_id=shop.pk, orders=page(step))

    assert steps_of(lambda: take(0)) > 10
    pages = sweep(take) + 1
    assert Order.objects.count() == OrderVersion.objects.count() == ReviewLog.objects.count() == 5 * pages
    assert OrderLine.objects.count() == 6 * pages
    assert Order.objects.filter(state="approved").count() == 3 * pages
    assert Balance.objects.get(sku__code="CUP").demand == 900 * pages


def test_a_newer_page_killed_anywhere_is_applied_once(shop):
    first = page(0)
    intake.take_in(shop_id=shop.pk, orders=first)

    def take(step):
        versions = [later(one, minutes=step, buyer_note=f"note {step}") for one in first[:2]]
        cut = later(first[2], minutes=step, lines=(line("TEA"), line("CUP", str(1 + step % 2), number=2)))
        intake.take_in(shop_id=shop.pk, orders=[*versions, cut])

    step = sweep(take)
    assert Order.objects.count() == 5
    assert Order.objects.get(external_id="o2").versions.count() == step + 1
    reserved = sum(row.quantity for row in Reservation.objects.filter(bucket=3, sku__code="CUP"))
    assert reserved == 4 + 1 + step % 2


def test_a_parcel_killed_anywhere_leaves_once_with_its_news_and_its_posting(shop):
    def ship(step):
        external = f"o{step * 10 + 1}"
        intake.take_in(shop_id=shop.pk, orders=page(step))
        found = Order.objects.get(external_id=external)
        shipping.ship(order_id=found.pk, parcels=[shipping.Parcel(carrier="SF")], actor="t", idempotency_key=external)

    intake.take_in(shop_id=shop.pk, orders=page(0))
    steps = sweep(ship, every=3)
    shipped = len(range(1, steps + 1, 3))
    assert Shipment.objects.count() == OrderEvent.objects.filter(kind="shipped").count() == shipped
    assert PostingRequest.objects.filter(kind="sale").count() == shipped
    assert Balance.objects.get(sku__code="CUP").on_hand == 400 - 4 * shipped


@pytest.mark.parametrize("act", [actions.cancel, actions.undo_approve])
def test_a_decision_killed_anywhere_is_made_whole_or_not(shop, act):
    def decide(step):
        intake.take_in(shop_id=shop.pk, orders=page(step)[:2])
        ids = list(
            Order.objects.filter(external_id__in=[f"o{step * 10}", f"o{step * 10 + 1}"]).values_list("pk", flat=True)
        )
        act(order_ids=ids, actor="t", reason="r")

    sweep(decide, every=2)
    assert not Order.objects.filter(state="approved").exists()
    assert not Reservation.objects.filter(bucket=3, quantity__gt=0).exists()
