"""Messages in the admin: what went out, the templates, the group robots."""

from backoffice.messages.admin import message_list, robots, templates

__all__ = ["message_list", "robots", "templates"]
