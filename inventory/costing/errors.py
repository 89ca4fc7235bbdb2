"""What costing refuses, each in a sentence that says what helps."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError


class CostRefused(YikuError):
    """Nothing was changed; the sentence says why."""


SENTENCES = {
    "worth": _(
        "There are goods worth %(value)s in stock, so the method is not just chosen any more. "
        "Use “Change the method as of now”: it shows first what it does."
    ),
    "same": _("Goods are valued by “%(method)s” already: nothing was changed."),
    "stale": _("Somebody has changed this meanwhile: %(who)s, %(when)s. Look at it again."),
    "unknown_receipt": _("One of these receipts is not in the stock ledger any more."),
    "goods_moved": _("Goods of these receipts moved at this very moment. Look at the preview again, then book."),
    "owner": _("Only the owner changes how goods are valued."),
}


def refused(code: str, /, **params: object) -> CostRefused:
    """Return the refusal of a code with its sentence."""
    return CostRefused(code, SENTENCES[code], params=params)
