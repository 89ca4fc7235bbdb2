"""A small seller for the order tests: a shop, SKUs with stock, and orders as platforms send them."""

import dataclasses
import datetime as dt
from decimal import Decimal

from orders import intake
from orders.contracts import (
    Address,
    Buyer,
    IncomingFulfilment,
    IncomingLine,
    IncomingOrder,
    IncomingRefund,
    IncomingRefundLine,
    PaymentStatus,
)
from orders.models import Order, OrderLine, ReviewLog
from tests.inventory import factories as stock

NOW = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)
LYON = Address(
    name="Ana Müller",
    line1="12 Rue de la République",
    city="Lyon",
    postcode="69001",
    country="FR",
    phone="+33612345678",
)


def at(minutes: int = 0) -> dt.datetime:
    """A moment of the test's morning."""
    return NOW + dt.timedelta(minutes=minutes)


def line(code: str, quantity="1", number: int = 1, **fields) -> IncomingLine:
    """A line of a SKU at 10.00 apiece."""
    pieces = Decimal(quantity)
    values = {"unit_price": Decimal("10"), "total": Decimal("10") * pieces, "title": code, **fields}
    return IncomingLine(external_id=str(number), sku=code, quantity=pieces, **values)


def order(nth: int, /, *lines: IncomingLine, minutes: int = 0, **fields) -> IncomingOrder:
    """A paid order to Lyon that passes every check, of a buyer of its own."""
    goods = sum((one.total or Decimal(0) for one in lines), Decimal(0))
    values = {
        "number": f"#{1000 + nth}",
        "placed_at": NOW,
        "updated_at": at(minutes),
        "currency": "EUR",
        "total": goods,
        "payment": PaymentStatus.PAID,
        "paid_at": NOW,
        "buyer": Buyer(name="Ana Müller", email=f"buyer{nth}@example.com"),
        "shipping": LYON,
        **fields,
    }
    return IncomingOrder(**{"external_id": f"o{nth}", "lines": lines, **values})


def later(before: IncomingOrder, minutes: int = 10, **fields) -> IncomingOrder:
    """The next version of an order; the total follows the lines."""
    if "lines" in fields and "total" not in fields:
        fields["total"] = sum((one.total or Decimal(0) for one in fields["lines"]), Decimal(0))
    return dataclasses.replace(before, updated_at=before.updated_at + dt.timedelta(minutes=minutes), **fields)


def parcel(number: int, *lines: tuple[str, str], tracking: str = "") -> IncomingFulfilment:
    """A parcel the platform tells of: (line id, pieces)."""
    return IncomingFulfilment(
        external_id=f"f{number}",
        shipped_at=at(30),
        carrier="Colissimo",
        tracking_numbers=(tracking,) if tracking else (),
        lines=tuple((key, Decimal(quantity)) for key, quantity in lines),
    )


def refund(number: int, amount="10", *lines: tuple[str, str], restock: bool = False) -> IncomingRefund:
    """A refund the platform tells of: (line id, pieces) at 10.00 apiece."""
    rows = tuple(
        IncomingRefundLine(line_external_id=key, quantity=Decimal(q), amount=Decimal(q) * 10, restock=restock)
        for key, q in lines
    )
    return IncomingRefund(external_id=f"r{number}", refunded_at=at(60), amount=Decimal(amount), lines=rows)


class Seller:
    """One shop on one or two warehouses, with the SKUs asked for."""

    def __init__(self, *, warehouses: int = 1, **quantities) -> None:
        self.places = [stock.warehouse() for _ in range(warehouses)]
        self.place = self.places[0]
        self.shop = stock.shop(*self.places, currency="EUR")
        self.skus = {}
        for code, quantity in quantities.items():
            self.add(code, quantity)

    def add(self, code: str, quantity=0, place=None):
        """A SKU with so many pieces at 4.00."""
        sku = self.skus.get(code) or stock.sku(code)
        self.skus[code] = sku
        if Decimal(quantity):
            stock.stock(sku, place or self.place, quantity, "4")
        return sku

    def take(self, *orders, **options):
        """Take in one page; returns the actions."""
        return [one.action for one in self.result(*orders, **options).outcomes]

    def result(self, *orders, **options) -> intake.IntakeResult:
        """Take in one page."""
        return intake.take_in(shop_id=self.shop.pk, orders=orders, **options)

    def order(self, number: int) -> Order:
        """The stored order."""
        return Order.objects.get(shop=self.shop, external_id=f"o{number}")

    def lines(self, number: int) -> list[OrderLine]:
        """Its lines."""
        return list(OrderLine.objects.filter(order=self.order(number)).order_by("position"))

    def buckets(self, code: str, place=None) -> tuple[int, int, int]:
        """(on hand, demand, reserved)."""
        return stock.buckets(self.skus[code], place or self.place)

    def findings(self, number: int) -> list[str]:
        """The codes of the newest review."""
        log = ReviewLog.objects.filter(order=self.order(number)).order_by("-pk").first()
        return [one["code"] for one in log.findings] if log else []
