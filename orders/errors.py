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
    "handed_over": _(
        "This parcel was handed to the carrier. Take it back only if it lies here again; else wait for it as a return."
    ),
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
    "not_taken": _("The order could not be stored: %(message)s"),
    "no_reason_given": _("Say why: colleagues will read it."),
    "merge_alone": _("Choose at least two orders to send together."),
    "merge_buyer": _("Order %(number)s is of another buyer than %(other)s."),
    "merge_address": _("Order %(number)s goes to another address than %(other)s."),
    "merge_recipient": _("Order %(number)s goes to another person at the address of %(other)s."),
    "merge_no_buyer": _("Order %(number)s does not say who bought it."),
    "merge_masked": _(
        "Order %(number)s: the platform hides the address and does not say that it is the one of %(other)s."
    ),
    "merge_shop": _(
        "Order %(number)s is of another shop than %(other)s, and the owner has not allowed these two to send together."
    ),
    "merge_state": _("Order %(number)s is “%(state)s”: only orders that wait to be sent go together."),
    "merge_test": _("Order %(number)s is a test order."),
    "merge_place": _("Order %(number)s lies in another warehouse than %(other)s."),
    "merge_places": _("The goods of order %(number)s lie in several warehouses."),
    "merge_parts": _("Order %(number)s is planned as several parcels: undo that first."),
    "merge_there": _("Order %(number)s goes with other orders already (%(group)s)."),
    "merge_platform": _("Order %(number)s is sent by the platform itself."),
    "merge_busy": _("Order %(number)s: %(why)s"),
    "merge_held": _(
        "Order %(number)s is held: the whole parcel waits for it. Release it, or take it out of the parcel."
    ),
    "merge_not_open": _("These orders are “%(state)s” already."),
    "merge_changed": _("An order was put into this parcel or taken out of it just now. Look at it again."),
    "merge_left_alone": _("Only one order is left in this parcel."),
    "merged": _("Order %(number)s goes in one parcel with %(others)s: send them together, or take it out first."),
    "no_such_part": _("There is no such planned parcel."),
    "part_sent": _("This parcel has left already."),
    "part_too_early": _("This parcel is not to be sent before %(when)s."),
    "line_too_early": _(
        "“%(label)s”: %(units)s of it stand in a planned parcel that is not to be sent before %(when)s. Change its day "
        "there, or send the other parcels."
    ),
    "part_empty": _("Nothing of this planned parcel is left to send."),
    "part_dates": _("“Ship by” must not be before “not before”."),
    "one_parcel": _("Order %(number)s would be one parcel: there is nothing to split."),
    "split_already": _("Order %(number)s is split already: undo that first."),
    "split_lines": _("Order %(number)s: choose some of its lines, not all of them."),
    "no_plan": _("Order %(number)s is not split."),
    "gift_there": _("Order %(number)s has this gift already."),
    "gift_short": _("Order %(number)s: only %(available)s of %(sku)s are free where its goods lie, not %(wanted)s."),
    "gift_shipped": _("This gift has left already."),
    "gift_gone": _("This gift was taken out already: %(who)s, %(when)s."),
    "gift_unknown": _("There is no such SKU."),
    "gift_quantity": _("The quantity of a gift is a number above zero."),
    "not_sent_yet": _("Nothing of order %(number)s has left yet: change the order itself."),
    "nothing_chosen": _("Choose the goods to send."),
    "difference": _("The amount to be paid is a number, zero or more."),
    "edit_state": _(
        "Order %(number)s is “%(state)s”: only a held or unpaid order of which nothing has left is "
        "changed. Undo the approval first."
    ),
    "not_own": _("Order %(number)s comes from its shop: it is changed there."),
    "changed_meanwhile": _("Somebody changed it meanwhile: %(who)s, %(when)s. Look at it again."),
    "quote_ordered": _("Quote %(number)s became order %(order)s already."),
    "quote_state": _("Quote %(number)s is “%(state)s”: this cannot be done with it."),
    "quote_expired": _("Quote %(number)s was valid until %(when)s: give it a new date first."),
    "quote_buyer": _("Quote %(number)s has no complete address yet: fill it in before it becomes an order."),
    "person_open": _("Order %(number)s is “%(state)s”: its buyer is erased once it has left or is cancelled."),
    "person_returns": _("Return %(number)s is still under way: the buyer is erased once it is closed."),
    "no_route": _("Order %(number)s: its routing policy lets no warehouse send there."),
    "nothing_held": _("Order %(number)s has no goods reserved that could be moved."),
    "same_route": _("Order %(number)s comes from there already: nothing was changed."),
    "no_better_route": _("Order %(number)s stays where it is; elsewhere is missing %(list)s."),
    "no_such_route": _("Order %(number)s cannot be sent from there: %(why)s."),
    "in_work": _("Order %(number)s: %(why)s"),
    "nothing_there": _("Order %(number)s has nothing reserved for “%(label)s” there."),
    "too_many_marks": _("Order %(number)s would have more than %(most)d marks; take some off first."),
    "presale": _("Order %(number)s waits for presale goods until %(when)s; release them first to send it earlier."),
    "no_presale": _("Nothing of order %(number)s waits as presale."),
    "not_short": _("Order %(number)s does not wait for goods any more."),
    "in_wave": _("Order %(number)s is in wave %(wave)s already, made by %(who)s."),
    "nothing_reserved_here": _("Nothing of order %(number)s is reserved in %(warehouse)s."),
    "wave_together": _(
        "Order %(number)s goes in one parcel with %(others)s, which cannot go into this wave now: release that one, or "
        "take it out of the parcel."
    ),
    "wave_too_early": _("A planned parcel of order %(number)s may not leave before %(when)s."),
    "wave_is_full": _("A wave takes %(most)s orders at most: order %(number)s is left for the next one."),
    "label_to_void": _("Order %(number)s: label %(tracking)s is being voided. Buy another, or enter another number."),
}


class OrderError(YikuError):
    """A refusal about an order."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
