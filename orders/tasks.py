"""The doors for background workers: each takes ids only, catches everything, returns a short code."""

from __future__ import annotations

from orders.desk.rules import backtest as past


def export_orders(pk: int) -> str:
    """Write a workbook of orders."""
    from orders.admin import exporting

    return exporting.run(pk)


def backtest(pk: int) -> str:
    """Test a set of rules on past orders."""
    return past.run(pk)
