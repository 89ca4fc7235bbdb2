"""The order desk furnished: a row at least of what it keeps, all about the one buyer whom nobody may read in clear."""

import datetime as dt
from decimal import Decimal

from django.utils import timezone

from backoffice import clock, incidents
from backoffice.incidents import desk
from backoffice.messages import MessageTemplate
from backoffice.models import User
from orders.contracts import Address, Buyer
from orders.desk import actions, letters, marking, quotes
from orders.fulfil import packing, shipping, waves
from orders.late import compensations, plays
from orders.models import CompensationPreset, OrderExport, PenaltyEntry, SavedView, SupplyDraft
from orders.returns import deciding, limits, receiving, requesting, strays
from tests.orders.changes.test_own_orders import basket, goods
from tests.orders.factories import line, order

WHO = "user:1 li"
PAGES = (
    "lateplay", "lateorder", "supplydraft", "compensation", "refundwish", "penaltyentry", "return", "strayparcel",
    "quote", "ownorder", "mergegroup", "wave", "packscan", "handover", "label", "manifest", "printrun", "invoice",
    "incident", "outgoingmessage", "messagetemplate", "presaleoffer", "routingplan", "goodsgone", "order_views",
    "order_backorders", "order_versions", "savedview", "expectedarrival", "shelfplace", "carrieraccount", "robot",
)  # fmt: skip


def furnish_desk(house, buyer) -> None:
    """Build it through the product's own functions, beside the house that stands."""
    seller = house.seller
    to = Address(name=buyer["name"], line1=buyer["line1"], city="Lyon", postcode="69001", country="FR",
                 phone=buyer["phone"])  # fmt: skip
    person = Buyer(name=buyer["name"], email=buyer["email"], phone=buyer["phone"])
    known = {"buyer": person, "shipping": to, "buyer_note": "ring twice"}
    seller.add("BAG", 20)
    seller.take(*(order(n, line("BAG", 1), **known) for n in (11, 12, 13)), order(14, line("BAG", 90), **known))
    _come_back(seller)
    _late(seller)
    _floor(seller)
    found = basket(goods(seller, "BAG"), buyer_name=buyer["name"], email=buyer["email"], phone=buyer["phone"],
                   address={"name": buyer["name"], "line1": buyer["line1"], "city": "Lyon", "postcode": "69001",
                            "country": "FR"})  # fmt: skip
    day = timezone.localdate(clock.now()) + dt.timedelta(days=7)
    quotes.make(shop_id=seller.shop.pk, basket=found, valid_until=day, text="Dear", key="q", actor=WHO)
    marking.mark(order_ids=[seller.order(12).pk], marks=["vip"], actor=WHO)
    marking.add_note(order_ids=[seller.order(12).pk], text="call back", actor=WHO)


def _come_back(seller) -> None:
    limits.seed()
    shipping.ship(order_id=seller.order(11).pk, parcels=[shipping.Parcel(carrier="SF", tracking="SF11")], actor=WHO,
                  idempotency_key="desk11")  # fmt: skip
    made = requesting.open_return(order_id=seller.order(11).pk, lines={seller.lines(11)[0].pk: Decimal(1)}, actor=WHO,
                                  key="desk")  # fmt: skip
    deciding.approve(return_id=made.pk, actor=WHO)
    receiving.receive(return_id=made.pk, counts={made.lines.get().pk: Decimal(1)}, actor=WHO, key="desk-came")
    strays.put_aside(warehouse_id=seller.place.pk, actor=WHO, key="desk-stray", tracking="X1", carrier="SF", note="wet")


def _late(seller) -> None:
    play, _new = plays.begin(actor=WHO, once="desk", sku_id=seller.skus["BAG"].pk)
    text = MessageTemplate.objects.create(
        code="desk", name="Late", purpose="late", channel="email", subject_en="Order {{ order_number }}",
        body_zh="您好 {{ buyer_name }}", body_en="Dear {{ buyer_name }}",
    )  # fmt: skip
    letters.write(order=seller.order(12), template=text, actor=WHO, key="desk")
    gift = CompensationPreset.objects.create(name="Sorry", kind="coupon", amount=Decimal(5), fixed_code="SORRY")
    boss = User.objects.create_superuser("desk-boss", password="x")
    compensations.give(user=boss, actor=WHO, preset=gift, order_ids=[seller.order(14).pk], play=play)
    SupplyDraft.objects.create(kind="purchase", sku=seller.skus["BAG"], quantity=5, supplier="Acme", note="soon",
                               play=play, once="desk", created_by=WHO, created_at=clock.now())  # fmt: skip
    PenaltyEntry.objects.create(shop=seller.shop, order=seller.order(14), happened_on=clock.now().date(), note="late",
                                created_by="li")  # fmt: skip
    SavedView.objects.create(owner=boss, name="mine", role="owner", query="state__exact=held")
    OrderExport.objects.create(owner=boss, query="state__exact=held", ids=[], token="t", started_at=clock.now())
    desk.report_by_hand(text="The roof leaks", actor=WHO, shop_id=seller.shop.pk)
    assert incidents.visible(boss).exists()


def _floor(seller) -> None:
    packed = [seller.order(12).pk, seller.order(13).pk]
    actions.approve(order_ids=packed, actor=WHO)  # the same goods of one buyer are held
    made = waves.make(warehouse_id=seller.place.pk, order_ids=packed, actor=WHO)
    waves.picked_on_paper(wave_id=made.wave.pk, actor=WHO)
    part = made.wave.orders.order_by("place").first()
    packing.open_order(wave_order_id=part.pk, actor=WHO)
    packing.scan(wave_order_id=part.pk, actor=WHO, text="BAG", key="desk-scan")
