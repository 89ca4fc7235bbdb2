"""What purchasing refuses, each in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "not_found": _("This purchase order does not exist."),
    "state": _(
        "Purchase order %(number)s is “%(state)s”: this cannot be done with it. Last change: %(who)s, %(when)s."
    ),
    "no_lines": _("Write down at least one SKU and how many of it."),
    "sku_twice": _("%(sku)s stands on two lines: each SKU may stand on one line only."),
    "no_stock_of_its_own": _("%(sku)s has no stock of its own: order its parts."),
    "quantity": _("%(sku)s: “%(wanted)s” is no quantity above zero with at most three decimal places."),
    "price": _("%(sku)s: “%(wanted)s” is no price."),
    "unknown_sku": _("Row %(row)s: there is no SKU “%(sku)s”."),
    "minimum": _("%(sku)s: %(supplier)s sells at least %(minimum)s, not %(wanted)s."),
    "pack": _("%(sku)s: %(supplier)s sells in packs of %(pack)s; %(wanted)s is no multiple of it."),
    "minimum_order": _("%(supplier)s takes orders from %(minimum)s %(currency)s on; this one is %(total)s."),
    "supplier_off": _("%(supplier)s is switched off: nothing is ordered there."),
    "place": _("Choose a warehouse that you may see and that is kept here."),
    "no_rate": _("No exchange rate is known for %(currency)s: enter one, else nobody can tell what the goods cost."),
    "moved": _("Somebody has changed purchase order %(number)s since you looked: %(who)s, %(when)s. Look at it again."),
    "own": _("You handed this order in yourself: somebody else approves what is above your limit."),
    "over_limit": _("%(total)s is above your limit of %(limit)s: somebody with a higher one approves it."),
    "past_day": _("Expected on: a day from today on, within two years."),
    "slip_twice": _("The delivery note %(slip)s was received already: %(who)s, %(when)s. Nothing was counted again."),
    "nothing_counted": _("Count at least one piece."),
    "over": _(
        "%(sku)s: at most %(most)s can still be taken (ordered %(ordered)s, here %(here)s, tolerance included), not "
        "%(wanted)s. Refuse the rest, or have the order changed."
    ),
    "say_why": _("Say why: the supplier will read it."),
    "not_here": _("%(sku)s: only %(left)s of this order can still be sent back, not %(wanted)s."),
    "invoice_number": _("Write down the number of the invoice."),
    "invoice_twice": _("Invoice %(number)s of this supplier is written down already (order %(order)s)."),
    "other_supplier": _("Invoice %(number)s: %(order)s is an order of another supplier than %(first)s."),
    "invoice_undone": _("Invoice %(number)s was taken back already. Last change: %(who)s, %(when)s."),
    "cost_booked": _(
        "The prices of invoice %(number)s are booked as %(cost)s: somebody who may undo late costs takes it back."
    ),
    "one_place": _("These orders arrived in different warehouses: share the cost of each warehouse by itself."),
    "no_receipts": _("Tick at least one receipt the cost is shared over. What has not come yet cannot carry any."),
    "cost_amount": _("“%(wanted)s” is no amount other than zero, with at most four decimal places."),
    "no_weight": _("%(sku)s has no weight: write it on the SKU's page, or share by something else."),
    "no_size": _("%(sku)s has no length, width and height: write them on the SKU's page, or share by something else."),
    "hand_sum": _("The amounts by hand add up to %(sum)s, not to %(amount)s."),
    "same_price": _(
        "Invoice %(number)s asks the prices that were agreed, or none of its goods has come: no cost moves."
    ),
    "cost_state": _("%(number)s is “%(state)s”: this cannot be done with it. Last change: %(who)s, %(when)s."),
    "cost_moved": _("Goods of %(number)s moved since this page was shown. Look at the figures again, then book."),
    "no_run": _("Nothing has been calculated yet: press “Calculate”."),
    "nothing_chosen": _("None of these can be ordered: they are ordered already, or nothing is suggested."),
    "scope_place": _("Demand is counted for the company as a whole: choose in the settings where its goods arrive."),
}  # fmt: skip


class SupplyError(YikuError):
    """A refusal of purchasing; nothing has happened."""

    def __init__(self, code: str, /, field: str = "", **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params, field=field)
