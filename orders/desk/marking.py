"""What people put on orders: marks, a priority, a note for colleagues. Each tells for each order what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import bulk
from backoffice.errors import YikuError
from orders.desk.rules.deeds import MOST_MARKS
from orders.desk.table import RowOutcome, Table
from orders.models import Order, StaffNote

LONGEST_MARK, LONGEST_NOTE, HIGHEST = 40, 2000, 9
MOST_ON_ORDER = 30


class Unusable(YikuError):
    """What was typed cannot be put on an order."""


def read_marks(text: str) -> list[str]:
    """Return the marks of a comma-separated text. Raises Unusable."""
    plain = text.replace("\0", "").replace("，", ",").replace("、", ",")
    marks = list(dict.fromkeys(one.strip() for one in plain.split(",") if one.strip()))
    if not marks or len(marks) > MOST_MARKS or any(len(one) > LONGEST_MARK for one in marks):
        raise Unusable(
            "bad_marks",
            _("Give one to %(most)d marks of at most %(longest)d characters, separated by commas."),
            params={"most": MOST_MARKS, "longest": LONGEST_MARK},
        )
    return marks


@transaction.atomic
def mark(*, order_ids: Sequence[int], marks: Sequence[str], actor: str) -> list[RowOutcome]:
    """Put marks on orders; an order that has them all stays as it is."""
    return _change(order_ids, actor, "order.mark", marks, lambda now: [*now, *(m for m in marks if m not in now)])


@transaction.atomic
def unmark(*, order_ids: Sequence[int], marks: Sequence[str], actor: str) -> list[RowOutcome]:
    """Take marks off orders; one that has none of them stays as it is."""
    return _change(order_ids, actor, "order.unmark", marks, lambda now: [one for one in now if one not in marks])


def _change(
    order_ids: Sequence[int], actor: str, action: str, marks: Sequence[str], work: Callable[[list[str]], list[str]]
) -> list[RowOutcome]:
    table = Table(order_ids, actor)
    changed: list[Order] = []
    for order in table.orders:
        after = work(list(order.marks))
        if len(after) > MOST_ON_ORDER:
            table.refuse(order, "too_many_marks", most=MOST_ON_ORDER)
        elif after == order.marks:
            table.succeed(order, "unchanged")
        else:
            order.marks = after
            changed.append(order)
    rows = [(order.pk, bulk.json_text(order.marks), table.now, 1) for order in changed]
    if rows:
        bulk.update_rows(Order, ["id"], ["marks", "updated_at"], rows, increments=["revision"], prepared=True)
    table.done(changed, "marked", action, {"marks": ", ".join(marks)})
    return table.outcomes()


@transaction.atomic
def set_priority(*, order_ids: Sequence[int], priority: int, actor: str) -> list[RowOutcome]:
    """Set how soon orders go, 0 (usual) to 9 (first)."""
    if not 0 <= priority <= HIGHEST:
        raise Unusable("bad_priority", _("Priority goes from 0 (usual) to 9 (goes first)."))
    table = Table(order_ids, actor)
    changed = [order for order in table.orders if order.priority != priority]
    for order in table.orders:
        if order not in changed:
            table.succeed(order, "unchanged")
    rows = [(order.pk, priority, table.now, 1) for order in changed]
    if rows:
        bulk.update_rows(Order, ["id"], ["priority", "updated_at"], rows, increments=["revision"], prepared=True)
    table.done(changed, "priority", "order.priority", {"priority": priority})
    return table.outcomes()


@transaction.atomic
def add_note(*, order_ids: Sequence[int], text: str, actor: str) -> list[RowOutcome]:
    """Write a note for colleagues on orders. It changes nothing about them and is never sent to a platform."""
    plain = text.replace("\0", "").strip()
    if not plain or len(plain) > LONGEST_NOTE:
        raise Unusable(
            "bad_note", _("Write a note of at most %(longest)d characters."), params={"longest": LONGEST_NOTE}
        )
    table = Table(order_ids, actor)
    notes = [StaffNote(order=order, at=table.now, author=actor[:150], text=plain) for order in table.orders]
    StaffNote.objects.bulk_create(notes)
    table.done(table.orders, "noted", "order.note", {})
    return table.outcomes()
