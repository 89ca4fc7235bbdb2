"""What the order desk and the warehouse are refused, each in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "not_found": _("This order does not exist."),
    "key_reused": _("This idempotency key was already used for another order."),
    "not_approved": _("Order %(number)s is “%(state)s”: only approved orders are shipped."),
    "nothing_to_ship": _("Nothing of order %(number)s is left to ship."),
    "no_parcels": _("Name at least one parcel."),
    "unknown_line": _("Order %(number)s has no such line."),
    "too_many": _("“%(label)s”: only %(left)s left to ship, not %(wanted)s."),
    "bad_quantity": _("“%(label)s”: “%(wanted)s” is no quantity of at most three decimal places."),
    "not_positive": _("“%(label)s”: the quantity must be above zero."),
    "not_reserved": _("“%(label)s”: only %(available)s reserved there, not %(wanted)s."),
    "part_of_bundle": _("“%(label)s”: a bundle can only be sent whole."),
    "by_platform": _("“%(label)s” is shipped by the platform itself."),
    "already_void": _("This parcel was already taken back."),
    "already_reported": _("The platform has already been told of this parcel; it cannot be taken back here."),
    "from_platform": _("This parcel was recorded on the platform; take it back there."),
    "goods_returned": _("Goods of this parcel were already returned."),
    "other_warehouse": _(
        "Goods of this parcel left a warehouse that you may not see; ask a colleague who works there."
    ),
    "already": _("Order %(number)s is “%(state)s” already: %(who)s, %(when)s."),
    "wrong_state": _("Order %(number)s is “%(state)s”: this cannot be done with it. Last change: %(who)s, %(when)s."),
    "unpaid": _("Order %(number)s is not paid yet."),
    "edit_waiting": _("Order %(number)s was changed on the platform: accept or reject the change first."),
    "no_edit": _("Order %(number)s has no change from the platform waiting."),
    "partly_shipped": _("A part of order %(number)s has left already."),
    "no_reason": _("Say why."),
    "unmatched": _("Order %(number)s: “%(label)s” is none of our SKUs yet."),
    "bundle_without_parts": _("Order %(number)s: the bundle “%(label)s” has no parts."),
    "no_goods": _("Order %(number)s has nothing left to send."),
    "no_warehouse": _("Order %(number)s: its shop sells from no warehouse at the moment."),
    "fraction": _("Order %(number)s: “%(label)s” is wanted in parts of a piece."),
    "short_stock": _("Order %(number)s lacks %(list)s."),
    "nothing_in_stock": _("Nothing of order %(number)s is in stock: %(list)s."),
    "still_held": _("Order %(number)s stays held: %(list)s."),
    "in_wave": _("Order %(number)s is in wave %(wave)s already, made by %(who)s."),
    "nothing_reserved_here": _("Nothing of order %(number)s is reserved in %(warehouse)s."),
    "wave_is_full": _("A wave takes %(most)s orders at most: order %(number)s is left for the next one."),
}


class OrderError(YikuError):
    """A refusal about an order."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
