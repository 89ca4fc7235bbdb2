"""One seed's course of events: buyers, clerks, workers and faults act in turn; the model is told what happened.

Everything random comes from one generator, so the seed alone tells the whole story again.
"""

import datetime as dt
import random

from backoffice import clock
from channels import accounts, due, reruns
from channels.models import Account, SyncError
from orders.models import Order
from tests.simulation import setting, workers
from tests.simulation.model import Model
from tests.simulation.shelves import hear_everything
from tests.simulation.steps import CLERK, OWNER, STEPS, approve, buy, cancel_here, ship_all

START = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)


class World:
    """The state of one run. `log` is the story so far, for whoever has to find out why it failed."""

    def __init__(self, seed):
        self.seed, self.rng = seed, random.Random(seed)
        random.seed(seed)  # the product spreads its pauses by the common generator
        self.now, self.log, self.audited = START, [], []
        self.busy = self.weather = 0
        self.counter = 0

        def clock_now():
            return self.now  # read at each call

        with clock.moved_to(clock_now):
            arrangement = setting.ARRANGEMENTS[seed % len(setting.ARRANGEMENTS)]
            self.house, opening = setting.build(self.rng, clock_now, arrangement)
        self.platforms = self.house.platforms
        self.model = Model(
            {shop: places for shop, (places, _locations) in arrangement.items()},
            setting.PARTS,
            {(shop, key): (row[2], row[3]) for shop, rows in setting.LISTED.items() for key, row in rows.items()},
        )
        for (sku, place), count in opening.items():
            self.model.came(sku, place, count)
        self.own = {}  # orders of shop C: id → document
        self.seen_parcels, self.home = set(), {}
        with clock.moved_to(clock_now):
            _work_for(self, minutes=2, every=40)
        for platform in self.platforms.values():
            platform.during = self.meanwhile

    # --- running -------------------------------------------------------------------------------------------------

    def run(self, steps):
        """Let so many things happen."""
        with clock.moved_to(lambda: self.now):
            for _ in range(steps):
                self.step()

    def step(self):
        """One thing happens, and some time passes."""
        name = self.rng.choices(list(STEPS), [weight for weight, _act in STEPS.values()])[0]
        self.tell(name)
        STEPS[name][1](self)
        self.now += dt.timedelta(seconds=self.rng.uniform(0.2, 8))

    def tell(self, text):
        """Add a line to the story."""
        self.log.append(f"{self.now:%H:%M:%S} {text}")

    def meanwhile(self, call):
        """While a worker waits for a platform, others go on: a sale, another worker, or the worker itself hangs."""
        if self.busy or self.rng.random() > 0.08:
            return
        self.busy = 1
        what = self.rng.choice(("sale", "sale", "worker", "worker", "desk", "hang"))
        self.tell(f"  during {call}: {what}")
        if what == "sale":
            buy(self)
        elif what == "desk":
            self.rng.choice((approve, ship_all, cancel_here))(self)
        else:
            self.now += dt.timedelta(seconds=200 if what == "hang" else 1)
            self.tell(f"    {workers.look(self.rng, most=2)}")
        self.busy = 0

    # --- looking around ------------------------------------------------------------------------------------------

    def orders(self, *states):
        """Our orders in these states, oldest first."""
        return list(Order.objects.filter(state__in=states).order_by("pk"))

    def one(self, *states):
        """Some order in one of these states, or None."""
        found = self.orders(*states)
        return self.rng.choice(found) if found else None

    def bought(self, open_only=True):
        """Some (platform, order id) over there, or None."""
        found = [
            (platform, order)
            for platform in self.platforms.values()
            for order in platform.orders
            if not open_only or platform.latest(order)["status"] == "open"
        ]
        return self.rng.choice(found) if found else None

    def there(self, order):
        """The parcels that the order's platform knows."""
        platform = self.platforms.get(order.shop.code)
        return platform.parcels.get(order.external_id, ()) if platform else ()

    def delay(self):
        """How long a platform may keep a version to itself."""
        return self.rng.choice((0, 0, 0, 0, 30, 540))

    def fresh(self, name):
        """A name never used before."""
        self.counter += 1
        return f"{name}-{self.counter}"

    def did(self, outcomes, action, actor=CLERK):
        """Remember what must stand in the audit trail."""
        done = [one for one in outcomes if one.ok]
        name = dict(Order.objects.filter(pk__in=[one.order_id for one in outcomes]).values_list("pk", "external_id"))
        self.tell(f"  {[(name[one.order_id], one.code) for one in outcomes]}")
        self.audited += [(action, f"orders.order:{one.order_id}", actor) for one in done]
        return {one.order_id for one in done}

    def parcels_left(self, shipments, *, back=False):
        """Tell the model which goods left with parcels, or (taken back) did not leave after all."""
        for shipment in shipments:
            self.seen_parcels.add(shipment.pk)
            for line in shipment.lines.select_related("line__order__shop").prefetch_related("goods"):
                goods = [
                    (self.house.sku_name(row.sku_id), self.house.place_name(row.warehouse_id), int(row.quantity))
                    for row in line.goods.all()
                ]
                order, units = line.line.order, -int(line.quantity) if back else int(line.quantity)
                goods = [(sku, place, -pieces if back else pieces) for sku, place, pieces in goods]
                key = order.shop.code, order.external_id, line.line.external_id
                self.model.told_by_parcel(*key, line.line.listing_id, int(line.line.quantity))
                self.model.left(*key, units, goods, strict=shipment.source == "desk")


# --- quiet -----------------------------------------------------------------------------------------------------------


def settle(world):
    """The faults are lifted, people mend what needs a person, and the workers get their five minutes."""
    with clock.moved_to(lambda: world.now):
        world.tell("settle")
        world.weather, world.busy = 0.0, 1
        for platform in world.platforms.values():
            platform.faults.weather = 0.0
        _work_for(world, minutes=11, every=130)  # what was kept back becomes visible, a deep look finds it
        mend(world)
        world.now += dt.timedelta(minutes=66)  # an hour later the drift check and the sweep come round
        for account in world.house.accounts.values():
            due.soon(account, due.DRIFT)
        _work_for(world, minutes=5, every=60)
        world.busy = 0
        hear_everything(world)


def _work_for(world, *, minutes, every):
    until = world.now + dt.timedelta(minutes=minutes)
    while world.now < until:
        workers.look(world.rng)
        world.now += dt.timedelta(seconds=every)


def mend(world):
    """People go through the error queue: fix and re-run, turn held writes on again."""
    for account in Account.objects.filter(writes_held_at__isnull=False):
        accounts.switch_writes(account=account, on=True, actor=OWNER)
    errors = list(SyncError.objects.filter(state="open").order_by("pk").values_list("pk", flat=True))
    reruns.rerun(error_ids=errors, actor=CLERK)
