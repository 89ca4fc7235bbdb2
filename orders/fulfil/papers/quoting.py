"""A quote as a paper: what the form says, added up as the page adds it up."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone

from finance import currencies
from orders.desk import baskets, quotes
from orders.fulfil.papers import gather
from orders.fulfil.papers.facts import ZERO, AddressFacts, PaperLine, QuoteFacts
from orders.models import Quote


def facts_of(quote: Quote, *, name: str, address: Mapping[str, str]) -> QuoteFacts:
    """Return what stands on a quote; customer and address as whoever prints may see them."""
    basket = quotes.basket_of(quote)
    found = baskets.totals(basket, currencies.places(basket.currency))
    customer = {**address, "name": name or address.get("name", "")}
    return QuoteFacts(
        number=quote.number,
        made_on=timezone.localtime(quote.created_at).date(),
        valid_until=quote.valid_until,
        company=gather.company_facts(gather.company()),
        customer=AddressFacts(**{key: str(customer.get(key) or "") for key in gather.ADDRESS}),
        lines=[
            PaperLine(
                sku=line.code, title=line.title, quantity=line.quantity, unit_price=line.unit_price,
                discount=line.discount, total=max(gross - line.discount, ZERO),
            )
            for line, (gross, *_rest) in zip(basket.lines, found.lines, strict=True)
        ],
        currency=quote.currency,
        goods=found.goods + found.discount,
        discount=found.discount,
        shipping=found.shipping,
        tax=found.tax,
        total=found.total,
        taxes_included=basket.taxes_included,
        note=quote.text,
        language=gather.language_of(quote.shop_id),
    )  # fmt: skip
