"""Which channels can be sent by the house itself: an adapter each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError
from backoffice.models import OutgoingMessage


@dataclasses.dataclass(frozen=True, slots=True)
class SendResult:
    """What an adapter answers when the message is gone: the gateway's own number, or the file."""

    answer: str = ""
    by_hand: bool = False  # this one cannot be sent by us after all: a person does it


class SendError(YikuError):
    """It did not go. `retryable` says whether trying again can help; the code is short and holds no address."""

    def __init__(self, code: str, message: Any = "", *, retryable: bool = True, params: Any = None) -> None:
        super().__init__(code, message or SENTENCES.get(code, code), retryable=retryable, params=params)


SENTENCES: dict[str, Any] = {
    "smtp_refused_recipient": _("The mail server does not take this address."),
    "smtp_refused": _("The mail server refused the message."),
    "smtp_login": _("The mail server does not accept the user name or password."),
    "smtp_away": _("The mail server cannot be reached."),
    "bad_recipient": _("This is not an address that can be written to."),
    "bad_header": _("A line break in the subject or address: not sent."),
    "gateway_refused": _("The gateway refused the message."),
    "gateway_away": _("The gateway cannot be reached."),
    "gateway_answer": _("The gateway's answer does not say that the message was taken."),
    "gateway_forbidden": _("The gateway's address may not be called: see EGRESS_ALLOW."),
    "gateway_settings": _("The gateway is not set up completely."),
    "no_adapter": _("Nothing sends this channel."),
    "robot_gone": _("This robot is gone or switched off."),
    "lost": _("It was started eight times and never ended."),
    "disk": _("The file could not be written."),
}

Adapter = Callable[[OutgoingMessage], SendResult]
_adapters: dict[str, Adapter] = {}


def register_adapter(channel: str, adapter: Adapter) -> None:
    """Let `adapter` send a channel's messages; a second registration replaces the first.

    It gets the row and returns a SendResult, or raises SendError. It runs outside any transaction.
    """
    _adapters[channel] = adapter


def adapter_of(channel: str) -> Adapter | None:
    """Return what sends a channel, None where a person does."""
    return _adapters.get(channel)


def by_hand(channel: str) -> bool:
    """Whether messages of this channel are sent by a person."""
    return channel not in _adapters


def why(code: str) -> str:
    """Return an error code in words."""
    return str(SENTENCES.get(code, code))
