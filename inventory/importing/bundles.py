"""Bundles by file: a row says how many of a part one bundle holds; what was true before stays on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice.imports.errors import KeptAsIs
from backoffice.imports.kinds import CHANGE, NEW, SAME, Done, ImportKind, Line, Plan, plain
from backoffice.spreadsheets.schema import Column
from inventory import dated
from inventory.importing import goods
from inventory.models import BundlePart, Sku


class BundleKind(ImportKind):
    """One row is one part of one bundle; zero pieces take the part out."""

    key = "inventory.bundles"
    title = _("Bundles")
    note = _("One row is one part of a bundle and how many of it; 0 takes the part out. Other parts stay.")
    view, order = ("inventory.view_bundlepart",), 40
    change = ("inventory.add_bundlepart", "inventory.change_bundlepart")
    change_list = "admin:inventory_sku_changelist"
    columns = (
        Column("bundle", _("bundle"), ("bundle sku", "套装", "套装编码", "组合编码", "组合商品编码"), "code",
               longest=100),
        Column("part", _("part"), ("part sku", "子件", "子件编码", "单品编码", "商品编码"), "code", longest=100),
        Column("pieces", _("pieces in one bundle"), ("数量", "件数", "quantity", "qty", "pieces"), "decimal", least=0),
    )  # fmt: skip
    examples = (("GIFT-1", "00123", "2"),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seen: dict[tuple[int, int], int] = {}

    def plan(self, lines: Sequence[Line]) -> list[Plan]:
        skus = goods.named(lines, "bundle", "part")
        rows = BundlePart.objects.filter(bundle__in=skus.values(), valid_to__isnull=True)
        standing = {(row.bundle_id, row.part_id): row for row in rows}
        return [self._plan(line, skus, standing) for line in lines]

    def _plan(self, line: Line, skus: dict[str, Sku], standing: Mapping[tuple[int, int], BundlePart]) -> Plan:
        name = f"{line.values['bundle']} · {line.values['part']}"
        bundle, part = goods.one(line, "bundle", skus), goods.one(line, "part", skus)
        if bundle is None or part is None:
            return Plan(line, name=name)
        self._check(line, bundle, part)
        row, pieces = standing.get((bundle.pk, part.pk)), line.values["pieces"]
        old = Decimal(0) if row is None else row.quantity
        if row is None and not pieces and not line.problems:
            line.refuse("pieces", _now("is 0, and the bundle has no such part"))
        changes = {} if old == pieces else {"pieces": [plain(old) if row else None, plain(pieces)]}
        outcome = NEW if row is None else CHANGE if changes else SAME
        return Plan(line, outcome, name, changes, (bundle, part, row))

    def _check(self, line: Line, bundle: Sku, part: Sku) -> None:
        if bundle.kind != Sku.Kind.BUNDLE:
            line.refuse("bundle", _now("“%(code)s” is not a bundle: set its kind first") % {"code": bundle.code})
        if part.pk == bundle.pk:
            line.refuse("part", _now("A bundle cannot be part of itself."))
        elif part.kind == Sku.Kind.BUNDLE:
            line.refuse("part", _now("A bundle cannot hold another bundle: name its parts."))
        elif part.kind == Sku.Kind.VIRTUAL:
            line.refuse("part", _now("Goods without stock cannot be part of a bundle."))
        first = self._seen.setdefault((bundle.pk, part.pk), line.row)
        if first != line.row:
            line.refuse("part", _now("“%(name)s” stands in row %(row)s already") % {"name": part.code, "row": first})

    def apply(self, plan: Plan) -> Done:
        bundle, part, row = plan.found
        pieces = plan.line.values["pieces"]
        target = f"inventory.sku:{bundle.pk}"
        memory = {"bundle": bundle.pk, "part": part.pk, "before": plain(row.quantity) if row else None,
                  "after": plain(pieces)}  # fmt: skip
        if row is None:
            dated.open_row(BundlePart(bundle=bundle, part=part, quantity=pieces))
        elif pieces:
            dated.replace(row, {"quantity": pieces})
        else:
            dated.close(row)
        return Done(target, memory)

    def undo(self, target: str, memory: Mapping[str, Any]) -> None:
        ids = {"bundle_id": memory["bundle"], "part_id": memory["part"]}
        row = BundlePart.objects.filter(**ids, valid_to__isnull=True).first()
        now = row.quantity if row else Decimal(0)
        if now != Decimal(memory["after"]):
            raise KeptAsIs(_("Changed since: the bundle holds %(now)s of it now."), now=plain(now))
        before = Decimal(memory["before"] or 0)
        if row is None:
            dated.open_row(BundlePart(**ids, quantity=before))
        elif before:
            dated.replace(row, {"quantity": before})
        else:
            dated.close(row)

    def out_rows(self) -> Iterator[Sequence[Any]]:
        rows = BundlePart.objects.filter(valid_to__isnull=True).select_related("bundle", "part")
        for row in rows.order_by("bundle__code_key", "part__code_key").iterator(chunk_size=2_000):
            yield (row.bundle.code, row.part.code, row.quantity)
