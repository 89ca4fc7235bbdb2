"""What rules set going with the desk's own means: gifts, sending together, parcels, notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice import notices
from inventory.codes import normalise
from inventory.models import Sku
from orders.desk import actions, gifts, merging, splitting
from orders.desk.rules.works import Input, Kind, register
from orders.desk.table import RowOutcome
from orders.models import Order
from orders.models.order import Department

Params = Mapping[str, Any]
State = Order.State
HELD_SHORT = Q(order__state=State.HELD, order__hold_code="short_stock")
AT_ONCE = Q(order__state__in=(State.HELD, State.APPROVED, State.PARTLY_SHIPPED, State.UNPAID))
SPLIT_BY = {
    "warehouse": gettext_lazy("where the goods lie"),
    "line_class": gettext_lazy("what kind of goods they are"),
}
MOST_PIECES, LONGEST = 100, 200


def register_own() -> None:
    """Register them; called once by AppConfig.ready()."""
    short = gettext_lazy("If stock is short, send what is there")
    register(Kind("split_short", short, (), _nothing, lambda _saved: str(short), _split_short, HELD_SHORT))
    by = Input("by", gettext_lazy("by"), lambda _who: [(code, str(label)) for code, label in SPLIT_BY.items()])
    register(Kind("split", gettext_lazy("Send it in several parcels"), (by,), _read_split, _split_words, _split))
    together = gettext_lazy("Send it together with other open orders of this buyer to this address")
    register(Kind("merge", together, (), _nothing, lambda _saved: str(together), _merge))
    goods = (Input("sku", gettext_lazy("SKU")), Input("quantity", gettext_lazy("pieces"), figure=True))
    register(Kind("gift", gettext_lazy("Add a gift"), goods, _read_gift, _gift_words, _gift))
    told = (
        Input("department", gettext_lazy("department"), _departments),
        Input("words", gettext_lazy("What to tell them")),
    )
    register(Kind("notify", gettext_lazy("Tell a department"), told, _read_notice, _notice_words, _notify, AT_ONCE))


def _nothing(_raw: Params) -> dict[str, Any]:
    """What a kind without settings keeps of its form."""
    return {}


def _departments(_who: Any) -> list[tuple[str, str]]:
    return [(value, str(label)) for value, label in Department.choices]


# --- parcels ---------------------------------------------------------------------------------------------------------


def _split_short(order_ids: Sequence[int], _params: Params, actor: str) -> Sequence[RowOutcome]:
    return actions.split_by_stock(order_ids=order_ids, actor=actor)


def _read_split(raw: Params) -> dict[str, Any]:
    if raw.get("by") not in SPLIT_BY:
        raise ValueError(_("Choose by what the order is split."))
    return {"by": str(raw["by"])}


def _split_words(saved: Params) -> str:
    return _("Several parcels, by %s") % SPLIT_BY.get(str(saved.get("by")), "")


def _split(order_ids: Sequence[int], params: Params, actor: str) -> Sequence[RowOutcome]:
    return splitting.split(order_ids=order_ids, by=params["by"], actor=actor)


def _merge(order_ids: Sequence[int], _params: Params, actor: str) -> Sequence[RowOutcome]:
    """Each order with its own candidates: those that the rule does not name come along."""
    told = []
    for order in Order.objects.filter(pk__in=order_ids).order_by("pk"):
        others = [one.order.pk for one, reason in merging.candidates(order, Order.objects.all()) if reason is None]
        outcomes = merging.merge(order_ids=[order.pk, *others], actor=actor) if others else []
        mine = next((one for one in outcomes if one.order_id == order.pk), None)
        alone = RowOutcome(order.pk, True, "alone", _("No other order goes with it."))
        told.append(_joined(order, mine) if mine else alone)
    return told


def _joined(order: Order, outcome: RowOutcome) -> RowOutcome:
    """An order that an earlier one of the page has taken along is where it should be."""
    return RowOutcome(order.pk, True, "merged") if merging.group_of(order) is not None else outcome


# --- gifts -----------------------------------------------------------------------------------------------------------


def _read_gift(raw: Params) -> dict[str, Any]:
    code = str(raw.get("sku") or "").strip()
    if not Sku.objects.filter(code_key=normalise(code)).exists():
        raise ValueError(_("There is no SKU “%s”.") % code[:60])
    try:
        pieces = Decimal(str(raw.get("quantity") or "1"))
    except InvalidOperation:
        pieces = Decimal(0)
    if not pieces.is_finite() or not 1 <= pieces <= MOST_PIECES or pieces % 1:
        raise ValueError(_("Say how many pieces: 1 to %d.") % MOST_PIECES)
    return {"sku": code, "quantity": int(pieces)}


def _gift_words(saved: Params) -> str:
    return _("Gift: %(pieces)s × %(sku)s") % {"pieces": saved.get("quantity"), "sku": saved.get("sku")}


def _gift(order_ids: Sequence[int], params: Params, actor: str) -> Sequence[RowOutcome]:
    sku = Sku.objects.get(code_key=normalise(params["sku"]))
    name = actor.removeprefix("rule:")
    return gifts.add(
        order_ids=order_ids, sku_id=sku.pk, quantity=Decimal(params["quantity"]), actor=actor, reason=name, rule=name
    )


# --- notices ---------------------------------------------------------------------------------------------------------


def _read_notice(raw: Params) -> dict[str, Any]:
    department, words = str(raw.get("department", "")), str(raw.get("words") or "").strip()
    if department not in Department.values:
        raise ValueError(_("Choose the department that is told."))
    if not words or len(words) > LONGEST:
        raise ValueError(_("Say in at most %d characters what to tell them.") % LONGEST)
    return {"department": department, "words": words}


def _notice_words(saved: Params) -> str:
    owner = dict(Department.choices).get(str(saved.get("department")), "")
    return _("Tell %(department)s: %(words)s") % {"department": owner, "words": saved.get("words", "")}


def _notify(order_ids: Sequence[int], params: Params, actor: str) -> Sequence[RowOutcome]:
    for order in Order.objects.filter(pk__in=order_ids).order_by("pk"):
        url = reverse("admin:orders_order_change", args=[order.pk])
        key = f"rule:{actor}:{order.pk}"
        notices.tell(params["department"], f"{order.number}: {params['words']}", "", url, key=key)
    return [RowOutcome(pk, True, "told") for pk in order_ids]
