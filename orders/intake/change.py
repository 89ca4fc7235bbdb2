"""Newer versions of orders we have: what is cut is cut at once, what is added is booked, the rest asks a person.

Orders are locked in the order of their keys, everything about the page is read in a fixed number of queries, the
decision for each order is plain Python (deciding.py), and the results are written back for all of them together
(writing.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from orders import ids
from orders.intake import events
from orders.intake.deciding import decide
from orders.intake.drafts import Draft
from orders.intake.goods import Goods, LineKey
from orders.intake.known import Change, read
from orders.intake.page import Page
from orders.intake.writing import finish, move_stock, write
from orders.models import OrderVersion

Version = OrderVersion.Outcome


def apply(page: Page, drafts: Sequence[tuple[int, Draft]], matched: dict[LineKey, Goods]) -> dict[int, str]:
    """Take in newer versions of orders (order id, draft); returns order id → action."""
    known = read([order_id for order_id, _draft in drafts])
    actions = {order_id: "unchanged" for order_id, draft in drafts if draft.digest in known[order_id].versions}
    rest = [(order_id, draft) for order_id, draft in drafts if order_id not in actions]
    version_ids = iter(ids.draw({OrderVersion: len(rest)})[OrderVersion])
    changes = [Change(known[order_id], draft, next(version_ids)) for order_id, draft in rest]
    for change in changes:
        decide(page, change, matched)
    if changes:
        write(page, changes)
        move_stock(page, changes)
        events.apply(page, [(one.order, one.draft.incoming) for one in changes if one.outcome != Version.STALE])
        finish(page, changes)
    return actions | {change.order.pk: change.action for change in changes}
