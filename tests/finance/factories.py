"""Rows and facts for the tests of the books."""

import datetime as dt
from decimal import Decimal

from finance.facts import RefundFacts, RefundLine, SaleFacts, SaleLine
from finance.models import ExchangeRate
from inventory.models import Shop, Warehouse

D = Decimal
NOON = dt.datetime(2026, 11, 10, 4, tzinfo=dt.UTC)  # 12:00 in Shanghai
DAY = dt.date(2026, 11, 10)


def shop(code="S1", **values):
    return Shop.objects.get_or_create(code=code, defaults={"name": code, **values})[0]


def warehouse(code="W1"):
    return Warehouse.objects.get_or_create(code=code, defaults={"name": code})[0]


def rate(currency="USD", value="7.1", on=DAY, source="hand"):
    return ExchangeRate.objects.create(
        currency_id=currency, on=on, rate=D(value), source=source, base="CNY", recorded_at=NOON
    )


def line(net="100", **values):
    values = {key: D(value) if isinstance(value, str) and key != "sku" else value for key, value in values.items()}
    return SaleLine(**{"sku": "A-1", "quantity": D(1), "net": D(net), **values})


def sale(reference="orders.shipment:1", *lines, **values):
    given = {"external_id": "1001", "number": "#1001", "occurred_at": NOON, "currency": "CNY"}
    shop_id = values.pop("shop_id", None) or shop().pk
    return SaleFacts(**{**given, **values, "reference": reference, "shop_id": shop_id, "lines": lines or (line(),)})


def refund(reference="orders.refund:1", amount="50", **values):
    given = {"external_id": "1001", "number": "#1001", "occurred_at": NOON, "currency": "CNY", "amount": D(amount)}
    shop_id = values.pop("shop_id", None) or shop().pk
    return RefundFacts(**{**given, **values, "reference": reference, "shop_id": shop_id})


def refund_line(**values):
    return RefundLine(**{"sku": "A-1", "quantity": D(1), **values})


def lines_of(voucher):
    """Return the voucher as [(role, debit or −credit)] in the order of its lines."""
    rows = voucher.lines.order_by("position").select_related("account")
    return [(row.account.role, row.debit - row.credit) for row in rows]
