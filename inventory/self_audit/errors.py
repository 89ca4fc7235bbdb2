"""What the self-audit refuses, each with what to do about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError


class AuditRefused(YikuError):
    """Nothing was changed; the sentence says why."""


SENTENCES = {
    "running": _("An audit is running already: its result is shown when it is done."),
    "not_open": _("This difference is “%(state)s” already: nothing was done twice."),
    "moved": _("The difference is %(now)s now, not %(shown)s any more: look again before you repair it."),
    "gone": _("Nothing differs here any more: the next audit closes it."),
    "impossible": _("The movements themselves add up to stock that cannot be: count these goods instead."),
    "undone": _("This repair is undone already."),
    "stands_no_more": _("What the repair did has moved on since: it cannot be undone. Adjust or count instead."),
    "no_document": _("The document behind this difference is not there any more."),
}


def refused(code: str, /, **params: object) -> AuditRefused:
    """Return the refusal of a code with its sentence."""
    return AuditRefused(code, SENTENCES[code], params=params)
