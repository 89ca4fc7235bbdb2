"""What happens in a run: buyers, platforms, clerks, the warehouse, the weather, the workers; each with its weight."""

import copy
import datetime as dt
import json
from decimal import Decimal

from django.test import RequestFactory

from channels.models import Account
from channels.webhooks.receive import receive
from inventory import adjusting, dated
from inventory.errors import NegativeStock
from orders import intake
from orders.desk import actions
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import Order, OrderLine, Shipment
from tests.simulation import setting, workers
from tests.simulation.connector import parse
from tests.simulation.shelves import look_at_shelves

CLERK, PACKER, OWNER = "user:2 clerk", "user:3 packer", "user:1 owner"
WEATHERS = (0.0, 0.0, 0.1, 0.3, 0.6)


# --- buyers and platforms --------------------------------------------------------------------------------------------


def buy(world):
    """Somebody buys one or two things."""
    platform = world.rng.choice(list(world.platforms.values()))
    names = world.rng.sample(list(platform.listings), world.rng.choice((1, 1, 1, 2)))
    wanted = {name: world.rng.choice((1, 1, 1, 2, 3)) for name in names}
    note = world.rng.choice(("", "", "", "", "加急"))
    paid = world.rng.random() < 0.9
    order = platform.buy(wanted, note=note, paid=paid, delay=world.delay())
    world.tell(f"  {order}: {wanted} {note}{'' if paid else ' unpaid'}")


def buy_here(world):
    """A program hands an order of the own shop to the API."""
    order = world.fresh("C")
    lines = [
        {
            "id": f"{order}/1",
            "listing": name,
            "sku": name,
            "barcode": "",
            "price": "10.00",
            "quantity": pieces,
            "ordered": pieces,
        }
        for name, pieces in ((world.rng.choice(list(setting.LISTED["C"])), world.rng.choice((1, 2, 3))),)
    ]
    stamp = world.now.replace(microsecond=0).isoformat()
    world.own[order] = {
        "id": order,
        "placed": stamp,
        "updated": stamp,
        "status": "open",
        "paid": True,
        "note": "",
        "country": "CN",
        "phone": "13800001234",
        "street": "文三路 1 号",
        "lines": lines,
        "refunds": [],
        "parcels": [],
    }
    hand_in(world, order)


def hand_in(world, order):
    """Give our own shop's order to intake, now and then twice."""
    document = copy.deepcopy(world.own[order])
    page = [parse(document)] * world.rng.choice((1, 1, 2))
    result = intake.take_in(shop_id=world.house.shops["C"], orders=page)
    assert not result.failed, result.failed
    world.model.heard("C", document)
    world.tell(f"  {order}: {[one.action for one in result.outcomes]}")


def edit(world):
    """A buyer wants more or fewer of something."""
    found = world.bought()
    if found is None:
        return
    platform, order = found
    sent = platform.sent(order)
    line = world.rng.choice(platform.latest(order)["lines"])
    pieces = max(sent.get(line["id"], 0), line["quantity"] + world.rng.choice((-2, -1, 1, 2)))
    if pieces != line["quantity"]:
        done = platform.edit(order, line["id"], pieces, delay=world.delay())
        world.tell(f"  {line['id']}: {line['quantity']} → {pieces} {done}")


def move_house(world):
    """A buyer gives another address, or pays."""
    found = world.bought()
    if found is not None:
        platform, order = found
        world.tell(f"  {order}")
        platform.change(order, street=world.fresh("文二路"), delay=world.delay())


def pay(world):
    """An unpaid order is paid."""
    waiting = [
        (platform, order)
        for platform in world.platforms.values()
        for order in platform.orders
        if platform.latest(order)["status"] == "open" and not platform.latest(order)["paid"]
    ]
    if waiting:
        platform, order = world.rng.choice(waiting)
        world.tell(f"  {order}")
        platform.change(order, paid=True, delay=world.delay())


def cancel_there(world):
    """The buyer cancels what has not left."""
    found = world.bought()
    if found is not None:
        platform, order = found
        world.tell(f"  {order}")
        platform.cancel(order, delay=world.delay(), restock=world.rng.random() < 0.7)


def refund(world):
    """Money back for something that has arrived; sometimes the goods come home."""
    sent = [
        (platform, order, line, pieces)
        for platform in world.platforms.values()
        for order in platform.parcels
        for line, pieces in platform.sent(order).items()
    ]
    world.rng.shuffle(sent)
    for platform, order, line, pieces in sent:
        back = platform.returned(order).get(line, 0)
        if pieces > back:
            restock = world.rng.random() < 0.6
            world.tell(f"  {line}: {back + 1} of {pieces}{' back home' if restock else ''}")
            platform.refund(order, line, 1, restock=restock, delay=world.delay())
            return


def change_there(world):
    """Somebody changes a figure over there by hand."""
    platform = world.rng.choice(list(world.platforms.values()))
    listing = world.rng.choice(list(platform.listings))
    place, figure = world.rng.choice(platform.locations), world.rng.randint(0, 12)
    world.tell(f"  {platform.name} {listing}@{place}: {figure}")
    platform.set_stock(listing, place, figure)


