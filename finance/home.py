"""The books on the home page: is everything posted, is a rate missing."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import clock
from backoffice.home import Figure, HomeCard
from finance import currencies, rates
from finance.models import PostingRequest
from finance.posting.months import book_day
from finance.sight import own
from inventory.models import Shop

State = PostingRequest.State
STALE = dt.timedelta(days=7)  # longer than any row of bank holidays
OPEN = {State.DUE: "neutral", State.WAITING_RATE: "warn", State.FAILED: "bad"}


def card(request: HttpRequest) -> HomeCard:
    """Return what waits to be posted, by reason, and the currencies whose rates are missing or old."""
    open_rows = PostingRequest.objects.filter(state__in=list(OPEN))
    rows = own(request, open_rows).values_list("state").annotate(count=Count("pk")).order_by()
    counts = dict(rows)
    figures = [_waiting(state, counts[state], tone) for state, tone in OPEN.items() if counts.get(state)]
    return HomeCard(
        title=_("Books"),
        icon="menu_book",
        figures=[*figures, *_rates(request)],
        url=reverse("admin:finance_voucher_changelist"),
        empty=_("Every parcel and refund is posted."),
        complete=not counts,
    )


def _waiting(state: str, count: int, tone: str) -> Figure:
    url = reverse("admin:finance_postingrequest_changelist") + f"?state__exact={state}"
    return Figure(label=State(state).label, value=f"{count:,}", url=url, tone=tone)


def _rates(request: HttpRequest) -> list[Figure]:
    """Return one line per shop currency that has no rate or only an old one."""
    today, newest = book_day(clock.now()), rates.latest_days()
    shops = own(request, Shop.objects.filter(active=True))
    codes = set(shops.values_list("currency", flat=True)) - {currencies.base_code()}
    url = reverse("admin:finance_exchangerate_changelist")
    missing = [
        Figure(_("%(code)s has no exchange rate") % {"code": code}, "!", url, "bad") for code in codes - set(newest)
    ]
    old = [
        Figure(_("%(code)s: newest rate") % {"code": code}, newest[code].isoformat(), url, "warn")
        for code in codes & set(newest)
        if today - newest[code] > STALE
    ]
    return sorted([*missing, *old], key=lambda figure: str(figure.label))
