"""Terms of one listing, changed without forgetting what they were: close the open row, open the next."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from channels.models import Listing, ListingTerm, PushJob
from channels.push import jobs


def set_term(
    *,
    listing: Listing,
    buffer: Decimal = Decimal(0),
    share: Decimal | None = None,
    cap: Decimal | None = None,
    paused: bool = False,
    reason: str = "",
    actor: str,
) -> ListingTerm:
    """Let these terms rule a listing from now on, and have its figures written again.

    Raises YikuError "bad_term" for a share outside 0 to 1 or a negative number.
    """
    if (share is not None and not 0 <= share <= 1) or buffer < 0 or (cap is not None and cap < 0):
        raise YikuError("bad_term", _("A share lies between 0 and 1; the other numbers are not below zero."))
    with transaction.atomic():
        now = clock.now()
        standing = ListingTerm.objects.filter(listing=listing, valid_to__isnull=True)
        before = _plain(standing.order_by("-valid_from").first())
        standing.update(valid_to=now)
        made = ListingTerm.objects.create(
            listing=listing,
            buffer=buffer,
            share=share,
            cap=cap,
            paused=paused,
            reason=reason[:200],
            valid_from=now,
            created_by=actor[:150],
        )
        audit.record(action="listing.term", target=listing, actor=actor, before=before, after=_plain(made))
        jobs.touch(PushJob.objects.filter(listing=listing), cause="listing_term")
    return made


def current(listing: Listing) -> ListingTerm | None:
    """Return the terms that rule a listing now."""
    return ListingTerm.objects.filter(listing=listing, valid_to__isnull=True).order_by("-valid_from").first()


def _plain(term: ListingTerm | None) -> dict[str, str]:
    if term is None:
        return {}
    names = ("buffer", "share", "cap", "paused", "reason")
    return {name: str(getattr(term, name)) for name in names if getattr(term, name) is not None}
