"""How an order reads for integrations; personal data only for keys with the scope `pii`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backoffice.api.serializing import RowSerializer, StrictSerializer, quantity
from orders.models import Order, OrderLine, Shipment


class LineOut(RowSerializer[OrderLine]):
    """One line of an order."""

    sku = serializers.CharField(source="sku.code", default=None, allow_null=True, help_text="Our SKU; null: unmatched.")

    class Meta:
        model = OrderLine
        fields = [
            "external_id", "sku", "sku_code", "title", "quantity", "ordered_quantity", "shipped_quantity",
            "unit_price", "discount", "tax", "total",
        ]  # fmt: skip


class ShipmentOut(RowSerializer[Shipment]):
    """A parcel that left."""

    class Meta:
        model = Shipment
        fields = ["id", "state", "carrier", "tracking_number", "tracking_url", "shipped_at"]


class ContactOut(serializers.Serializer[Any]):
    """The buyer and where the goods go."""

    name = serializers.CharField(source="buyer_name")
    email = serializers.CharField()
    phone = serializers.CharField()
    shipping_address = serializers.JSONField(source="shipping")
    buyer_note = serializers.CharField()


class OrderOut(RowSerializer[Order]):
    """An order with its lines and parcels."""

    shop = serializers.CharField(source="shop.code")
    lines = LineOut(many=True)
    shipments = ShipmentOut(many=True)
    contact = serializers.SerializerMethodField(help_text="Null without the scope `pii`.")

    class Meta:
        model = Order
        fields = [
            "id", "shop", "external_id", "number", "state", "payment", "currency", "goods_total", "discount_total",
            "shipping_total", "tax_total", "total", "base_total", "placed_at", "paid_at", "updated_at", "ship_by",
            "hold_code", "hold_department", "shipped_at", "cancelled_at", "tags", "lines", "shipments", "contact",
        ]  # fmt: skip

    @extend_schema_field(ContactOut(allow_null=True))
    def get_contact(self, order: Order) -> dict[str, Any] | None:
        """The buyer, for those who may see personal data."""
        if not self.context.get("personal_data"):
            return None
        try:
            return dict(ContactOut(order.contact).data)
        except ObjectDoesNotExist:
            return None


class TakenIn(serializers.Serializer[Any]):
    """What became of an order sent in."""

    id = serializers.IntegerField()
    external_id = serializers.CharField()
    action = serializers.ChoiceField(choices=["created", "updated", "unchanged", "stale", "waiting"])
    state = serializers.CharField()
    hold_code = serializers.CharField(allow_blank=True)


class ParcelLineIn(StrictSerializer):
    """Pieces of one order line in the parcel."""

    external_id = serializers.CharField(max_length=200, help_text="The id of the order's line.")
    quantity = quantity(min_value=Decimal("0.001"))


class ShipmentIn(StrictSerializer):
    """A parcel to record. Without `lines`: everything that is left to ship."""

    shop = serializers.CharField(max_length=40)
    order = serializers.CharField(max_length=200, help_text="The order's external id in that shop.")
    carrier = serializers.CharField(max_length=100)
    tracking_number = serializers.CharField(max_length=200)
    tracking_url = serializers.URLField(max_length=1000, required=False, allow_blank=True, default="")
    shipped_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Now when left out; not before the order was placed."
    )
    warehouse = serializers.CharField(max_length=40, required=False, help_text="Code; else from where it is reserved.")
    lines: Any = serializers.ListSerializer(child=ParcelLineIn(), required=False, allow_empty=False, max_length=500)
