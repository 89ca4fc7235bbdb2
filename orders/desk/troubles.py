"""What waits too long becomes an incident: addresses nobody mends, goods nobody buys, returns, failed refunds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import clock, incidents
from backoffice.departments import Department
from inventory.models import Bucket, Reservation
from orders.models import Order, OrderLine, Return, ReturnRefund
from orders.models.order import order_reference
from orders.models.returns import EXPECTED

ADDRESS, SHORTAGE, RETURN, LABEL, LATE = "bad_address", "shortage", "return_problem", "label_not_left", "late"
LINE = "orders.line:"
PAGE = 2_000


def register_kinds() -> None:
    """Register what the order desk reports; called once by AppConfig.ready()."""
    incidents.register_kind(
        ADDRESS, title=_("Bad address"), sentence=_address, department=Department.SERVICE,
        acknowledge_minutes=120, resolve_hours=16,
        advice=_("Ask the buyer, correct the address on the order's page, then approve the order."),
    )  # fmt: skip
    incidents.register_kind(
        SHORTAGE, title=_("Shortage"), sentence=_shortage, department=Department.BUYING,
        acknowledge_minutes=120, resolve_hours=24,
        advice=_("Buy or move the goods, split the order, or tell the buyer and cancel what cannot be had."),
    )  # fmt: skip
    incidents.register_kind(
        RETURN, title=_("Return problem"), sentence=_return, department=Department.SERVICE,
        acknowledge_minutes=120, resolve_hours=24,
        advice=_("Compare what came back with what was promised, and decide about the money."),
    )  # fmt: skip
    incidents.register_kind(
        LABEL, title=_("Label made, parcel not left"), sentence=_label, department=Department.WAREHOUSE,
        acknowledge_minutes=60, resolve_hours=8,
        advice=_("Find the parcel, hand it to the carrier, or void the label."),
    )  # fmt: skip

    if LATE not in incidents.kinds.registered():  # the late play brings its own
        incidents.register_kind(
            LATE, title=_("Late order"), sentence=_number, department=Department.WAREHOUSE,
            acknowledge_minutes=60, resolve_hours=8,
            advice=_("See what holds it up; tell the buyer before the day is over."),
        )  # fmt: skip


def _address(data: Mapping[str, Any]) -> str:
    return _now("Order %(number)s has waited for a right address for %(hours)s hours.") % {
        "number": data["number"], "hours": data["hours"],
    }  # fmt: skip


def _shortage(data: Mapping[str, Any]) -> str:
    goods = ", ".join(data.get("goods") or ())
    values = {"number": data["number"], "goods": goods or "–"}
    if data.get("approved"):
        return _now("Order %(number)s is approved without all its goods: %(goods)s.") % values
    return _now("Order %(number)s waits for goods: %(goods)s.") % values


def _return(data: Mapping[str, Any]) -> str:
    if data.get("refund"):
        text = _now("The platform did not give back %(refund)s for return %(return)s of order %(number)s: %(problem)s")
        return text % {**data, "problem": data.get("problem") or "–"}
    if data.get("return"):
        return _now("Return %(return)s of order %(number)s was expected by %(day)s and is not here.") % data
    return _number(data)


def _label(data: Mapping[str, Any]) -> str:
    if not data.get("tracking"):
        return _number(data)
    at = parse_datetime(str(data.get("printed") or ""))
    when = date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at else "–"
    return _now("Label %(tracking)s of order %(number)s was printed %(when)s, and its parcel has not left.") % {
        "tracking": data["tracking"], "number": data["number"], "when": when,
    }  # fmt: skip


def _number(data: Mapping[str, Any]) -> str:
    return str(data.get("text") or (_now("Order %s") % data["number"] if data.get("number") else ""))


# --- the chore -------------------------------------------------------------------------------------------------------


def look() -> None:
    """Bring the incidents about waiting orders in line with the orders as they are; harmless to repeat."""
    incidents.reconcile(kind=ADDRESS, prefix="order:", reports=list(_bad_addresses()))
    incidents.reconcile(kind=SHORTAGE, prefix="order:", reports=list(_shortages()))
    incidents.reconcile(kind=RETURN, prefix="return:", reports=list(_overdue_returns()))
    incidents.reconcile(kind=RETURN, prefix="refund:", reports=list(_failed_refunds()))


def _held(code: str, hours: int) -> QuerySet[Order]:
    since = clock.now() - dt.timedelta(hours=hours)
    rows = Order.objects.filter(hold_code=code, state=Order.State.HELD, held_since__lte=since)
    return rows.only("pk", "number", "shop_id", "held_since").order_by("pk")


def _report(kind: str, order: Order, data: Mapping[str, Any]) -> incidents.Report:
    return incidents.Report(
        kind=kind, key=f"order:{order.pk}", target=order_reference(order.pk), shop_id=order.shop_id,
        data={"number": order.number, **data},
    )  # fmt: skip


def _bad_addresses() -> Iterator[incidents.Report]:
    hours = settings.INCIDENT_ADDRESS_HOURS
    for order in _held("address", hours).iterator(PAGE):
        yield _report(ADDRESS, order, {"hours": hours})


def _shortages() -> Iterator[incidents.Report]:
    """Held for short stock, and approved without all goods reserved: both longer than the set hours."""
    short = {order.pk: order for order in _held("short_stock", settings.INCIDENT_SHORTAGE_HOURS).iterator(PAGE)}
    approved = _approved_short()
    goods = _goods([*short, *approved])
    for order in short.values():
        yield _report(SHORTAGE, order, {"goods": goods.get(order.pk, [])})
    for order in approved.values():
        yield _report(SHORTAGE, order, {"goods": goods.get(order.pk, []), "approved": True})


def _overdue_returns() -> Iterator[incidents.Report]:
    """Returns that should be here by now."""
    rows = Return.objects.filter(state__in=EXPECTED, goods=True, expected_by__lt=clock.now())
    for found in rows.select_related("order").order_by("pk").iterator(PAGE):
        day = timezone.localdate(found.expected_by).isoformat() if found.expected_by else ""
        yield _of_return(found, f"return:{found.pk}", {"day": day})


def _failed_refunds() -> Iterator[incidents.Report]:
    """Money the platform refused, or of which nobody knows whether it gave it: until a person has given it."""
    rows = ReturnRefund.objects.filter(state=ReturnRefund.State.MANUAL).exclude(problem="", maybe_given=False)
    for money in rows.select_related("rma__order").order_by("pk").iterator(PAGE):
        amount = f"{money.amount.normalize():f} {money.currency}"
        yield _of_return(money.rma, f"refund:{money.pk}", {"refund": amount, "problem": money.problem})


def _of_return(found: Return, key: str, data: Mapping[str, Any]) -> incidents.Report:
    return incidents.Report(
        kind=RETURN, key=key, target=order_reference(found.order_id), shop_id=found.order.shop_id,
        warehouse_id=found.warehouse_id, data={"number": found.order.number, "return": found.number, **data},
    )  # fmt: skip


def _approved_short() -> dict[int, Order]:
    """Approved orders of which something is wanted and not reserved."""
    since = clock.now() - dt.timedelta(hours=settings.INCIDENT_SHORTAGE_HOURS)
    rows = Order.objects.filter(
        state__in=(Order.State.APPROVED, Order.State.PARTLY_SHIPPED), approved_at__lte=since
    ).only("pk", "number", "shop_id")
    found: dict[int, Order] = {}
    for page in _pages(_wanting()):
        found |= {order.pk: order for order in rows.filter(lines__in=page).distinct()}
    return found


def _wanting() -> list[int]:
    """The lines with open demand: wanted, not reserved."""
    rows = Reservation.objects.filter(bucket=Bucket.DEMAND, quantity__gt=0, reference__startswith=LINE)
    return [int(text.removeprefix(LINE)) for text in rows.values_list("reference", flat=True).distinct()]


def _goods(order_ids: list[int]) -> dict[int, list[str]]:
    """The codes of what each order lacks, at most five."""
    wanting = set(_wanting()) if order_ids else set()
    goods: dict[int, list[str]] = {}
    for page in _pages(order_ids):
        lines = OrderLine.objects.filter(order__in=page).order_by("position")
        for pk, order, code in lines.values_list("pk", "order_id", "sku__code"):
            if pk in wanting and code and len(goods.setdefault(order, [])) < 5:
                goods[order].append(code)
    return goods


def _pages(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]
