"""What is refused about late orders, each in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "play_nothing": _("None of these orders has anything left to send: there is nothing to put right."),
    "play_no_orders": _("Choose at least one order."),
    "play_closed": _("This play is closed: %(who)s, %(when)s."),
    "play_no_sku": _("This play is not about one SKU: begin one from the SKU that is short."),
    "play_paused": _("The sale is paused already: %(who)s, %(when)s."),
    "play_not_paused": _("The sale is not paused."),
    "play_paused_elsewhere": _(
        "The sale is paused in shops that you do not see: whoever sees all of them lets it go on."
    ),
    "play_beyond": _(
        "This play is also about shops that you do not see: whoever sees all of them closes it. You can let the sale "
        "go on in your own shops."
    ),
    "play_no_cause": _("Choose the cause: the monthly review counts lateness by it."),
    "play_no_note": _("Write in a few words how it ended."),
    "play_not_there": _("This order is not in the play, or you may not see it."),
    "too_many": _("At most %(most)d orders at once; choose fewer."),
    "supply_quantity": _("“%(text)s” is no number of pieces above zero with at most three decimal places."),
    "supply_place": _("Choose two different warehouses that you may see and that are kept here."),
    "supply_bundle": _("%(sku)s has no stock of its own: draft its parts."),
    "supply_ended": _("This draft is “%(state)s” already: %(who)s, %(when)s."),
    "supply_purchase": _("This is purchase order %(number)s: order it on its own page."),
    "supply_kind": _("Choose a transfer or a purchase."),
    "serve_held": _("Order %(number)s is held for another reason: %(reason)s. Clear that first."),
    "serve_done": _("Order %(number)s has its goods already."),
    "comp_given": _("Order %(number)s has this already."),
    "comp_nothing": _("Order %(number)s: this would give nothing, its amount is 0."),
    "comp_no_codes": _("No coupon codes are left in the pool: add some, then choose the rest again."),
    "comp_off": _("This preset is switched off."),
    "comp_decided": _("This was decided already: %(who)s, %(when)s."),
    "comp_no_rate": _("Order %(number)s: no exchange rate is known for %(currency)s, so its cost cannot be counted."),
    "message_template": _("Choose a template."),
    "message_none": _("Nobody is left to write to."),
    "message_address": _("no address for this channel"),
    "message_gone": _("not waiting any more"),
}


class LateError(YikuError):
    """A refusal about late orders."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
