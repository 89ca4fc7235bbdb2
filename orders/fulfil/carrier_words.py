"""What a carrier's fault means, in a sentence for whoever has to act; an unknown one is shown as it came."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Any] = {
    "no_service": _("it takes no such parcel there; choose another service"),
    "too_heavy": _("the parcel is too heavy for this service"),
    "bad_address": _("the address is not complete enough for it; correct it on the order"),
    "no_numbers": _("its number ranges are used up; enter a new range under Carriers"),
    "bad_range": _("its number range does not fit its digits; correct it under Carriers"),
    "auth": _("it does not accept our credentials; the owner enters them again"),
    "handed_over": _("the parcel was handed over already"),
    "not_found": _("it does not know this label"),
    "key_reused": _("it has another parcel under this request; void the label and buy again"),
    "throttled": _("it asks us to wait"),
    "timeout": _("no answer in time"),
    "connect": _("it cannot be reached"),
    "dropped": _("the connection broke off"),
    "dns": _("its address cannot be found"),
    "server": _("a fault on its side"),
    "not_json": _("a fault on its side"),
    "bad_json": _("a fault on its side"),
    "bad_answer": _("an answer we do not understand"),
    "egress": _("its address may not be called (EGRESS_ALLOW)"),
    "egress_http": _("its address must start with https://"),
    "tls": _("its certificate is not valid"),
}


def sentence(problem: str) -> str:
    """Return a fault as it is kept (`code: message`) in the reader's language."""
    code, _sign, message = problem.partition(": ")
    if code in WORDS:
        return str(WORDS[code])
    return message or code
