"""The doors for background workers: each takes ids only, catches everything, returns a short code."""

from __future__ import annotations

from orders.desk import runs
from orders.desk.rules import backtest as past
from orders.fulfil.papers import printing
from orders.late import recount


def export_orders(pk: int) -> str:
    """Write a workbook of orders."""
    from orders.admin import exporting

    return exporting.run(pk)


def backtest(pk: int) -> str:
    """Test a set of rules on past orders."""
    return past.run(pk)


def late_clock(progress_id: int) -> str:
    """Let open orders follow handling times that were changed; 0 is the nightly look at all of them."""
    return recount.run(progress_id)


def print_papers(pk: int) -> str:
    """Print the papers of many orders into one file."""
    return printing.work(pk)


def desk_run(pk: int) -> str:
    """Go on with a long work of the desk."""
    return runs.work(pk)


def replenish(pk: int) -> str:
    """Look at every SKU and say what to order."""
    from orders.supply import replenishment

    return replenishment.work(pk)
