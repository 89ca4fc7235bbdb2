"""Build pre-built SKUs from their parts, take them apart again, undo either: value goes along to the cent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import access, balances, ledger
from inventory.balances import Locked
from inventory.ledger import EntryDraft
from inventory.lots.building import Building, Pairs, Words
from inventory.models import Assembly, AssemblyLine, Reason, RecipePart, Sku, Warehouse
from inventory.sets import Pair

Kind, State = Assembly.Kind, Assembly.State
CENT = Decimal("0.0001")  # the smallest amount the books hold
MOST, THOUSANDTH = Decimal(10_000_000), Decimal("0.001")
ZERO = Decimal(0)
NOTHING = Words()  # nobody said anything of lots
Lots = Mapping[int, Pairs]


class AssemblyRefused(YikuError):
    """Nothing was built or taken apart; the sentence says why."""


def shared(value: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """Share a value by weight, rounded down, the remainder to the last: the shares are never below zero and add up."""
    whole = sum(weights, ZERO)
    weighted = weights if whole > 0 else [Decimal(1)] * len(weights)
    whole = whole if whole > 0 else Decimal(len(weights))
    parts = [(value * one / whole).quantize(CENT, rounding=ROUND_DOWN) for one in weighted[:-1]]
    return [*parts, value - sum(parts, ZERO)]


def assemble(
    *,
    kind: str,
    warehouse: Warehouse,
    sku: Sku,
    quantity: Decimal,
    user: User | None,
    labour: Decimal = ZERO,
    note: str = "",
    once: str = "",
    words: Words = NOTHING,
) -> Assembly:
    """Build so many pieces from parts, or take so many apart; the same click (`once`) again is the same assembly.

    Built pieces are worth their parts plus the labour cost; parts of a piece taken apart share its value by their own
    average cost there. `words` say which lots leave and come; else what leaves does so first expired first, what is
    built makes a new lot, what is taken apart goes into the lots it was built from. Raises AssemblyRefused without a
    recipe or for a closed warehouse, NegativeStock naming what is not there unreserved, LotRefused naming the field.
    """
    made = Assembly(
        kind=kind, warehouse=warehouse, sku=sku, quantity=quantity, labour=labour if kind == Kind.BUILD else ZERO,
        note=note[:300], once=once or uuid.uuid4().hex, created_at=clock.now(), created_by=user,
    )  # fmt: skip
    known = Assembly.objects.filter(once=made.once).first()
    if known is not None:
        return known
    _check(warehouse, quantity, labour, user)
    try:
        return _post(made, _parts(sku, quantity), words)
    except IntegrityError:  # the other half of a double click
        return Assembly.objects.get(once=made.once)


@transaction.atomic
def proposed(
    *, kind: str, warehouse: Warehouse, sku: Sku, quantity: Decimal, user: User | None, words: Words = NOTHING
) -> Building | None:
    """Return what an assembly would do with lots, nothing posted and nothing held; None where nothing is tracked.

    Raises AssemblyRefused and NegativeStock as `assemble` does, LotRefused for said lots that cannot leave.
    """
    _check(warehouse, quantity, ZERO, user)
    parts = _parts(sku, quantity)
    made = Assembly(kind=kind, warehouse=warehouse, sku=sku, quantity=quantity)
    locked = balances.lock((pk, warehouse.pk) for pk in (sku.pk, *parts))
    never = [pk for pk in (sku.pk, *parts) if (pk, warehouse.pk) not in locked]  # of which nothing ever lay here
    for pk, tracking in Sku.objects.filter(pk__in=never).values_list("pk", "tracking"):
        locked[pk, warehouse.pk] = Locked(0, pk, warehouse.pk, 0, 0, 0, 0, 0, None, tracking=tracking)
    found = Building(made, parts, locked, words)
    if not found.skus:
        return None
    found.enough()
    found.take(strict=False)
    return found


@transaction.atomic
def _post(made: Assembly, parts: Mapping[int, Decimal], words: Words) -> Assembly:
    made.save()
    made.number = f"ZZ{made.pk:06d}"
    locked = balances.lock([(pk, made.warehouse_id) for pk in (made.sku_id, *parts)], create=True)
    lots = Building(made, parts, locked, words).lots()
    values = _build(made, parts, lots) if made.kind == Kind.BUILD else _take_apart(made, parts, lots, locked)
    rows = [AssemblyLine(assembly=made, part_id=pk, quantity=parts[pk], value=values[pk]) for pk in parts]
    AssemblyLine.objects.bulk_create(rows)
    made.save(update_fields=["number", "value"])
    after = {"kind": made.kind, "sku": made.sku.code, "quantity": f"{made.quantity:f}", "at": made.warehouse.code}
    audit.record(action="assembly.post", target=made, summary=made.note, after=after)
    return made


def _check(warehouse: Warehouse, quantity: Decimal, labour: Decimal, user: User | None) -> None:
    if not access.may_see(user, warehouse):
        raise AssemblyRefused("no_such_warehouse", _("There is no such warehouse."), field="warehouse")
    if not warehouse.active or warehouse.read_only:
        message = _("%(warehouse)s is closed or its stock is kept by somebody else: nothing is built there.")
        raise AssemblyRefused("warehouse_closed", message, field="warehouse", params={"warehouse": warehouse})
    whole = quantity.is_finite() and 0 < quantity < MOST and quantity == quantity.quantize(THOUSANDTH)
    if not whole:
        raise AssemblyRefused("bad_quantity", _("The quantity must be above zero."), field="quantity")
    if not labour.is_finite() or labour < 0 or labour != labour.quantize(CENT):
        message = _("The labour cost is an amount of zero or more, with four places at most.")
        raise AssemblyRefused("bad_labour", message, field="labour")


def _parts(sku: Sku, quantity: Decimal) -> dict[int, Decimal]:
    """The pieces of each part, in the order of the recipe."""
    recipe = list(RecipePart.objects.filter(built=sku).select_related("part").order_by("pk"))
    if sku.kind != Sku.Kind.STOCKED or not recipe:
        message = _("“%(code)s” has no recipe: write on the SKU's page what it is built from.")
        raise AssemblyRefused("no_recipe", message, field="sku", params={"code": sku.code})
    stockless = [one.part.code for one in recipe if one.part.kind != Sku.Kind.STOCKED]
    if stockless:
        message = _("These SKUs have no stock of their own: %(codes)s.")
        raise AssemblyRefused("no_stock_of_its_own", message, field="sku", params={"codes": ", ".join(stockless)})
    pieces = {one.part_id: one.quantity * quantity for one in recipe}
    if any(each != each.quantize(THOUSANDTH) for each in pieces.values()):
        message = _("A part would be split finer than a thousandth: choose another quantity.")
        raise AssemblyRefused("too_fine", message, field="quantity")
    return pieces


def _build(made: Assembly, parts: Mapping[int, Decimal], lots: Lots) -> dict[int, Decimal]:
    values = _out(made, parts, lots)
    made.value = sum(values.values(), made.labour)
    _in(made, {made.sku_id: made.quantity}, {made.sku_id: made.value}, lots)
    return values


def _take_apart(
    made: Assembly, parts: Mapping[int, Decimal], lots: Lots, locked: Mapping[Pair, Locked]
) -> dict[int, Decimal]:
    made.value = _out(made, {made.sku_id: made.quantity}, lots)[made.sku_id]
    weights = [_unit_cost(locked[pk, made.warehouse_id]) * quantity for pk, quantity in parts.items()]
    values = dict(zip(parts, shared(made.value, weights), strict=True))
    _in(made, parts, values, lots)
    return values


def _unit_cost(balance: Locked) -> Decimal:
    """The average of the part there, else what it cost last."""
    if balance.on_hand > 0:
        return Decimal(balance.value) / balance.on_hand
    return Decimal(balance.last_cost or 0).scaleb(-5)  # to the same unit: stored money for a stored piece


def _draft(
    made: Assembly, sku_id: int, quantity: Decimal, value: Decimal | None, reason: str = Reason.ASSEMBLY,
    lots: Pairs = (),
) -> EntryDraft:  # fmt: skip
    way = ".undo" if reason == Reason.UNDO else ""
    return EntryDraft(
        key=f"{made.reference}/{sku_id}{way}", sku_id=sku_id, warehouse_id=made.warehouse_id, quantity=quantity,
        reason=reason, reference=made.reference, value=value, lots=lots,
        source=f"{made.reference}/{sku_id}" if reason == Reason.UNDO else "",
    )  # fmt: skip


def _out(made: Assembly, goods: Mapping[int, Decimal], lots: Lots) -> dict[int, Decimal]:
    drafts = [_draft(made, pk, -quantity, None, lots=lots.get(pk, ())) for pk, quantity in goods.items()]
    return {one.sku_id: -one.value for one in ledger.post(entries=drafts).posted}


def _in(made: Assembly, goods: Mapping[int, Decimal], values: Mapping[int, Decimal], lots: Lots) -> None:
    drafts = [_draft(made, pk, quantity, values[pk], lots=lots.get(pk, ())) for pk, quantity in goods.items()]
    ledger.post(entries=drafts)


@transaction.atomic
def undo(*, assembly_id: int, user: User | None, note: str = "") -> Assembly:
    """Post the opposite; goods go back at the value they came with, as far as it is still there.

    Raises AssemblyRefused when it is undone already, NegativeStock when the goods are gone or reserved.
    """
    made = locks.locked_rows(Assembly.objects.filter(pk=assembly_id))[0]
    if made.state != State.POSTED:
        message = _("%(number)s is undone already: %(who)s did it. Nothing was done twice.")
        raise AssemblyRefused("already_done", message, params={"number": made, "who": made.undone_by or "–"})
    if not access.may_see(user, made.warehouse):
        raise AssemblyRefused("no_such_warehouse", _("There is no such warehouse."))
    lines = list(made.lines.order_by("pk"))
    balances.lock([(pk, made.warehouse_id) for pk in (made.sku_id, *(one.part_id for one in lines))], create=True)
    _back(made, lines)
    made.state, made.undone_at, made.undone_by = State.UNDONE, clock.now(), user
    made.save(update_fields=["state", "undone_at", "undone_by"])
    audit.record(action="assembly.undo", target=made, summary=note[:300])
    return made


def _back(made: Assembly, lines: Sequence[AssemblyLine]) -> None:
    """What went out comes in with what the other side gives up: nothing is gained or lost but the labour."""
    reason = Reason.UNDO
    built = _draft(made, made.sku_id, -made.quantity, -made.value, reason)
    if made.kind == Kind.BUILD:
        given = -ledger.post(entries=[built]).posted[0].value
        left = max(given - made.labour, ZERO)
        values = [line.value for line in lines]
        values = values if left == sum(values, ZERO) else shared(left, values)
        ledger.post(
            entries=[
                _draft(made, line.part_id, line.quantity, value, reason)
                for line, value in zip(lines, values, strict=True)
            ]
        )
        return
    gone = ledger.post(entries=[_draft(made, one.part_id, -one.quantity, -one.value, reason) for one in lines])
    value = -sum((one.value for one in gone.posted), ZERO)
    ledger.post(entries=[_draft(made, made.sku_id, made.quantity, value, reason)])
