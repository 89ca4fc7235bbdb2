"""What is wrong with an order and what to do about it, in words a clerk understands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

TITLES: dict[str, Any] = {
    "unmatched": _("Goods not matched"),
    "bundle_without_parts": _("Bundle without parts"),
    "no_goods": _("Nothing to send"),
    "no_warehouse": _("No warehouse"),
    "no_route": _("No warehouse may send there"),
    "closed": _("Finished on the platform"),
    "refunded": _("Money went back"),
    "authorised": _("Payment only promised"),
    "currency": _("Unknown currency"),
    "total": _("Nothing to pay"),
    "test_order": _("Test order"),
    "duplicate": _("Perhaps ordered twice"),
    "same_number": _("Also in another shop"),
    "blocked": _("Blocked buyer"),
    "risk": pgettext_lazy("order", "Risk"),
    "destination": _("Forbidden destination"),
    "price_floor": _("Price too low"),
    "discount": _("Discount too deep"),
    "address": _("Address"),
    "phone": _("Phone number"),
    "keyword": _("A wish in the note"),
    "fraction": _("Part of a piece"),
    "large_quantity": _("Unusually many"),
    "short_stock": _("Not enough stock"),
    "presale": _("Presale"),
    "unpaid": _("Not paid yet"),
    "manual": _("Held by a person"),
    "edited": _("Changed on the platform"),
    "payment_lost": _("Payment lost"),
    "cancelled_late": _("Cancelled after goods left"),
    "shipped_more": _("More sent than wanted"),
    "without_stock": _("Sent without stock"),
    "gone": _("Gone on the platform"),
    "undone": _("Approval undone"),
    "not_found": _("Goods not found"),
}
SENTENCES: dict[str, Any] = {
    "unmatched": _("“%(label)s” is none of our SKUs yet."),
    "bundle_without_parts": _("The bundle “%(label)s” has no parts, so nothing would leave the stock."),
    "no_goods": _("Every line was cancelled or refunded."),
    "no_warehouse": _("The shop sells from no warehouse at the moment."),
    "no_route": _("The routing policy lets no warehouse of the shop send to %(country)s."),
    "closed": _("The platform calls this order finished, but goods are still to be sent."),
    "refunded": _("The buyer has the money back although goods are still to be sent."),
    "authorised": _("The money is reserved on the buyer's card, not taken."),
    "currency": _("The books do not know the currency “%(currency)s”."),
    "total": _("The buyer pays %(total)s %(currency)s for it."),
    "test_order": _("The platform marks this order as a test."),
    "duplicate": _("The same buyer ordered the same goods a short while ago: %(number)s."),
    "same_number": _("An order with this number and this buyer also came through the shop %(shop)s."),
    "risk": _("%(points)s of 100 points of risk: %(signs)s."),
    "destination": _("“%(label)s” must not be sent to %(country)s: %(why)s"),
    "discount": _("%(percent)s%% off the whole order."),
    "phone": _("Nobody can be called on this number."),
    "keyword": _("The note asks for something: %(words)s."),
    "fraction": _("“%(label)s”: %(quantity)s pieces."),
    "large_quantity": _("“%(label)s”: %(quantity)s pieces are more than usual."),
    "short_stock": _("“%(label)s” (%(sku)s): %(wanted)s wanted, %(available)s free."),
    "manual": _("A colleague wants somebody to look at this order."),
    "edited": _("The platform changed this order after it was checked."),
    "payment_lost": _("The money went back or the authorisation ended."),
    "cancelled_late": _("The platform cancelled this order after goods had left."),
    "shipped_more": _("More has left than the buyer now wants."),
    "without_stock": _("It was sent on the platform, but our books had no such goods."),
    "gone": _("The platform does not know this order any more: it was deleted there, or is too old to be read."),
    "undone": _("The approval was taken back."),
    "not_found": _("Reserved goods are not on their shelf, and no other warehouse can send them."),
}
ADVICE: dict[str, Any] = {
    "unmatched": _("Match the listing under Shops → Listings, or give the SKU this code; the order goes on by itself."),
    "bundle_without_parts": _("Add the parts on the bundle's page, then check again."),
    "no_goods": _("Cancel the order, or wait for the platform's next version."),
    "no_warehouse": _("Give the shop a warehouse under Stock → Shops' warehouses, then check again."),
    "no_route": _(
        "Change the lists of the policy under Rules of orders → Routing policies and check again, or cancel."
    ),
    "closed": _("Ask customer service whether the buyer still waits; then approve or cancel."),
    "refunded": _("Do not send before customer service has answered; else cancel."),
    "authorised": _("Take the money on the platform, then check again."),
    "currency": _("Add the currency and its rate under Books, then check again."),
    "total": _("Check the price with customer service, then approve or cancel."),
    "test_order": _("Cancel it, or approve it if it is meant."),
    "same_number": _("Look at the order in the other shop; cancel the one that is there twice."),
    "blocked": _("Read why the buyer is on the list; then cancel, or approve it once."),
    "risk": _("Check the payment and the address, ask the buyer; approve when it is sound, else cancel."),
    "destination": _("Ask the buyer for another address or other goods, or cancel; the list is under Rules of orders."),
    "price_floor": _("Ask who set the price; approve it if it was meant, else cancel before it is sent."),
    "discount": _("Check the coupon or the price on the platform; approve it if it was meant."),
    "duplicate": _("Look at the other order; approve if the buyer wants both, else cancel one."),
    "address": _("Ask the buyer, correct the address below and check again."),
    "phone": _("Ask the buyer for a number, correct it below and check again, or approve as it is."),
    "keyword": _("Read the note, do what it asks, then approve."),
    "fraction": _("Ask the buyer, then approve or cancel."),
    "large_quantity": _("Ask the buyer whether it is meant, then approve."),
    "presale": _("Nothing to do: it goes on by itself. To send it earlier, release the presale on the right."),
    "short_stock": _("Wait for goods and check again, send what is there (split by stock), or cancel."),
    "manual": _("Read the note above, then approve, check again or cancel."),
    "edited": _("Compare below, then accept the change or keep the old version."),
    "payment_lost": _("Stop the parcel if you can; ask customer service."),
    "cancelled_late": _("Stop the parcel or expect its return."),
    "shipped_more": _("Ask the buyer to send the rest back, or leave it as a gift."),
    "without_stock": _("Count the shelf and correct the stock."),
    "gone": _("Ask the shop whether it was deleted; then cancel it here, or approve it."),
    "undone": _("Approve, check again or cancel."),
    "not_found": _("Count the shelf, correct the stock, then re-route or approve the order; else cancel it."),
}
SIGNS: dict[str, Any] = {
    "platform_high": _("the platform advises against it"),
    "platform_medium": _("the platform advises a look"),
    "mail": _("a throw-away e-mail address"),
    "billing": _("billed to another country"),
    "phone_country": _("a phone of another country"),
    "pieces": _("many pieces of one thing"),
    "value": _("a high amount"),
    "rush": _("a high amount in a hurry"),
    "first": _("the first order of this buyer"),
    "returns": _("the buyer had money back for half of the orders"),
    "address_burst": _("several orders to this address within a day"),
}
KNOWN_BY: dict[str, Any] = {
    "buyer": _("The buyer is on the list of blocked buyers."),
    "phone": _("The phone number is on the list of blocked buyers."),
    "address": _("The delivery address is on the list of blocked buyers."),
    "domain": _("The domain of the e-mail is on the list of blocked buyers."),
}
RULE = "rule:"  # codes of what published rules hold
RULE_ADVICE = _("Do what the rule asks, then approve; or check again after correcting the order.")
ADDRESS_FIELDS: dict[str, Any] = {
    "name": _("recipient"),
    "company": _("company"),
    "line1": _("street"),
    "line2": _("second line"),
    "city": _("town"),
    "region": _("region"),
    "postcode": _("postcode"),
    "country": _("country"),
    "phone": _("phone"),
}


def hold_title(code: str, name: str = "") -> str:
    """Return the reason of a hold in two or three words; `name` is what the rule is called that holds it."""
    if code.startswith(RULE):
        return name or str(_("Held by a rule"))
    return str(TITLES.get(code, code))


def sentence(finding: Mapping[str, Any]) -> str:
    """Return one finding of the review log as a sentence."""
    code = str(finding.get("code", ""))
    if code == "phone" and finding.get("reason") == "missing":
        return str(_("There is no phone number for the courier."))
    if code in OWN_WORDS:
        return OWN_WORDS[code](finding)
    if code.startswith(RULE):
        return str(finding.get("reason", ""))
    pattern = SENTENCES.get(code)
    if pattern is None:
        return hold_title(code)
    if code == "risk":
        finding = {**finding, "signs": [str(SIGNS.get(one, one)) for one in finding.get("signs", ())]}
    values = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in finding.items()}
    try:
        return str(pattern) % values
    except (KeyError, ValueError):
        return hold_title(code)


def advice(code: str) -> str:
    """Return what a clerk can do about it."""
    return str(RULE_ADVICE if code.startswith(RULE) else ADVICE.get(code, ""))


def _address(finding: Mapping[str, Any]) -> str:
    field = str(ADDRESS_FIELDS.get(str(finding.get("field")), finding.get("field")))
    value, example = finding.get("value"), finding.get("example")
    if finding.get("field") == "address":
        return str(_("There is no delivery address."))
    if finding.get("reason") == "missing":
        text = str(_("The address has no %(field)s.")) % {"field": field}
    elif value:
        text = str(_("The %(field)s “%(value)s” cannot be right.")) % {"field": field, "value": value}
    else:
        text = str(_("The %(field)s cannot be right.")) % {"field": field}
    return f"{text} {_('For example: %(example)s') % {'example': example}}" if example else text


def _blocked(finding: Mapping[str, Any]) -> str:
    return str(KNOWN_BY.get(str(finding.get("by")), KNOWN_BY["buyer"]))


def _price(finding: Mapping[str, Any]) -> str:
    pattern = (
        _("“%(label)s” goes for %(price)s a piece; it cost %(floor)s.")
        if finding.get("kind") == "cost"
        else _("“%(label)s” goes for %(price)s a piece; the least price is %(floor)s.")
    )
    return str(pattern) % {name: str(finding.get(name, "")) for name in ("label", "price", "floor")}


def _presale(finding: Mapping[str, Any]) -> str:
    try:
        moment = timezone.localtime(dt.datetime.fromisoformat(str(finding.get("until"))))
    except ValueError:
        return hold_title("presale")
    values = {"label": str(finding.get("label", "")), "when": date_format(moment, "SHORT_DATE_FORMAT")}
    text = str(_("“%(label)s” was sold in presale and leaves from %(when)s.")) % values
    return f"{text} {_('More was sold than promised.')}" if finding.get("oversold") else text


OWN_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "address": _address,
    "blocked": _blocked,
    "presale": _presale,
    "price_floor": _price,
}
