"""Write down what is to be posted, with everything frozen, in the transaction of the document itself."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from backoffice.clock import now
from backoffice.money import round_money
from backoffice.search import search_form
from backoffice.waking import wake
from finance import currencies, facts, rates
from finance.errors import ReferenceReused
from finance.facts import CostFacts, RefundFacts, SaleFacts
from finance.models import OpenItem, PostingRequest
from finance.models.books import VoucherKind
from finance.posting.drafts import sold_part
from finance.posting.months import book_day

State = PostingRequest.State
OrderKey = tuple[int, str, str]  # shop, platform order, currency
MOST_PLACES = 4  # what MoneyField keeps
ZERO = Decimal(0)
WAKE = "posting"  # what the dispatcher listens for


def request_sale(*, sale: SaleFacts) -> PostingRequest:
    """Ask for the voucher of one parcel; see `request_sales`."""
    return request_sales(sales=[sale])[0]


def request_refund(*, refund: RefundFacts) -> PostingRequest:
    """Ask for the voucher of one refund; see `request_refunds`."""
    return request_refunds(refunds=[refund])[0]


@transaction.atomic
def request_sales(*, sales: Sequence[SaleFacts]) -> list[PostingRequest]:
    """Write one request per parcel, in a fixed number of queries; repeats return the first request.

    What was given back before anything was sold is frozen beside the facts, as far as this parcel sells it: the money
    came out of the advances and becomes a refund now. Raises ReferenceReused when a reference comes again with other
    facts, and TypeError for money given as float.
    """
    standings, known = _standings(sales)
    rows = []
    for sale in sales:
        standing = standings[_key(sale)]
        cleared = ZERO if sale.reference in known else standing.clear(sale.total)
        rows.append(_row(VoucherKind.SALE, sale, sale.total, {"cleared": format(cleared, "f")} if cleared else {}))
    return _write(rows)


@transaction.atomic
def request_refunds(*, refunds: Sequence[RefundFacts]) -> list[PostingRequest]:
    """Write one request per refund; repeats return the first request, other facts raise ReferenceReused.

    What was sold to the order until now is frozen beside the facts: money beyond it was never income, so it is given
    back out of the advances.
    """
    standings, known = _standings(refunds)
    rows = []
    for refund in refunds:
        standing = standings[_key(refund)]
        rows.append(_row(VoucherKind.REFUND, refund, refund.amount, {"sold": format(standing.sold, "f")}))
        if refund.reference not in known:
            standing.give(rows[-1].total, standing.sold, refund.never_sold)
    return _write(rows)


@transaction.atomic
def request_costs(*, costs: Sequence[CostFacts]) -> list[PostingRequest]:
    """Write one request per late cost; repeats return the first request, other facts raise ReferenceReused."""
    return _write([_row(VoucherKind.COST, one, ZERO, {}) for one in costs]) if costs else []


@transaction.atomic
def request_reversal(*, of: str, reference: str, occurred_at: dt.datetime) -> PostingRequest:
    """Ask for the exact opposite of a parcel's sale, at the sale's own rate, so that both come to nothing together.

    For a parcel that did not leave after all. Raises PostingRequest.DoesNotExist when the sale was never asked for, and
    ReferenceReused when `reference` came before with other facts.
    """
    sale = PostingRequest.objects.get(reference=of, kind=VoucherKind.SALE)
    opposite = facts.reversed_sale(
        facts.sale_from_json(sale.frozen["facts"]), reference=reference, occurred_at=occurred_at
    )
    more = {"of": of}
    if sale.frozen.get("cleared"):
        more["cleared"] = format(-Decimal(sale.frozen["cleared"]), "f")
    row = _row(VoucherKind.REVERSAL, opposite, sale.total, more)
    return _write([row], {sale.currency: sale.rate})[0]


def booked_sales(*, shop_id: int, external_id: str, currency: str) -> list[SaleFacts]:
    """Return the facts of an order's sales and of their reversals, posted or not: together what it has sold."""
    rows = PostingRequest.objects.filter(
        shop_id=shop_id,
        external_id=external_id,
        currency=_code(currency),
        kind__in=(VoucherKind.SALE, VoucherKind.REVERSAL),
    )
    return [facts.sale_from_json(frozen["facts"]) for frozen in rows.values_list("frozen", flat=True)]


def open_items(*, shop_id: int, external_ids: Iterable[str]) -> dict[str, list[OpenItem]]:
    """Return the open items of orders of one shop, by platform order, oldest first."""
    found: dict[str, list[OpenItem]] = defaultdict(list)
    for item in OpenItem.objects.filter(shop_id=shop_id, external_id__in=list(external_ids)).order_by("id"):
        found[item.external_id].append(item)
    return dict(found)


