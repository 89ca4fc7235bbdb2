"""Opening stock by file: what lay where on the first day, posted as one document of movements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice import bulk, clock
from backoffice.errors import YikuError
from backoffice.imports.errors import ImportRefused, UndoRefused
from backoffice.imports.kinds import BAD, NEW, SAME, Done, ImportKind, Line, Plan, plain
from backoffice.spreadsheets.schema import Column
from inventory import access, balances, counts, documents
from inventory.errors import NegativeStock
from inventory.importing import goods
from inventory.lots import keeping, saying
from inventory.lots.errors import LotRefused
from inventory.models import Balance, Bucket, Reason, Sku, StockDocument, StockDocumentLine, StockEntry, Warehouse

UNDO = "inventory.approve_stockdocument"


class OpeningForm(forms.Form):
    """Where the goods lie, when the file does not say it."""

    warehouse = forms.ChoiceField(label=_("warehouse"), required=False, widget=UnfoldAdminSelectWidget())

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = access.visible(user, Warehouse.objects.filter(active=True, read_only=False)).order_by("code")
        named = [(one.code, str(one)) for one in places]
        self.fields["warehouse"].choices = [("", _("as the file says in each row")), *named]  # type: ignore[attr-defined]


class OpeningKind(ImportKind):
    """One row is one SKU in one warehouse that has never moved there."""

    key = "inventory.opening"
    title = _("Opening stock")
    note = _(
        "One row is one SKU in one warehouse, before anything has moved there. Afterwards stock comes in by counts."
    )
    view, change, order = ("inventory.view_stockdocument",), ("inventory.count_stock",), 50
    change_list = "admin:inventory_stockdocument_changelist"
    most_rows = 50_000
    options_form = OpeningForm
    columns = (
        Column("sku", counts.SKU.title, counts.SKU.names, "code", longest=100),
        Column("quantity", _("quantity"), (*counts.COUNTED.names, "期初数量", "期初库存", "opening"), "decimal",
               least=0),
        Column("warehouse", counts.WAREHOUSE.title, counts.WAREHOUSE.names, "code", required=False),
        Column("cost", counts.COST.title, (*counts.COST.names, "期初成本"), "decimal", required=False, places=6,
               least=0),
        Column("lot", _("lot or serials"), ("批次", "批次号", "序列号", "lot", "batch"), required=False, longest=4000),
        Column("expires_on", _("expires on"), ("到期日", "有效期至", "expiry"), "date", required=False),
    )  # fmt: skip
    examples = (("00123", "120", "SZ", "35.50", "", ""),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = access.visible(self.user, Warehouse.objects.filter(active=True, read_only=False))
        self._places = {one.code.casefold(): one for one in places}
        self._seen: dict[tuple[int, int], int] = {}
        self._lines: list[tuple[Any, ...]] = []
        self._document: StockDocument | None = None

    def plan(self, lines: Sequence[Line]) -> list[Plan]:
        skus = goods.named(lines, "sku")
        pairs = {"sku__in": list(skus.values()), "warehouse__in": list(self._places.values())}
        entries = StockEntry.objects.filter(**pairs, bucket=Bucket.ON_HAND)
        moved = set(entries.exclude(reason__in=(Reason.OPENING, Reason.UNDO)).values_list("sku_id", "warehouse_id"))
        there = {(row.sku_id, row.warehouse_id): row.on_hand for row in Balance.objects.filter(**pairs)}
        return [self._plan(line, skus, moved, there) for line in lines]

    def _plan(self, line: Line, skus: dict[str, Sku], moved: set[Any], there: Mapping[Any, Decimal]) -> Plan:
        sku, place = goods.one(line, "sku", skus), self._place(line)
        name = f"{line.values['sku']} @ {place.code if place else line.values['warehouse'] or '–'}"
        if sku is None or place is None:
            return Plan(line, BAD, name)
        if sku.kind != Sku.Kind.STOCKED:
            line.refuse("sku", _now("“%(code)s” has no stock of its own") % {"code": sku.code})
        pair, quantity = (sku.pk, place.pk), line.values["quantity"]
        first = self._seen.setdefault(pair, line.row)
        if first != line.row:
            line.refuse("sku", _now("“%(name)s” stands in row %(row)s already") % {"name": name, "row": first})
        now = there.get(pair, Decimal(0))
        if now == quantity:
            return Plan(line, SAME, name)
        if pair in moved or now:
            line.refuse("quantity", _now("%(now)s pieces stand there already: take a count instead")
                        % {"now": plain(now)})  # fmt: skip
        self._check_lots(line, sku)
        changes = {"quantity": [plain(now), plain(quantity)]}
        if line.values["cost"] is not None:
            changes["cost"] = [None, plain(line.values["cost"])]
        return Plan(line, NEW, name, changes, (sku, place))

    def _check_lots(self, line: Line, sku: Sku) -> None:
        """A tracked SKU says its lots; what is wrong stands in the column that is at fault."""
        if line.values["quantity"]:
            try:
                self._said(line, sku)
            except LotRefused as refusal:
                line.refuse(refusal.field if refusal.field == "expires_on" else "lot", str(refusal))

    def _said(self, line: Line, sku: Sku) -> tuple[saying.Said, ...]:
        values = line.values
        return saying.said(sku, values["quantity"], values["lot"] or "", values["expires_on"])

    def _place(self, line: Line) -> Warehouse | None:
        """The warehouse of a row: its own, else the one chosen for the file; both must not disagree."""
        chosen, said = self.options.get("warehouse") or "", line.values["warehouse"]
        if said and chosen and said.casefold() != chosen.casefold():
            what = _now("“%(said)s” is not the warehouse chosen for the file") % {"said": said}
        else:
            found = self._places.get((said or chosen).casefold())
            if found is not None:
                return found
            what = _now("“%(said)s” is not a warehouse of yours") % {"said": said} if said else _now("is empty")
        line.refuse("warehouse", what)
        return None

    def apply(self, plan: Plan) -> Done:
        sku, place = plan.found
        quantity, cost = plan.line.values["quantity"], plan.line.values["cost"]
        if self._document is None:
            self._document = StockDocument.objects.create(
                kind=StockDocument.Kind.OPENING, state=StockDocument.State.DRAFT, reason=Reason.OPENING,
                note=_now("Imported by file"), created_at=clock.now(), created_by=self.user,
            )  # fmt: skip
        said = self._said(plan.line, sku) if quantity else ()
        if said:
            keeping.announce(sku_id=sku.pk, code=sku.code, said=said)
        self._lines.append(
            (self._document.pk, plan.line.row, sku.pk, place.pk, Decimal(0), quantity, quantity, cost,
             saying.as_json(said))
        )  # fmt: skip
        return Done(f"inventory.stockdocument:{self._document.pk}")

    def writes(self, plan: Plan) -> bool:
        return self._document is None or bool(plan.found[0].tracking)

    def finish(self) -> dict[str, Any]:
        if self._document is None:
            return {}
        self._demand_empty()
        bulk.insert_rows(StockDocumentLine, (*counts.COLUMNS, "lots"), self._lines)
        self._document.line_count = self._document.difference_count = len(self._lines)
        self._document.save(update_fields=["line_count", "difference_count"])
        documents.post(document_id=self._document.pk, user=self.user)
        return {"document": self._document.pk}

    def _demand_empty(self) -> None:
        """Under the balances' locks: nobody else has opened or moved these goods since they were planned."""
        locked = balances.lock(((line[2], line[3]) for line in self._lines), create=True)
        if any(row.on_hand for row in locked.values()):
            message = _("Some of these goods were moved at the same moment. Look at the preview again.")
            raise ImportRefused("changed_meanwhile", message, retryable=True)

    def undo_whole(self, memory: Mapping[str, Any]) -> bool:
        if self.user is None or not self.user.has_perm(UNDO):
            raise UndoRefused(_("Posted stock is taken back by somebody who may undo documents."), {})
        try:
            documents.undo(document_id=memory["document"], user=self.user, note=_now("Import undone"))
        except NegativeStock as short:
            rows = StockDocumentLine.objects.filter(document=memory["document"])
            places = {(line.sku_id, line.warehouse_id): line.row for line in rows}
            reason = _now("Goods of it have left or are reserved since.")
            gone = {places[one.sku_id, one.warehouse_id]: reason for one in short.shorts}
            raise UndoRefused(str(short), gone) from None
        except YikuError as refusal:
            raise UndoRefused(str(refusal), {}) from None
        return True

    def out_rows(self) -> Iterator[Sequence[Any]]:
        rows = access.visible(self.user, Balance.objects.all()).exclude(on_hand=0).select_related("sku", "warehouse")
        cost = self.user is not None and self.user.has_perm("inventory.see_cost")
        for row in rows.order_by("sku__code_key", "warehouse__code").iterator(chunk_size=2_000):
            worth = round(row.value / row.on_hand, 6) if cost and row.on_hand else None
            yield (row.sku.code, row.on_hand, row.warehouse.code, worth, None, None)
