"""Put buyers on the list of those to stop or to trust, and take them off; only keyed hashes are kept."""

from __future__ import annotations

import datetime as dt
import re

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, masking
from backoffice.errors import YikuError
from backoffice.secrets import keyed_hash
from orders.desk import actions
from orders.desk.facts import KEY
from orders.desk.table import RowOutcome
from orders.models import ListedBuyer, Order, OrderContact
from orders.models.order import Department

By, Side = ListedBuyer.By, ListedBuyer.Side
MOST_HELD = 200  # open orders that are held along with the listing
_DOMAIN = re.compile(r"[a-z0-9.-]{1,60}\.[a-z]{2,}")


@transaction.atomic
def list_typed(
    *, side: str, by: str, text: str, reason: str, actor: str, until: dt.datetime | None = None
) -> ListedBuyer:
    """List somebody by an e-mail or platform id, a phone number or a mail domain that a person typed.

    Raises YikuError: no_reason, not_known (the text cannot be one).
    """
    key, hint = known_by(By(by), text.strip())
    return _put(side=side, by=by, key=key, hint=hint, reason=reason, actor=actor, until=until, order=None)


def known_by(by: ListedBuyer.By, text: str) -> tuple[str, str]:
    """Return the key and the masked hint for a typed text; raises YikuError not_known when it cannot be one."""
    digits = re.sub("[^0-9]", "", text)
    if by == By.PHONE and len(digits) >= 5:
        return keyed_hash(digits[-9:], purpose="phone")[:KEY], masking.phone(text)[:100]
    if by == By.DOMAIN:
        domain = text.casefold().removeprefix("@")
        if _DOMAIN.fullmatch(domain):
            return domain[:64], domain
    if by == By.BUYER and text:
        return keyed_hash(text, purpose="buyer")[:KEY], masking.email(text)[:100]
    wrong = {
        By.PHONE: _("Type a phone number with at least five digits."),
        By.DOMAIN: _("Type a domain such as example.com."),
        By.BUYER: _("Type the buyer's e-mail address or the id the platform gives."),
        By.ADDRESS: _("A delivery address is listed on the page of an order that goes there."),
    }
    raise YikuError("not_known", wrong[by])


@transaction.atomic
def list_from_order(
    *,
    order_id: int,
    side: str,
    by: str,
    reason: str,
    actor: str,
    until: dt.datetime | None = None,
    hold: QuerySet[Order] | None = None,
) -> tuple[ListedBuyer, list[RowOutcome]]:
    """List the buyer, phone, address or mail domain of an order.

    Of the orders in `hold` (those the person may decide about), the approved ones of the same buyer, phone or address
    are held as well; their outcomes are returned.
    Raises YikuError: no_reason, not_known (the platform hides what would be needed).
    """
    order = Order.objects.select_related("contact").get(pk=order_id)
    kind = By(by)
    domain = order.contact.email.rpartition("@")[2].strip().casefold()[:64]
    keys = {By.BUYER: order.buyer_key, By.PHONE: order.phone_key, By.ADDRESS: order.address_key, By.DOMAIN: domain}
    if not keys[kind]:
        raise YikuError("not_known", _("The platform does not say enough to know this again: choose another scope."))
    entry = _put(
        side=side, by=by, key=keys[kind], hint=_hint(kind, order.contact), reason=reason, actor=actor, until=until,
        order=order,
    )  # fmt: skip
    held: list[RowOutcome] = []
    if hold is not None and Side(side) == Side.BLOCKED and kind != By.DOMAIN:
        alike = hold.filter(**{f"{by}_key": keys[kind]}, state=Order.State.APPROVED)
        ids = list(alike.order_by("pk").values_list("pk", flat=True)[:MOST_HELD])
        if ids:
            held = actions.hold(order_ids=ids, actor=actor, reason=reason, department=Department.SERVICE.value)
    return entry, held


def _hint(by: ListedBuyer.By, contact: OrderContact) -> str:
    if by == By.PHONE:
        return masking.phone(str(contact.shipping.get("phone", "")) or contact.phone)[:100]
    if by == By.ADDRESS:
        return f"{contact.country} {contact.shipping.get('city', '')}".strip()[:100]
    if by == By.DOMAIN:
        return contact.email.rpartition("@")[2].casefold()[:100]
    return (masking.email(contact.email) if contact.email else masking.name(contact.buyer_name))[:100]


def _put(
    *, side: str, by: str, key: str, hint: str, reason: str, actor: str, until: dt.datetime | None, order: Order | None
) -> ListedBuyer:
    """Write the entry; one that is there already gets the new reason and end."""
    if not reason.strip():
        raise YikuError("no_reason", _("Say why: colleagues will read it."))
    values = {
        "hint": hint, "reason": reason.strip()[:300], "until": until, "order": order, "created_at": clock.now(),
        "created_by": actor[:150],
    }  # fmt: skip
    other = Side.TRUSTED if side == Side.BLOCKED else Side.BLOCKED
    end(entries=list(ListedBuyer.objects.filter(side=other, by=By(by), key=key)), actor=actor)  # nobody stands on both
    entry, _made = ListedBuyer.objects.update_or_create(side=Side(side), by=By(by), key=key, defaults=values)
    after = {"side": side, "by": by, "until": until.isoformat() if until else None, "reason": reason[:300]}
    audit.record(action="buyer.list", target=entry, actor=actor, after=after)
    return entry


def entries_of(order: Order) -> list[ListedBuyer]:
    """Return the entries in force that name the buyer, phone or address of an order."""
    known = Q()
    for by, key in ((By.BUYER, order.buyer_key), (By.PHONE, order.phone_key), (By.ADDRESS, order.address_key)):
        if key:
            known |= Q(by=by, key=key)
    rows = ListedBuyer.objects.filter(Q(until=None) | Q(until__gt=clock.now()))
    return list(rows.filter(known)) if known else []


@transaction.atomic
def end(*, entries: list[ListedBuyer], actor: str) -> int:
    """Take entries off the list from now on; they stay to be read. Returns how many were in force."""
    now, ended = clock.now(), 0
    for entry in entries:
        if entry.until is None or entry.until > now:
            ended += ListedBuyer.objects.filter(pk=entry.pk).update(until=now)
            audit.record(action="buyer.unlist", target=entry, actor=actor)
    return ended
