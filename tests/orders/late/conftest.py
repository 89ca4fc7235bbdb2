"""The tests of late orders happen on one morning."""

import pytest

from backoffice import clock
from tests.orders.factories import NOW


class Watch:
    """A clock that a test turns on."""

    def __init__(self):
        self.now = NOW

    def on(self, span):
        """So much later."""
        self.now += span
        return self.now


@pytest.fixture(autouse=True)
def watch():
    """It is the tests' morning until a test turns the clock on."""
    held = Watch()
    with clock.moved_to(lambda: held.now):
        yield held
