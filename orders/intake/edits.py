"""A person accepted what a platform changed: the waiting version is worked into its order like a fresh one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from orders.contracts import from_json
from orders.desk import holds
from orders.intake import goods as goods_of
from orders.intake.deciding import accept as take_over
from orders.intake.drafts import draft_of
from orders.intake.known import Change, read
from orders.intake.page import Page, page_of
from orders.intake.writing import write_accepted
from orders.match import CodeMatcher
from orders.models import Order, OrderVersion

State = Order.State


def accept(order_ids: Sequence[int]) -> set[int]:
    """Work the waiting versions into their locked orders; returns the ids of those that have to be judged again.

    Lines that name the same goods as before keep their SKU; new ones are matched by code and barcode, and what is not
    found that way waits for a match like any other line.
    """
    shops: dict[int, list[int]] = defaultdict(list)
    for pk, shop_id in Order.objects.filter(pk__in=order_ids).values_list("pk", "shop_id"):
        shops[shop_id].append(pk)
    return {pk for shop_id, pks in shops.items() for pk in _accept(shop_id, pks)}


def _accept(shop_id: int, order_ids: Sequence[int]) -> list[int]:
    page = page_of(shop_id)
    known = read(order_ids)
    waiting = {one.order.pending_version_id: one for one in known.values() if one.order.pending_version_id is not None}
    texts = OrderVersion.objects.filter(pk__in=list(waiting)).values_list("pk", "content")
    changes = [Change(waiting[pk], draft_of(from_json(text)), pk) for pk, text in texts]
    page.load_rates({(one.draft.incoming.currency, one.draft.incoming.placed_at.date()) for one in changes})
    keys = {goods_of.key_of(line.incoming) for one in changes for line in one.draft.lines}
    matched = goods_of.find(keys, CodeMatcher())
    for edit in changes:
        take_over(page, edit, matched)
        _settle(page, edit)
    write_accepted(page, changes)
    orders = [edit.order for edit in changes]
    return [order.pk for order in orders if order.state == State.HELD and order.hold_code == holds.EDITED]


def _settle(page: Page, one: Change) -> None:
    """The edit waits no more; an order that was not stopped for it only loses the mark."""
    order = one.order
    order.pending_version_id, order.updated_at = None, page.now
    if order.state != State.HELD and order.hold_code == holds.EDITED:
        holds.clear(order)
