"""GS1 codes say more than the article (01): the lot (10), the expiry date (17) and the serial (21)."""

from __future__ import annotations

import dataclasses
import datetime as dt

import biip

from inventory import codes
from inventory.models import Barcode, Lot, Sku, Tracking

SEPARATORS = ("\x1d", "\u241d", "<GS>", "{GS}")  # how scanners send the end of a field, and how people copy it
_CONFIG = biip.ParseConfig(separator_chars=("\x1d",))
LONGEST = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """What a GS1 code says; `codes` are the spellings of its article number, the likeliest first."""

    codes: tuple[str, ...]
    lot: str = ""
    serial: str = ""
    expires_on: dt.date | None = None

    def number(self, tracking: int) -> str:
        """What tells these goods apart: the serial where serials are kept, else the lot."""
        return self.serial if tracking == Tracking.SERIAL else self.lot


def read(text: str) -> Read | None:
    """Read a GS1 element string or Digital Link; None for anything else (a plain EAN, a SKU code)."""
    text = text.strip()[:LONGEST]
    for one in SEPARATORS[1:]:
        text = text.replace(one, SEPARATORS[0])
    if len(text) < 16:
        return None
    try:
        found = biip.parse(text, config=_CONFIG)
    except (biip.ParseError, ValueError):
        return None
    message = found.gs1_message or found.gs1_digital_link_uri
    if message is None:
        return None
    said = {one.ai.ai: one for one in message.element_strings}
    if "01" not in said and "02" not in said:
        return None
    article = (said.get("01") or said["02"]).value
    expiry = said.get("17") or said.get("15")
    bare = article.lstrip("0")
    return Read(
        tuple(dict.fromkeys((bare.zfill(13), article, bare.zfill(12), bare))),
        lot=said["10"].value if "10" in said else "",
        serial=said["21"].value if "21" in said else "",
        expires_on=expiry.date if expiry else None,
    )  # fmt: skip


def article(text: str) -> str:
    """Return the code to look goods up by: that of the article where a GS1 code was scanned, else what was scanned."""
    found = read(text)
    if found is None:
        return text
    known = set(Barcode.objects.filter(code__in=found.codes).values_list("code", flat=True))
    known |= set(Sku.objects.filter(code_key__in=found.codes).values_list("code_key", flat=True))
    return next((one for one in found.codes if one in known), found.codes[0])


def named(text: str) -> Lot | None:
    """Return the lot or serial whose bare number was scanned, if only one SKU has it."""
    key = codes.normalise(text)
    rows = list(Lot.objects.filter(number_key=key).select_related("sku")[:2]) if key else []
    return rows[0] if len(rows) == 1 else None
