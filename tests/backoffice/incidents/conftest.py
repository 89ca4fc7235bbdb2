"""An incident desk whose clocks are easy to read: a house that works on weekdays from nine to six, without holidays."""

import datetime as dt

import pytest

from backoffice import clock, incidents
from backoffice.incidents import kinds
from backoffice.models import WorkTime

MONDAY = dt.datetime(2026, 11, 30, 2, 0, tzinfo=dt.UTC)  # ten o'clock in Shanghai


@pytest.fixture
def moment():
    """Stop the clock on a Monday at ten; `moment.move(hours=1)` moves it."""

    class Moment:
        now = MONDAY

        def move(self, **delta):
            self.now += dt.timedelta(**delta)

    one = Moment()
    with clock.moved_to(lambda: one.now):
        yield one


@pytest.fixture
def desk(db, moment):
    """A kind `leak` of the warehouse: an hour to take it in hand, eight to resolve it."""
    WorkTime.objects.filter(pk=1).update(holidays="")
    before = dict(kinds._kinds)
    incidents.register_kind(
        "leak",
        title="Leak",
        sentence=lambda data: f"Water in {data['room']}",
        department="warehouse",
        acknowledge_minutes=60,
        resolve_hours=8,
        advice="Mop it up.",
    )
    yield moment
    kinds._kinds.clear()
    kinds._kinds.update(before)
