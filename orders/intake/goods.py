"""What the lines of a page stand for in our stock: one answer per (listing, code, barcode), two or three queries."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.db import connection

from inventory import catalogue, sets
from inventory.models import Sku
from orders.contracts import IncomingLine
from orders.match import LineKey, Match, Matcher

MOST_PACK = 10**9  # thousandths


@dataclasses.dataclass(frozen=True, slots=True)
class Goods:
    """The SKU behind a line. `pack` is thousandths of a piece per unit of the listing."""

    sku_id: int | None
    code: str = ""
    kind: str = ""
    pack: int = 1000
    parts: tuple[tuple[int, Decimal], ...] = ()
    reason: str = ""

    @property
    def pack_pieces(self) -> Decimal:
        """Pieces per unit of the listing."""
        return Decimal(self.pack).scaleb(-3)

    @property
    def bundle(self) -> bool:
        """True when its stock is its parts' stock."""
        return self.kind == Sku.Kind.BUNDLE

    def takes_stock(self, line: IncomingLine) -> bool:
        """Whether selling this line takes goods from our shelves.

        Our own catalogue knows better than the platform's shipping flag what is a thing; the flag decides only for
        what nobody has matched yet.
        """
        if line.platform_fulfilled or line.is_gift_card:
            return False
        return line.requires_shipping if self.sku_id is None else self.kind != Sku.Kind.VIRTUAL


def key_of(line: IncomingLine) -> LineKey:
    """Return what a line is matched by."""
    return line.listing_id, line.sku, line.barcode


def find(keys: Iterable[LineKey], matcher: Matcher) -> dict[LineKey, Goods]:
    """Return the goods of each key."""
    asked = sorted(set(keys))
    if not asked:
        return {}
    matches = matcher.match(asked)
    if len(matches) != len(asked):
        raise ValueError("A matcher must answer every line, in the order asked.")
    return _described(asked, matches)


def by_sku(sku_ids: Iterable[int]) -> dict[int, Goods]:
    """Return the goods of SKUs that are matched already, bundles with their present parts."""
    ids = sorted(set(sku_ids))
    kinds = _kinds(ids)
    bundles = [pk for pk, (_code, kind) in kinds.items() if kind == Sku.Kind.BUNDLE]
    parts = catalogue.parts_at(bundles) if bundles else {}
    return {pk: Goods(pk, code, kind, parts=parts.get(pk, ())) for pk, (code, kind) in kinds.items()}


def _described(asked: Sequence[LineKey], matches: Sequence[Match]) -> dict[LineKey, Goods]:
    known = by_sku(match.sku_id for match in matches if match.sku_id is not None)
    found: dict[LineKey, Goods] = {}
    for key, match in zip(asked, matches, strict=True):
        goods = known.get(match.sku_id) if match.sku_id is not None else None
        if goods is None:
            found[key] = Goods(None, reason=match.reason or "unmatched")
            continue
        pack = int(match.quantity_per * 1000)
        fits = 0 < pack <= MOST_PACK and pack == match.quantity_per * 1000
        found[key] = dataclasses.replace(goods, pack=pack) if fits else Goods(None, reason="wrong_pack")
    return found


def _kinds(sku_ids: list[int]) -> dict[int, tuple[str, str]]:
    condition, parameters = sets.among("id", sku_ids)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, code, kind FROM inventory_sku WHERE {condition}", parameters)  # noqa: S608 — no input
        return {pk: (code, kind) for pk, code, kind in cursor.fetchall()}
