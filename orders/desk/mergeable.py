"""Can these two orders go in one parcel, and if not, why not: read for many at once, decided without the database."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from backoffice.search import search_form
from inventory.models import Bucket, Reservation
from orders.models import MergeCircle, MergeMember, Order, OrderContact, OrderLine, OrderPart
from orders.models.order import line_reference

State = Order.State
WAITING = (State.HELD, State.APPROVED)
Busy = Callable[[Collection[int]], Mapping[int, str]]
Reason = tuple[str, dict[str, str]]  # a code of orders.errors and what fills its sentence
_busy: dict[str, Busy] = {}


def register_busy(name: str, ask: Busy) -> None:
    """Let another part say which orders are in its hands (a wave, say): order id → a sentence that says so."""
    _busy[name] = ask


def busy(order_ids: Collection[int]) -> dict[int, str]:
    """Return the orders that are in the hands of another part, each with its sentence."""
    return {pk: told for ask in _busy.values() for pk, told in ask(order_ids).items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Sendable:
    """What is known of an order that might go with others."""

    order: Order
    masked: bool
    address: tuple[str, ...]
    recipient: str
    phone: str
    email: str
    places: frozenset[int]  # warehouses its goods are reserved in
    group_id: int | None
    planned: bool
    by_platform: bool
    busy: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Circles:
    """Which shops may send together."""

    of: Mapping[int, frozenset[int]]

    def allow(self, one: int, other: int) -> bool:
        """True for one shop, and for two of one circle."""
        return one == other or bool(self.of.get(one, frozenset()) & self.of.get(other, frozenset()))


def circles() -> Circles:
    """Read what the owner allows, in one query."""
    found: dict[int, set[int]] = defaultdict(set)
    for pk, shop_id in MergeCircle.objects.filter(active=True).values_list("pk", "shops"):
        found[shop_id].add(pk)
    return Circles({shop: frozenset(of) for shop, of in found.items()})


def read(orders: Sequence[Order]) -> list[Sendable]:
    """Read what deciding needs, in a constant number of queries."""
    pks = [one.pk for one in orders]
    contacts = OrderContact.objects.in_bulk(pks)
    groups = dict(MergeMember.objects.filter(order__in=pks, state="in").values_list("order_id", "group_id"))
    planned = set(OrderPart.objects.filter(order__in=pks, shipment=None).values_list("order_id", flat=True))
    lines = list(OrderLine.objects.filter(order__in=pks).values_list("pk", "order_id", "platform_fulfilled"))
    places = _places({pk: order_id for pk, order_id, _by in lines})
    own = {order_id for _pk, order_id, by_platform in lines if not by_platform}
    in_work = busy(pks) if pks else {}
    return [
        _sendable(
            one,
            contacts.get(one.pk) or OrderContact(order=one),
            places=places.get(one.pk, frozenset()),
            group_id=groups.get(one.pk),
            planned=one.pk in planned,
            by_platform=one.pk not in own,
            busy=in_work.get(one.pk, ""),
        )
        for one in orders
    ]


def _sendable(
    order: Order,
    contact: OrderContact,
    *,
    places: frozenset[int],
    group_id: int | None,
    planned: bool,
    by_platform: bool,
    busy: str,
) -> Sendable:
    to = contact.shipping or {}
    fields = ("country", "region", "city", "postcode", "line1", "line2")
    return Sendable(
        order=order,
        masked=bool(to.get("masked")) or not to,
        address=tuple(search_form(str(to.get(name) or "")) for name in fields),
        recipient=search_form(str(to.get("name") or "") or contact.buyer_name),
        phone=contact.phone_key,
        email=contact.email_key,
        places=places,
        group_id=group_id,
        planned=planned,
        by_platform=by_platform,
        busy=busy,
    )


def _places(lines: Mapping[int, int]) -> dict[int, frozenset[int]]:
    owners = {line_reference(pk): order_id for pk, order_id in lines.items()}
    rows = Reservation.objects.filter(reference__in=list(owners), bucket=Bucket.RESERVED, quantity__gt=0)
    found: dict[int, set[int]] = defaultdict(set)
    for reference, warehouse_id in rows.values_list("reference", "warehouse_id"):
        found[owners[reference]].add(warehouse_id)
    return {pk: frozenset(places) for pk, places in found.items()}


# --- deciding --------------------------------------------------------------------------------------------------------


def unfit(one: Sendable) -> Reason | None:
    """Say why an order goes with no other; None when it could."""
    order = one.order
    if order.state == State.UNPAID:
        return "unpaid", {}
    if order.shipped_at is not None or order.state == State.PARTLY_SHIPPED:
        return "partly_shipped", {}
    if order.state not in WAITING:
        return "merge_state", {"state": str(order.get_state_display())}
    if order.pending_version_id is not None:
        return "edit_waiting", {}
    return _unfit_goods(one)


def _unfit_goods(one: Sendable) -> Reason | None:
    if one.order.test:
        return "merge_test", {}
    if one.by_platform:
        return "merge_platform", {}
    if one.planned:
        return "merge_parts", {}
    if one.busy:
        return "merge_busy", {"why": one.busy}
    if not one.order.buyer_key:
        return "merge_no_buyer", {}
    return ("merge_places", {}) if len(one.places) > 1 else None


def apart(one: Sendable, other: Sendable, allowed: Circles) -> Reason | None:
    """Say why two orders that are fit do not go together; None when they may."""
    named = {"other": other.order.number}
    if not allowed.allow(one.order.shop_id, other.order.shop_id):
        return "merge_shop", named
    if not _same_buyer(one, other):
        return "merge_buyer", named
    where = _other_address(one, other)
    if where is not None:
        return where, named
    if one.places and other.places and one.places != other.places:
        return "merge_place", named
    return None


def _same_buyer(one: Sendable, other: Sendable) -> bool:
    """Two shops may both have a buyer 123: there the e-mail or the phone has to be the same as well."""
    if one.order.buyer_key != other.order.buyer_key:
        return False
    if one.order.shop_id == other.order.shop_id:
        return True
    return bool(one.email and one.email == other.email) or bool(one.phone and one.phone == other.phone)


def _other_address(one: Sendable, other: Sendable) -> str | None:
    if one.masked or other.masked:
        key = one.order.address_key
        same = one.masked and other.masked and bool(key) and key == other.order.address_key
        return None if same else "merge_masked"
    if one.address != other.address:
        return "merge_address"
    return None if one.recipient == other.recipient else "merge_recipient"


def sets(fit: Iterable[Sendable], allowed: Circles) -> list[list[Sendable]]:
    """Put orders that may go together into sets: each fits every other of its set."""
    found: list[list[Sendable]] = []
    for one in fit:
        home = next((each for each in found if all(apart(one, other, allowed) is None for other in each)), None)
        if home is None:
            found.append([one])
        else:
            home.append(one)
    return found
