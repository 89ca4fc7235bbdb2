"""Pages of a list by key instead of by number: the thousandth page costs what the first costs, and nothing is counted.

The address carries the key of the row at the edge: `key_after=` the last one seen, `key_before=` the first one seen,
`key_end=1` for the last page, which is read backwards.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.paginator import Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.views import ChangeList

AFTER, BEFORE, END = "key_after", "key_before", "key_end"
CURSOR_PARAMETERS = (AFTER, BEFORE, END)


class KeysetPaginator(Paginator):
    """Tells the template how to page; counts nothing."""

    template_name = "admin/keyset_pagination.html"
    count = 0
    num_pages = 1

    def get_elided_page_range(self, number: Any = 1, **kwargs: Any) -> list[int]:  # type: ignore[override]
        """No page has a number."""
        return []


class KeysetChangeList(ChangeList):
    """A changelist in the order of columns that are never NULL, ending with the primary key."""

    has_next = has_previous = False
    next_query = previous_query = first_query = last_query = ""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """The edge of the page is no filter."""
        found: dict[str, Any] = super().get_filters_params(params)
        return {key: value for key, value in found.items() if key not in CURSOR_PARAMETERS}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """A changed filter or order starts at the first page."""
        kept = dict(new_params or {})
        for name in CURSOR_PARAMETERS:
            kept.setdefault(name, None)
        return super().get_query_string(kept, remove)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Model]) -> list[str]:
        """Only columns named in `sortable_by` can be sorted by; the primary key runs in the same direction."""
        wanted = [name for name in self._asked(request) if self._is_key(name.lstrip("-"))]
        ordering = wanted or list(self.model_admin.get_ordering(request) or self.lookup_opts.ordering or ["-pk"])
        ordering = [name for name in ordering if isinstance(name, str) and self._is_key(name.lstrip("-"))] or ["-pk"]
        pk = {"pk", self.lookup_opts.pk.name}
        if not any(name.lstrip("-") in pk for name in ordering):
            ordering.append("-pk" if ordering[-1].startswith("-") else "pk")
        return ordering

    def _asked(self, request: HttpRequest) -> list[str]:
        allowed = self.model_admin.get_sortable_by(request)
        names = []
        for part in str(self.params.get("o", "")).split("."):
            place = part.lstrip("-")
            if place.isdecimal() and int(place) < len(self.list_display):
                column = self.list_display[int(place)]
                field = self.get_ordering_field(column) if column in allowed else None
                if isinstance(field, str):
                    names.append("-" + field if part.startswith("-") else field)
        return names

    def _is_key(self, name: str) -> bool:
        if name == "pk":
            return True
        try:
            field = self.lookup_opts.get_field(name)
        except FieldDoesNotExist:
            return False
        return bool(field.concrete) and not field.null and not field.is_relation

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and one row more, to know whether there is another."""
        size = self.list_per_page
        ordering = list(self.queryset.query.order_by)
        backwards = bool(self.params.get(BEFORE) or self.params.get(END))
        rows = self._beyond(self.queryset, ordering, backwards)
        if backwards:
            rows = rows.order_by(*(_flipped(name) for name in ordering))
        found = list(rows[: size + 1])
        more, found = len(found) > size, found[:size]
        self.has_next = bool(self.params.get(BEFORE)) if backwards else more
        self.has_previous = more if backwards else bool(self.params.get(AFTER))
        self.result_list = found[::-1] if backwards else found
        self._describe(request, ordering)

    def _beyond(self, rows: QuerySet[Model], ordering: list[str], backwards: bool) -> QuerySet[Model]:
        edge = self.params.get(BEFORE if backwards else AFTER)
        if not edge:
            return rows
        try:
            values = json.loads(base64.urlsafe_b64decode(edge.encode() + b"=="))
            keys = [(name, self._value(name, value)) for name, value in zip(ordering, values, strict=True)]
        except (ValueError, TypeError, binascii.Error, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error
        return rows.filter(beyond(keys, backwards))

    def _value(self, name: str, value: Any) -> Any:
        name = name.lstrip("-")
        field = self.lookup_opts.pk if name == "pk" else self.lookup_opts.get_field(name)
        if value is None or isinstance(value, dict | list):
            raise ValueError("a key is a plain value")
        if isinstance(value, str) and "\0" in value:  # PostgreSQL refuses the question itself
            raise ValueError("a key holds no NUL")
        found = field.to_python(value)
        if isinstance(found, dt.datetime) and timezone.is_naive(found):
            raise ValueError("a key holds its zone")  # ours do; this one somebody wrote
        return found

    def _describe(self, request: HttpRequest, ordering: list[str]) -> None:
        self.paginator = KeysetPaginator([], self.list_per_page)
        self.result_count = len(self.result_list)
        self.full_result_count = self.result_count  # equal: unfold then offers no “show all” of a list nobody counted
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = False
        self.multi_page = self.has_next or self.has_previous
        self.show_all = False
        self.first_query = super().get_query_string(remove=CURSOR_PARAMETERS)
        self.last_query = self._query(END, "1")
        if self.result_list:
            self.next_query = self._query(AFTER, cursor(self.result_list[-1], ordering))
            self.previous_query = self._query(BEFORE, cursor(self.result_list[0], ordering))

    def _query(self, name: str, value: str) -> str:
        others = [other for other in CURSOR_PARAMETERS if other != name]
        return super().get_query_string({name: value}, remove=others)


def cursor(row: Model, ordering: list[str]) -> str:
    """Return the key of a row as one word for an address."""
    values = [row.pk if name.lstrip("-") == "pk" else getattr(row, name.lstrip("-")) for name in ordering]
    text = json.dumps(values, cls=ExactEncoder, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class ExactEncoder(DjangoJSONEncoder):
    """JSON with times to the microsecond: rounded to the millisecond, a page would repeat or lose a row."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)


def beyond(keys: list[tuple[str, Any]], backwards: bool = False) -> Q:
    """Return the condition for rows behind the key in the given order.

    `(a, b) < (x, y)` written as `a <= x AND (a < x OR (a = x AND b < y))`: the first part lets either engine start
    its index at the right place.
    """
    (name, value), rest = keys[0], keys[1:]
    down = name.startswith("-") != backwards
    plain = name.lstrip("-")
    strict = Q(**{f"{plain}__{'lt' if down else 'gt'}": value})
    if not rest:
        return strict
    return Q(**{f"{plain}__{'lte' if down else 'gte'}": value}) & (
        strict | Q(**{plain: value}) & beyond(rest, backwards)
    )


def _flipped(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"
