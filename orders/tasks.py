"""The doors for background workers: each takes ids only, catches everything, returns a short code."""

from __future__ import annotations

from orders.desk.rules import backtest as past
from orders.fulfil.papers import printing


def backtest(pk: int) -> str:
    """Test a set of rules on past orders."""
    return past.run(pk)


def print_papers(pk: int) -> str:
    """Print the papers of many orders into one file."""
    return printing.work(pk)
