"""Write a page of vouchers: drafts, numbers, lines, open items and the requests' new state, set by set."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import cast

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.utils import translation
from django.utils.translation import gettext as _

from backoffice.clock import now
from finance import chart, currencies, facts
from finance.errors import BooksError, UnknownCurrency
from finance.models import LedgerAccount, OpenItem, PostingRequest, Voucher, VoucherLine
from finance.models.books import VoucherKind
from finance.posting.drafts import Draft, DraftLine, Terms, draft_cost, draft_refund, draft_sale
from finance.posting.months import Slot, take_numbers

State = PostingRequest.State


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """What became of a page."""

    posted: int = 0
    empty: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    """What every voucher of a page is made with."""

    base: str
    places: dict[str, int]
    accounts: dict[str, LedgerAccount]

    @classmethod
    def open(cls) -> Desk:
        """Read currencies and chart once for the page."""
        return cls(currencies.base_code(), currencies.places_by_code(), chart.accounts_by_role())

    def terms(self, request: PostingRequest) -> Terms:
        """Return the money of one request; raises UnknownCurrency or a missing rate as BooksError."""
        for code in (request.currency, self.base):
            if code not in self.places:
                raise UnknownCurrency(code)
        if request.rate is None:
            raise BooksError("missing_rate", detail=request.currency, retryable=True)
        return Terms(request.currency, self.places[request.currency], request.rate, self.base, self.places[self.base])


def write_vouchers(requests: Sequence[PostingRequest], desk: Desk) -> Written:
    """Write one voucher per request whose facts can be posted; the others keep their error. Inside a transaction."""
    drafts: list[tuple[PostingRequest, Draft]] = []
    for request in requests:
        drafts.append((request, draft_of(request, desk)))
    full = [(request, draft) for request, draft in drafts if draft.lines]
    with translation.override(settings.LANGUAGE_CODE):
        vouchers = _insert_vouchers(full)
    _insert_lines(full, vouchers, desk)
    _insert_open_items(drafts, vouchers)
    _finish(requests, vouchers)
    return Written(len(full), len(drafts) - len(full))


def draft_of(request: PostingRequest, desk: Desk) -> Draft:
    """Return the balanced draft of a request; raises BooksError with a code when there can be none."""
    terms = desk.terms(request)
    try:
        draft = _drafted(request, terms)
    except (KeyError, TypeError, ValueError) as error:
        raise BooksError("bad_facts", detail=type(error).__name__) from error
    if not draft.balanced:
        raise BooksError("unbalanced")
    for line in draft.lines:
        chart.account_for(desk.accounts, line.role)
    return draft


def _drafted(request: PostingRequest, terms: Terms) -> Draft:
    data = request.frozen
    if request.kind in (VoucherKind.SALE, VoucherKind.REVERSAL):
        return draft_sale(facts.sale_from_json(data["facts"]), terms, Decimal(data.get("cleared", 0)))
    if request.kind == VoucherKind.COST:
        return draft_cost(facts.cost_from_json(data["facts"]), terms)
    return draft_refund(facts.refund_from_json(data["facts"]), Decimal(data["sold"]), terms)


def _insert_vouchers(full: Sequence[tuple[PostingRequest, Draft]]) -> dict[str, Voucher]:
    slots = take_numbers([request.occurred_on for request, _draft in full])
    rows = [_voucher(request, draft, slot) for (request, draft), slot in zip(full, slots, strict=True)]
    return {voucher.reference: voucher for voucher in Voucher.objects.bulk_create(rows)}


def _voucher(request: PostingRequest, draft: Draft, slot: Slot) -> Voucher:
    period_id, number, day = slot
    return Voucher(
        period_id=period_id,
        number=number,
        on=day,
        occurred_on=request.occurred_on,
        reference=request.reference,
        kind=request.kind,
        shop_id=request.shop_id,
        external_id=request.external_id,
        order_number=request.order_number,
        order_key=request.order_key,
        summary=_summary(request, draft, moved=day != request.occurred_on)[:300],
        total=draft.total,
        posted_at=now(),
    )


def _summary(request: PostingRequest, draft: Draft, *, moved: bool) -> str:
    """Return the sentence on the voucher, in the language of the installation."""
    order = request.order_number or request.external_id
    titles = {
        VoucherKind.SALE: _("Sale, order %(order)s"),
        VoucherKind.REFUND: _("Refund, order %(order)s"),
        VoucherKind.REVERSAL: _("Reversal of %(of)s, order %(order)s"),
        VoucherKind.COST: _("Late costs of goods that are gone, %(order)s"),
    }
    facts_ = request.frozen.get("facts", {})
    if request.kind == VoucherKind.REFUND and not request.total:
        lost = Decimal(facts_.get("goods_lost", 0)) > 0
        titles[VoucherKind.REFUND] = (
            _("Returned goods written off, order %(order)s") if lost else _("Goods of a return, order %(order)s")
        )
    parts = [titles[VoucherKind(request.kind)] % {"order": order, "of": request.frozen.get("of", "")}]
    if draft.advances:
        amount = f"{draft.advances:f} {request.currency}"
        parts.append(_("%(amount)s was given back for goods not sold on any voucher") % {"amount": amount})
    if moved:
        parts.append(_("document of %(day)s, its month is closed") % {"day": request.occurred_on.isoformat()})
    return "; ".join(parts)


def _insert_lines(
    full: Sequence[tuple[PostingRequest, Draft]], vouchers: dict[str, Voucher], desk: Desk
) -> list[VoucherLine]:
    rows = [
        _voucher_line(vouchers[request.reference], position, line, desk)
        for request, draft in full
        for position, line in enumerate(draft.lines, start=1)
    ]
    return VoucherLine.objects.bulk_create(rows, batch_size=1000)


def _voucher_line(voucher: Voucher, position: int, line: DraftLine, desk: Desk) -> VoucherLine:
    base = line.base_amount
    return VoucherLine(
        voucher=voucher,
        position=position,
        account=desk.accounts[line.role],
        debit=max(base, Decimal(0)),
        credit=max(-base, Decimal(0)),
        currency_id=line.currency,
        amount=abs(line.amount),
        rate=line.rate,
        shop_id=voucher.shop_id,
        warehouse_id=line.warehouse_id,
    )


def _insert_open_items(drafts: Sequence[tuple[PostingRequest, Draft]], vouchers: dict[str, Voucher]) -> None:
    OpenItem.objects.bulk_create(
        OpenItem(
            shop_id=cast(int, request.shop_id),  # only late costs have none, and they leave nothing open
            external_id=request.external_id,
            order_number=request.order_number,
            order_key=request.order_key,
            reference=request.reference,
            kind=request.kind,
            currency_id=request.currency,
            amount=draft.open_amount,
            base_amount=draft.open_base,
            on=request.occurred_on,
            voucher=vouchers.get(request.reference),
        )
        for request, draft in drafts
        if draft.open_amount
    )


def _finish(requests: Sequence[PostingRequest], vouchers: dict[str, Voucher]) -> None:
    """Mark the requests in two statements; the rows are locked, so nobody else can have."""
    done = {"claimed_until": None, "not_before": None, "error_code": "", "error_detail": "", "finished_at": now()}
    posted = [request.pk for request in requests if request.reference in vouchers]
    empty = [request.pk for request in requests if request.reference not in vouchers]
    own = Voucher.objects.filter(reference=OuterRef("reference")).values("pk")[:1]
    PostingRequest.objects.filter(pk__in=posted).update(state=State.POSTED, voucher_id=Subquery(own), **done)
    PostingRequest.objects.filter(pk__in=empty).update(state=State.EMPTY, **done)
