"""What the list of orders can be narrowed by: every filter finds its rows by an index, whatever their number."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.db import connection
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from backoffice import clock
from inventory.access import visible
from inventory.models import Bucket, Reservation, Shop, Warehouse
from orders import labels
from orders.desk.holds import PRESALE
from orders.desk.rules import words
from orders.late import board
from orders.models import MergeMember, Order, OrderLabel, OrderLine, Shipment, WaveOrder

Rows = QuerySet[Order]
State = Order.State
TO_SEND = (State.APPROVED, State.PARTLY_SHIPPED)
NOT_SENT = (State.HELD, *TO_SEND)
ANY = "*"
_COUNTRIES = """
WITH RECURSIVE found(country) AS (
  SELECT min(country) FROM orders_ordercontact WHERE country > ''
  UNION ALL
  SELECT (SELECT min(country) FROM orders_ordercontact WHERE country > found.country) FROM found
  WHERE found.country IS NOT NULL
)
SELECT country FROM found WHERE country IS NOT NULL LIMIT 300
"""


def number(text: str | None) -> int | None:
    """Return a key from an address; None for anything else."""
    return int(text) if text and text.isdecimal() and len(text) < 18 else None


class ShopFilter(admin.SimpleListFilter):
    """The shops this person may see."""

    title = _("shop")
    parameter_name = "shop"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(shop.pk), shop.name) for shop in visible(request.user, Shop.objects.all())]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        pk = number(self.value())
        return queryset if pk is None else queryset.filter(shop_id=pk)


class DueFilter(DropdownFilter):
    """By what is left of the time, counted as on the board of late orders: the platform's promise or our own."""

    title = _("time left")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("late", _("Late")), ("soon", _("Soon late")), ("today", _("To be shipped today"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        now = clock.now()
        if self.value() == "late":
            return board.clocked(queryset).filter(due_at__lt=now)
        if self.value() == "soon":
            return board.clocked(queryset).filter(board.soon_condition(now))
        if self.value() == "today":
            midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
            return queryset.filter(state__in=TO_SEND, due_at__lt=midnight + dt.timedelta(days=1))
        return queryset


class WaitsFilter(DropdownFilter):
    """Orders that wait for goods."""

    title = _("waits for goods")
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("presale", _("Presale")), ("backorder", _("Backordered")), ("broken", _("Promise is over"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        short = queryset.filter(hold_code="short_stock", state__in=NOT_SENT)
        if self.value() == "presale":
            return queryset.filter(hold_code=PRESALE, state__in=NOT_SENT)
        if self.value() == "backorder":
            return short
        if self.value() == "broken":
            return short.filter(promised_on__lt=timezone.localdate(clock.now()))
        return queryset


class FloorFilter(DropdownFilter):
    """How far orders are on the warehouse floor."""

    title = _("on the floor")
    parameter_name = "floor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("wave", _("In a wave")), ("work", _("Being picked or packed")), ("packed", _("Packed, still here")),
            ("together", _("Goes together with others")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        mine = OuterRef("pk")
        here = Shipment.objects.filter(order=mine, state="sent", handover__isnull=True, packed_as__isnull=False)
        found = {
            "wave": WaveOrder.objects.filter(order=mine, open=True),
            "work": WaveOrder.objects.filter(order=mine, open=True).exclude(wave__state="open"),
            "packed": here,
            "together": MergeMember.objects.filter(order=mine, state="in", order__state__in=NOT_SENT),
        }.get(self.value() or "")
        return queryset.filter(Exists(found)) if found is not None else queryset


class MarkFilter(DropdownFilter):
    """By our own marks."""

    title = _("mark")
    parameter_name = "mark"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(ANY, _("any mark")), *((text, text) for text in labels.used(OrderLabel.Kind.MARK))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return labelled(queryset, OrderLabel.Kind.MARK, self.value())


class TagFilter(TextFilter):
    """By a tag of the platform, as it is written there."""

    title = _("platform tag")
    parameter_name = "tag"

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        return labelled(queryset, OrderLabel.Kind.TAG, self.value())


def labelled(queryset: Rows, kind: OrderLabel.Kind, text: str | None) -> Rows:
    """Return the orders with a label (`*`: with any of the kind)."""
    plain = (text or "").strip()[:100]
    if not plain or "\0" in plain:
        return queryset
    found = OrderLabel.objects.filter(order=OuterRef("pk"), kind=kind)
    return queryset.filter(Exists(found if plain == ANY else found.filter(text=plain)))


class PriorityFilter(DropdownFilter):
    """By how soon they go."""

    title = _("priority")
    parameter_name = "priority"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("raised (1–9)")), ("7", _("high (7–9)")), ("9", _("first (9)"))]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        least = number(self.value())
        return queryset if not least else queryset.filter(priority__gt=0, priority__gte=min(least, 9))


class CountryFilter(DropdownFilter):
    """By the country the parcel goes to."""

    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = dict(words.countries(get_language() or "en"))
        with connection.cursor() as cursor:
            cursor.execute(_COUNTRIES)
            return [(code, f"{code} {names.get(code, '')}".strip()) for (code,) in cursor.fetchall()]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        code = (self.value() or "")[:2].upper()
        return queryset.filter(contact__country=code) if code.isalpha() else queryset


class ReservedAtFilter(DropdownFilter):
    """By the warehouse in which goods are reserved for them."""

    title = _("reserved in")
    parameter_name = "reserved_at"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = visible(request.user, Warehouse.objects.filter(active=True).order_by("code"))
        return [(str(row.pk), row.name) for row in rows]

    def queryset(self, request: HttpRequest, queryset: Rows) -> Rows:
        pk = number(self.value())
        if pk is None:
            return queryset
        mine = visible(request.user, Reservation.objects.all())
        held = mine.filter(
            reference=OuterRef("name"), warehouse_id=pk, bucket=Bucket.RESERVED, quantity__gt=0
        )  # fmt: skip
        lines = OrderLine.objects.filter(order=OuterRef("pk")).annotate(
            name=Concat(Value("orders.line:"), Cast(F("pk"), CharField()), output_field=CharField())
        )
        return queryset.filter(Q(state__in=NOT_SENT), Exists(lines.filter(Exists(held))))
