"""What a person does to a lot: say when it expires, block it, open it again. All of it told to the shops at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import transaction

from backoffice import audit, clock, locks
from inventory import balances, codes, ledger
from inventory.balances import Locked
from inventory.lots import registry, writing
from inventory.lots.errors import refused
from inventory.lots.saying import Said
from inventory.lots.shelf import shelves
from inventory.models import Balance, Lot, LotBlock, Reason
from inventory.sets import Pair

State = Lot.State


@transaction.atomic
def announce(*, sku_id: int, code: str, said: Sequence[Said]) -> None:
    """Make the lots somebody names for goods that come in; a lot without expiry date gets the one that is said.

    Raises LotRefused (expiry_differs) when a lot that stands has another date: one of the two is a slip of the pen.
    """
    announce_all({sku_id: (code, said)})


@transaction.atomic
def announce_all(coming: Mapping[int, tuple[str, Sequence[Said]]]) -> None:
    """Do the same for several SKUs, by their id with their code: three statements for any number of lots.

    The refusal names `lots[SKU id].expires_on` where there are several.
    """
    registry.make((sku_id, one.number) for sku_id, (_code, said) in coming.items() for one in said)
    wanted = {(pk, codes.normalise(one.number)): one for pk, (_code, said) in coming.items() for one in said}
    given = []
    rows = Lot.objects.filter(sku_id__in=list(coming), number_key__in=sorted({key for _sku, key in wanted}))
    for lot in rows if wanted else ():
        one = wanted.get((lot.sku_id, lot.number_key))
        if one is None or one.expires_on is None or lot.expires_on == one.expires_on:
            continue
        if lot.expires_on is not None:
            field = f"lots[{lot.sku_id}].expires_on" if len(coming) > 1 else ""
            raise refused("expiry_differs", field=field, lot=lot.number, sku=coming[lot.sku_id][0],
                          stands=lot.expires_on, said=one.expires_on)  # fmt: skip
        lot.expires_on = one.expires_on
        given.append(lot)
    Lot.objects.bulk_update(given, ["expires_on"])


@transaction.atomic
def block(*, lot_id: int, reason: str, actor: str = "") -> Lot:
    """Hold a lot back: it is not sold, not reserved, not picked. What is reserved stays and waits for other lots.

    Raises LotRefused without a reason, or when it is blocked already.
    """
    lot, locked = _locked(lot_id)
    _judge(lot, State.BLOCKED, reason)
    lot.state, lot.blocked_reason = State.BLOCKED, reason.strip()[:300]
    lot.save(update_fields=["state", "blocked_reason"])
    who = actor or audit.current_actor().name
    LotBlock.objects.create(lot=lot, reason=lot.blocked_reason, blocked_by=who[:150])
    audit.record(action="lot.block", target=lot, summary=lot.blocked_reason, actor=actor)
    refresh(locked)
    return lot


@transaction.atomic
def unblock(*, lot_id: int, reason: str, actor: str = "") -> Lot:
    """Let a lot be sold again. Raises LotRefused without a reason, or when it is open."""
    lot, locked = _locked(lot_id)
    _judge(lot, State.OPEN, reason)
    lot.state, lot.blocked_reason = State.OPEN, ""
    lot.save(update_fields=["state", "blocked_reason"])
    who = actor or audit.current_actor().name
    LotBlock.objects.filter(lot=lot, opened_at__isnull=True).update(
        opened_at=clock.now(), opened_by=who[:150], opened_reason=reason.strip()[:300]
    )
    audit.record(action="lot.unblock", target=lot, summary=reason.strip()[:300], actor=actor)
    refresh(locked)
    return lot


@transaction.atomic
def correct(
    *, lot_id: int, expires_on: dt.date | None, made_on: dt.date | None, supplier_reference: str, note: str,
    actor: str = "",
) -> Lot:  # fmt: skip
    """Correct what is known of a lot; another expiry date counts from this moment."""
    lot, locked = _locked(lot_id)
    before = _told(lot)
    lot.expires_on, lot.made_on = expires_on, made_on
    lot.supplier_reference, lot.note = supplier_reference[:100], note[:300]
    lot.save(update_fields=["expires_on", "made_on", "supplier_reference", "note"])
    audit.record(action="lot.correct", target=lot, before=before, after=_told(lot), actor=actor)
    refresh(locked)
    return lot


def _judge(lot: Lot, state: str, reason: str) -> None:
    if not reason.strip():
        raise refused("reason_missing", field="reason")
    if lot.state == state:
        raise refused("state_already", lot=lot, state=lot.get_state_display())


def _locked(lot_id: int) -> tuple[Lot, Mapping[Pair, Locked]]:
    """The lot and every balance of its SKU under our lock: nobody reserves of it meanwhile."""
    sku_id = Lot.objects.values_list("sku_id", flat=True).get(pk=lot_id)
    locked = balances.lock(Balance.objects.filter(sku_id=sku_id).values_list("sku_id", "warehouse_id"))
    return locks.locked_rows(Lot.objects.filter(pk=lot_id))[0], locked


def refresh(locked: Mapping[Pair, Locked]) -> Collection[Pair]:
    """Work out anew what of locked balances may be sold, and tell the shops where it changed."""
    tracked = {pair: one for pair, one in locked.items() if one.tracking}
    for pair, shelf in shelves((pair, one.tracking) for pair, one in tracked.items()).items():
        tracked[pair].shelf = shelf
    changed = writing.keep_unsellable(tracked.values())
    if changed:
        ledger.announce(dict.fromkeys(changed, Reason.POLICY.value))
    return changed


def _told(lot: Lot) -> dict[str, str]:
    fields: Iterable[str] = ("expires_on", "made_on", "supplier_reference", "note")
    return {name: str(getattr(lot, name) or "") for name in fields}
