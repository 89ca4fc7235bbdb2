"""What the page of one order shows, read in a constant number of queries."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice import clock
from backoffice.models import AuditEntry
from finance.admin.figures import money
from inventory import access
from inventory.models import Balance, Bucket, Reservation, ShopWarehouse
from orders import contracts
from orders.admin.rules import tried
from orders.admin.wording import pieces, short_age
from orders.desk import sentences
from orders.desk.rules.deeds import NEVER_PASSED
from orders.intake import difference
from orders.models import Order, OrderLine, OrderVersion, PaperKind, Shipment
from orders.models.order import Department, line_reference

State = Order.State
OPEN = (State.APPROVED, State.PARTLY_SHIPPED)


def of(request: HttpRequest, order: Order) -> dict[str, Any]:
    """Return everything the template needs beside the order itself."""
    lines = list(order.lines.select_related("sku").prefetch_related("parts__sku"))
    shipments = list(order.shipments.prefetch_related("lines__line"))
    review = order.reviews.first()
    return {
        "headline": headline(order),
        "findings": _findings(order, review),
        "tried": tried.of(request, order, review),
        "rows": _rows(request, order, lines),
        "left_to_ship": _left(order, lines),
        "shipments": [_parcel(one) for one in shipments],
        "edit": _edit(order),
        "amounts": _amounts(order),
        "timeline": _timeline(order, shipments),
        "can": {**_can(order), "again": _can_pass_again(order, review)},
        "held_for": short_age(clock.now() - order.held_since) if order.held_since else "",
        "department": dict(Department.choices).get(order.hold_department, ""),
        "hold_title": sentences.hold_title(order.hold_code, order.hold_note) if order.hold_code else "",
        "hold_advice": sentences.advice(order.hold_code) if order.hold_code else "",
    }


def headline(order: Order) -> str:
    """Return what happens next, in one sentence."""
    if order.pending_version_id:
        return _("The platform changed this order. Compare below and decide.")
    return {
        State.UNPAID: _("Waits for the buyer's payment. Its goods are kept back meanwhile."),
        State.HELD: _("Somebody has to look at it. What is wrong stands below."),
        State.APPROVED: _("Checked, its goods are reserved. Pack it and enter the parcel."),
        State.PARTLY_SHIPPED: _("A part has left. The rest still has to be sent."),
        State.SHIPPED: _("Everything has left."),
        State.CANCELLED: _("Cancelled. No goods are kept for it."),
        State.HISTORY: _("Older than the go-live date: kept for reference, takes no stock."),
    }[State(order.state)]


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
    reserved = _reserved(request, [line.pk for line in lines])
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
            "reserved": reserved.get(line_reference(line.pk), []),
            "short": line.sku_id is None and line.stocked,
        }
        for line in lines
    ]


def _stock(request: HttpRequest, order: Order, sku_ids: set[int]) -> dict[int, list[dict[str, str]]]:
    places = ShopWarehouse.objects.filter(shop=order.shop_id, valid_to=None).values("warehouse_id")
    rows = Balance.objects.filter(sku__in=sku_ids, warehouse__in=places).select_related("warehouse")
    found: dict[int, list[dict[str, str]]] = {}
    for row in access.visible(request.user, rows).order_by("warehouse__code"):
        free = row.on_hand - row.reserved
        found.setdefault(row.sku_id, []).append(
            {"place": row.warehouse.name, "free": pieces(free), "on_hand": pieces(row.on_hand), "none": str(free <= 0)}
        )
    return found


def _reserved(request: HttpRequest, line_ids: list[int]) -> dict[str, list[str]]:
    references = [line_reference(pk) for pk in line_ids]
    rows = Reservation.objects.filter(reference__in=references, bucket=Bucket.RESERVED, quantity__gt=0)
    found: dict[str, list[str]] = {}
    for row in access.visible(request.user, rows).select_related("warehouse"):
        found.setdefault(row.reference, []).append(f"{row.warehouse.name}: {pieces(row.quantity)}")
    return found


def _left(order: Order, lines: list[OrderLine]) -> list[dict[str, Any]]:
    if order.state not in OPEN:
        return []
    return [
        {"line": line, "left": pieces(line.quantity - line.shipped_quantity)}
        for line in lines
        if line.quantity > line.shipped_quantity and not line.platform_fulfilled
    ]


def _parcel(shipment: Shipment) -> dict[str, Any]:
    return {
        "row": shipment,
        "void": shipment.state == Shipment.State.VOID,
        "own": shipment.source == Shipment.Source.DESK,
        "lines": [(one.line, pieces(one.quantity)) for one in shipment.lines.all()],
        "link": shipment.tracking_url if shipment.tracking_url.startswith(("https://", "http://")) else "",
    }


def _edit(order: Order) -> list[difference.Edit]:
    if not order.pending_version_id or not order.accepted_version_id:
        return []
    versions = OrderVersion.objects.in_bulk([order.pending_version_id, order.accepted_version_id])
    before = contracts.from_json(versions[order.accepted_version_id].content)
    after = contracts.from_json(versions[order.pending_version_id].content)
    return difference.edits(before, after)


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


def _timeline(order: Order, shipments: list[Shipment]) -> list[dict[str, Any]]:
    found = [{"at": order.placed_at, "what": _("Ordered by the buyer"), "who": ""}]
    for version in order.versions.order_by("number").only("number", "delivered_at", "outcome"):
        text = _("Version %(number)d arrived: %(outcome)s")
        what = text % {"number": version.number, "outcome": version.get_outcome_display()}
        found.append({"at": version.delivered_at, "what": what, "who": order.shop.name})
    for review in order.reviews.all()[:20]:
        codes = [sentences.hold_title(str(one.get("code")), str(one.get("name", ""))) for one in review.findings]
        what = _("Checked: %s") % (", ".join(codes) or _("nothing found"))
        found.append({"at": review.at, "what": what, "who": ""})
    for parcel in shipments:
        what = " ".join(filter(None, [_("Parcel"), parcel.carrier, parcel.tracking_number]))
        found.append({"at": parcel.shipped_at, "what": what, "who": parcel.actor})
    entries = AuditEntry.objects.filter(target=f"orders.order:{order.pk}").order_by("-id")[:50]
    found += [{"at": one.at, "what": _action(one), "who": one.actor.partition(" ")[2] or one.actor} for one in entries]
    return sorted(found, key=lambda one: one["at"], reverse=True)


def _action(entry: AuditEntry) -> str:
    names = {
        "order.approve": _("Approved"),
        "label.buy": _("Label bought"),
        "label.void": _("Label voided"),
        "label.scan_out": _("Scanned out"),
        "papers.print": _("Printed"),
        "invoice.issue": _("Invoice written"),
        "order.hold": _("Held"),
        "order.release": _("Sent through the checks again"),
        "order.cancel": _("Cancelled"),
        "order.split": _("Split by stock"),
        "order.undo_approve": _("Approval undone"),
        "order.accept_edit": _("Change accepted"),
        "order.reject_edit": _("Change refused"),
        "order.correct_address": _("Address corrected"),
        "order.reveal_buyer": _("Buyer uncovered"),
        "order.ship": _("Shipped"),
        "order.override": _("Exception made"),
        "order.override_end": _("Exception ended"),
        "order.void": _("Parcel taken back"),
    }
    text = names.get(entry.action, entry.action)
    if entry.action == "papers.print":
        return f"{text}: {dict(PaperKind.choices).get(entry.after.get('paper', ''), '')}"
    return f"{text}: {entry.summary}" if entry.summary else str(text)
