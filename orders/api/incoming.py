"""The body of an order sent in, and how it becomes an `IncomingOrder`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from backoffice.api.serializing import CleanCharField, StrictSerializer, amount, quantity
from orders import contracts

LINES = 500


class AddressIn(StrictSerializer):
    """A postal address."""

    name = CleanCharField(max_length=200, required=False, allow_blank=True)
    company = CleanCharField(max_length=200, required=False, allow_blank=True)
    line1 = CleanCharField(max_length=300, required=False, allow_blank=True)
    line2 = CleanCharField(max_length=300, required=False, allow_blank=True)
    city = CleanCharField(max_length=100, required=False, allow_blank=True)
    region = CleanCharField(max_length=100, required=False, allow_blank=True)
    postcode = CleanCharField(max_length=20, required=False, allow_blank=True)
    country = serializers.RegexField(r"^[A-Z]{2}$", help_text="ISO 3166-1 alpha-2, upper case.")
    phone = CleanCharField(max_length=40, required=False, allow_blank=True)


class BuyerIn(StrictSerializer):
    """Who bought."""

    external_id = CleanCharField(max_length=100, required=False, allow_blank=True)
    name = CleanCharField(max_length=200, required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)
    phone = CleanCharField(max_length=40, required=False, allow_blank=True)


class LineIn(StrictSerializer):
    """One line; `unit_price` before discount, `discount` and `tax` for the whole line."""

    external_id = CleanCharField(max_length=100)
    sku = CleanCharField(max_length=100)
    title = CleanCharField(max_length=300, required=False, allow_blank=True, default="")
    quantity = quantity(min_value=Decimal("0.001"))
    unit_price = amount(min_value=Decimal(0))
    discount = amount(min_value=Decimal(0), required=False, default=Decimal(0))
    tax = amount(min_value=Decimal(0), required=False, default=Decimal(0))
    barcode = CleanCharField(max_length=64, required=False, allow_blank=True, default="")


class OrderIn(StrictSerializer):
    """An order of one of your own sites. Send it again with a later `updated_at` to change or cancel it."""

    shop = CleanCharField(max_length=40, help_text="The code of the shop.")
    external_id = CleanCharField(max_length=100, help_text="Your own id of the order; unique within the shop.")
    number = CleanCharField(max_length=100, required=False, help_text="What people call it; the id when left out.")
    placed_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField(required=False, help_text="`placed_at` when left out.")
    currency = serializers.RegexField(r"^[A-Z]{3}$", help_text="ISO 4217.")
    status = serializers.ChoiceField(choices=["open", "cancelled"], default="open")
    payment = serializers.ChoiceField(choices=[str(one) for one in contracts.PaymentStatus], default="paid")
    paid_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    taxes_included = serializers.BooleanField(default=True)
    shipping_total = amount(min_value=Decimal(0), required=False, default=Decimal(0))
    total = amount(
        min_value=Decimal(0), required=False, help_text="Computed from the lines and the shipping when left out."
    )
    buyer = BuyerIn(required=False)
    shipping_address = AddressIn(required=False)
    buyer_note = CleanCharField(max_length=5000, required=False, allow_blank=True, default="")
    shipping_method = CleanCharField(max_length=100, required=False, allow_blank=True, default="")
    ship_by = serializers.DateTimeField(required=False, allow_null=True, default=None)
    lines: Any = serializers.ListSerializer(child=LineIn(), allow_empty=False, max_length=LINES)

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Refuse a line id that comes twice."""
        ids = [line["external_id"] for line in lines]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise serializers.ValidationError(f"Line ids must differ: {', '.join(twice)}", code="duplicate")
        return lines


def to_contract(data: dict[str, Any]) -> contracts.IncomingOrder:
    """Build the order from validated data."""
    lines = tuple(_line(line) for line in data["lines"])
    computed = sum((line.total or Decimal(0) for line in lines), Decimal(0)) + data["shipping_total"]
    tax = sum((line.tax for line in lines), Decimal(0))
    return contracts.IncomingOrder(
        external_id=data["external_id"],
        number=data.get("number") or data["external_id"],
        placed_at=data["placed_at"],
        updated_at=data.get("updated_at") or data["placed_at"],
        currency=data["currency"],
        status=contracts.OrderStatus(data["status"]),
        payment=contracts.PaymentStatus(data["payment"]),
        paid_at=data["paid_at"],
        cancelled_at=data.get("updated_at") if data["status"] == "cancelled" else None,
        taxes_included=data["taxes_included"],
        shipping_total=data["shipping_total"],
        tax_total=tax,
        discount_total=sum((line.discount for line in lines), Decimal(0)),
        total=data.get("total", computed if data["taxes_included"] else computed + tax),
        lines=lines,
        buyer=contracts.Buyer(**data.get("buyer", {})),
        shipping=contracts.Address(**data["shipping_address"]) if data.get("shipping_address") else None,
        buyer_note=data["buyer_note"],
        shipping_method=data["shipping_method"],
        ship_by=data["ship_by"],
    )


def _line(line: dict[str, Any]) -> contracts.IncomingLine:
    total = line["quantity"] * line["unit_price"] - line["discount"]
    return contracts.IncomingLine(
        external_id=line["external_id"],
        sku=line["sku"],
        title=line["title"] or line["sku"],
        quantity=line["quantity"],
        ordered_quantity=line["quantity"],
        unit_price=line["unit_price"],
        discount=line["discount"],
        tax=line["tax"],
        total=total,
        barcode=line["barcode"],
    )
