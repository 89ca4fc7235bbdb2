"""Write to the buyers of a play from a template: previewed, once an order, and nobody whose parcel left meanwhile."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence

from django.db import transaction
from django.utils import timezone

from backoffice import audit, clock, masking
from backoffice.messages import queueing, render
from backoffice.models import MessageTemplate
from orders.desk import letters
from orders.late import compensations, due, plays
from orders.late.errors import LateError
from orders.late.working_time import zone_of
from orders.models import Compensation, LatePlay, Order, OrderContact, OrderLine, PlayMessage, PlayOrder
from orders.models.order import order_reference

PREVIEWS, MOST = 3, 300
Channel = MessageTemplate.Channel


@dataclasses.dataclass(frozen=True, slots=True)
class Letter:
    """One message as it would go."""

    order: Order
    to: str
    language: str
    subject: str
    body: str

    @property
    def masked(self) -> str:
        """The address, for eyes that may not see it."""
        return masking.email(self.to) if "@" in self.to else masking.phone(self.to)


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """What a click on “send” would do: letters, and who is left out and why."""

    letters: list[Letter]
    channel: str
    left_out: Counter[str]  # code of LateError → how many

    @property
    def first(self) -> list[Letter]:
        """The first three, to be read before."""
        return self.letters[:PREVIEWS]


def templates() -> list[MessageTemplate]:
    """Return the templates to choose from, those for late orders first."""
    rows = MessageTemplate.objects.filter(active=True)
    return sorted(rows, key=lambda one: (one.purpose not in ("late", "shortage"), one.purpose != "late", one.name))


def batch(*, play: LatePlay, template: MessageTemplate, order_ids: Collection[int], clear: bool = True) -> Batch:
    """Return what would be sent to these orders of a play now; six questions for any number.

    Orders that have left or are cancelled, those written to already and those without an address are counted, not
    written to. Without `clear` names in the texts are masked: a preview for eyes that may not uncover buyers.
    """
    rows = play.orders.filter(order__in=list(order_ids)[:MOST]).select_related("order__shop", "order__contact")
    members = list(rows.order_by("order__due_at", "order"))
    done = set(play.messages.filter(state=PlayMessage.State.QUEUED).values_list("order_id", flat=True))
    goods, given = (
        _goods([one.order_id for one in members]),
        compensations.told([one.order_id for one in members], play),
    )
    codes = _coupons([one.order_id for one in members], play)
    found, left_out = [], Counter[str]()
    for one in members:
        to = address(one.order, template.channel)
        if one.order.state not in due.CLOCKED:
            left_out["message_gone"] += 1
        elif one.order_id not in done and not to:
            left_out["message_address"] += 1
        elif one.order_id not in done:
            values = _values(play, one, goods.get(one.order_id, []), given.get(one.order_id, ""), clear=clear)
            values["coupon"] = codes.get(one.order_id, "")
            found.append(_letter(one.order, to, template, values))
    return Batch(found, template.channel, left_out)


def address(order: Order, channel: str) -> str:
    """Return where a buyer is reached; a message on the platform goes to the buyer of the order there."""
    contact = _contact(order)
    found = letters.recipient(order, channel)
    if contact is not None and channel == Channel.SMS:
        found = str(contact.shipping.get("phone") or "") or found
    return " ".join(found.split())


def _contact(order: Order) -> OrderContact | None:
    return getattr(order, "contact", None)


def _letter(order: Order, to: str, template: MessageTemplate, values: dict[str, str]) -> Letter:
    language = letters.language_of(order)
    subject, body = render(template, values, language)
    return Letter(order, to, language, subject, body)


def _values(play: LatePlay, one: PlayOrder, goods: Sequence[str], given: str, *, clear: bool) -> dict[str, str]:
    order, contact = one.order, _contact(one.order)
    name = contact.buyer_name or str(contact.shipping.get("name", "")) if contact else ""
    chinese = letters.language_of(order).startswith("zh")
    return {
        "order_number": order.number,
        "buyer_name": name if clear else masking.name(name),
        "shop_name": (order.shop.name if chinese else order.shop.name_en) or order.shop.name,
        "ship_by": _day(one.due_at, order),
        "new_date": play.new_date.isoformat() if play.new_date else "",
        "goods": "\n".join(goods),
        "compensation": given,
    }


def _day(moment: dt.datetime | None, order: Order) -> str:
    """A date in the shop's zone."""
    shown = due.shown(moment)
    return timezone.localtime(shown, zone_of(order.shop.time_zone)).date().isoformat() if shown else ""


def _goods(order_ids: Collection[int]) -> dict[int, list[str]]:
    rows = OrderLine.objects.filter(order_id__in=order_ids).order_by("order_id", "position")
    found: dict[int, list[str]] = {}
    for order_id, title, code, wanted, gone in rows.values_list(
        "order_id", "title", "sku_code", "quantity", "shipped_quantity"
    ):
        if wanted > gone:
            found.setdefault(order_id, []).append(f"{title or code} × {(wanted - gone).normalize():f}")
    return found


def _coupons(order_ids: Collection[int], play: LatePlay) -> dict[int, str]:
    rows = Compensation.objects.filter(play=play, order__in=order_ids, state=Compensation.State.GIVEN).exclude(code="")
    return dict(rows.order_by("pk").values_list("order_id", "code"))


@transaction.atomic
def send(*, play_id: int, template: MessageTemplate | None, order_ids: Collection[int], actor: str) -> Batch:
    """Queue the messages with what the play keeps of them, in one transaction: after a crash all of it or nothing.

    A second click, or a second person, finds them written: one message an order in a play, whatever happens.
    Raises LateError: play_closed, message_template, message_none.
    """
    play = plays.opened(play_id)
    if template is None or not template.active:
        raise LateError("message_template")
    found = batch(play=play, template=template, order_ids=order_ids)
    if not found.letters:
        raise LateError("message_none")
    ids = [letter.order.pk for letter in found.letters]
    play.messages.filter(order__in=ids).delete()  # left out before: tried anew
    PlayMessage.objects.bulk_create([_queued(play, template, letter, actor) for letter in found.letters])
    after = {"template": template.code, "messages": len(found.letters)}
    audit.record(action="late_play.message", target=play, actor=actor, summary=template.name, after=after)
    return found


def _queued(play: LatePlay, template: MessageTemplate, letter: Letter, actor: str) -> PlayMessage:
    """One message; a text or address that cannot be sent is kept with its reason and hurts no other."""
    row = PlayMessage(
        play=play, order=letter.order, channel=template.channel, template=template.code, created_by=actor[:150],
        created_at=clock.now(), state=PlayMessage.State.QUEUED,
    )  # fmt: skip
    try:
        row.message = queueing.queue(
            channel=template.channel, to=letter.to, subject=letter.subject, body=letter.body,
            reference=order_reference(letter.order.pk), actor=actor, shop_id=letter.order.shop_id,
            key=key_of(play, letter.order), template=template, language=letter.language, html=template.html,
        )  # fmt: skip
    except queueing.MessageError as error:
        row.state, row.why = PlayMessage.State.SKIPPED, str(error)[:200]
    return row


def key_of(play: LatePlay, order: Order) -> str:
    """Return what makes a repeat a repeat."""
    return f"late:{play.pk}:{order.pk}"
