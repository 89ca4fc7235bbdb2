"""Why a paper cannot be printed, or a label not be bought, each in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "no_address": _("Order %(number)s has no delivery address."),
    "masked_address": _(
        "The platform hides the address of order %(number)s: print the platform's own e-waybill for it."
    ),
    "no_label": _("Order %(number)s has no label yet: buy one first."),
    "label_file": _(
        "The carrier's own label %(tracking)s of order %(number)s cannot be put into the file: %(why)s Open it from "
        "the order's page, or void it and buy another."
    ),
    "label_no_room": _(
        "The carriers' own labels have more than %(most)d MB together: print label %(tracking)s of order %(number)s in "
        "another run."
    ),
    "no_company": _("Enter the company's name under Settings of orders → Company on papers first."),
    "not_to_invoice": _("Order %(number)s is “%(state)s”: no invoice is written for it."),
    "no_such_order": _("This order does not exist."),
    "too_many_orders": _("At most %(most)d orders in one print."),
    "no_carrier": _("This carrier or service is not in use for that warehouse."),
    "no_such_label": _("This label does not exist."),
    "has_label": _("Order %(number)s has label %(tracking)s already (%(who)s, %(when)s). Void it, or add a parcel."),
    "bad_weight": _("The weight must be between 1 g and 1,000 kg."),
    "no_sender": _(
        "Enter the sender's address of warehouse %(warehouse)s under Settings of orders → Senders' addresses first."
    ),
    "not_yours": _("You do not see the warehouse this parcel goes out from."),
    "order_not_ready": _("Order %(number)s is “%(state)s”: labels are bought for approved orders only."),
    "carrier_says": _("The carrier refuses: %(what)s"),
    "asked_again": _(
        "The carrier has not answered (%(what)s). It is asked again by itself; no second label is bought."
    ),
    "on_a_parcel": _("Label %(tracking)s is on a parcel that was sent. Take the parcel back first."),
    "handed_over": _("The parcel with label %(tracking)s was handed over: it cannot be voided any more."),
    "never_bought": _("The label was never bought: nothing is to be voided."),
    "no_parcels_waiting": _("No parcel waits for this carrier here."),
}


class PaperError(YikuError):
    """A refusal about a paper or a label."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
