"""What the page of one order shows, read in a constant number of queries."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice import clock, masking
from finance.admin.figures import money
from inventory import access
from inventory.models import Balance, ShopWarehouse, Warehouse
from orders import contracts
from orders.admin import buyers, shared, status
from orders.admin.rules import tried
from orders.admin.wording import delivery, pieces, short_age
from orders.desk import history, kept, presale, promise, sentences
from orders.desk.rules.deeds import NEVER_PASSED
from orders.intake import difference
from orders.models import Order, OrderLine, OrderVersion, Shipment
from orders.models.order import Department

State = Order.State
OPEN = (State.APPROVED, State.PARTLY_SHIPPED)
SHORT = "short_stock"


def of(request: HttpRequest, order: Order, *, clear: bool = False) -> dict[str, Any]:
    """Return everything the template needs beside the order itself."""
    lines = shared.lines(order)
    parcels = shared.parcels(order, every=shared.all_of(request, "parcels"))
    kind = _kind(request)
    reviews = list(order.reviews.all()[: history.most_of(kind) if kind in ("", "all", "review") else 1])
    notes = list(kept.rows(order, "staff_notes", order.staff_notes.all())[: history.most_of(kind)])
    review = next(iter(reviews), None)
    said = status.one(order)
    return {
        "status": said,
        "headline": said.sentence,
        "promise": _promise(order),
        "presale": _presale(order),
        "notes": notes[: shared.SHOWN],
        "findings": _findings(order, review),
        "tried": tried.of(request, order, review),
        "rows": _rows(request, order, _shown(request, "lines", lines, shared.SHOWN_LINES)),
        "lines_cut": len(lines) if shared.cut(lines, shared.SHOWN_LINES, every=_every(request, "lines")) else 0,
        "left_to_ship": _left(order, lines),
        "shipments": _parcels(_shown(request, "parcels", parcels, shared.SHOWN), lines),
        "parcels_cut": shared.cut(parcels, shared.SHOWN, every=_every(request, "parcels")),
        "edit": _edit(request, order, clear=clear),
        "amounts": _amounts(order),
        **_history(order, kind, {"review": reviews, "parcel": parcels, "note": notes}),
        "can": {**_can(order), "again": _can_pass_again(order, review)},
        "held_for": short_age(clock.now() - order.held_since) if order.held_since else "",
        "department": dict(Department.choices).get(order.hold_department, ""),
        "hold_title": sentences.hold_title(order.hold_code, order.hold_note) if order.hold_code else "",
        "hold_advice": sentences.advice(order.hold_code) if order.hold_code else "",
    }


def _can(order: Order) -> dict[str, bool]:
    held = order.state == State.HELD
    return {
        "approve": held,
        "review": held,
        "split": held and order.hold_code == "short_stock",
        "hold": order.state in (State.APPROVED, State.HELD),
        "undo": order.state == State.APPROVED,
        "cancel": order.state in (State.HELD, State.APPROVED, State.UNPAID),
        "ship": order.state in OPEN,
        "correct": order.state in (State.HELD, State.UNPAID, State.APPROVED),
    }


def _can_pass_again(order: Order, review: Any) -> bool:
    """Whether something holds it that a standing exception could let pass."""
    if review is None or order.state != State.HELD:
        return False
    return any(str(one.get("code")) not in NEVER_PASSED for one in review.findings)


def _findings(order: Order, review: Any) -> list[dict[str, str]]:
    if review is None or order.state != State.HELD:
        return []
    found = [
        {
            "title": sentences.hold_title(str(one.get("code")), str(one.get("name", ""))),
            "sentence": sentences.sentence(one),
            "advice": sentences.advice(str(one.get("code"))),
            "owner": str(dict(Department.choices).get(str(one.get("department")), "")),
        }
        for one in review.findings
    ]
    if order.hold_code in {str(one.get("code")) for one in review.findings}:
        return found
    own = {"title": sentences.hold_title(order.hold_code), "sentence": sentences.sentence({"code": order.hold_code})}
    return [{**own, "advice": sentences.advice(order.hold_code), "owner": ""}, *found]


def _rows(request: HttpRequest, order: Order, lines: list[OrderLine]) -> list[dict[str, Any]]:
    sku_ids = {line.sku_id for line in lines} | {part.sku_id for line in lines for part in line.parts.all()}
    stock = _stock(request, order, {one for one in sku_ids if one is not None})
    reserved = _reserved(request, order)
    promised = _promised(request, order, lines)
    return [
        {
            "line": line,
            "wanted": pieces(line.quantity),
            "ordered": pieces(line.ordered_quantity) if line.ordered_quantity != line.quantity else "",
            "shipped": pieces(line.shipped_quantity),
            "left": pieces(max(line.quantity - line.shipped_quantity, line.quantity * 0)),
            "price": money(line.unit_price, order.currency),
            "total": money(line.total, order.currency),
            "pack": pieces(line.pack) if line.pack != 1 else "",
            "parts": [(part.sku, pieces(part.quantity), stock.get(part.sku_id, [])) for part in line.parts.all()],
            "stock": stock.get(line.sku_id, []) if line.sku_id else [],
            "reserved": reserved.get(line.pk, []),
            "promised": promised.get(line.pk, []),
            "short": line.sku_id is None and line.stocked,
        }
        for line in lines
    ]


def _stock(request: HttpRequest, order: Order, sku_ids: set[int]) -> dict[int, list[dict[str, str]]]:
    places = ShopWarehouse.objects.filter(shop=order.shop_id, valid_to=None).values("warehouse_id")
    rows = Balance.objects.filter(sku__in=sku_ids, warehouse__in=places).select_related("warehouse")
    found: dict[int, list[dict[str, str]]] = {}
    for row in access.visible(request.user, rows).order_by("warehouse__code"):
        free = row.sellable - row.reserved
        found.setdefault(row.sku_id, []).append(
            {"place": row.warehouse.name, "free": pieces(free), "on_hand": pieces(row.on_hand), "none": str(free <= 0)}
        )
    return found


def _reserved(request: HttpRequest, order: Order) -> dict[int, list[str]]:
    seen = access.sight(request.user).warehouses
    found: dict[int, list[str]] = {}
    for line_id, row in shared.held(order):
        if seen is None or row.warehouse_id in seen:
            found.setdefault(line_id, []).append(f"{row.warehouse.name}: {pieces(row.quantity)}")
    return found


def _promised(request: HttpRequest, order: Order, lines: list[OrderLine]) -> dict[int, list[str]]:
    """Return what of a short order comes with which delivery; of places the person does not see, only the day."""
    found = promise.lines_of([line.pk for line in lines]) if order.hold_code == SHORT else {}
    if not found:
        return {}
    places = set(access.visible(request.user, Warehouse.objects.all()).values_list("pk", flat=True))
    return {
        line_id: [
            delivery(row) if row.arrival.warehouse_id in places else date_format(row.expected_on, "SHORT_DATE_FORMAT")
            for row in rows
        ]
        for line_id, rows in found.items()
    }


def _left(order: Order, lines: list[OrderLine]) -> list[dict[str, Any]]:
    if order.state not in OPEN:
        return []
    return [
        {"line": line, "left": pieces(line.quantity - line.shipped_quantity)}
        for line in lines
        if line.quantity > line.shipped_quantity and not line.platform_fulfilled
    ]


def _every(request: HttpRequest, card: str) -> bool:
    return shared.all_of(request, card)


def _shown(request: HttpRequest, card: str, rows: list[Any], most: int) -> list[Any]:
    return rows if shared.all_of(request, card) else rows[:most]


def _parcels(shipments: list[Shipment], lines: list[OrderLine]) -> list[dict[str, Any]]:
    by_id = {line.pk: line for line in lines}
    return [_parcel(one, by_id) for one in shipments]


def _parcel(shipment: Shipment, lines: dict[int, OrderLine]) -> dict[str, Any]:
    return {
        "row": shipment,
        "void": shipment.state == Shipment.State.VOID,
        "own": shipment.source == Shipment.Source.DESK,
        "gone": getattr(shipment, "handover", None),
        "lines": [(lines[one.line_id], pieces(one.quantity)) for one in shipment.lines.all()],
        "link": shipment.tracking_url if shipment.tracking_url.startswith(("https://", "http://")) else "",
    }


def _edit(request: HttpRequest, order: Order, *, clear: bool) -> list[difference.Edit]:
    """The change that waits; who buys and where it goes is masked like everywhere else."""
    if not order.pending_version_id or not order.accepted_version_id:
        return []
    versions = OrderVersion.objects.in_bulk([order.pending_version_id, order.accepted_version_id])
    before = contracts.from_json(versions[order.accepted_version_id].content)
    after = contracts.from_json(versions[order.pending_version_id].content)
    found = difference.edits(before, after)
    return found if clear else [_masked(one, seen=buyers.may_see(request)) for one in found]


def _masked(one: difference.Edit, *, seen: bool) -> difference.Edit:
    if one.kind != difference.Kind.ADDRESS:
        return one
    field = one.field.partition(".")[2]
    if not seen:
        return dataclasses.replace(one, before=masking.text(one.before), after=masking.text(one.after))
    was = buyers.address({field: one.before}, clear=False)[field]
    now = buyers.address({field: one.after}, clear=False)[field]
    return dataclasses.replace(one, before=was, after=now)


def _promise(order: Order) -> dict[str, Any] | None:
    """What the buyer of a short order was promised, and how often that moved."""
    if order.hold_code != SHORT:
        return None
    moves = list(order.promises.all()[:5])
    late = bool(order.promised_on and order.promised_on < timezone.localdate(clock.now()))
    return {"day": order.promised_on, "late": late, "moves": [one for one in moves if one.before]}


def _presale(order: Order) -> list[dict[str, Any]]:
    if not order.open:
        return []
    now = clock.now()
    return [
        {
            "label": one.line.sku.code if one.line.sku else one.line.title,
            "after": one.ship_after,
            "released": one.released_at,
            "waits": one.released_at is None and one.ship_after > now,
        }
        for one in ([] if kept.lacks(order, "presale") else presale.lines_of(order.pk))
    ]


def _kind(request: HttpRequest) -> str:
    kind = request.GET.get("history", "")
    return kind if kind in history.KINDS else "all" if kind == "all" else ""


def _history(order: Order, kind: str, known: dict[str, list[Any]]) -> dict[str, Any]:
    """What happened: the newest of everything, or one kind of it, or all."""
    most = history.most_of(kind)
    if kind:  # then more of the parcels is wanted than the card above has read
        known = {name: rows for name, rows in known.items() if name != "parcel"}
    rows = history.of(order, kind="" if kind == "all" else kind, most=most, known=known)
    kinds = [("all", _("All")), *((code, str(label)) for code, label in history.KINDS.items())]
    cut = not kind and len(rows) > history.FEW
    return {"timeline": rows if kind else rows[: history.FEW], "history": kind, "history_kinds": kinds, "cut": cut}


def _amounts(order: Order) -> list[tuple[str, str]]:
    rows = [
        (_("Goods"), order.goods_total, order.currency),
        (_("Discount"), -order.discount_total, order.currency),
        (_("Shipping"), order.shipping_total, order.currency),
        (_("Tax (included)") if order.taxes_included else _("Tax"), order.tax_total, order.currency),
        (_("Fees"), order.fee_total, order.currency),
        (_("Rounding"), order.rounding, order.currency),
    ]
    shown = [(label, money(amount, currency)) for label, amount, currency in rows if amount]
    shown.append((_("Total"), money(order.total, order.currency)))
    if order.base_total is not None and order.base_total != order.total:
        shown.append((_("In base currency"), money(order.base_total)))
    return shown
