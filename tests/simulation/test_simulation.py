"""A whole day of a small seller from one seed, with everything going wrong that can; at quiet points all must be true.

A failure prints its seed and the story; `pytest tests/simulation --seed N` tells the same story again.
"""

import pytest
from django.db import transaction

from tests.simulation.invariants import check
from tests.simulation.world import World, settle

STEPS, QUIET_POINTS = 200, 2


@pytest.mark.django_db
def test_everything_is_true_at_every_quiet_point(seed):
    world = World(seed)
    try:
        for _ in range(QUIET_POINTS):
            world.run(STEPS // QUIET_POINTS)
            settle(world)
            check(world)
    except Exception:
        print(f"\nseed {seed}: replay with  pytest tests/simulation --seed {seed}\n" + "\n".join(world.log))  # noqa: T201
        raise


@pytest.mark.django_db
def test_a_seed_tells_the_same_story_again():
    first, again = (_story(41) for _ in range(2))
    assert first == again


def _story(seed):
    with transaction.atomic():
        world = World(seed)
        world.run(60)
        transaction.set_rollback(True)
    return world.log
