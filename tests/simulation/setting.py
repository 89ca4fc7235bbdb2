"""The small house that a simulation plays in: warehouses, shops, goods, accounts; three ways to arrange them."""

import dataclasses
import datetime as dt
from decimal import Decimal

from channels import accounts, listings
from channels.models import Account
from channels.models import RemoteLocation as Location
from channels.push import send
from channels.registry import PLATFORMS as CONNECTORS
from inventory import demo as stock
from inventory.models import Barcode, BundlePart, Pack, Product, Shop, ShopWarehouse, Sku, Warehouse
from orders.desk.checks import KEYWORDS
from orders.models import CheckSetting
from tests.simulation import connector
from tests.simulation.platform import Platform

PARTS = {"B1": {"S1": 1, "S2": 2}, "B2": {"S3": 2, "S4": 1}}
STOCKED = ("S1", "S2", "S3", "S4", "S5", "S6", "X9")
BOX = 6  # pieces of S5 in its box
# arrangement → shop → (warehouses by preference, locations over there)
ARRANGEMENTS = (
    {"A": (("W1",), ("L1",)), "B": (("W1",), ("",)), "C": (("W1",), ())},
    {"A": (("W1", "W2"), ("L1", "L2")), "B": (("W1",), ("",)), "C": (("W2",), ())},
    {"A": (("W1",), ("L1",)), "B": (("W2", "W1"), ("",)), "C": (("W1", "W2"), ())},
)
# shop → listing → (SKU text, barcode text, SKU it truly is, pieces a unit)
LISTED = {
    "A": {
        "a1": ("S1", "", "S1", 1),
        "a2": ("s2 ", "", "S2", 1),
        "a3": ("", "bar-S3", "S3", 1),
        "a5": ("", "box-S5", "S5", BOX),
        "a6": ("S6", "bar-S6", "S6", 1),
        "ab": ("B1", "", "B1", 1),
        "av": ("V1", "", "V1", 1),
    },
    "B": {
        "b1": ("S1", "", "S1", 1),
        "b2": ("Ｓ2", "", "S2", 1),
        "b4": ("S4", "", "S4", 1),
        "b5": ("S5", "", "S5", 1),
        "bb": ("B2", "", "B2", 1),
        "b9": ("X9", "", None, 1),  # becomes X9 when somebody makes that SKU
    },
    "C": {"S1": ("S1", "", "S1", 1), "S3": ("S3", "", "S3", 1), "B1": ("B1", "", "B1", 1)},
}


@dataclasses.dataclass(slots=True)
class House:
    """Ids by the names that the model uses."""

    shops: dict
    warehouses: dict
    skus: dict
    accounts: dict
    platforms: dict
    arrangement: dict

    def sku_name(self, pk):
        """The name of a SKU."""
        return next(name for name, own in self.skus.items() if own == pk)

    def place_name(self, pk):
        """The name of a warehouse."""
        return next(name for name, own in self.warehouses.items() if own == pk)


def build(rng, now, arrangement):
    """Make the rows and the platforms, connect them, fill the shelves; returns (house, opening stock)."""
    CONNECTORS.update(
        sim_comparing="tests.simulation.connector.ComparingConnector",
        sim_plain="tests.simulation.connector.PlainConnector",
    )
    send.PULL_PATIENCE = 0.0  # everybody is in one thread: waiting for another would be for ever
    start = now() - dt.timedelta(days=1)
    warehouses = {code: Warehouse.objects.create(code=code, name=code).pk for code in ("W1", "W2")}
    skus = _goods(start)
    shops = {code: _shop(code, arrangement[code][0], warehouses, start) for code in "ABC"}
    CheckSetting.objects.update_or_create(code="duplicate", defaults={"enabled": False, "params": {}})
    CheckSetting.objects.update_or_create(code="keyword", defaults={"params": {"words": KEYWORDS}})
    platforms = {
        "A": Platform("A", rng, now, compares=True, locations=arrangement["A"][1]),
        "B": Platform("B", rng, now, compares=False),
    }
    house = House(shops, warehouses, skus, {}, platforms, arrangement)
    opening = _fill_shelves(rng, house, now)
    for code in "AB":
        house.accounts[code] = _connect(house, code, start)
    return house, opening


def _goods(start):
    product = Product.objects.create(name="Goods", created_at=start)
    names = [name for name in STOCKED if name != "X9"]
    kinds = dict.fromkeys(names, "stocked") | dict.fromkeys(PARTS, "bundle") | {"V1": "virtual"}
    skus = {
        name: Sku.objects.create(product=product, code=name, name=f"Goods {name}", kind=kind).pk
        for name, kind in kinds.items()
    }
    for bundle, parts in PARTS.items():
        for part, count in parts.items():
            BundlePart.objects.create(bundle_id=skus[bundle], part_id=skus[part], quantity=count, valid_from=start)
    for name in ("S3", "S6"):
        Barcode.objects.create(sku_id=skus[name], code=f"bar-{name}")
    box = Pack.objects.create(sku_id=skus["S5"], name="box", quantity=BOX)
    Barcode.objects.create(sku_id=skus["S5"], code="box-S5", pack=box)
    return skus


def make_missing_sku(house):
    """Somebody enters the SKU that a listing has been waiting for."""
    product = Product.objects.get(name="Goods")
    house.skus["X9"] = Sku.objects.create(product=product, code="X9", name="Goods X9", kind="stocked").pk


def _shop(code, places, warehouses, start):
    shop = Shop.objects.create(code=code, name=f"Shop {code}", currency="CNY", country="CN")
    for priority, place in enumerate(places, start=1):
        ShopWarehouse.objects.create(shop=shop, warehouse_id=warehouses[place], priority=priority, valid_from=start)
    return shop.pk


def _fill_shelves(rng, house, now):
    opening = {
        (sku, place): rng.randint(4, 30) for sku in house.skus if sku.startswith("S") for place in house.warehouses
    }
    rows = [stock.Arrival(sku, place, Decimal(count), Decimal("3.5")) for (sku, place), count in opening.items()]
    stock.receive(arrivals=rows, document="sim.opening", at=now(), reason="opening", actor="task:sim")
    return opening


def _connect(house, code, start):
    platform = house.platforms[code]
    for listing, (sku, barcode, _true, _per) in LISTED[code].items():
        platform.list_item(listing, sku, barcode=barcode, stock=1000 if sku in ("V1", "X9") else 0)
    url = f"http://{code.lower()}.sim"
    connector.PLATFORMS[url] = platform
    account = Account.objects.create(
        shop_id=house.shops[code],
        platform="sim_comparing" if platform.compares else "sim_plain",
        name=code,
        base_url=url,
        external_shop_id=code,
        go_live_at=start,
        checked_at=start,
        zero_brake=1000,
    )
    accounts.ready(account)
    listings.sync(account.pk)
    locations = house.arrangement[code][1]
    for name, place in zip(locations, house.arrangement[code][0], strict=False) if len(locations) > 1 else ():
        location = Location.objects.get(account=account, external_id=name)
        listings.link(location=location, warehouse_id=house.warehouses[place], actor="user:1 owner")
    accounts.switch_writes(account=account, on=True, actor="user:1 owner")
    return account.pk
