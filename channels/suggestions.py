"""Which SKUs an unmatched listing may be: the closest codes and names, with what they have in common."""

from __future__ import annotations

import dataclasses

from rapidfuzz import fuzz, process

from channels.models import Listing
from inventory.codes import normalise
from inventory.models import Sku

MOST = 5
LEAST = 55.0
CONSIDERED = 20_000  # beyond so many SKUs the search by code is what helps


@dataclasses.dataclass(frozen=True, slots=True)
class Suggestion:
    """A SKU that may be meant; `likeness` from 0 to 100, and what was compared."""

    sku_id: int
    code: str
    name: str
    likeness: int
    evidence: str


def for_listing(listing: Listing) -> list[Suggestion]:
    """Return the most alike SKUs, best first; nothing when nothing is alike."""
    rows = list(Sku.objects.filter(active=True).values_list("pk", "code", "code_key", "name", "name_en")[:CONSIDERED])
    found: dict[int, Suggestion] = {}
    for text, column in ((normalise(listing.sku_text), 2), (listing.title, 3), (listing.title, 4)):
        if text:
            _add(found, rows, text, column)
    return sorted(found.values(), key=lambda one: (-one.likeness, one.code))[:MOST]


def _add(found: dict[int, Suggestion], rows: list[tuple[int, str, str, str, str]], text: str, column: int) -> None:
    choices = {index: str(row[column]) for index, row in enumerate(rows) if row[column]}
    for match, score, index in process.extract(text, choices, scorer=fuzz.WRatio, limit=MOST, score_cutoff=LEAST):
        pk, code, _key, name, name_en = rows[index]
        if pk not in found or found[pk].likeness < score:
            found[pk] = Suggestion(pk, code, name or name_en, int(score), f"{text[:60]} ≈ {match[:60]}")
