"""The demo company's rows of inventory: catalogue, places, policies, staff with what they may see, and stock."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.db import transaction

from backoffice.models import User
from inventory import codes, demo_imports, demo_lots, demo_transfers, ledger
from inventory.models import (
    Access,
    Balance,
    Barcode,
    BundlePart,
    Pack,
    Product,
    Reason,
    Shop,
    ShopWarehouse,
    Sku,
    StockPolicy,
    Warehouse,
)

if TYPE_CHECKING:
    from fixtures.catalogue import Catalogue, ProductSeed, SkuSeed
    from fixtures.company import Company, StaffSeed


@dataclasses.dataclass(frozen=True, slots=True)
class Arrival:
    """Goods that came in: pieces of a SKU in a warehouse, by code, at a unit cost in the base currency."""

    sku: str
    warehouse: str
    quantity: Decimal
    unit_cost: Decimal


@transaction.atomic
def load(*, company: Company, since: dt.datetime) -> None:
    """Add what is missing of the company; everything effective-dated holds from `since`. Safe to repeat."""
    load_places(company, since)
    load_catalogue(company.catalogue, since)
    load_policies(company, since)
    for person in company.staff:
        load_person(company, person)
    demo_imports.load()


def load_places(company: Company, since: dt.datetime) -> None:
    """Add warehouses, shops and which shop sells from where."""
    for place in company.warehouses:
        columns = dataclasses.asdict(place)
        Warehouse.objects.get_or_create(code=columns.pop("code"), defaults=columns)
    warehouses = {row.code: row for row in Warehouse.objects.all()}
    for seed in company.shops:
        names = ("name", "name_en", "currency", "country", "time_zone")
        shop, _made = Shop.objects.get_or_create(code=seed.code, defaults={n: getattr(seed, n) for n in names})
        for priority, code in enumerate(seed.warehouses, start=1):
            defaults = {"priority": priority, "valid_from": since}
            ShopWarehouse.objects.get_or_create(shop=shop, warehouse=warehouses[code], defaults=defaults)


def load_catalogue(catalogue: Catalogue, since: dt.datetime) -> None:
    """Add the products and SKUs that are missing, with packs, barcodes and bundle parts."""
    known = set(Sku.objects.values_list("code_key", flat=True))
    for seed in catalogue.products:
        fresh = [sku for sku in seed.skus if codes.normalise(sku.code) not in known]
        if fresh:
            _add_product(seed, fresh, since)
    ids = dict(Sku.objects.values_list("code", "pk"))
    BundlePart.objects.bulk_create(
        BundlePart(bundle_id=ids[sku.code], part_id=ids[part], quantity=Decimal(count), valid_from=since)
        for sku in catalogue.skus()
        if codes.normalise(sku.code) not in known
        for part, count in sku.parts
    )


def _add_product(seed: ProductSeed, skus: Sequence[SkuSeed], since: dt.datetime) -> None:
    product = Product.objects.create(
        name=seed.name,
        name_en=seed.name_en,
        brand=seed.brand,
        category=f"{seed.category} / {seed.category_en}",
        created_at=since,
    )
    rows = Sku.objects.bulk_create(_sku(product, sku) for sku in skus)
    for row, sku in zip(rows, skus, strict=True):
        Barcode.objects.bulk_create(Barcode(sku=row, code=code) for code in sku.barcodes)
        for pack in sku.packs:
            made = Pack.objects.create(sku=row, name=pack.name, quantity=Decimal(pack.quantity))
            Barcode.objects.create(sku=row, code=pack.barcode, pack=made)


def _sku(product: Product, seed: SkuSeed) -> Sku:
    length, width, height = seed.size_mm
    return Sku(
        product=product,
        code=seed.code,
        code_key=codes.checked(seed.code),
        name=seed.name,
        name_en=seed.name_en,
        kind=seed.kind,
        weight_g=seed.weight_g or None,
        length_mm=length or None,
        width_mm=width or None,
        height_mm=height or None,
        hs_code=seed.hs_code,
        origin="CN" if seed.kind != "virtual" else "",
        list_price=seed.price,
        low_stock=Decimal(2 + seed.sold) if seed.kind == "stocked" else None,
    )


def load_policies(company: Company, since: dt.datetime) -> None:
    """Add the stock policies that are not there yet."""
    shops = {row.code: row for row in Shop.objects.all()}
    skus = {row.code: row for row in Sku.objects.filter(code__in=[one.sku for one in company.policies])}
    for seed in company.policies:
        shop, sku = shops.get(seed.shop), skus.get(seed.sku)
        StockPolicy.objects.get_or_create(
            shop=shop,
            sku=sku,
            valid_to=None,
            defaults={
                "buffer": Decimal(seed.buffer),
                "share": Decimal(seed.share),
                "cap": None if seed.cap is None else Decimal(seed.cap),
                "stop_below": Decimal(seed.stop_below),
                "paused": seed.paused,
                "reason": seed.reason,
                "created_by": "demo",
                "valid_from": since,
            },
        )


def load_person(company: Company, seed: StaffSeed) -> None:
    """Add a person with role and access. The password is public: the demo runs on this machine only (DEMO=1)."""
    user, made = User.objects.get_or_create(
        username=seed.username,
        defaults={
            "first_name": seed.name,
            "last_name": seed.name_en,
            "email": f"{seed.username}@example.com",
            "language": seed.language,
            "is_staff": True,
            "is_superuser": seed.superuser,
        },
    )
    if not made:
        return
    user.set_password(company.password)
    user.save(update_fields=["password"])
    user.groups.add(Group.objects.get(name=seed.role))
    access, _made = Access.objects.get_or_create(
        user=user, defaults={"all_shops": True, "all_warehouses": not seed.warehouses}
    )
    access.warehouses.set(Warehouse.objects.filter(code__in=seed.warehouses))


def receive(
    *, arrivals: Iterable[Arrival], document: str, at: dt.datetime, reason: str = Reason.RECEIPT, actor: str = ""
) -> int:
    """Post goods in through the ledger; the same document again changes nothing. Returns how many entries are new."""
    rows = list(arrivals)
    skus = dict(Sku.objects.filter(code__in={row.sku for row in rows}).values_list("code", "pk"))
    places = dict(Warehouse.objects.values_list("code", "pk"))
    entries = [
        ledger.EntryDraft(
            key=f"{document}/{number}",
            sku_id=skus[row.sku],
            warehouse_id=places[row.warehouse],
            quantity=row.quantity,
            reason=reason,
            reference=document,
            unit_cost=row.unit_cost,
            occurred_at=at,
        )
        for number, row in enumerate(rows, start=1)
    ]
    return len(ledger.post(entries=entries, actor=actor).posted) if entries else 0


def finish() -> None:
    """Add what the stories do not tell: transfers under way, a pre-built SKU."""
    demo_transfers.finish()
    demo_lots.finish()


def free_stock() -> dict[tuple[str, str], Decimal]:
    """Return what is on hand and promised to nobody, by SKU code and warehouse code; below zero when oversold."""
    rows = Balance.objects.values_list("sku__code", "warehouse__code", "on_hand", "reserved", "demand")
    return {(sku, place): on_hand - reserved - demand for sku, place, on_hand, reserved, demand in rows}