def _code(currency: str) -> str:
    return currency.strip().upper()[:10]


def _row(kind: str, document: facts.Facts, total: Decimal, more: dict[str, Any]) -> PostingRequest:
    frozen = facts.to_json(document)
    return PostingRequest(
        reference=document.reference,
        kind=kind,
        shop_id=document.shop_id,
        external_id=document.external_id,
        order_number=document.number,
        order_key=search_form(document.number or document.external_id)[:200],
        occurred_at=document.occurred_at,
        occurred_on=book_day(document.occurred_at),
        currency=_code(document.currency),
        total=total,
        frozen={"facts": frozen, **more},
        digest=facts.digest(frozen),
        created_at=now(),
    )


def _write(rows: list[PostingRequest], given: Mapping[str, Decimal | None] | None = None) -> list[PostingRequest]:
    """Store the rows that are new; `given` rates by currency go before those of the day."""
    places, given = currencies.places_by_code(), given or {}
    known = rates.rates_for({(row.currency, row.occurred_on) for row in rows if row.currency in places})
    for row in rows:
        row.rate = given[row.currency] if row.currency in given else known.get((row.currency, row.occurred_on))
        _settle_state(row, places)
    PostingRequest.objects.bulk_create(rows, ignore_conflicts=True)
    wake(WAKE)
    stored = PostingRequest.objects.in_bulk([row.reference for row in rows], field_name="reference")
    for row in rows:
        if stored[row.reference].digest != row.digest:
            raise ReferenceReused(row.reference)
    return [stored[row.reference] for row in rows]


def _settle_state(row: PostingRequest, places: dict[str, int]) -> None:
    """Say how the request starts: due, waiting for a rate, or at once with a person."""
    if row.currency not in places:
        row.state, row.error_code, row.error_detail = State.FAILED, "unknown_currency", row.currency
    elif row.rate is None:
        row.state, row.error_code = State.WAITING_RATE, "missing_rate"
    try:
        row.total = round_money(row.total, places.get(row.currency, MOST_PLACES))
        PostingRequest._meta.get_field("total").get_prep_value(row.total)
    except (ValidationError, ArithmeticError):  # beyond 64 bits, or not a number
        row.state, row.error_code, row.total = State.FAILED, "amount_range", ZERO


@dataclasses.dataclass(slots=True)
class _Standing:
    """How an order stands: sold and not given back; given back out of the advances and still to be sold."""

    sold: Decimal = ZERO
    given: Decimal = ZERO

    def give(self, total: Decimal, sold: Decimal, never_sold: Decimal) -> None:
        """Count a refund made when `sold` was sold. What is never sold neither takes from sales nor waits for any."""
        if not total.is_finite():  # the request waits for a person
            return
        advance = total - sold_part(total, sold, never_sold)
        never = min(never_sold, advance)
        self.sold -= total - never
        self.given += advance - never

    def clear(self, total: Decimal) -> Decimal:
        """Return how much of what was given back a sale of `total` takes over, and count it."""
        cleared = min(self.given, max(total, ZERO)) if self.given > 0 and total.is_finite() else ZERO
        self.given -= cleared
        return cleared


def _key(document: SaleFacts | RefundFacts) -> OrderKey:
    return document.shop_id, document.external_id, _code(document.currency)


def _standings(documents: Sequence[SaleFacts | RefundFacts]) -> tuple[dict[OrderKey, _Standing], set[str]]:
    """Return how the documents' orders stand, and the references that are known already."""
    rows = PostingRequest.objects.filter(
        external_id__in={one.external_id for one in documents}, shop_id__in={one.shop_id for one in documents}
    ).order_by("id")
    standings: dict[OrderKey, _Standing] = defaultdict(_Standing)
    known = set()
    names = ("frozen__sold", "frozen__cleared", "frozen__facts__never_sold")
    for reference, shop_id, external_id, currency, kind, total, *more in rows.values_list(
        "reference", "shop_id", "external_id", "currency", "kind", "total", *names
    ):
        known.add(reference)
        standing = standings[shop_id, external_id, currency]
        sold, cleared, never_sold = (Decimal(value or 0) for value in more)
        if kind == VoucherKind.REFUND:
            standing.give(total, sold, never_sold)
        else:
            standing.sold += total if kind == VoucherKind.SALE else -total
            standing.given -= cleared
    return standings, known
