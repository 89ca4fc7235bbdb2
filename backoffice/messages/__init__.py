"""Messages that leave the house: a row each, idempotent on its key, sent by a chore with retries.

`queue` writes the row in the caller's transaction; an adapter per channel sends it. A channel without an adapter is
sent by hand: the row says so, and the page has the text to copy.
"""

from backoffice.messages.queueing import cancel, queue, recently_sent, repeat
from backoffice.messages.registry import SendError, SendResult, by_hand, register_adapter
from backoffice.messages.templates import queue_template, register_variables, render
from backoffice.models import MessageTemplate, OutgoingMessage

__all__ = [
    "MessageTemplate",
    "OutgoingMessage",
    "SendError",
    "SendResult",
    "by_hand",
    "cancel",
    "queue",
    "queue_template",
    "recently_sent",
    "register_adapter",
    "register_variables",
    "render",
    "repeat",
]