def webhook(world):
    """A platform tells of an order, maybe twice, maybe of an old one."""
    found = world.bought(open_only=False)
    if found is None:
        return
    platform, order = found
    account = Account.objects.get(pk=world.house.accounts[platform.name])
    body = json.dumps({"delivery": world.fresh("hook"), "order": order})
    for _ in range(world.rng.choice((1, 1, 2))):
        request = RequestFactory().post("/", body, content_type="application/json")
        answer = receive(request, account.platform, account.hook_token)
        assert answer.status_code == 200, answer.status_code
    world.tell(f"  {order}")


# --- people ----------------------------------------------------------------------------------------------------------


def approve(world):
    """A clerk approves one or several held orders."""
    held = [order.pk for order in world.orders("held")]
    world.rng.shuffle(held)
    world.did(actions.approve(order_ids=held[: world.rng.choice((1, 1, 3))], actor=CLERK), "order.approve")


def review_again(world):
    """A clerk sends held orders through review once more."""
    held = [order.pk for order in world.orders("held")]
    world.did(actions.release_hold(order_ids=held[:5], actor=CLERK), "order.review")


def hold(world):
    """A clerk stops an approved order."""
    order = world.one("approved")
    if order:
        world.did(actions.hold(order_ids=[order.pk], actor=CLERK, reason="ask the buyer"), "order.hold")


def undo(world):
    """A clerk takes an approval back."""
    order = world.one("approved")
    if order:
        world.did(actions.undo_approve(order_ids=[order.pk], actor=CLERK), "order.undo_approve")


def split(world):
    """A clerk sends what is there of a short order."""
    order = world.one("held")
    if order:
        world.did(actions.split_by_stock(order_ids=[order.pk], actor=CLERK), "order.split_by_stock")


def cancel_here(world):
    """A clerk cancels an order."""
    order = world.one("held", "approved", "unpaid")
    if order is None or any(one["key"].startswith("there") for one in world.there(order)):
        return  # a parcel of a cancelled order is pointed out, its goods are a person's matter
    done = world.did(actions.cancel(order_ids=[order.pk], actor=CLERK, reason="out of stock"), "order.cancel")
    if order.pk in done:
        world.model.cancelled_by_us(order.shop.code, order.external_id)


def decide_edit(world):
    """A clerk accepts or rejects an edit that waits."""
    waiting = list(Order.objects.filter(pending_version__isnull=False).order_by("pk").values_list("pk", flat=True))
    if waiting:
        name = world.rng.choice(("accept_edit", "accept_edit", "reject_edit"))
        world.did(getattr(actions, name)(order_ids=[world.rng.choice(waiting)], actor=CLERK), f"order.{name}")


def ship_all(world):
    """The packer sends everything that is reserved for an order; a double click sends it once."""
    order = world.one("approved", "partly_shipped")
    if order:
        send_parcels(world, order, [shipping.Parcel(carrier="SF", tracking=world.fresh("T"))], twice=True)


def ship_some(world):
    """The packer sends one unit of one line, or two parcels at once."""
    order = world.one("approved", "partly_shipped")
    if order is None:
        return
    lines = [
        line for line in OrderLine.objects.filter(order=order).order_by("pk") if line.quantity > line.shipped_quantity
    ]
    if lines:
        line = world.rng.choice(lines)
        parts = {line.pk: Decimal(1)}
        parcels = [shipping.Parcel(lines=parts, carrier="ZTO", tracking=world.fresh("T"))]
        if world.rng.random() < 0.4:
            parcels.append(shipping.Parcel(carrier="ZTO", tracking=world.fresh("T")))
        send_parcels(world, order, parcels)


def send_parcels(world, order, parcels, twice=False):
    """Ship and tell the model; refusals are part of life."""
    key = world.fresh("ship")
    ask = {"order_id": order.pk, "parcels": parcels, "actor": PACKER, "idempotency_key": key}
    try:
        shipments = shipping.ship(**ask)
    except OrderError as error:
        world.tell(f"  {order.external_id}: {error.code}")
        return
    if twice:
        assert [one.pk for one in shipping.ship(**ask)] == [one.pk for one in shipments]
    world.audited.append(("order.ship", f"orders.order:{order.pk}", PACKER))
    world.parcels_left(shipments)
    world.tell(f"  {order.external_id}: {len(shipments)} parcels")


def take_back(world):
    """A parcel is taken back before the platform hears of it."""
    sent = list(Shipment.objects.filter(state="sent", source="desk").order_by("-pk")[:4])
    if not sent:
        return
    shipment = world.rng.choice(sent)
    try:
        shipping.void(shipment_id=shipment.pk, actor=PACKER, reason="wrong label")
    except OrderError as error:
        world.tell(f"  {shipment.tracking_number}: {error.code}")
        return
    world.audited.append(("order.void_parcel", f"orders.order:{shipment.order_id}", PACKER))
    world.parcels_left([shipment], back=True)
    world.tell(f"  {shipment.tracking_number}")


