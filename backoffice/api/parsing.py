"""Reading request bodies: JSON of a sensible depth, so that no body can exhaust the stack of whoever walks it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

DEEPEST = 32  # lists and objects inside each other; our own bodies need four


class ShallowJSONParser(JSONParser):
    """JSON that is refused, as any unreadable body is, when it is nested more deeply than anything we take."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return what the body says; raises ParseError."""
        try:
            data = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(_("The body is nested too deeply.")) from None
        if _too_deep(data):
            raise ParseError(_("The body is nested too deeply."))
        return data


def _too_deep(data: Any) -> bool:
    level = [data]
    for _depth in range(DEEPEST + 1):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: Any) -> list[Any]:
    found = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in found if isinstance(one, dict | list)]
