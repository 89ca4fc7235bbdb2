"""What lots and serials refuse, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError
from inventory.errors import NegativeStock, Short, named


class LotRefused(YikuError):
    """Nothing was changed; the sentence says why."""


class LotShort(NegativeStock):
    """A lot has fewer pieces than were to leave, or what is left may not be sold. Nothing was posted."""

    def __init__(self, shorts: Sequence[tuple[Short, str]]) -> None:
        super().__init__([short for short, _lot in shorts])
        listed = ", ".join(
            f"{named(one)} {lot or '–'}: {one.available.normalize():f} < {one.wanted.normalize():f}"
            for one, lot in shorts[:5]
        )
        self.code, self.params = "lot_short", {"listed": listed}
        self.message = _(
            "Not enough of these lots that may leave: %(listed)s. The rest is blocked, expired or another lot."
        )


SENTENCES = {
    "serial_twice": _("Serial %(lot)s of %(sku)s is on hand already: a serial is one piece in one place."),
    "serial_pieces": _("A serial is one piece: %(lot)s cannot be %(quantity)s."),
    "bad_number": _("A lot or serial number has at most 60 characters that can be seen: “%(lot)s”."),
    "split_sum": _("The lots add up to %(said)s, the line says %(wanted)s."),
    "lot_missing": _("%(sku)s is tracked: say which lot it is."),
    "expiry_missing": _("Lot %(lot)s of %(sku)s needs an expiry date."),
    "expiry_differs": _(
        "Lot %(lot)s of %(sku)s expires on %(stands)s already, not on %(said)s: correct it on the lot's page first."
    ),
    "two_dates": _("Lot %(lot)s of %(sku)s expires on %(stands)s by row %(row)s, on %(said)s by this one."),
    "expiry_unknown": _(
        "Lot %(lot)s of %(sku)s has no expiry date yet: give it one on the lot's page, then count it without a date."
    ),
    "serial_elsewhere": _(
        "By the books serial %(lot)s of %(sku)s lies in %(warehouse)s: bring it here by a transfer, or count it away "
        "there first."
    ),
    "being_counted": _("%(sku)s is being counted in %(number)s: post or cancel that one first."),
    "bad_date": _("“%(text)s” is not a date such as 2027-03-31."),
    "bad_quantity": _("“%(text)s” is not a number of pieces."),
    "not_tracked": _("%(sku)s is not tracked by lots: leave the lot empty."),
    "lot_twice": _("Lot %(lot)s stands twice."),
    "reason_missing": _("Say why: whoever reads it later was not there."),
    "state_already": _("Lot %(lot)s is “%(state)s” already: nothing was done twice."),
    "unknown_lot": _("There is no lot %(lot)s of %(sku)s."),
    "not_stocked": _("%(sku)s has no stock of its own: there is nothing to track."),
    "same_tracking": _("%(sku)s is kept so already."),
    "held_goods": _(
        "%(quantity)s pieces of %(sku)s are blocked or expired: without lots they would be sold. Write them off or open"
        " the lots first."
    ),
    "present_sum": _("%(warehouse)s has %(there)s pieces of %(sku)s, the lots named add up to %(said)s."),
    "part_blocked": _(
        "Lot %(lot)s of %(sku)s is blocked: %(reason)s. Nothing is built from it; open it first, or take another."
    ),
    "part_expired": _(
        "Lot %(lot)s of %(sku)s may not be sold any more (%(day)s), and what is built here has no expiry date that "
        "would hold it back: take another."
    ),
    "good_too_long": _("Lot %(lot)s cannot be good longer than what it is built from: %(day)s."),
    "nothing_left": _("Nothing of lot %(lot)s lies in %(warehouse)s that may be taken."),
}


@contextmanager
def refused_at(path: str) -> Iterator[None]:
    """Put the line in front of the field that a refusal names: `lot` becomes `lines[1].lot`."""
    try:
        yield
    except LotRefused as refusal:
        refusal.field = f"{path}.{refusal.field or 'lot'}"
        raise


def refused(code: str, /, field: str = "", **params: object) -> LotRefused:
    """Return the refusal of a code with its sentence."""
    return LotRefused(code, SENTENCES[code], field=field, params=params)
