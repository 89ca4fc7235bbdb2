"""One paper as a file of its own, for parts that have the facts: quote, return slip, pick list, manifest."""

from __future__ import annotations

from backoffice.papers.sheet import Sheet
from orders.fulfil.papers import lists, priced
from orders.fulfil.papers.facts import ManifestFacts, PickListFacts, QuoteFacts, ReturnFacts


def quote_pdf(facts: QuoteFacts) -> bytes:
    """Return an offer as PDF. Raises NoFont."""
    sheet = Sheet(title=facts.number)
    priced.draw_quote(sheet, facts)
    return sheet.content()


def return_slip_pdf(facts: ReturnFacts) -> bytes:
    """Return a return slip as PDF. Raises NoFont."""
    sheet = Sheet(title=facts.number)
    lists.draw_return_slip(sheet, facts)
    return sheet.content()


def pick_list_pdf(facts: PickListFacts) -> bytes:
    """Return a pick list as PDF. Raises NoFont."""
    sheet = Sheet(title=facts.number)
    lists.draw_pick_list(sheet, facts)
    return sheet.content()


def manifest_pdf(facts: ManifestFacts) -> bytes:
    """Return a manifest as PDF. Raises NoFont."""
    sheet = Sheet(title=facts.title)
    lists.draw_manifest(sheet, facts)
    return sheet.content()
