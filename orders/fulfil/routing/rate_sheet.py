"""Rates out of Excel: read by the guarded reader, checked row by row, kept all or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.spreadsheets.reading import read_upload
from backoffice.spreadsheets.schema import Column, SheetSchema
from backoffice.spreadsheets.writing import Out, write_xlsx
from orders.fulfil.routing import geography, policies
from orders.models import RateRow, RateTable

MOST_ROWS = 20_000
MOST_GRAMS = 10_000_000
KEYS = ("country", "region", "postcode", "up_to_g", "base", "first_g", "per_kg", "step_g")
SCHEMA = SheetSchema(
    (
        Column("country", _("country"), ("国家", "目的国", "to"), longest=2),
        Column("region", _("region"), ("地区", "省份", "州"), required=False, longest=60),
        Column("postcode", _("postcode begins with"), ("邮编", "邮编前缀", "postcode", "zip"), "reference",
               required=False, longest=12),
        Column("up_to_g", _("up to (g)"), ("重量上限", "weight"), "integer", required=False, least=0),
        Column("base", _("base price"), ("首重价格", "首重", "基价", "price"), "decimal", places=4, least=0),
        Column("first_g", _("weight in the base price (g)"), ("首重重量",), "integer", required=False, least=0),
        Column("per_kg", _("each further kg"), ("续重", "续重单价", "per kg"), "decimal", required=False, places=4,
               least=0),
        Column("step_g", _("rounded up to (g)"), ("进位", "计费单位"), "integer", required=False, least=0),
    ),
    most_rows=MOST_ROWS,
)  # fmt: skip
Fault = dict[str, Any]


def look(path: Path, *, headless: bool = False) -> tuple[list[RateRow], list[Fault]]:
    """Read a kept file; returns the rows as they would be kept, and what is wrong, each with its row.

    `headless`: the titles were put above pasted rows, so the person's first row is our second.
    """
    above = 1 if headless else 0
    found: dict[tuple[Any, ...], tuple[int, RateRow]] = {}
    faults: list[Fault] = []
    with read_upload(path, SCHEMA) as reading:
        for place, *cells in reading.rows():
            number = place - above
            row, what = _row(dict(zip(KEYS, cells, strict=True)))
            key = (row.country, row.region, row.postcode, row.up_to_g)
            if not what and key in found:
                what = _now("the same zone and weight stand in row %d already.") % found[key][0]
            if what:
                faults.append({"row": number, "place": "", "what": what})
            else:
                found[key] = (number, row)
    faults += [{"row": one.row - above, "place": one.title, "what": one.what} for one in reading.problems]
    return [row for _number, row in found.values()], sorted(faults, key=lambda one: int(one["row"]))


def _row(cells: dict[str, Any]) -> tuple[RateRow, str]:
    row = RateRow(
        country=str(cells["country"] or "").strip().upper(),
        region=str(cells["region"] or "").strip(),
        postcode=geography.postcode_key(str(cells["postcode"] or "")),
        up_to_g=cells["up_to_g"] or 0,
        base=cells["base"],
        first_g=cells["first_g"] or 0,
        per_kg=cells["per_kg"] or Decimal(0),
        step_g=cells["step_g"] or 0,
    )
    return row, problem(row)


def problem(row: RateRow) -> str:
    """Return what is wrong with a row in itself; empty when nothing is."""
    if row.country != "*" and row.country not in policies.known_countries():
        return _now("there is no country “%s”; * is everywhere else.") % row.country[:10]
    if row.country == "*" and (row.region or row.postcode):
        return _now("a region or postcode needs a country.")
    if max(row.up_to_g, row.first_g, row.step_g) > MOST_GRAMS or max(row.base, row.per_kg) > 1_000_000_000:
        return _now("a figure is too large.")
    return ""


@transaction.atomic
def keep(*, table_id: int, rows: Sequence[RateRow], replace: bool, actor: str) -> tuple[int, int]:
    """Put rows into a table: instead of all that is there, or beside it (the same zone and weight gets the new price).

    Returns how many rows are new and how many were there before.
    """
    table = RateTable.objects.select_for_update().get(pk=table_id)
    before = RateRow.objects.filter(table=table)
    had = before.count()
    if replace:
        before.delete()
    for row in rows:
        row.table = table
    RateRow.objects.bulk_create(
        rows, batch_size=1000, update_conflicts=True, update_fields=["base", "first_g", "per_kg", "step_g"],
        unique_fields=["table", "country", "region", "postcode", "up_to_g"],
    )  # fmt: skip
    touch(table_id=table_id, actor=actor)
    after = {"rows": len(rows), "replaced": replace}
    audit.record(action="rate_table.rows", target=table, before={"rows": had}, after=after, actor=actor)
    return len(rows), had


def touch(*, table_id: int, actor: str) -> None:
    """Say that a table was changed: whoever has read its rows reads them again."""
    RateTable.objects.filter(pk=table_id).update(updated_at=clock.now(), updated_by=actor[:150])


def export(target: IO[bytes], table: RateTable) -> int:
    """Write the rows of a table in the columns that are read."""
    figures = ("base", "per_kg", "up_to_g", "first_g", "step_g")
    columns = [Out(one.title, "number" if one.key in figures else "text", 18) for one in SCHEMA.columns]
    return write_xlsx(target, columns, _rows(table), name=table.name)


def _rows(table: RateTable) -> Iterator[list[Any]]:
    for row in table.rows.order_by("country", "region", "postcode", "up_to_g"):
        yield [getattr(row, key) for key in KEYS]
