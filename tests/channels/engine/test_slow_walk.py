"""A walk counts from its beginning, however long it takes."""

from backoffice import clock
from channels import pull
from orders.models import Order
from tests.channels.engine.conftest import poll


def test_an_order_changed_during_a_long_walk_is_in_the_next_one(shop, later):
    began = clock.now()
    shop.front.meanwhile["pull_orders"] = lambda: later(seconds=80)
    pull.run(shop.account.pk)
    assert poll(shop).covered_until <= began + (clock.now() - began) / 10
    hidden = shop.front.buy(("A", 1))
    shop.front.orders[hidden]["updated"] = (began + (clock.now() - began) / 10).isoformat()
    later(minutes=1)
    pull.run(shop.account.pk)
    assert Order.objects.get().external_id == hidden
