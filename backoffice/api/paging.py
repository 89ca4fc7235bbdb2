"""Cursor pages: no counting, no offset, the same speed on page one and page ten thousand."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination

DIGITS = 19  # of the largest primary key


class NewestFirst(CursorPagination):
    """Opaque cursor over the primary key, newest first; `limit` at most 200."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Any) -> Any:
        """Read the cursor; raises NotFound for one that no page of ours gave, such as a position that is no key."""
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None:
            return cursor
        position = str(cursor.position)
        if not (position.isascii() and position.isdecimal() and len(position) <= DIGITS):
            raise NotFound(_("This is not a cursor of this list."))
        return cursor


class OldestFirst(NewestFirst):
    """Opaque cursor over the primary key, oldest first."""

    ordering = "id"
