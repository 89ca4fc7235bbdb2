"""What the model cannot know by itself: the platforms' newest word, and where returned goods were put."""

from orders.models import Shipment, ShipmentGoods
from tests.simulation.model import sum_by_sku


def hear_everything(world):
    """The model learns the platforms' newest word, and what parcels and returns did to the shelves."""
    for name, platform in world.platforms.items():
        for order in platform.orders:
            world.model.heard(name, platform.latest(order))
    look_at_shelves(world)
    for key in returned(world).keys() | world.home.keys():
        listing = world.model.orders[key[:2]]["lines"][key[2]][0]
        came = [(sku, place, pieces) for (sku, place), pieces in world.home.get(key, {}).items()]
        assert sum_by_sku(came) == world.model.pieces(key[0], listing, returned(world).get(key, 0)), f"returns of {key}"


def look_at_shelves(world):
    """Tell the model of goods that left by the platforms' own parcels and of returned goods, where they were put."""
    world.parcels_left(Shipment.objects.filter(source="platform").exclude(pk__in=world.seen_parcels))
    rows = ShipmentGoods.objects.filter(returned_quantity__gt=0, shipment_line__shipment__state="sent")
    found = {}
    for row in rows.select_related("shipment_line__line__order__shop"):
        line = row.shipment_line.line
        goods = found.setdefault((line.order.shop.code, line.order.external_id, line.external_id), {})
        place = world.house.sku_name(row.sku_id), world.house.place_name(row.warehouse_id)
        goods[place] = goods.get(place, 0) + int(row.returned_quantity)
    for key, goods in found.items():
        for place, pieces in goods.items():
            world.model.came(*place, pieces - world.home.get(key, {}).get(place, 0))
        world.home[key] = goods


def returned(world):
    """Units by order line that the platforms say came home."""
    expected = {}
    for name, platform in world.platforms.items():
        for order in platform.orders:
            for row in platform.latest(order)["refunds"]:
                if row["restock"]:
                    key = name, order, row["line"]
                    expected[key] = expected.get(key, 0) + row["pieces"]
    return expected
