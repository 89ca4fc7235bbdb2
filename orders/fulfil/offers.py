"""What it costs to send an order: the offers of every carrier that collects where its goods lie, cheapest first."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_UP, Decimal

from backoffice import clock
from backoffice.errors import YikuError
from finance import currencies, rates
from inventory.models import Sku
from orders.carriers.base import Capability, CarrierError, Piece, Place
from orders.carriers.registry import adapter_for, can
from orders.fulfil import labels, parcels
from orders.fulfil.carrier_words import sentence
from orders.fulfil.papers import gather
from orders.fulfil.papers.errors import PaperError
from orders.fulfil.picking import pieces_per_unit
from orders.models import CarrierAccount, CarrierService, Label, Order, OrderLine, SenderAddress

DEFAULT_WEIGHT = 500  # grams, when no SKU says what it weighs


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """From where an order goes out, and about how heavy: what is reserved there and not sent yet."""

    warehouse_id: int
    weight_g: int
    known: bool  # every SKU says what it weighs
    places: tuple[int, ...] = ()  # all warehouses that hold goods of it, the one with most first

    def within(self, seen: frozenset[int] | None) -> Plan | None:
        """Return the plan from a warehouse the person sees; None when they see none that holds goods of it."""
        mine = [place for place in self.places if seen is None or place in seen]
        return dataclasses.replace(self, warehouse_id=mine[0]) if mine else None


def plans_of(order_ids: Sequence[int]) -> dict[int, Plan]:
    """Return the plan of each order that holds goods; constant queries. The warehouse with most pieces is named."""
    lines = list(OrderLine.objects.filter(order__in=order_ids, quantity__gt=0).order_by("position"))
    held = parcels.holdings([one.pk for one in lines])
    parts = parcels.parts_of([one.pk for one in lines])
    skus = {sku_id for holding in held.values() for sku_id, _place in holding}
    skus |= {one.sku_id for one in lines if one.sku_id} | {sku for one in parts.values() for sku, _each in one}
    weights: dict[int, int | None] = dict(Sku.objects.filter(pk__in=skus).values_list("pk", "weight_g"))
    by_order: dict[int, list[OrderLine]] = defaultdict(list)
    for line in lines:
        by_order[line.order_id].append(line)
    found = {}
    for order_id, own in by_order.items():
        plan = plan_from(own, held, parts, weights)
        if plan is not None:
            found[order_id] = plan
    return found


def plan_from(
    lines: Sequence[OrderLine], held: Mapping[int, Mapping[tuple[int, int], Decimal]], parts: parcels.Parts,
    weights: Mapping[int, int | None],
) -> Plan | None:  # fmt: skip
    """Return the plan of one order from what was read of it already; None when it holds nothing."""
    places: dict[int, Decimal] = defaultdict(Decimal)
    grams, known = Decimal(0), True
    for line in lines:
        for (_sku, place), pieces in held.get(line.pk, {}).items():
            places[place] += pieces
        left = line.quantity - line.shipped_quantity
        for sku_id, each in pieces_per_unit(line, parts.get(line.pk, ())).items() if line.stocked and left > 0 else ():
            each_weighs = weights.get(sku_id)
            known = known and bool(each_weighs)
            grams += (each_weighs or 0) * each * left
    if not places:
        return None
    ordered = sorted(places, key=lambda place: (-places[place], place))
    weight = int(grams.to_integral_value(ROUND_UP)) or DEFAULT_WEIGHT
    return Plan(ordered[0], weight, known, tuple(ordered))


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """One service for one parcel; `base` is the price in the base currency, None without a rate."""

    service: CarrierService
    amount: Decimal
    currency: str
    base: Decimal | None
    days: int | None
    usual: bool = False
    cheapest: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Offers:
    """All offers, cheapest first, and the carriers that did not answer: (name, why)."""

    rows: Sequence[Offer]
    silent: Sequence[tuple[str, str]] = ()


def accounts(warehouse_id: int) -> list[CarrierAccount]:
    """Return the carriers in use that collect from a warehouse."""
    rows = CarrierAccount.objects.filter(active=True).select_related("credential", "default_service")
    return [one for one in rows.prefetch_related("warehouses", "services") if labels.serves(one, warehouse_id)]


def offers(order: Order, *, warehouse_id: int, piece: Piece) -> Offers:
    """Ask every carrier what the parcel costs. Raises PaperError no_address, masked_address."""
    to = Place(**dataclasses.asdict(gather.recipient(order)))
    sender = SenderAddress.objects.filter(warehouse=warehouse_id).first()
    home = Place(**dataclasses.asdict(gather.address_facts(sender))) if sender is not None else Place(name="")
    found: list[Offer] = []
    silent: list[tuple[str, str]] = []
    for account in accounts(warehouse_id):
        if not can(account, Capability.RATES):
            continue
        try:
            found += _of_account(account, home, to, piece)
        except CarrierError as error:
            silent.append((account.name, sentence(f"{error.code}: {error.message}")))
        except YikuError as error:
            silent.append((account.name, str(error)))
    found.sort(key=lambda one: (one.base is None, one.base if one.base is not None else one.amount, one.service.pk))
    if found:
        found[0] = dataclasses.replace(found[0], cheapest=True)
    return Offers(found, silent)


def _of_account(account: CarrierAccount, home: Place, to: Place, piece: Piece) -> list[Offer]:
    services = {one.code: one for one in account.services.all() if one.active}
    for one in services.values():
        one.account = account
    return [
        Offer(
            services[rate.service], rate.amount, rate.currency, in_base(rate.amount, rate.currency), rate.days,
            usual=services[rate.service].pk == account.default_service_id,
        )
        for rate in adapter_for(account).rates(sender=home, recipient=to, piece=piece)
        if rate.service in services
    ]  # fmt: skip


def in_base(amount: Decimal, currency: str) -> Decimal | None:
    """Return an amount in the base currency, None when no rate is known."""
    if currency == currencies.base_code():
        return amount
    try:
        return rates.to_base(amount, currency, clock.now().date())
    except YikuError:
        return None


def buy_for(
    *, order: Order, plan: Plan | None, how: str, actor: str, key: str, warehouses: frozenset[int] | None
) -> labels.BuyOutcome:  # fmt: skip
    """Buy the label of one order of many: `how` is a service's key, or `cheapest`. A refusal is an outcome.

    With `cheapest` the service that is wished for the order goes first.

    An order that has a label keeps it.
    """
    known = labels.current(order.pk)
    if known is not None:
        return labels.BuyOutcome(order.pk, order.number, "", known)
    try:
        if plan is None:
            raise PaperError("order_not_ready", number=order.number, state=order.get_state_display())
        plan = plan.within(warehouses)
        if plan is None:
            raise PaperError("not_yours")
        service_id = int(how) if how.isdecimal() else _wished(order, plan) or _cheapest(order, plan)
        wish = labels.Wish(
            order_id=order.pk, service_id=service_id, warehouse_id=plan.warehouse_id, weight_g=plan.weight_g, key=key
        )
        label = labels.buy(wish=wish, actor=actor, warehouses=warehouses)
    except YikuError as error:
        return labels.BuyOutcome(order.pk, order.number, str(error))
    return labels.outcome_of(order, label)


def _wished(order: Order, plan: Plan) -> int | None:
    """The service wished for the order, while it is in use and collects there."""
    if order.carrier_service_id is None:
        return None
    rows = CarrierService.objects.filter(pk=order.carrier_service_id, active=True, account__active=True)
    service = rows.select_related("account").first()
    return service.pk if service is not None and labels.serves(service.account, plan.warehouse_id) else None


def _cheapest(order: Order, plan: Plan) -> int:
    found = offers(order, warehouse_id=plan.warehouse_id, piece=Piece(weight_g=plan.weight_g))
    if not found.rows:
        raise PaperError("no_carrier")
    return found.rows[0].service.pk


def spent(labels_of_it: Sequence[Label]) -> list[tuple[Decimal, str]]:
    """Return what labels cost that were not taken back, by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for label in labels_of_it:
        if label.cost is not None and label.state != Label.State.VOID:
            sums[label.currency] += label.cost
    return [(amount, currency) for currency, amount in sums.items()]