def ship_there(world):
    """Somebody sends an approved order on the platform itself."""
    order = world.one("approved")
    platform = world.platforms.get(order.shop.code) if order else None
    if platform and platform.latest(order.external_id)["status"] == "open":
        world.tell(f"  {order.external_id}")
        platform.ship_there(order.external_id, world.fresh("P"))


def receive_goods(world):
    """Goods come in."""
    adjust(world, world.rng.randint(2, 15), "receipt")


def lose_goods(world):
    """Something broke; or nobody could find more than there is."""
    adjust(world, -world.rng.randint(1, 6), "damaged")


def adjust(world, pieces, reason):
    """Post an adjustment; below zero it must be refused and nothing may happen."""
    sku, place = world.rng.choice(sorted(world.model.on_hand))
    line = adjusting.Line(
        sku_id=world.house.skus[sku], change=Decimal(pieces), unit_cost=Decimal("3.7") if pieces > 0 else None
    )
    try:
        document = adjusting.adjust(
            warehouse_id=world.house.warehouses[place], lines=[line], reason=reason, actor=PACKER
        )
    except NegativeStock:
        world.tell(f"  {sku}@{place} {pieces}: refused")
        return
    world.model.came(sku, place, pieces)
    world.audited.append(("stock.adjust", f"inventory.stockdocument:{document.pk}", PACKER))
    world.tell(f"  {sku}@{place} {pieces:+}")


def count(world):
    """Somebody counts a shelf; what is reserved there cannot be counted away."""
    look_at_shelves(world)
    sku, place = world.rng.choice(sorted(world.model.on_hand))
    pieces = max(0, world.model.on_hand[sku, place] + world.rng.choice((-2, -1, 0, 1, 3)))
    if pieces == world.model.on_hand[sku, place]:
        return
    line = adjusting.Line(sku_id=world.house.skus[sku], counted=Decimal(pieces))
    try:
        adjusting.adjust(warehouse_id=world.house.warehouses[place], lines=[line], reason="correction", actor=PACKER)
    except NegativeStock:
        world.tell(f"  {sku}@{place} = {pieces}: refused")
        return
    world.model.counted(sku, place, pieces)
    world.tell(f"  {sku}@{place} = {pieces}")


def policy(world):
    """The owner changes what a shop may show."""
    shop = world.rng.choice(("A", "B", None))
    sku = world.rng.choice((None, "S1", "S2", "B1", "B2"))
    if shop is None and sku is None:
        return
    terms = {
        "buffer": world.rng.choice((0, 0, 1, 3)),
        "cap": world.rng.choice((None, None, 5)),
        "share": world.rng.choice((1, 1, Decimal("0.5"))),
        "stop_below": world.rng.choice((0, 0, 2)),
        "paused": world.rng.random() < 0.15,
    }
    world.model.policy[shop, sku] = terms
    ours = {name: Decimal(value) if value is not None and name != "paused" else value for name, value in terms.items()}
    shop_id, sku_id = world.house.shops.get(shop), world.house.skus.get(sku)
    dated.set_policy(shop_id=shop_id, sku_id=sku_id, actor=OWNER, **ours)
    world.tell(f"  {shop} {sku} {terms}")


def new_sku(world):
    """The SKU that a listing was waiting for is entered at last."""
    if "X9" not in world.house.skus:
        setting.make_missing_sku(world.house)
        world.model.packs["B", "b9"] = ("X9", 1)
        for place in world.house.warehouses:
            world.model.on_hand["X9", place] += 0


def change_weather(world):
    """The network gets worse or better."""
    world.weather = world.rng.choice(WEATHERS)
    world.tell(f"  {world.weather}")
    for platform in world.platforms.values():
        platform.faults.weather = world.weather


def work(world):
    """The workers look once; sometimes they are stopped before everything is done."""
    world.tell(f"  {workers.look(world.rng, most=world.rng.choice((None, None, 1, 3)))}")


def pause(world):
    """Some minutes in which the workers go on."""
    for _ in range(2):
        world.now += dt.timedelta(seconds=world.rng.uniform(20, 60))
        workers.look(world.rng)


STEPS = {
    "buy": (24, buy),
    "buy here": (5, buy_here),
    "edit": (6, edit),
    "move house": (4, move_house),
    "pay": (3, pay),
    "cancel there": (5, cancel_there),
    "refund": (4, refund),
    "change there": (3, change_there),
    "webhook": (6, webhook),
    "approve": (5, approve),
    "review again": (3, review_again),
    "hold": (2, hold),
    "undo approval": (2, undo),
    "split": (2, split),
    "cancel here": (3, cancel_here),
    "decide on edit": (4, decide_edit),
    "ship": (8, ship_all),
    "ship some": (5, ship_some),
    "take back": (2, take_back),
    "ship there": (2, ship_there),
    "receive goods": (5, receive_goods),
    "lose goods": (2, lose_goods),
    "count": (2, count),
    "policy": (3, policy),
    "new SKU": (1, new_sku),
    "weather": (4, change_weather),
    "work": (24, work),
    "pause": (4, pause),
}
