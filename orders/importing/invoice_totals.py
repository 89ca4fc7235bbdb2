"""The totals of each invoice of a file, for the eye that compares them with the paper."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from django.utils.translation import gettext as _now
from django.utils.translation import ngettext

from backoffice.imports.documents import Sorter
from backoffice.imports.kinds import ImportKind, Overview, plain
from backoffice.models import ImportRun
from finance.currencies import base_code
from orders.importing.invoice_figures import on_paper

ZERO = Decimal(0)
MOST = 200


@dataclasses.dataclass(slots=True)
class Total:
    """One invoice of the file."""

    number: str = ""
    orders: dict[str, None] = dataclasses.field(default_factory=dict)
    rows: int = 0
    bad: int = 0
    unread: int = 0
    pieces: Decimal = ZERO
    amount: Decimal = ZERO
    tax: Decimal = ZERO
    difference: Decimal = ZERO
    stock: Decimal = ZERO
    gone: Decimal = ZERO


def overview(run: ImportRun, kind: ImportKind) -> Overview:
    """Return a row for each invoice of a file that was read."""
    totals = _totals(run, kind)
    base = base_code()
    heads = (
        _now("invoice number"), _now("purchase order"), _now("rows"), _now("pieces"), _now("amount"), _now("tax"),
        _now("amount with tax"), _now("difference to the order"), _now("into the value of stock") + f" ({base})",
        _now("gone with sold goods") + f" ({base})",
    )  # fmt: skip
    more = len(totals) - MOST
    note = ngettext("%(n)s more invoice is not shown.", "%(n)s more invoices are not shown.", more) % {"n": more}
    notes = (_now("Compare each total with the paper."), *((note,) if more > 0 else ()))
    rows = [_row(one) for one in totals[:MOST]]
    faults = [_faults(one) for one in totals[:MOST]]
    return Overview(_now("The invoices of this file"), heads, rows, faults, notes, frozenset(range(2, 10)))


def _totals(run: ImportRun, kind: ImportKind) -> list[Total]:
    sorter, found = Sorter(kind, run.places), dict[str, Total]()
    rows = run.rows.exclude(outcome="out").order_by("row")
    for outcome, cells, values, changes in rows.values_list("outcome", "cells", "values", "changes"):
        one = found.setdefault(sorter.of(cells), Total())
        one.rows += 1
        one.bad += outcome == "bad"
        if values is None:
            one.unread += 1
            continue
        one.number = one.number or values.get("number") or ""
        one.orders |= {values["order"]: None} if values.get("order") else {}
        quantity, amount, tax = on_paper(values)
        one.pieces, one.amount, one.tax = one.pieces + quantity, one.amount + amount, one.tax + tax
        for name in ("difference", "stock", "gone"):
            setattr(one, name, getattr(one, name) + Decimal((changes.get(name) or [None, "0"])[1]))
    return list(found.values())


def _faults(one: Total) -> str:
    faults = []
    if one.bad:
        faults.append(ngettext("%(n)s row with a problem", "%(n)s rows with a problem", one.bad) % {"n": one.bad})
    if one.unread:
        faults.append(_now("%(n)s of them not in the totals") % {"n": one.unread})
    return "; ".join(faults)


def _row(one: Total) -> tuple[str, ...]:
    names = [*one.orders][:4]
    orders = ", ".join(names) + (f" +{len(one.orders) - 4}" if len(one.orders) > 4 else "")
    return (
        one.number or "–", orders or "–", str(one.rows), plain(one.pieces), _money(one.amount), _money(one.tax),
        _money(one.amount + one.tax), _signed(one.difference), _signed(one.stock), _signed(one.gone),
    )  # fmt: skip


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"


def _signed(amount: Decimal) -> str:
    return f"{amount:+,.2f}" if amount else "–"
