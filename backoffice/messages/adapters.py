"""The channels the house sends by itself; messages on platforms are sent by hand until a platform brings its own."""

from __future__ import annotations

from backoffice.messages import email, robots, sms
from backoffice.messages.registry import register_adapter


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    register_adapter("email", email.send)
    register_adapter("sms", sms.send)
    register_adapter(robots.CHANNEL, robots.send)
