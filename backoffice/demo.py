"""The demo company, loaded once: rows of every app, opening stock, then its orders through the real product.

The apps are called by name (the ground imports none of them), the company comes from `fixtures`. What is done stands
in one Progress row, so that a killed load goes on where it was and a second one finds the company there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from backoffice import clock, progress
from backoffice.errors import YikuError
from backoffice.models import Progress

KIND = "demo"
FILL = "fixtures.demo"
BOOKS, STOCK, ORDERS, CHANNELS = "finance.demo", "inventory.demo", "orders.demo", "channels.demo"
LABELS = Path("demo") / "labels.jsonl"
QUIET_HOURS = (3, 9)  # UTC; the clock stops there, and at midnight, on ordinary days
FINE_DAYS = 2  # the last days run hour by hour, so that what is open looks as it would

DAY = dt.timedelta(days=1)
Say = Callable[[str], None]


class DemoRefused(YikuError):
    """The demo is not for this installation."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to load: so many days up to now of a company with so many orders a year."""

    days: int = 30
    per_year: int = 30_000
    seed: int = 1


def load(wish: Wish, *, say: Say = lambda text: None, company: Any = None) -> dict[str, Any]:
    """Load the demo company, or go on with it; returns what stands. Raises DemoRefused.

    A company that stands is left alone, whatever is wished now.
    """
    meter = _begin(wish)
    state = meter.row.result
    if meter.row.state == progress.DONE:
        say("The demo company stands already.")
        return state
    with progress.followed(meter):
        _Load(meter, company or import_string(f"{FILL}.company")(), say).run()
    return meter.row.result


def _begin(wish: Wish) -> progress.Meter:
    """Return the meter of the load under way, or of a new one on an empty database."""
    row = Progress.objects.filter(kind=KIND).order_by("-id").first()
    if row is not None:
        return progress.Meter(row)
    if not (settings.DEMO or settings.TESTING):
        raise DemoRefused("demo_off", _("The demo has public passwords: it is loaded only with DEMO=1."))
    if apps.get_model("inventory", "Shop").objects.exists():
        raise DemoRefused("not_empty", _("This database holds shops already: the demo is for an empty one."))
    meter = progress.start(KIND, total=wish.days)
    now = clock.now().replace(microsecond=0)
    meter.row.result = {**dataclasses.asdict(wish), "now": now.isoformat(), "stage": "rows"}
    meter.row.save(update_fields=["result"])
    return meter


class _Load:
    """One run of the load, stage by stage; each stage is whole or not at all."""

    def __init__(self, meter: progress.Meter, company: Any, say: Say) -> None:
        self.meter, self.company, self.say = meter, company, say
        self.state = meter.row.result
        self.now = dt.datetime.fromisoformat(self.state["now"])
        self.first = (self.now - self.state["days"] * DAY).date()
        self.start = dt.datetime(self.first.year, self.first.month, self.first.day, tzinfo=dt.UTC)
        self.teller = import_string(f"{FILL}.teller")(company, self.state["seed"], self.state["per_year"])
        self.supply = import_string(f"{FILL}.supply")(self.teller)

    def run(self) -> None:
        """Do every stage that is still to do."""
        stages = {"rows": self._rows, "opening": self._opening, "orders": self._orders, "end": self._end}
        names = list(stages)
        for name in names[names.index(self.state["stage"]) :]:
            stages[name]()
            following = names.index(name) + 1
            self._keep(stage=names[following] if following < len(names) else "done")
        self.meter.finish(self.state)

    def _rows(self) -> None:
        self.say("Company, catalogue, staff, accounts …")
        since = self.start - DAY
        rates = import_string(f"{FILL}.rates_xml")(self.first - 10 * DAY, self.now.date())
        with transaction.atomic(), clock.moved_to(lambda: since):
            import_string(f"{BOOKS}.load")(rates_xml=rates)
            import_string(f"{STOCK}.load")(company=self.company, since=since)
            import_string(f"{ORDERS}.load")(company=self.company)
            import_string(f"{CHANNELS}.load")(company=self.company, since=since, go_live=self.now)

    def _opening(self) -> None:
        self.say("Opening stock …")
        self._receive(self.supply.opening(self.first), self.start - dt.timedelta(hours=1), "opening")

    def _orders(self) -> None:
        replay = import_string(f"{ORDERS}.replay")(import_string(f"{CHANNELS}.matchers")())
        told = dt.datetime.fromisoformat(self.state.get("told") or self.start.isoformat())
        replay.add(self._unfinished(told), after=told if self.state.get("told") else self.start - DAY)
        while told < self.now:
            day = told.date()
            replay.add(self.teller.day(day + DAY), after=told)  # where shops are, tomorrow begins today
            self._restock(day)
            told = self._tell(replay, self._stops(day, told))
            self.meter.step()
            self._keep(told=told.isoformat(), counts=dataclasses.asdict(replay.counts))
            self.say(f"{day}: {replay.counts.delivered} deliveries, {replay.counts.shipped} parcels")

    def _unfinished(self, told: dt.datetime) -> Iterator[Any]:
        """The stories that have begun and may not be over: after forty days every one is."""
        for stories in self.teller.days(max(self.first, told.date() - 40 * DAY), told.date()):
            yield from stories

    def _tell(self, replay: Any, stops: list[dt.datetime]) -> dt.datetime:
        for stop in stops:
            replay.until(stop)
        with clock.moved_to(lambda: stops[-1]):
            import_string(f"{BOOKS}.post_all")()
        return stops[-1]

    def _stops(self, day: dt.date, after: dt.datetime) -> list[dt.datetime]:
        """The moments of a day at which orders come, are decided and leave."""
        midnight = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
        fine = midnight > self.now - FINE_DAYS * DAY
        hours = range(1, 25) if fine else (*QUIET_HOURS, 24)
        stops = [midnight + dt.timedelta(hours=hour) for hour in hours]
        return sorted({min(stop, self.now) for stop in stops if stop > after})

    def _restock(self, day: dt.date) -> None:
        receipts = self.supply.receipts(day, import_string(f"{STOCK}.free_stock")()) if day > self.first else []
        self._receive(receipts, dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC), f"receipt:{day}")

    def _receive(self, receipts: list[Any], at: dt.datetime, name: str) -> None:
        arrival = import_string(f"{STOCK}.Arrival")
        rows = [arrival(one.sku, one.warehouse, one.quantity, one.unit_cost) for one in receipts]
        with clock.moved_to(lambda: at):
            import_string(f"{STOCK}.receive")(arrivals=rows, document=f"demo.{name}", at=at)

    def _end(self) -> None:
        self.say("Special orders, closing the news of the past, labels …")
        with transaction.atomic(), clock.moved_to(lambda: self.now):
            packed = import_string(f"{ORDERS}.finish")()
            import_string(f"{STOCK}.finish")()
            counts = self.state.get("counts", {})
            self._keep(counts={**counts, "shipped": counts.get("shipped", 0) + packed})
            import_string(f"{BOOKS}.post_all")()
        import_string(f"{CHANNELS}.finish")()
        path = settings.VAR_DIR / LABELS
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for stories in self.teller.days(self.first, self.now.date() + DAY):
                for story in stories:
                    if story.deliveries[0].at <= self.now:
                        file.write(json.dumps(dataclasses.asdict(story.label), ensure_ascii=False) + "\n")

    def _keep(self, **news: Any) -> None:
        self.state.update(news)
        self.meter.row.result = self.state
        self.meter.row.save(update_fields=["result"])
