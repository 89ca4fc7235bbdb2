"""What people on the warehouse floor are told when a scan or a button does not do what they meant."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError
from orders.models import Wave

# Sentences for refusals and for the outcomes of scans; a scan's outcome is kept by its code and read in any language.
SENTENCES: dict[str, Any] = {
    "wave_gone": _("There is no such wave in your warehouses."),
    "wave_closed": _("Wave %(wave)s is “%(state)s”: nothing is picked for it any more."),
    "not_started": _("Press “Start picking” first, so that colleagues see who picks wave %(wave)s."),
    "picked_by_other": _("%(who)s has been picking wave %(wave)s since %(when)s. Take it over, or choose another one."),
    "no_such_row": _("Wave %(wave)s wants nothing of this any more: put it back on its shelf."),
    "picked": _("Picked."),
    "picked_before": _("This was picked already."),
    "fewer": _("Only %(left)s are wanted now: put the other %(surplus)s back. An order has dropped out."),
    "short": _("Noted: %(missing)s of %(sku)s were not there. Dropped out: %(orders)s."),
    "found_all": _("That is all that is wanted: confirm it instead."),
    "bad_found": _("Type how many you found: a number from 0 to %(most)s."),
    "wrong_item": _("Wrong item: %(sku)s is not wanted here."),
    "unknown_code": _("Nothing known has the code “%(text)s”."),
    "template_gone": _("There is no such wave template in your warehouses."),
    "no_orders": _("No order fits: nothing reserved in this warehouse waits for a wave."),
    "not_running": _("Wave %(wave)s is “%(state)s” already."),
    "part_gone": _("There is no such order in your warehouses' waves."),
    "dropped": _("Order %(order)s has dropped out: %(why)s. Put its goods back."),
    "packed_already": _("Order %(order)s was packed by %(who)s, %(when)s."),
    "packed_by_other": _(
        "%(who)s has been packing order %(order)s since %(when)s. Take it over, or choose another one."
    ),
    "not_opened": _("Open order %(order)s first, so that colleagues see who packs it."),
    "not_picked": _("Order %(order)s is not picked yet: %(left)s pieces are missing. Finish wave %(wave)s first."),
    "packed": _("%(sku)s: %(packed)s of %(wanted)s."),
    "lot": "%(why)s",
    "too_many": _("Too many: %(sku)s is complete with %(wanted)s."),
    "case_too_big": _("This pack holds %(pieces)s, but only %(left)s of %(sku)s are missing."),
    "taken_out": _("Taken out: %(sku)s, %(packed)s of %(wanted)s."),
    "nothing_to_take_out": _("Nothing of this is in the open parcel."),
    "empty_parcel": _("The parcel is empty: scan what goes into it first."),
    "incomplete": _("Not complete yet: %(list)s."),
    "set_in_two": _("“%(label)s” is sold as one unit: put all its pieces into the same parcel."),
    "weigh_first": _("This warehouse weighs every parcel: type its weight in grams."),
    "bad_weight": _("“%(text)s” is no weight in grams."),
    "weight_off": _(
        "The parcel weighs %(weight)s g, expected are %(expected)s g (± %(tolerance)s g). "
        "Look into it again; if it is right, say why."
    ),
    "finished": _("Order %(order)s is packed."),
    "bad_address": _("A tracking address starts with https://."),
    "nothing_to_put_back": _("Nothing of order %(order)s is to be put back."),
    "parcel_unknown": _("No parcel has the tracking number or code “%(text)s”."),
    "parcel_void": _("Parcel %(parcel)s was taken back: it must not leave. Give it to the packers."),
    "parcel_gone": _("Parcel %(parcel)s has been handed over by %(who)s, %(when)s."),
    "parcel_elsewhere": _("Parcel %(parcel)s was recorded on the platform: it does not leave from here."),
    "handed_over": _("Handed over: parcel %(parcel)s, %(carrier)s."),
    "one_parcel_only": _("Order %(order)s goes in one parcel with others: everything goes into this one."),
    "text_missing": _("Scan or type a code."),
    "label_void": _("Label %(tracking)s is void: take it off the parcel."),
    "label_cancelled": _("Do not send it: order %(number)s was cancelled. Take label %(tracking)s off the parcel."),
    "label_not_packed": _(
        "The parcel with label %(tracking)s was not packed yet: pack and ship order %(number)s first."
    ),
}

REASONS: dict[str, Any] = {
    "cancelled": _("it was cancelled"),
    "held": _("it is held"),
    "edited": _("what is to be sent has changed"),
    "shipped": _("its goods have left already"),
    "short": _("goods were not there"),
    "rerouted": _("goods were not there; another warehouse sends them"),
    "wave_cancelled": _("the wave was cancelled"),
    "together": _("another order of its parcel has dropped out"),
    "not_yet": _("its parcel may not leave yet"),
}


class FloorError(YikuError):
    """A refusal on the warehouse floor."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)

    def __str__(self) -> str:
        return sentence(self.code, dict(self.params))


def sentence(code: str, params: dict[str, Any]) -> str:
    """Return the sentence of an outcome in the reader's language."""
    shown = dict(params)
    if params.get("why") in REASONS:
        shown["why"] = REASONS[params["why"]]
    if params.get("state") in Wave.State.values:
        shown["state"] = Wave.State(params["state"]).label
    text = str(SENTENCES.get(code, code))
    return text % shown if shown else text
