"""What the incident desk refuses, in words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "incident_closed": _("%(number)s is closed already (%(who)s)."),
    "incident_taken": _("%(number)s was taken in hand by %(who)s a moment ago."),
    "incident_open": _("%(number)s is still open."),
    "incident_cause_missing": _("Say what the cause was."),
    "incident_cause_other": _("This cause is not one for this kind of incident."),
    "incident_done_missing": _("Say in a few words what was done."),
    "incident_text_missing": _("Write what happened."),
    "incident_text_nul": _("The text holds a character that cannot be stored."),
    "incident_nobody": _("Choose a department or a person."),
    "incident_person_gone": _("This person cannot log in, so nothing can be given to them."),
}


class IncidentError(YikuError):
    """A refusal of the desk."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
