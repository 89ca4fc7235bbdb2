"""Cursor pages: no counting, no offset, the same speed on page one and page ten thousand."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """Opaque cursor over the primary key, newest first; `limit` at most 200."""

    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200


class OldestFirst(NewestFirst):
    """Opaque cursor over the primary key, oldest first."""

    ordering = "id"
