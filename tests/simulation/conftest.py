"""`--seed N` replays one seed, `--seeds N` plays the first N; else a few every day, and the others in `soak`."""

import os

import pytest

EVERY_DAY = {"sqlite": 6, "postgres": 1}  # each costs ten seconds and more
SOAK = {"sqlite": 1000, "postgres": 200}


def pytest_addoption(parser):
    """Offer the seed to replay and the number of seeds to play."""
    parser.addoption("--seed", type=int, action="append", help="play only this seed of the simulation (repeatable)")
    parser.addoption("--seeds", type=int, help="play so many seeds from 0, or from SIMULATION_FIRST")


def pytest_generate_tests(metafunc):
    """Give the simulation its seeds: those asked for, or a few for every day and the others for the long run."""
    if "seed" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--seed", default=None)
    many = metafunc.config.getoption("--seeds", default=None)
    first = int(os.environ.get("SIMULATION_FIRST", "0"))
    if chosen or many:
        metafunc.parametrize("seed", chosen or range(first, first + many))
        return
    engine = os.environ.get("YIKU_TEST_DB", "sqlite")
    daily = EVERY_DAY[engine]
    soak = range(daily, int(os.environ.get("SIMULATION_SEEDS", SOAK[engine])))
    metafunc.parametrize("seed", [*range(daily), *(pytest.param(seed, marks=pytest.mark.soak) for seed in soak)])
