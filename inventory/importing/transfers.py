"""Transfers by file: rows of one number are one draft; nothing moves before somebody requests it."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import locks
from backoffice.imports.documents import Document, DocumentKind, demand_draft, folded, ids_of, repeated
from backoffice.imports.errors import ImportRefused, KeptAsIs
from backoffice.imports.kinds import BAD, CHANGE, NEW, SAME, Line, Plan, plain
from backoffice.spreadsheets.schema import Column
from inventory import access
from inventory.importing import goods
from inventory.models import Transfer, TransferLine, Warehouse
from inventory.transfers import picking, planning, transit
from inventory.transfers.planning import Wish

TARGET = "inventory.transfer"


@dataclasses.dataclass(slots=True)
class Ours:
    """A transfer of ours with its lines as they are."""

    row: Transfer
    lines: dict[int, TransferLine]

    @property
    def state(self) -> tuple[Any, ...]:
        """What a change since would alter."""
        return tuple(_told(self.row, self.lines.values()).items()), self.row.state


class TransferKind(DocumentKind):
    """One row is one SKU of one transfer."""

    key = "inventory.transfers"
    title = _("Transfers")
    note = _("One row is one SKU that goes over. Rows with the same number are one transfer; it comes in as a draft.")
    view, change, order = ("inventory.view_transfer",), ("inventory.plan_transfer",), 60
    change_list = "admin:inventory_transfer_changelist"
    document = ("number", "origin", "destination")
    head = ("origin", "destination", "expected_on", "note")
    columns = (
        Column("number", pgettext_lazy("transfer", "number"),
               ("调拨单号", "调拨单", "调拨单编号", "单号", "单据编号", "transfer", "transfer number",
                "transfer no"), "reference",
               required=False, longest=60),
        Column("origin", pgettext_lazy("transfer", "from"),
               ("调出仓库", "调出仓", "发货仓库", "源仓库", "出库仓库", "from warehouse", "origin"),
               required=False, longest=100),
        Column("destination", pgettext_lazy("transfer", "to"),
               ("调入仓库", "调入仓", "收货仓库", "目标仓库", "入库仓库", "to warehouse", "destination"),
               required=False,
               longest=100),
        *goods.COLUMNS,
        Column("quantity", _("quantity"), ("数量", "调拨数量", "件数", "pieces", "qty"), "decimal", least=0),
        Column("expected_on", _("expected on"), ("预计到货", "预计到达", "到货日期", "预计到货日期", "eta",
                                                 "expected"), "date",
               required=False),
        Column("note", _("note"), ("备注", "说明", "remark"), required=False, longest=300),
    )  # fmt: skip
    examples = (("1", "SH", "SZ", "00123", "", "20", "2026-12-15", ""),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places: dict[str, list[Warehouse]] = defaultdict(list)
        for one in access.visible(self.user, Warehouse.objects.filter(active=True, read_only=False)):
            for word in {folded(one.code), folded(one.name)}:
                self._places[word].append(one)
        self._seen: dict[str, dict[Any, int]] = defaultdict(dict)

    # --- the preview -------------------------------------------------------------------------------------------------

    def ours(self, numbers: Collection[str], targets: Collection[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        rows = Transfer.objects.select_related("origin", "destination")
        seen = access.visible(self.user, rows)
        by_number = list(seen.filter(number__in=[one.upper() for one in numbers])) if numbers else []
        by_target = list(seen.filter(pk__in=ids_of(targets))) if targets else []
        with_lines = _with_lines([*by_number, *by_target])
        return ({folded(one.number): with_lines[one.pk] for one in by_number},
                {f"{TARGET}:{one.pk}": with_lines[one.pk] for one in by_target})  # fmt: skip

    def prepare(self, lines: Sequence[Line]) -> None:
        self._goods = goods.Finder(lines)

    def row(self, document: Document, line: Line, said: Sequence[str]) -> Plan:
        number = document.ours.row.number if document.ours else document.number
        code = line.values["sku"] or line.values["barcode"] or "–"
        plan = Plan(line, BAD, f"{number or _now('no number')} · {code}")
        self._check_head(document, line, said)
        found = self._goods.one(line)
        if found is None:
            return plan
        sku, pieces = found[0], found[1] * line.values["quantity"]
        repeated(line, self._seen[line.document], sku.pk, sku.code, "sku")
        if not pieces or not planning.countable(pieces):
            line.refuse("quantity", _now("More than zero, please."))
        plan.found = (sku, pieces)
        self._compare(document, line, plan, said)
        return plan

    def _check_head(self, document: Document, line: Line, said: Sequence[str]) -> None:
        for column in ("origin", "destination"):
            if column in said:
                self._check_place(document, line, column)
            elif line.row == document.row and document.ours is None:
                line.refuse(column, _now("is empty"))
        head = document.head
        if document.ours is None and said and self._place(head.get("origin")) is not None and (
            self._place(head.get("origin")) == self._place(head.get("destination"))
        ):  # fmt: skip
            line.refuse("destination", _now("is the warehouse the goods come from"))

    def _place(self, word: str | None) -> Warehouse | None:
        """The one warehouse that a word names: its code first, else its name."""
        found = self._places.get(folded(word), [])
        named = [one for one in found if folded(one.code) == folded(word)] or found
        return named[0] if len(named) == 1 else None

    def same(self, column: str, one: Any, other: Any) -> bool:
        if column in ("origin", "destination") and self._place(one) is not None:
            return self._place(one) == self._place(other)
        return super().same(column, one, other)

    def _check_place(self, document: Document, line: Line, column: str) -> None:
        word = document.head[column]
        ours = getattr(document.ours.row, column) if document.ours else None
        if ours is not None:
            if folded(word) not in (folded(ours.code), folded(ours.name)):
                what = _now("%(number)s goes %(way)s: plan another one for another way")
                way = f"{document.ours.row.origin.code} → {document.ours.row.destination.code}"
                line.refuse(column, what % {"number": document.ours.row, "way": way})
        elif self._place(word) is None:
            line.refuse(column, _now("“%(said)s” is not a warehouse of yours") % {"said": word})

    def _compare(self, document: Document, line: Line, plan: Plan, said: Sequence[str]) -> None:
        ours, (sku, pieces) = document.ours, plan.found
        there = ours.lines.get(sku.pk) if ours else None
        changes = {}
        if there is None or there.quantity != pieces:
            changes["quantity"] = [plain(there.quantity) if there else None, plain(pieces)]
        for column in said:
            old = _shown(ours.row, column) if ours else None
            new = plain(document.head[column])
            if old != new and not (ours and column in ("origin", "destination")):
                changes[column] = [old, new]
        gone = document.by_file and ours.row.state == Transfer.State.CANCELLED
        if ours and (changes or gone):
            demand_draft(document, line, Transfer.State.DRAFT)
        plan.changes = changes
        plan.outcome = SAME if not changes else CHANGE if there is not None else NEW

    # --- the import --------------------------------------------------------------------------------------------------

    def serialise(self) -> None:
        locks.locked_rows(Warehouse.objects.filter(pk=transit.place().pk))

    def lock_ours(self, rows: Sequence[Ours]) -> None:
        locked = locks.locked_rows(Transfer.objects.filter(pk__in=[one.row.pk for one in rows]))
        fresh = _with_lines(locked)
        for one in rows:
            if fresh[one.row.pk].state != one.state:
                message = _("“%(name)s” was changed at the same moment. Try again.")
                raise ImportRefused("changed_meanwhile", message, retryable=True, params={"name": str(one.row)})

    def make(self, document: Document) -> tuple[str, dict[str, Any]]:
        wishes = {plan.found[0].pk: Wish(sku_id=plan.found[0].pk, quantity=plan.found[1]) for plan in document.plans}
        head = document.head
        if document.ours is None:
            origin, destination = self._place(head["origin"]), self._place(head["destination"])
            assert origin is not None
            assert destination is not None
            made = planning.plan(
                origin=origin, destination=destination, lines=list(wishes.values()), user=self.user,
                note=head.get("note") or "", expected_on=head.get("expected_on"),
            )  # fmt: skip
            return f"{TARGET}:{made.pk}", {"after": _now_told(made.pk)}
        before = _told(document.ours.row, document.ours.lines.values())
        kept = [Wish(sku_id=one.sku_id, quantity=wishes.pop(one.sku_id).quantity if one.sku_id in wishes
                     else one.quantity, why=one.why) for one in document.ours.lines.values()]  # fmt: skip
        pk = document.ours.row.pk
        planning.change(transfer_id=pk, lines=[*kept, *wishes.values()], user=self.user, note=head.get("note"),
                        expected_on=head.get("expected_on"))  # fmt: skip
        return f"{TARGET}:{pk}", {"after": _now_told(pk), "before": before}

    def lock_targets(self, targets: Sequence[str]) -> None:
        locks.locked_rows(Transfer.objects.filter(pk__in=ids_of(targets)))

    def take_back(self, target: str, memory: Mapping[str, Any]) -> None:
        pk = ids_of([target])[0]
        transfer = Transfer.objects.get(pk=pk)
        if transfer.state != Transfer.State.DRAFT:
            raise KeptAsIs(_("%(number)s is “%(state)s” by now: cancel it on its page."), number=transfer,
                           state=transfer.get_state_display())  # fmt: skip
        if _now_told(pk) != memory["after"]:
            raise KeptAsIs(_("%(number)s was changed since the import."), number=transfer)
        before = memory.get("before")
        if before is None:
            picking.cancel(transfer_id=pk, user=self.user, note=_now("Import undone"))
            return
        lines = [Wish(sku_id=sku, quantity=Decimal(pieces), why=why) for sku, pieces, why in before["lines"]]
        planning.change(transfer_id=pk, lines=lines, user=self.user, note=before["note"])
        day = before["expected_on"]
        Transfer.objects.filter(pk=pk).update(expected_on=dt.date.fromisoformat(day) if day else None)

    def out_rows(self) -> Iterator[Sequence[Any]]:
        rows = TransferLine.objects.filter(transfer__in=access.visible(self.user, Transfer.objects.all()))
        rows = rows.select_related("transfer__origin", "transfer__destination", "sku")
        for row in rows.order_by("transfer_id", "pk").iterator(chunk_size=2_000):
            one = row.transfer
            yield (one.number, one.origin.code, one.destination.code, row.sku.code, None, row.quantity,
                   one.expected_on, one.note)  # fmt: skip


def _with_lines(rows: Sequence[Transfer]) -> dict[int, Ours]:
    found = {one.pk: Ours(one, {}) for one in rows}
    for line in TransferLine.objects.filter(transfer__in=found).select_related("sku").order_by("pk"):
        found[line.transfer_id].lines[line.sku_id] = line
    return found


def _shown(row: Transfer, column: str) -> Any:
    value = getattr(row, column)
    return value.code if isinstance(value, Warehouse) else plain(value) or None


def _told(row: Transfer, lines: Any) -> dict[str, Any]:
    """What of a transfer a file changes, as JSON carries it."""
    return {"note": row.note, "expected_on": plain(row.expected_on),
            "lines": [[one.sku_id, plain(one.quantity), one.why] for one in lines]}  # fmt: skip


def _now_told(pk: int) -> dict[str, Any]:
    return _told(Transfer.objects.get(pk=pk), TransferLine.objects.filter(transfer=pk).order_by("pk"))
