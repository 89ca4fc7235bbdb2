"""Barcodes and packs by file: a barcode of a SKU, or of a case of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.imports.errors import KeptAsIs
from backoffice.imports.kinds import CHANGE, NEW, SAME, Done, ImportKind, Line, Plan, plain
from backoffice.spreadsheets.schema import Column
from inventory import codes
from inventory.importing import goods
from inventory.models import Barcode, Pack, Sku


class BarcodeKind(ImportKind):
    """One row is one barcode, or a pack without one."""

    key = "inventory.barcodes"
    title = _("Barcodes and packs")
    note = _("One row is one barcode of a SKU; with a pack and its pieces it is the barcode of that case.")
    view, order = ("inventory.view_barcode", "inventory.view_pack"), 30
    change = tuple(f"inventory.{verb}_{name}" for name in ("barcode", "pack") for verb in ("add", "change"))
    change_list = "admin:inventory_sku_changelist"
    columns = (
        Column("sku", _("SKU code"), ("sku", "code", "编码", "商品编码", "商家编码", "货号"), "code", longest=100),
        Column("barcode", _("barcode"), ("条码", "条形码", "ean", "upc", "gtin"), "barcode", optional_cell=True,
               longest=64),
        Column("pack", _("pack"), ("包装", "箱规", "单位", "unit"), required=False, longest=60),
        Column("pieces", _("pieces in it"), ("装箱数", "箱规数量", "数量", "每箱数量", "pieces", "quantity"), "decimal",
               required=False, least=0),
    )  # fmt: skip
    examples = (("00123", "6901234567892", "Case", "12"),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._claimed: dict[str, int] = {}
        self._pieces: dict[tuple[int, str], Decimal] = {}  # what this file says a pack holds

    def plan(self, lines: Sequence[Line]) -> list[Plan]:
        skus = goods.named(lines, "sku")
        keys = [code for line in lines if (code := codes.normalise(line.values["barcode"]))]
        known = {row.code: row for row in Barcode.objects.filter(code__in=keys).select_related("sku", "pack")}
        packs = Pack.objects.filter(sku__in=skus.values())
        held = {(row.sku_id, row.name.casefold()): row for row in packs}
        return [self._plan(line, skus, known, held) for line in lines]

    def _plan(self, line: Line, skus: dict[str, Sku], known: Mapping[str, Barcode], held: Mapping[Any, Pack]) -> Plan:
        name = f"{line.values['sku']} · {line.values['barcode'] or line.values['pack'] or ''}"
        sku = goods.one(line, "sku", skus)
        if sku is None:
            return Plan(line, name=name)
        code, packed = codes.normalise(line.values["barcode"]), (line.values["pack"] or "").strip()
        if not code and not packed:
            line.refuse("barcode", _now("Give a barcode, or a pack."))
            return Plan(line, name=name)
        pack = held.get((sku.pk, packed.casefold())) if packed else None
        changes = self._pack_changes(line, sku, packed, pack)
        barcode = known.get(code)
        changes |= self._barcode_changes(line, sku, code, packed, barcode)
        outcome = SAME if not changes else NEW if "barcode" in changes or not code else CHANGE
        return Plan(line, outcome, name, changes, (sku, pack, barcode))

    def _pack_changes(self, line: Line, sku: Sku, packed: str, pack: Pack | None) -> dict[str, list[Any]]:
        pieces = line.values["pieces"]
        if not packed:
            if pieces is not None:
                line.refuse("pack", _now("is empty, although pieces are given"))
            return {}
        if pieces is not None and pieces <= 0:
            line.refuse("pieces", _now("More than zero, please."))
        said = self._pieces.setdefault((sku.pk, packed.casefold()), pieces) if pieces is not None else None
        if said is not None and said != pieces:
            line.refuse("pieces", _now("another row says %(pieces)s for this pack") % {"pieces": plain(said)})
        if pack is None and pieces is None and (sku.pk, packed.casefold()) not in self._pieces:
            line.refuse("pieces", _now("is empty, and there is no such pack yet"))
        if pieces is None or (pack is not None and pack.quantity == pieces):
            return {}
        return {"pieces": [None if pack is None else plain(pack.quantity), plain(pieces)]}

    def _barcode_changes(
        self, line: Line, sku: Sku, code: str, packed: str, barcode: Barcode | None
    ) -> dict[str, list[Any]]:
        if not code:
            return {}
        first = self._claimed.setdefault(code, line.row)
        if first != line.row:
            line.refuse("barcode", _now("“%(name)s” stands in row %(row)s already") % {"name": code, "row": first})
            return {}
        if barcode is None:
            return {"barcode": [None, code]} | ({"pack": [None, packed]} if packed else {})
        if barcode.sku_id != sku.pk:
            line.refuse("barcode", _now("Barcode “%(code)s” belongs to %(sku)s.") % {"code": code, "sku": barcode.sku})
            return {}
        now = barcode.pack.name if barcode.pack else None
        return {"pack": [now, packed]} if packed and packed.casefold() != (now or "").casefold() else {}

    def apply(self, plan: Plan) -> Done:
        sku, _pack, barcode = plan.found
        memory: dict[str, Any] = {}
        packed = (plan.line.values["pack"] or "").strip()
        pack = Pack.objects.filter(sku=sku, name__iexact=packed).first() if packed else None
        if "pieces" in plan.changes:
            pack = self._set_pack(sku, packed, pack, Decimal(plan.changes["pieces"][1]), memory)
        if "barcode" in plan.changes:
            barcode = Barcode.objects.create(sku=sku, code=plan.changes["barcode"][1], pack=pack)
            memory["barcode_made"] = barcode.pk
        elif "pack" in plan.changes:
            memory["repacked"] = [barcode.pk, barcode.pack_id, pack.pk if pack else None]
            barcode.pack = pack
            barcode.save()
        return Done(f"inventory.sku:{sku.pk}", memory)

    @staticmethod
    def _set_pack(sku: Sku, name: str, pack: Pack | None, pieces: Decimal, memory: dict[str, Any]) -> Pack:
        if pack is None:
            pack = Pack.objects.create(sku=sku, name=name, quantity=pieces)
            memory["pack_made"] = [pack.pk, plain(pieces)]
        elif pack.quantity != pieces:
            memory["pieces"] = [pack.pk, plain(pack.quantity), plain(pieces)]
            pack.quantity = pieces
            pack.save()
        return pack

    def undo(self, target: str, memory: Mapping[str, Any]) -> None:
        if "barcode_made" in memory:
            Barcode.objects.filter(pk=memory["barcode_made"]).delete()
        if "repacked" in memory:
            pk, before, ours = memory["repacked"]
            if not Barcode.objects.filter(pk=pk, pack_id=ours).update(pack_id=before):
                raise KeptAsIs(_("Changed since: the barcode belongs to another pack now."))
        if "pieces" in memory:
            self._restore(memory["pieces"])
        if "pack_made" in memory:
            pk, ours = memory["pack_made"]
            pack = Pack.objects.filter(pk=pk).first()
            if pack and (pack.quantity != Decimal(ours) or pack.barcodes.exists()):
                raise KeptAsIs(_("Changed since: the pack is other than the import made it."))
            if pack:
                pack.delete()

    @staticmethod
    def _restore(pieces: Sequence[Any]) -> None:
        pk, before, ours = pieces
        if not Pack.objects.filter(pk=pk, quantity=Decimal(ours)).update(quantity=Decimal(before)):
            raise KeptAsIs(_("Changed since: the pack is other than the import made it."))

    def out_rows(self) -> Iterator[Sequence[Any]]:
        rows = Barcode.objects.select_related("sku", "pack").order_by("sku__code_key", "code")
        for row in rows.iterator(chunk_size=2_000):
            yield (row.sku.code, row.code, row.pack.name if row.pack else None, row.pack.quantity if row.pack else None)
        bare = Pack.objects.filter(barcodes=None).select_related("sku").order_by("sku__code_key", "name")
        for pack in bare.iterator(chunk_size=2_000):
            yield (pack.sku.code, None, pack.name, pack.quantity)
