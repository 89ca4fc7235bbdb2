"""The body of an order sent in, and how it becomes an `IncomingOrder`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from backoffice.api.serializing import CleanCharField, StrictSerializer, amount, quantity
from finance.currencies import iso_places
from orders import contracts

LINES = 500
ROUNDING = 100  # so many of a currency's least amounts: 1.00 yuan, 100 yen


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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """No line sells for less than nothing."""
        if attrs["discount"] > _goods(attrs):
            raise serializers.ValidationError({"discount": [_("The discount is more than the goods cost.")]})
        return attrs


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
    discount = amount(
        min_value=Decimal(0), required=False, default=Decimal(0), help_text="On the order, beside those of its lines."
    )
    rounding = amount(required=False, default=Decimal(0), help_text="What was added to round the total; or taken off.")
    total = amount(
        min_value=Decimal(0),
        required=False,
        help_text="Lines, shipping, `rounding` and taxes not included, less `discount`: computed when left out.",
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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The amounts must agree: a total that contradicts its lines would be booked as a discount or a rounding."""
        if attrs["taxes_included"]:
            _check_taxes(attrs["lines"])
        least = _least(attrs["currency"])
        if abs(attrs["rounding"]) > ROUNDING * least:
            raise serializers.ValidationError({"rounding": [_("This is more than a rounding.")]})
        computed = _computed(attrs)
        if computed < 0:
            raise serializers.ValidationError({"discount": [_("The discount is more than the goods cost.")]})
        apart = abs(attrs.get("total", computed) - computed)
        if apart > len(attrs["lines"]) * least:
            message = _("The lines, shipping and taxes make %(computed)s.") % {"computed": f"{computed.normalize():f}"}
            raise serializers.ValidationError({"total": [message]})
        return attrs


def _goods(line: dict[str, Any]) -> Decimal:
    cost: Decimal = line["quantity"] * line["unit_price"]
    return cost


def _check_taxes(lines: list[dict[str, Any]]) -> None:
    wrong: Any = {
        place: {"tax": [_("The tax is more than the line it is included in.")]}
        for place, line in enumerate(lines)
        if line["tax"] > _goods(line) - line["discount"]
    }
    if wrong:
        raise serializers.ValidationError({"lines": wrong})


def _computed(data: dict[str, Any]) -> Decimal:
    """Return what the buyer pays by the lines and the charges."""
    goods = sum((_goods(line) - line["discount"] for line in data["lines"]), Decimal(0))
    taxes = Decimal(0) if data["taxes_included"] else sum((line["tax"] for line in data["lines"]), Decimal(0))
    computed: Decimal = goods + taxes + data["shipping_total"] + data["rounding"] - data["discount"]
    return computed


def _least(currency: str) -> Decimal:
    """Return the least amount that a line may be rounded by: a cent, or a whole yen."""
    return max(Decimal("0.01"), Decimal(1).scaleb(-iso_places(currency)))


def to_contract(data: dict[str, Any]) -> contracts.IncomingOrder:
    """Build the order from validated data."""
    lines = tuple(_line(line) for line in data["lines"])
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
        discount_total=sum((line.discount for line in lines), data["discount"]),
        rounding=data["rounding"],
        total=data.get("total", _computed(data)),
        lines=lines,
        buyer=contracts.Buyer(**data.get("buyer", {})),
        shipping=contracts.Address(**data["shipping_address"]) if data.get("shipping_address") else None,
        buyer_note=data["buyer_note"],
        shipping_method=data["shipping_method"],
        ship_by=data["ship_by"],
    )


def _line(line: dict[str, Any]) -> contracts.IncomingLine:
    total = _goods(line) - line["discount"]
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
