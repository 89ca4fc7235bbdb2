"""Run a piece of work in a forked child that is killed (SIGKILL) at its n-th step; the parent looks at what stands.

A step is a statement sent to the database or a request sent to a platform: before it, or after its answer came back.
With `requests_only` the statements are not counted: a sweep then dies on both sides of every single request.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import urllib3
from django.db import connection, connections

FINISHED, FAILED = 0, 70
PATIENCE = 60  # seconds a child may take


class Killer:
    """Counts steps and kills its own process at the chosen one; `at=0` only counts."""

    def __init__(self, at: int, *, requests_only: bool = False) -> None:
        self.at, self.steps, self.requests_only = at, 0, requests_only

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around_statement(self, execute, sql, params, many, context):
        if not self.requests_only:
            self.step()
        return execute(sql, params, many, context)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count every statement and both sides of every HTTP request inside the block."""
        send = urllib3.PoolManager.urlopen

        def counted(pools, *args, **kwargs):
            self.step()
            answer = send(pools, *args, **kwargs)
            self.step()
            return answer

        with ExitStack() as stack:
            stack.enter_context(connection.execute_wrapper(self.around_statement))
            urllib3.PoolManager.urlopen = counted
            stack.callback(setattr, urllib3.PoolManager, "urlopen", send)
            yield


def killed_at(step: int, work: Callable[[], None], *, requests_only: bool = False) -> bool:
    """Fork, run `work`, kill it at `step`. True when it was killed, False when it finished before reaching the step."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        os._exit(_in_child(Killer(step, requests_only=requests_only), work))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, "the work hung, see where above"
        return True
    assert os.WEXITSTATUS(status) == FINISHED, "the work itself failed, see its traceback above"
    return False


def steps_of(work: Callable[[], None]) -> int:
    """How many steps the work takes when nobody kills it; the work is really done."""
    killer = Killer(0)
    with killer.counting():
        work()
    return killer.steps


def _in_child(killer: Killer, work: Callable[[], None]) -> int:
    faulthandler.register(signal.SIGALRM, file=2, chain=True)  # a child that hangs says where, and dies of it
    signal.alarm(PATIENCE)
    try:
        with killer.counting():
            work()
    except BaseException:  # the child must never run the parent's tests
        traceback.print_exc(file=sys.stderr)
        return FAILED
    return FINISHED
