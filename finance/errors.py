"""What can stop a figure from reaching the books, each with the sentence that the clerk is shown."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES = {
    "missing_rate": _("There is no exchange rate yet. Enter or import it: the posting goes on by itself."),
    "unknown_currency": _("The currency is not known. Add it under Currencies, then retry."),
    "missing_account": _("No active account of the chart has the role this posting needs. Give it to one, then retry."),
    "bad_facts": _("The facts of this document cannot be read. Tell whoever runs the installation."),
    "amount_range": _("An amount is too large for the books."),
    "unbalanced": _("Debits and credits differ, so nothing was posted. Tell whoever runs the installation."),
    "database": _("The database refused the voucher. It is tried again by itself."),
    "lost": _("The worker stopped several times while posting this. Retry, and tell whoever runs the installation."),
}


def sentence(code: str) -> str:
    """Return what to tell the clerk about an error code on a posting request."""
    return str(SENTENCES.get(code, code))


class BooksError(YikuError):
    """The books refuse; `detail` is the name, code or role in question, kept on the row."""

    def __init__(self, code: str, message: Any = None, *, detail: str = "", retryable: bool = False) -> None:
        params = {"detail": detail}
        super().__init__(code, SENTENCES[code] if message is None else message, retryable=retryable, params=params)
        self.detail = detail

    def __str__(self) -> str:
        return str(self.message) % self.params if "%(" in str(self.message) else str(self.message)


class MissingRate(BooksError):
    """No rate of the currency is known on or before the day."""

    def __init__(self, currency: str, on: dt.date) -> None:
        message = _("There is no exchange rate for %(detail)s.")
        super().__init__("missing_rate", message, detail=f"{currency} {on}", retryable=True)
        self.currency, self.on = currency, on


class UnknownCurrency(BooksError):
    """The code is none of the currencies table."""

    def __init__(self, currency: str) -> None:
        super().__init__("unknown_currency", _("“%(detail)s” is not a known currency."), detail=currency[:20])


class MissingAccount(BooksError):
    """No active account of the chart has the role."""

    def __init__(self, role: str) -> None:
        super().__init__("missing_account", detail=role)


class ReferenceReused(BooksError):
    """The same document came again with other facts."""

    def __init__(self, reference: str) -> None:
        message = _("“%(detail)s” was already given to the books with other figures.")
        super().__init__("reference_reused", message, detail=reference)


class BadRates(BooksError):
    """A file of rates that cannot be used; the message says why."""

    def __init__(self, message: Any, detail: str = "") -> None:
        super().__init__("bad_rates", message, detail=detail)


class MonthRefused(BooksError):
    """A month that cannot be closed; the message says why."""

    def __init__(self, message: Any, detail: str = "") -> None:
        super().__init__("month_refused", message, detail=detail)
