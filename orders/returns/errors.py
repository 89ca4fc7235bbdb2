"""What returns are refused, each in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "not_found": _("This return does not exist."),
    "state": _("Return %(number)s is “%(state)s”: this cannot be done with it. Last change: %(who)s, %(when)s."),
    "bad_day": _("Expected on: a day within %(most)d days from today."),
    "no_lines": _("Choose what comes back and how many of it."),
    "unknown_line": _("Order %(number)s has no such line."),
    "bad_quantity": _("“%(label)s”: “%(wanted)s” is no quantity of at most three decimal places."),
    "not_positive": _("“%(label)s”: the quantity must be above zero."),
    "part_of_bundle": _("“%(label)s”: a bundle comes back whole; count whole ones only."),
    "too_many": _("“%(label)s”: of what was sent only %(left)s can still come back, not %(wanted)s."),
    "nothing_sent": _("Nothing of order %(number)s has left: cancel it, or give the money back without goods."),
    "bad_reason": _("Choose a reason from the list."),
    "no_place": _("No warehouse takes returns for this shop. Settings of orders → Places that take returns adds one."),
    "say_why": _("Say why: colleagues will read it."),
    "parcel_twice": _("This parcel was received already: %(who)s, %(when)s. Nothing was counted again."),
    "all_here": _("All of return %(number)s was received already: %(who)s, %(when)s."),
    "nothing_counted": _("Count at least one piece, or say what came instead."),
    "not_received": _("“%(label)s”: only %(left)s here and not decided, not %(wanted)s."),
    "not_apart": _("“%(label)s”: only %(left)s still kept apart, not %(wanted)s."),
    "decided_by": _("Somebody was quicker: %(who)s has decided about “%(label)s”, %(when)s."),
    "not_sent": _("“%(label)s”: these pieces are back in stock already, or never left."),
    "other_warehouse": _("This return belongs to a warehouse that you may not see; ask a colleague who works there."),
    "same_verdict": _("That is what was decided already."),
    "money_none": _("The amount must be above zero."),
    "money_odd": _("“%(wanted)s” is no amount of money in %(currency)s."),
    "money_over": _(
        "At most %(left)s can still be given back for order %(number)s: %(paid)s was paid, %(back)s is given back or "
        "on its way."
    ),
    "money_line": _("“%(label)s”: the buyer paid %(most)s for these pieces, not %(wanted)s."),
    "money_unpaid": _("Order %(number)s is not paid: there is nothing to give back."),
    "money_state": _("This refund is “%(state)s”: that cannot be done with it now. Last change: %(who)s, %(when)s."),
    "money_own": _("You proposed this refund yourself: somebody else approves what is above the limit."),
    "money_first": _("Return %(number)s still has money under way. Finish or withdraw it first."),
    "undecided": _("Return %(number)s: decide about all pieces first."),
    "exchanged": _("Return %(number)s has an exchange order already."),
    "no_exchange_goods": _("Choose what the buyer gets instead."),
    "exchange_failed": _("The exchange order could not be made: %(what)s."),
    "stray_settled": _("This parcel is settled already: %(who)s, %(when)s."),
    "stray_known": _("The parcel %(tracking)s waits here already: %(who)s, %(when)s."),
    "stray_goods": _("Say which SKUs are in the parcel and how many."),
    "unknown_sku": _("There is no SKU “%(sku)s”."),
    "photo_many": _("At most %(most)s pictures fit here."),
}  # fmt: skip


class ReturnError(YikuError):
    """A refusal about a return; nothing has happened."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
