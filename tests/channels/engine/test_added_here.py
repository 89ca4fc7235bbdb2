"""What was added here is no matter of the platform's: gifts in its orders, and orders of our own."""

from decimal import Decimal

import pytest

from channels import pull, tracking
from channels.models import OrderNotice
from inventory.models import Sku
from orders.desk import gifts, replacing
from orders.fulfil.shipping import Parcel, ship
from orders.models import Order, OrderLine
from tests.channels.engine.test_tracking import deliver


@pytest.fixture
def ordered(shop):
    """An approved order of two pieces of A, with one more A as a gift."""
    shop.order_id = shop.front.buy(("A", 2))
    pull.run(shop.account.pk)
    shop.order = Order.objects.get()
    told = gifts.add(order_ids=[shop.order.pk], sku_id=Sku.objects.get().pk, quantity=Decimal(1), actor="li")
    assert told[0].ok
    shop.bought, shop.gift = OrderLine.objects.get(own=False), OrderLine.objects.get(own=True)
    return shop


def send(made, key, lines=None, order=None):
    """Ship and let the news out; returns what the platform's notices say so far."""
    order_id = (order or made.order).pk
    ship(order_id=order_id, parcels=[Parcel(lines=lines, carrier="DHL", tracking=key)], actor="t", idempotency_key=key)
    deliver()
    tracking.run(made.account.pk)
    return [(one.content["lines"], one.content["completes_order"]) for one in OrderNotice.objects.order_by("pk")]


def test_the_platform_hears_of_its_own_lines_only(ordered):
    assert send(ordered, "k1") == [([[ordered.bought.external_id, 2]], True)]
    assert ordered.front.parcels[0].lines == ((ordered.bought.external_id, 2),)


def test_a_parcel_with_nothing_but_the_gift_is_not_told(ordered):
    whole = [([[ordered.bought.external_id, 2]], True)]
    assert send(ordered, "k1", {ordered.bought.pk: Decimal(2)}) == whole
    assert send(ordered, "k2") == whole
    assert Order.objects.get().state == "shipped"


def test_the_parcel_after_the_gift_ends_the_order(ordered):
    assert send(ordered, "k1", {ordered.gift.pk: Decimal(1)}) == []
    assert send(ordered, "k2") == [([[ordered.bought.external_id, 2]], True)]


def test_what_is_sent_for_an_order_is_not_told(ordered):
    send(ordered, "k1")
    goods = [replacing.Goods(Sku.objects.get().pk, Decimal(1))]
    taken = replacing.replace(
        order_id=ordered.order.pk, kind="reissue", goods=goods, reason="lost", actor="li", key="once"
    )
    again = Order.objects.get(pk=taken.order_id)
    assert again.state == "approved", again.hold_code
    assert len(send(ordered, "k2", order=again)) == 1
    assert len(ordered.front.parcels) == 1


def test_an_order_of_our_own_is_not_cancelled_over_there(ordered):
    from orders.desk import actions

    send(ordered, "k1")
    goods = [replacing.Goods(Sku.objects.get().pk, Decimal(1))]
    taken = replacing.replace(
        order_id=ordered.order.pk, kind="reissue", goods=goods, reason="lost", actor="li", key="once"
    )
    actions.cancel(order_ids=[taken.order_id], actor="li", reason="found")
    deliver()
    assert not OrderNotice.objects.filter(kind="cancel").exists()
