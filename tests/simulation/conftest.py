"""`--seed N` replays one seed of the simulation."""

import os


def pytest_addoption(parser):
    """Offer the seed to replay and the number of seeds to play."""
    parser.addoption("--seed", type=int, action="append", help="play only this seed of the simulation (may be repeated)")
    parser.addoption("--seeds", type=int, default=None, help="play so many seeds (default 30, or SIMULATION_SEEDS)")


def pytest_generate_tests(metafunc):
    """Give the simulation its seeds."""
    if "seed" not in metafunc.fixturenames:
        return
    one = metafunc.config.getoption("--seed", default=None)
    many = metafunc.config.getoption("--seeds", default=None) or int(os.environ.get("SIMULATION_SEEDS", "30"))
    first = int(os.environ.get("SIMULATION_FIRST", "0"))
    metafunc.parametrize("seed", one or range(first, first + many))
