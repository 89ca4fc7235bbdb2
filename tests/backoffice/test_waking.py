"""A wake-up comes after the commit, once per name, and never when the transaction failed."""

import time

import pytest
from django.db import transaction

from backoffice import waking
from backoffice.waking import Listener, wake

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_listener_hears_a_commit_within_a_moment():
    with Listener() as ears:
        with transaction.atomic():
            wake("push")
            wake("push")
            assert ears.wait(0.05) == set()
        started = time.monotonic()
        assert ears.wait(5) == {"push"}
        assert time.monotonic() - started < 1
        assert ears.wait(0.05) == set()


def test_nothing_is_heard_of_a_rollback():
    def fails():
        with transaction.atomic():
            wake("push")
            raise ZeroDivisionError

    with Listener() as ears:
        with pytest.raises(ZeroDivisionError):
            fails()
        assert ears.wait(0.1) == set()


def test_several_listeners_hear_all_names():
    with Listener() as one, Listener() as two:
        waking.send("push")
        waking.send("pull")
        for ears in (one, two):
            names = ears.wait(2) | ears.wait(0.2)
            assert names == {"push", "pull"}


def test_calling_nobody_harms_nobody():
    waking.send("push")


def test_a_lost_listener_comes_back():
    with Listener() as ears:
        (ears._socket or ears._connection).close()
        ears.wait(0.1)
        waking.send("push")
        assert ears.wait(2) == {"push"}


@pytest.mark.sqlite
def test_a_house_at_a_long_path_hears_too(settings, tmp_path):
    settings.VAR_DIR = tmp_path / ("deep" * 30)  # no local socket has a name that long
    with Listener() as ears:
        waking.send("push")
        assert ears.wait(2) == {"push"}


@pytest.mark.sqlite
def test_who_cannot_listen_works_by_the_interval(settings):
    settings.VAR_DIR = "/dev/null"
    with Listener() as ears:
        waking.send("push")
        assert ears.wait(0.1) == set()
