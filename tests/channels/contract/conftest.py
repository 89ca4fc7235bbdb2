"""Each test of the contract runs over every registered platform that can be called."""

import pytest

from tests.channels.contract.counters import COUNTERS


@pytest.fixture(params=sorted(COUNTERS))
def counter(request):
    """A sandbox shop of the platform on a real socket."""
    from channels.connectors.shopify.throttle import forget_buckets

    forget_buckets()
    with COUNTERS[request.param]() as opened:
        yield opened
