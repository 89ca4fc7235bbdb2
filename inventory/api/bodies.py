"""The bodies of catalogue and stock requests and answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backoffice.api.serializing import CleanCharField, ListQuery, RowSerializer, StrictQuery, StrictSerializer, quantity
from inventory import adjusting
from inventory.models import Balance, Reason, Sku, StockDocument

MOST_SKUS = 200


class SkuOut(RowSerializer[Sku]):
    """A SKU; cost is never part of it."""

    product = serializers.CharField(source="product.name")
    category = serializers.CharField(source="product.category")
    barcodes: Any = serializers.SlugRelatedField(many=True, read_only=True, slug_field="code")

    class Meta:
        model = Sku
        fields = [
            "id", "code", "name", "name_en", "product", "category", "kind", "list_price", "weight_g", "length_mm",
            "width_mm", "height_mm", "hs_code", "origin", "active", "barcodes",
        ]  # fmt: skip


class SkuFilter(ListQuery):
    """The filters of the list."""

    code = serializers.CharField(required=False, help_text="One code, in any spelling that normalises to it.")
    barcode = serializers.CharField(required=False)
    kind = serializers.ChoiceField(choices=Sku.Kind.choices, required=False)
    active = serializers.BooleanField(required=False, allow_null=True, default=None)


class CodesField(serializers.CharField):
    """SKU codes separated by commas, at most 200."""

    def to_internal_value(self, data: Any) -> Any:
        codes = [code for code in super().to_internal_value(data).split(",") if code.strip()]
        if not 0 < len(codes) <= MOST_SKUS:
            raise serializers.ValidationError(f"Give 1 to {MOST_SKUS} SKU codes, separated by commas.")
        return codes


class AvailabilityQuery(StrictQuery):
    """Whose figures are asked for."""

    shop = serializers.CharField(required=False, help_text="Code of a shop; all visible shops when left out.")
    sku = CodesField(help_text="SKU codes separated by commas, at most 200.")


class AvailabilityOut(serializers.Serializer[Any]):
    """What a shop may show of a SKU: over all its warehouses (`warehouse` null) and in each."""

    shop = serializers.CharField()
    sku = serializers.CharField()
    warehouse = serializers.CharField(allow_null=True)
    quantity = quantity()


class ValueQuery(StrictQuery):
    """The moment, which time counts, and whose stock; now and all of it when left out."""

    at = serializers.DateTimeField(required=False, help_text="Now when left out.")
    by = serializers.ChoiceField(choices=["recorded", "happened"], default="recorded")
    warehouse = serializers.CharField(required=False, help_text="Code of a warehouse.")
    category = serializers.CharField(required=False)
    page = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    limit = serializers.IntegerField(min_value=1, max_value=1_000, default=100)


class ValueRow(serializers.Serializer[Any]):
    """A SKU: pieces, what a piece cost on average (null without pieces), what they were worth."""

    sku = serializers.CharField(source="code")
    category = serializers.CharField()
    quantity = quantity()
    unit_cost = serializers.DecimalField(max_digits=20, decimal_places=4, allow_null=True)
    value = serializers.DecimalField(max_digits=20, decimal_places=4)


class ValueOut(serializers.Serializer[Any]):
    """A page of SKUs, and the totals of all pages, in the base currency."""

    count = serializers.IntegerField()
    quantity = quantity()
    value = serializers.DecimalField(max_digits=20, decimal_places=4)
    results: Any = ValueRow(many=True, source="rows")


class BalanceOut(RowSerializer[Balance]):
    """What stands in one warehouse; `available` is on hand less reserved and `unsellable` (lots blocked or expired)."""

    sku = serializers.CharField(source="sku.code")
    warehouse = serializers.CharField(source="warehouse.code")
    available = serializers.SerializerMethodField()

    class Meta:
        model = Balance
        fields = ["id", "sku", "warehouse", "on_hand", "reserved", "demand", "incoming", "unsellable", "available",
                  "updated_at"]  # fmt: skip

    def get_available(self, row: Balance) -> str:
        """On hand less reserved and unsellable, as text like the other figures."""
        return f"{row.sellable - row.reserved:.3f}"


class StockFilter(ListQuery):
    """The filters of the list."""

    warehouse = serializers.CharField(required=False, help_text="Code of a warehouse.")
    sku = CodesField(required=False, help_text="SKU codes separated by commas, at most 200.")


class AdjustmentLineIn(StrictSerializer):
    """Give `change` (pieces more or less) or `counted` (pieces there are)."""

    sku = CleanCharField(max_length=100)
    change = quantity(required=False)
    counted = quantity(required=False, min_value=0)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Exactly one of the two."""
        if ("change" in attrs) == ("counted" in attrs):
            raise serializers.ValidationError("Give either `change` or `counted`.", code="one_of")
        return attrs


class AdjustmentIn(StrictSerializer):
    """A stock adjustment of one warehouse: all lines or none."""

    warehouse = CleanCharField(max_length=40, help_text="Code of the warehouse.")
    reason = serializers.ChoiceField(
        choices=[(one.value, one.label) for one in adjusting.REASONS], default=Reason.CORRECTION.value
    )
    note = CleanCharField(max_length=300, required=False, allow_blank=True, default="")
    lines: Any = serializers.ListSerializer(child=AdjustmentLineIn(), allow_empty=False, max_length=MOST_SKUS)


class AdjustedOut(serializers.Serializer[Any]):
    """The document and the stock after it; `proposed` is above the warehouse's limit and waits for a person."""

    document = serializers.IntegerField()
    state = serializers.ChoiceField(choices=StockDocument.State.choices)
    balances = BalanceOut(many=True)
