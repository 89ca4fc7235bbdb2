"""Which figure a listing should show at a location now, with every input frozen for the publication log."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db.models import QuerySet

from backoffice import clock
from backoffice.compiled import Compiled
from channels.models import Account, ListingMatch, ListingStatus, ListingTerm, LocationLink
from channels.push.rows import Row
from inventory.availability import Figure, FigureKey, figures
from inventory.stock_state import valid

MOST = 1_000_000_000  # Shopify refuses more; no shop has more
ZERO = Decimal(0)


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """The figure, or the code of why there is none to publish."""

    desired: int | None
    inputs: dict[str, Any]
    code: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class _Match:
    """Which SKU a listing stands for."""

    listing_id: int
    id: int
    sku_id: int
    code: str
    quantity_per: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class _Term:
    """A listing's own terms."""

    listing_id: int
    id: int
    buffer: Decimal
    share: Decimal | None
    cap: Decimal | None
    paused: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    """What the decisions of one account stand on, read in a constant number of queries."""

    shop_id: int
    matches: dict[int, _Match]
    terms: dict[int, _Term]
    links: dict[int, list[int]]
    figures: dict[FigureKey, Figure]


def decide(account: Account, rows: Sequence[Row]) -> dict[int, Decision]:
    """Return the decision for each job, by its id; the number of queries does not grow with the rows."""
    known = _read(account, sorted({row.listing_id for row in rows}))
    return {row.id: _decision(row, known) for row in rows}


def _read(account: Account, listing_ids: list[int]) -> _Known:
    now = clock.now()
    matches = [_Match(*row) for row in _MATCHES.rows(listing_ids)]
    terms = [_Term(*row) for row in _TERMS.rows(listing_ids, now)]
    links: dict[int, list[int]] = {}
    for location_id, warehouse_id in _LINKS.rows(account.pk, now):
        links.setdefault(location_id, []).append(warehouse_id)
    skus = {match.sku_id for match in matches}
    found = figures(shop_ids=[account.shop_id], sku_ids=skus) if skus else {}
    by_listing = {match.listing_id: match for match in matches}
    return _Known(account.shop_id, by_listing, {term.listing_id: term for term in terms}, links, found)


def _match_rows(listing_ids: list[int]) -> QuerySet[ListingMatch, tuple[Any, ...]]:
    rows = ListingMatch.objects.filter(listing_id__in=listing_ids, valid_to__isnull=True)
    return rows.values_list("listing_id", "pk", "sku_id", "sku__code", "quantity_per")


def _term_rows(listing_ids: list[int], now: dt.datetime) -> QuerySet[ListingTerm, tuple[Any, ...]]:
    """The newest of overlapping terms rules: dictionary order does it."""
    rows = ListingTerm.objects.filter(valid(now), listing_id__in=listing_ids).order_by("valid_from", "pk")
    return rows.values_list("listing_id", "pk", "buffer", "share", "cap", "paused")


def _link_rows(account_id: int, now: dt.datetime) -> QuerySet[LocationLink, tuple[Any, ...]]:
    rows = LocationLink.objects.filter(valid(now), account_id=account_id)
    return rows.values_list("location_id", "warehouse_id")


_MATCHES, _TERMS, _LINKS = Compiled(_match_rows), Compiled(_term_rows), Compiled(_link_rows)


def _decision(row: Row, known: _Known) -> Decision:
    match = known.matches.get(row.listing_id)
    if match is None:
        return Decision(None, {}, "not_matched")
    if row.status == ListingStatus.DELETED:
        return Decision(None, {}, "listing_gone")
    if row.not_pushable or not row.stock_managed:
        return Decision(None, {}, row.not_pushable or "stock_not_managed")
    warehouses: list[int | None] = [None] if row.whole_shop else [*known.links.get(row.location_id, [])]
    mine = [known.figures.get((known.shop_id, match.sku_id, warehouse)) for warehouse in warehouses]
    if not warehouses:
        return Decision(None, {}, "not_linked")
    if any(figure is not None and not figure.tracked for figure in mine):
        return Decision(None, {}, "not_tracked")
    return _figure(row, match, known.terms.get(row.listing_id), [figure for figure in mine if figure])


def _figure(row: Row, match: _Match, term: _Term | None, mine: Sequence[Figure]) -> Decision:
    pieces = sum((figure.quantity for figure in mine), ZERO)
    steps: list[dict[str, Any]] = [{"code": "available", "amount": _text(pieces), "result": _text(pieces)}]
    units = (pieces / match.quantity_per).to_integral_value(rounding=ROUND_FLOOR)
    steps.append({"code": "pack", "amount": _text(match.quantity_per), "result": _text(units)})
    desired = int(max(min(_under_terms(units, term, steps), Decimal(MOST)), ZERO))
    inputs = {
        "listing": row.listing_id,
        "match": {
            "id": match.id,
            "sku": match.sku_id,
            "code": match.code,
            "quantity_per": _text(match.quantity_per),
        },
        "location": {"id": row.location_id, "whole_shop": row.whole_shop},
        "available": [figure.inputs for figure in mine],
        "term": term.id if term else None,
        "steps": steps,
        "desired": desired,
    }
    return Decision(desired, inputs)


def _under_terms(units: Decimal, term: _Term | None, steps: list[dict[str, Any]]) -> Decimal:
    """Apply the listing's own terms after the shop's policy: kept back, share, cap, pause — in this order."""
    if term is None:
        return units

    def then(code: str, amount: Decimal | None, result: Decimal) -> Decimal:
        steps.append({"code": code, "amount": None if amount is None else _text(amount), "result": _text(result)})
        return result

    if term.buffer:
        units = then("listing_buffer", term.buffer, max(units - term.buffer, ZERO))
    if term.share is not None:
        units = then("listing_share", term.share, (units * term.share).to_integral_value(rounding=ROUND_FLOOR))
    if term.cap is not None:
        units = then("listing_cap", term.cap, min(units, term.cap))
    return then("listing_paused", None, ZERO) if term.paused else units


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"
