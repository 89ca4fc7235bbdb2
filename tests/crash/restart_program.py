"""A program of its own for the restart test: takes in pages, ships, posts, and comes back when the server does.

python -m tests.crash.restart_program set-up | take NAME | post | judge
"""

import datetime as dt
import json
import os
import sys
import time

PAGES, SIZE = 8, 10


def main(what: str, *names: str) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    {"set-up": set_up, "take": take, "post": post, "judge": judge}[what](*names)


def set_up() -> None:
    from django.core.management import call_command

    from finance.currencies import seed_currencies
    from tests.finance.factories import rate
    from tests.inventory import factories as stock

    call_command("migrate", verbosity=0)
    seed_currencies()
    place = stock.warehouse("W")
    for code in ("TEA", "CUP"):
        stock.stock(stock.sku(code), place, 1000)
    stock.shop(place, code="SHOP", currency="EUR")
    for day in (dt.date(2026, 11, 1), dt.datetime.now(dt.UTC).date()):
        rate("EUR", "7.8", on=day)


def insisting(work):
    """What the dispatcher does: work that lost its database is done again."""
    from django.db import Error, connection

    while True:
        try:
            return work()
        except Error:
            connection.close()
            time.sleep(0.05)


def take(name: str) -> None:
    """Take in the pages that the other worker takes in as well, and ship what is approved."""
    from inventory.models import Shop
    from orders import intake
    from orders.fulfil import shipping
    from orders.models import Order
    from tests.orders.factories import line, order

    shop = insisting(lambda: Shop.objects.get(code="SHOP"))
    for number in range(PAGES):
        page = [order(number * SIZE + n, line("TEA"), line("CUP", "2", number=2)) for n in range(SIZE)]
        result = insisting(lambda page=page: intake.take_in(shop_id=shop.pk, orders=page))
        assert not result.failed, result.failed
        for external in [f"o{number * SIZE + n}" for n in range(0, SIZE, 2)]:
            found = insisting(lambda external=external: Order.objects.get(external_id=external))
            insisting(
                lambda found=found: shipping.ship(
                    order_id=found.pk, parcels=[shipping.Parcel()], actor=name, idempotency_key=f"k{found.pk}"
                )
            )
        say(f"page {number}")


def post() -> None:
    """Post vouchers until everything is posted; the clock runs ahead, so that what was cut off is due again."""
    from backoffice import clock
    from finance import posting
    from finance.models import PostingRequest
    from orders.models import Shipment

    def left() -> int:
        return PAGES * SIZE // 2 - PostingRequest.objects.filter(state="posted").count()

    ahead = dt.timedelta(0)
    while insisting(left):
        with clock.moved_to(lambda ahead=ahead: dt.datetime.now(dt.UTC) + ahead):
            insisting(posting.post_due)
        ahead += dt.timedelta(seconds=10)
        time.sleep(0.05)
    assert insisting(Shipment.objects.count) == PAGES * SIZE // 2


def judge() -> None:
    """Say what stands at the end."""
    from finance.models import OpenItem, Voucher
    from orders.models import Order, OrderEvent, OrderVersion, ReviewLog, Shipment
    from tests.inventory import factories as stock
    from tests.inventory.invariants import broken

    place = stock.Warehouse.objects.get(code="W")
    tables = (Order, OrderVersion, ReviewLog, Shipment, Voucher, OpenItem)
    found = {model.__name__: model.objects.count() for model in tables}
    tea, cup = (stock.buckets(stock.Sku.objects.get(code=code), place) for code in ("TEA", "CUP"))
    shipped = OrderEvent.objects.filter(kind="shipped").count()
    say(json.dumps({**found, "shipped": shipped, "tea": tea, "cup": cup, "broken": broken()}))


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
