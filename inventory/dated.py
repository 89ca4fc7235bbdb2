"""Change what is true from now on without forgetting what was: close the open row, open the next."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock
from backoffice.errors import YikuError
from inventory import catalogue, ledger
from inventory.models import Balance, BundlePart, Reason, ShopWarehouse, StockPolicy

Row = TypeVar("Row", BundlePart, ShopWarehouse, StockPolicy)
POLICY_TERMS = ("buffer", "share", "cap", "stop_below", "presale", "paused", "reason")


class AlreadyClosed(YikuError):
    """The row is history: somebody changed it meanwhile."""

    def __init__(self) -> None:
        super().__init__("already_closed", _("This row has been replaced meanwhile. Open the current one."))


@transaction.atomic
def replace(row: Row, changes: Mapping[str, Any], *, actor: str = "", at: dt.datetime | None = None) -> Row:
    """Close `row` and open a copy with `changes` from the same moment. Without a change the row stays as it is.

    Raises AlreadyClosed when somebody was faster. Shops are told through the stock changes of the SKUs concerned.
    """
    if all(getattr(row, name) == value for name, value in changes.items()):
        return row
    moment = at or clock.now()
    close(row, actor=actor, at=moment, tell=False)
    copied = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    after = type(row)(**{**copied, **changes, "valid_from": moment, "valid_to": None})
    if isinstance(after, StockPolicy):
        after.created_by = actor or audit.current_actor().name
    after.save()
    audit.record(
        action="dated.replace",
        target=after,
        actor=actor,
        before={name: _text(getattr(row, name)) for name in changes},
        after={name: _text(value) for name, value in changes.items()},
    )
    announce(after)
    return after


@transaction.atomic
def close(row: Row, *, actor: str = "", at: dt.datetime | None = None, tell: bool = True) -> None:
    """Let the row end now. Raises AlreadyClosed when it has ended."""
    moment = at or clock.now()
    mine = type(row)._default_manager.filter(pk=row.pk, valid_to__isnull=True)
    if not mine.update(valid_to=moment):
        raise AlreadyClosed
    row.valid_to = moment
    if tell:
        audit.record(action="dated.close", target=row, actor=actor)
        announce(row)


@transaction.atomic
def open_row(row: Row, *, actor: str = "") -> Row:
    """Save a new row and tell the shops."""
    if isinstance(row, StockPolicy):
        row.created_by = actor or audit.current_actor().name
    row.save()
    audit.record(action="dated.open", target=row, actor=actor)
    announce(row)
    return row


def set_policy(*, shop_id: int | None, sku_id: int | None, actor: str = "", **terms: Any) -> StockPolicy:
    """Bring the policy of a shop and SKU (None: all) to these terms; terms not named stay as they are."""
    unknown = set(terms) - set(POLICY_TERMS)
    if unknown:
        raise ValueError(f"A stock policy has no {', '.join(sorted(unknown))}.")
    open_rows = StockPolicy.objects.filter(valid_to__isnull=True)
    for path, pk in (("shop", shop_id), ("sku", sku_id)):
        open_rows = open_rows.filter(**({f"{path}__isnull": True} if pk is None else {f"{path}_id": pk}))
    standing = open_rows.first()
    if standing:
        return replace(standing, terms, actor=actor)
    return open_row(StockPolicy(shop_id=shop_id, sku_id=sku_id, **terms), actor=actor)


def announce(row: BundlePart | ShopWarehouse | StockPolicy) -> None:
    """Tell every listener that figures may differ although no goods moved."""
    if isinstance(row, BundlePart):
        pairs = set(itertools.product([row.part_id], _places(None)))
    elif isinstance(row, ShopWarehouse):
        pairs = set(_balances().filter(warehouse_id=row.warehouse_id))
    elif row.sku_id:
        pairs = set(itertools.product(_with_parts(row.sku_id), _places(row.shop_id)))
    else:
        pairs = set(_balances().filter(warehouse_id__in=_places(row.shop_id)))
    if pairs:
        ledger.announce(dict.fromkeys(sorted(pairs), Reason.POLICY.value))


def _balances() -> QuerySet[Balance, tuple[int, int]]:
    return Balance.objects.values_list("sku_id", "warehouse_id")


def _places(shop_id: int | None) -> list[int]:
    """The warehouses a shop (None: any shop) sells from."""
    links = ShopWarehouse.objects.filter(valid_to__isnull=True)
    chosen = links.filter(shop_id=shop_id) if shop_id else links
    return list(chosen.values_list("warehouse_id", flat=True).distinct())


def _with_parts(sku_id: int) -> list[int]:
    """A bundle is shown anew when one of its parts is."""
    return [sku_id, *(part for part, _per in catalogue.parts_at([sku_id]).get(sku_id, ()))]


def _text(value: Any) -> Any:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value if value is None else str(value)
