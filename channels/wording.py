"""The words for what went wrong with a platform: what happened, what to do. One place, both languages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from channels.models import SyncError
from inventory.models import Reason


@dataclasses.dataclass(frozen=True, slots=True)
class Wording:
    """A sentence that says what happened, and one that says what helps."""

    what: Any
    advice: Any


WAIT = _("Nothing to do: it is tried again by itself.")
LOG_IN = _("Enter new credentials on the account's page, then test the connection.")
BY_HAND = _("Give it back by hand on the platform, then say so on the page of the return.")
ASK_SHOP = _("Check in the shop's own admin, mend it there, then run this again.")
TELL_US = _("Run it again. If it stays, give the text behind it to whoever looks after the connection.")

VISITS: dict[str, Any] = {
    "orders": _("orders"),
    "sweep": _("late orders"),
    "one": _("single orders"),
    "listings": _("listings"),
    "drift": _("comparison"),
    "hooks": _("webhooks"),
    "token": _("access token"),
    "file": _("file"),
}
TRIGGERS: dict[str, Any] = {
    "timer": _("the clock"),
    "hook": _("the platform"),
    "button": _("a person"),
    "push": _("a sent figure"),
    "sweep": _("late orders"),
    "drift": _("comparison"),
    "file": _("file"),
}
CAUSES: dict[str, Any] = {
    "drift": _("comparison"),
    "listing_changed": _("listing changed"),
    "listing_term": _("setting of the listing"),
    "location": _("location"),
    "match": _("matched"),
    "moved": _("moved on the platform"),
    "person": _("a person"),
    "policy": _("stock policy"),
    "switched_on": _("writing turned on"),
    "warehouses": _("warehouses of the shop"),
    **{reason.value: reason.label for reason in Reason if reason != Reason.POLICY},
}
OUTCOMES: dict[str, Any] = {
    "ok": _("done"),
    "failed": _("failed"),
    "put_off": _("put off"),
    "lost": _("taken over"),
}

WORDINGS: dict[str, Wording] = {
    # --- the way there
    "timeout": Wording(_("The platform did not answer in time."), WAIT),
    "connect": Wording(_("The platform's address cannot be reached."), _("Check the address; else it is tried again.")),
    "dropped": Wording(_("The platform broke the connection off."), WAIT),
    "dns": Wording(_("The platform's address does not exist."), _("Check the address on the account's page.")),
    "tls": Wording(
        _("The shop's certificate is not valid, so nothing was sent."),
        _("Have the shop's certificate renewed. It is never skipped."),
    ),
    "egress": Wording(
        _("This address is not allowed: it leads into a private network."),
        _("Use the shop's public address, or have the operator allow the host (EGRESS_ALLOW)."),
    ),
    "egress_http": Wording(_("The address is not encrypted (http)."), _("Use the shop's https address.")),
    "redirect": Wording(_("The shop sends us to another address."), _("Enter the address it leads to.")),
    "too_large": Wording(_("The platform's answer is larger than allowed."), TELL_US),
    "not_json": Wording(
        _("A web page came instead of data: a log-in or maintenance page."),
        _("Open the shop in a browser. A security plugin or maintenance may block us."),
    ),
    "bad_json": Wording(_("The platform's answer is damaged."), WAIT),
    "bad_encoding": Wording(_("The platform's answer is damaged."), WAIT),
    "bad_answer": Wording(_("The platform answered something it does not document."), TELL_US),
    "server_error": Wording(_("The platform has a fault of its own."), WAIT),
    "unavailable": Wording(_("The platform is down for maintenance."), WAIT),
    "throttled": Wording(_("The platform asks us to call less often."), WAIT),
    "put_off": Wording(_("We wait because the platform asked us to."), WAIT),
    "blocked": Wording(
        _("A firewall in front of the shop refuses us."), _("Have our address allowed in the firewall.")
    ),
    # --- the log-in
    "auth": Wording(_("The platform refuses our log-in."), LOG_IN),
    "forbidden": Wording(_("The log-in lacks a right for this."), _("Give the app or key the missing permission.")),
    "read_only": Wording(_("The key may only read."), _("Make a key with read and write rights and enter it.")),
    "refresh_refused": Wording(_("The platform refuses to renew our access."), LOG_IN),
    "no_credential": Wording(_("The account has no credentials."), LOG_IN),
    "unreadable_secret": Wording(_("The stored credentials cannot be decrypted."), LOG_IN),
    "app_uninstalled": Wording(_("The shop has removed our app."), _("Install it again, then test the connection.")),
    "clock_skew": Wording(
        _("Our clock and the platform's differ by minutes."),
        _("Set the server's clock (NTP). Signatures fail while it is wrong."),
    ),
    "nonce": Wording(_("The shop refuses a repeated signature."), WAIT),
    # --- orders
    "bad_order": Wording(_("This order's text cannot be read."), TELL_US),
    "kills_worker": Wording(_("Working on this stopped the program again and again."), TELL_US),
    "pull_kills_worker": Wording(_("Reading the orders stopped the program again and again."), TELL_US),
    "cursor_loop": Wording(_("The platform gives the same page of orders for ever."), WAIT),
    "page_loop": Wording(_("The platform gives the same page of orders for ever."), WAIT),
    "bad_cursor": Wording(_("The platform does not know the page where we stopped."), WAIT),
    "order_gone": Wording(_("The platform does not have this order any more."), _("Ignore this entry.")),
    "missing_order": Wording(_("The platform does not have this order any more."), _("Ignore this entry.")),
    "intake_failed": Wording(_("The order could not be stored."), TELL_US),
    # --- stock
    "brake": Wording(
        _("So many listings would go to zero at once that writing waits for a person."),
        _("Look at the list on the account's page and let it go out, or keep it back."),
    ),
    "brake_denied": Wording(_("A person kept this zero back."), _("It goes out once there is stock again.")),
    "restored_backup": Wording(
        _("The database was put back from a backup: the platforms know more than we do."),
        _("Let the orders come in, check the stock, then turn writing on for each account."),
    ),
    "drift_everywhere": Wording(
        _("So many figures differ at once that our own stock may be wrong. Writing is held."),
        _("Compare a few by hand. When ours are right, turn writing on again."),
    ),
    "write_ignored": Wording(
        _("The platform said yes but shows another figure."),
        _("Check in the shop whether it counts stock for this listing, then run this again."),
    ),
    "ignored": Wording(_("The platform said yes but shows another figure."), ASK_SHOP),
    "listing_gone": Wording(
        _("The listing is gone on the platform."), _("Ignore this entry; new listings are matched.")
    ),
    "not_stocked": Wording(_("The listing keeps no stock at this location."), ASK_SHOP),
    "not_stocked_there": Wording(_("The listing keeps no stock at this location."), ASK_SHOP),
    "stock_not_managed": Wording(
        _("The shop does not count stock for this listing."),
        _("Turn “manage stock” on for it in the shop, then run this again."),
    ),
    "not_pushable": Wording(_("The platform works this figure out itself (a bundle)."), _("Nothing to do.")),
    "not_matched": Wording(_("No SKU stands behind this listing."), _("Match the listing.")),
    "not_linked": Wording(_("No warehouse stands behind this location."), _("Link one on the account's page.")),
    "not_tracked": Wording(_("The SKU has no stock to count."), _("Nothing to do.")),
    "bad_quantity": Wording(_("The platform does not take this figure."), ASK_SHOP),
    "orders_first": Wording(_("The figure moved there; we fetch the orders before we write."), WAIT),
    "orders_behind": Wording(_("The orders are behind; we fetch them before we write."), WAIT),
    "moving": Wording(_("The figure keeps moving there; we try again in a moment."), WAIT),
    "unknown": Wording(_("The answer to a write was lost; the figure is read back."), WAIT),
    "rejected": Wording(_("The platform refused the figure."), ASK_SHOP),
    "refused": Wording(_("The platform refused it."), ASK_SHOP),
    # --- parcels
    "not_fulfillable": Wording(_("The platform says that nothing is left to ship."), ASK_SHOP),
    "on_hold": Wording(_("The order is on hold on the platform."), _("Release it there, then run this again.")),
    "order_cancelled": Wording(_("The order is cancelled on the platform."), _("Stop the parcel if it has not left.")),
    "not_cancellable": Wording(_("The platform does not cancel this order any more."), ASK_SHOP),
    "refund_refused": Wording(_("The platform does not give this money back."), BY_HAND),
    "not_refundable": Wording(_("The payments over there do not hold that much any more."), BY_HAND),
    "other_currency": Wording(_("The buyer paid in another currency than the shop's."), BY_HAND),
    "gateway_refuses": Wording(_("The shop's payment plugin gives no money back by itself."), BY_HAND),
    "cancel_refused": Wording(_("The platform does not cancel this order any more."), ASK_SHOP),
    "unknown_timeout": Wording(
        _("Nobody knows whether the platform got this."), _("Look at the order there before you run it again.")
    ),
    # --- webhooks
    "webhook_missing": Wording(_("The platform had dropped our webhook."), WAIT),
    "webhook_disabled": Wording(_("The platform had switched our webhook off."), WAIT),
    "subscription_refused": Wording(
        _("The platform refuses our webhook."), _("Check PUBLIC_URL: it must be reachable.")
    ),
    "no_webhook_secret": Wording(_("The webhook secret is not set."), LOG_IN),
    "no_secret": Wording(_("The app's secret is not set."), LOG_IN),
    "bad_signature": Wording(_("Somebody called without a right signature."), _("Nothing was taken in.")),
    "wrong_shop": Wording(_("The call was about another shop."), _("Nothing was taken in.")),
    "unknown_address": Wording(_("The call was to an address we do not know."), _("Nothing was taken in.")),
}
OTHER = Wording(_("The platform did not do what we asked."), TELL_US)


def wording(code: str) -> Wording:
    """Return the words for a code; HTTP codes by their class, anything unknown in general words."""
    if code in WORDINGS:
        return WORDINGS[code]
    if code.startswith("http_5"):
        return WORDINGS["server_error"]
    if code.startswith("unknown_"):
        return WORDINGS["unknown_timeout"]
    return OTHER


def sentence(code: str) -> str:
    """Return what happened, empty for no code."""
    return str(wording(code).what) if code else ""


def explained(error: SyncError) -> tuple[str, str]:
    """Return what happened and what to do for an entry of the error queue, with its figures."""
    words = wording(error.code)
    what = str(words.what) if error.code in WORDINGS or not error.message else error.message
    if error.kind == "order" and error.code not in WORDINGS:
        # Intake's own sentences are made for clerks already.
        return what, str(_now("Mend the cause (a SKU, a rate, a setting), then run this again."))
    return f"{what} {_figures(error.code, error.params)}".strip(), str(words.advice)


def _figures(code: str, params: Mapping[str, Any]) -> str:
    if code == "brake":
        return _now("%(listings)s listings; the limit is %(limit)s.") % params
    if code == "clock_skew":
        return _now("They differ by %(seconds)s seconds.") % params
    if code == "write_ignored":
        return _now("We wrote %(figure)s, it shows %(shown)s.") % params
    return ""


def outcome(code: str) -> Any:
    """Return how a visit or a comparison ended, in words; an empty code is one that still runs."""
    return OUTCOMES.get(code, code) if code else _("running")


def cause(code: str) -> Any:
    """Return why a figure was asked for, in words."""
    return CAUSES.get(code, code)
