"""What the tests of late orders start from: handling times, sellers who are short, causes, texts, presets."""

import datetime as dt
from decimal import Decimal

from backoffice.messages import MessageTemplate
from backoffice.models import IncidentCause
from finance.models import ExchangeRate
from orders.late import plays, recount
from orders.models import CompensationPreset, LatePlay, Order, ShipPolicy
from tests.orders.factories import NOW, Seller, line, order

WEEK = [0, 1, 2, 3, 4]
HOUR = dt.timedelta(hours=1)
LI = "user:7 li"


def policy(shop=None, **fields) -> ShipPolicy:
    """Two hours round the clock in Berlin unless said otherwise."""
    values = {"amount": 2, "unit": "hours", "time_zone": "Europe/Berlin", "work_days": WEEK, "keeps_holidays": False}
    return ShipPolicy.objects.create(shop=shop, **{**values, **fields})


def due_in(order: Order, hours: float) -> Order:
    """Let an order have to leave so many hours after the tests' morning."""
    order.due_at = NOW + hours * HOUR
    order.save(update_fields=["due_at"])
    return order


def recounted() -> None:
    """Work all open orders out again."""
    assert recount.nightly() == "ok"


def rates() -> None:
    """A euro is eight yuan."""
    ExchangeRate.objects.create(currency_id="EUR", on=NOW.date(), rate=Decimal(8), base="CNY", recorded_at=NOW)


def short_seller(stock: int, *values: int, **fields) -> Seller:
    """A seller with so many mugs and an order of one mug at each of these prices; who comes last goes without."""
    rates()
    seller = Seller(MUG=stock)
    for number, value in enumerate(values, 1):
        goods = line("MUG", unit_price=Decimal(value), total=Decimal(value))
        seller.take(order(number, goods, ship_by=NOW + number * HOUR, **fields))
    return seller


def play_of(seller: Seller, code: str = "MUG", **fields) -> LatePlay:
    """The play of one of the seller's SKUs."""
    return plays.begin(actor=LI, once=f"once-{code}", sku_id=seller.skus[code].pk, **fields)[0]


def cause(code: str = "supplier_late") -> IncidentCause:
    """One of the causes of lateness."""
    return IncidentCause.objects.get_or_create(kind="late", code=code, defaults={"place": 1})[0]


def template(channel: str = "email", **fields) -> MessageTemplate:
    """A text to buyers that wait."""
    values = {
        "code": f"test-{channel}", "name": "Late", "purpose": "late", "channel": channel,
        "subject_en": "Order {{ order_number }}", "body_zh": "您好 {{ buyer_name }}",
        "body_en": "Dear {{ buyer_name }}: {{ goods }} by {{ new_date }}, not {{ ship_by }}. {{ compensation }}",
    }  # fmt: skip
    return MessageTemplate.objects.create(**{**values, **fields})


def preset(kind: str = "coupon", **fields) -> CompensationPreset:
    """Something to give: a coupon that costs 5 unless said otherwise."""
    values = {"name": kind, "kind": kind, "amount": Decimal(5), "fixed_code": "SORRY" if kind == "coupon" else ""}
    return CompensationPreset.objects.create(**{**values, **fields})


def ids(seller: Seller, *numbers: int) -> list[int]:
    """The keys of orders by their numbers."""
    return [seller.order(number).pk for number in numbers]
