"""The bodies of requests and answers about purchasing; what is paid is null without the scope `costs:read`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backoffice.api.serializing import CleanCharField, ListQuery, RowSerializer, StrictSerializer, quantity
from inventory.api.bodies import CodesField
from orders.models import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseReceipt,
    PurchaseReceiptLine,
    ReplenishRow,
    Supplier,
    SupplierItem,
)
from orders.models.purchase import AWAITED

MOST_LINES = 500  # of one request
HIDDEN = "Null without the scope `costs:read`."


class Price(serializers.DecimalField):
    """What is paid: null for a key that may not see costs."""

    def __init__(self, places: int = 6, **options: Any) -> None:
        super().__init__(max_digits=20, decimal_places=places, read_only=True, allow_null=True, **options)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) if self.context.get("costs") else None


class SupplierFilter(ListQuery):
    """The filters of the list."""

    active = serializers.BooleanField(required=False, allow_null=True, default=None)
    sku = serializers.CharField(required=False, help_text="Code of a SKU that the supplier sells.")


class SupplierOut(RowSerializer[Supplier]):
    """Whom goods are bought from; the people there are never part of it. `measured_mean`: days, from receipts."""

    minimum_order = Price(4, help_text="In the supplier's currency; 0: none. " + HIDDEN)

    class Meta:
        model = Supplier
        fields = [
            "id", "code", "name", "currency", "active", "lead_days", "measured_mean", "measured_sd", "measured_count",
            "minimum_order",
        ]  # fmt: skip


class BreakOut(serializers.Serializer[Any]):
    """From so many pieces on, each costs that much."""

    quantity = quantity()
    price = Price(help_text=HIDDEN)


class SupplierItemOut(RowSerializer[SupplierItem]):
    """A SKU that a supplier sells, and the terms."""

    sku = serializers.CharField(source="sku.code")
    price = Price(help_text="Of one piece, in the supplier's currency. " + HIDDEN)
    breaks: Any = BreakOut(many=True)

    class Meta:
        model = SupplierItem
        fields = ["id", "sku", "supplier_code", "minimum", "pack_size", "preferred", "active", "price", "breaks"]


class PurchaseFilter(ListQuery):
    """The filters of the list."""

    state = serializers.ChoiceField(choices=PurchaseOrder.State.choices, required=False)
    supplier = serializers.CharField(required=False, help_text="Code of a supplier.")
    warehouse = serializers.CharField(required=False, help_text="Code of the warehouse where goods arrive.")
    number = serializers.CharField(required=False, help_text="Exact number.")
    sku = serializers.CharField(required=False, help_text="Code of a SKU that is on it.")
    expected_until = serializers.DateField(required=False)
    changed_since = serializers.DateTimeField(required=False)


class PurchaseOut(RowSerializer[PurchaseOrder]):
    """A purchase order. `waiting` waits for somebody who may approve it, which no key does."""

    supplier = serializers.CharField(source="supplier.code")
    warehouse = serializers.CharField(source="warehouse.code")
    total = Price(4, help_text=HIDDEN)
    base_total = Price(4, help_text="In the base currency. " + HIDDEN)

    class Meta:
        model = PurchaseOrder
        fields = [
            "id", "number", "supplier", "warehouse", "state", "source", "currency", "total", "base_total",
            "expected_on", "note", "revision", "created_at", "ordered_at", "updated_at",
        ]  # fmt: skip


class PurchaseLineOut(RowSerializer[PurchaseLine]):
    """One SKU: ordered (`quantity`), in the house (`received`: `accepted` and `damaged`), and still coming."""

    sku = serializers.CharField(source="sku.code")
    received = quantity(source="came", help_text="Accepted and damaged; send it back as `seen` when you receive.")
    incoming = serializers.SerializerMethodField(help_text="Pieces still on their way.")
    promised = serializers.SerializerMethodField(help_text="Of these, pieces that are promised to orders of buyers.")
    price = Price(help_text=HIDDEN)

    class Meta:
        model = PurchaseLine
        fields = [
            "id", "sku", "supplier_code", "quantity", "received", "accepted", "damaged", "refused", "returned",
            "damaged_returned", "incoming", "promised", "price",
        ]  # fmt: skip

    def get_incoming(self, line: PurchaseLine) -> str:
        """What is awaited of it."""
        return f"{line.left if self.context['state'] in AWAITED else Decimal(0):.3f}"

    def get_promised(self, line: PurchaseLine) -> str:
        """What buyers are told to get of it."""
        return f"{self.context['promised'].get(line.arrival_id, Decimal(0)):.3f}"


class DeliveredOut(RowSerializer[PurchaseReceiptLine]):
    """What of a line came with one delivery."""

    sku = serializers.CharField(source="line.sku.code")

    class Meta:
        model = PurchaseReceiptLine
        fields = ["sku", "accepted", "damaged", "refused"]


class DeliveryOut(RowSerializer[PurchaseReceipt]):
    """One delivery that was taken in."""

    lines = DeliveredOut(many=True, source="rows")

    class Meta:
        model = PurchaseReceipt
        fields = ["id", "slip", "note", "at", "lines"]


class PurchaseWhole(PurchaseOut):
    """A purchase order with its lines and deliveries."""

    lines = PurchaseLineOut(many=True, source="read_lines")
    receipts = DeliveryOut(many=True, source="read_receipts")

    class Meta(PurchaseOut.Meta):
        fields = [*PurchaseOut.Meta.fields, "lines", "receipts"]


class WantedIn(StrictSerializer):
    """So many pieces of a SKU. Without a price the supplier's own for this quantity is taken."""

    sku = CleanCharField(max_length=100, help_text="SKU code or barcode; that of a case counts cases.")
    quantity = quantity(min_value=Decimal("0.001"))
    price = serializers.DecimalField(
        max_digits=14, decimal_places=6, min_value=Decimal(0), required=False, allow_null=True, default=None,
        help_text="Of one piece, in the supplier's currency; needs the scope `costs:read`.",
    )  # fmt: skip


class PurchaseIn(StrictSerializer):
    """A purchase order to draft. It is ordered, and approved above the limit, by people."""

    supplier = CleanCharField(max_length=40, help_text="Code of the supplier.")
    warehouse = CleanCharField(max_length=40, help_text="Code of the warehouse where the goods arrive.")
    expected_on = serializers.DateField(required=False, allow_null=True, default=None)
    note = CleanCharField(max_length=300, required=False, allow_blank=True, default="")
    lines: Any = serializers.ListSerializer(child=WantedIn(), allow_empty=False, max_length=MOST_LINES)


class CountedIn(StrictSerializer):
    """What of a line was in the delivery, and what had come of it (`received`) when you looked."""

    line = serializers.IntegerField(min_value=1, max_value=2**62, help_text="The `id` of the line.")
    accepted = quantity(required=False, default=Decimal(0), min_value=Decimal(0))
    damaged = quantity(required=False, default=Decimal(0), min_value=Decimal(0))
    refused = quantity(required=False, default=Decimal(0), min_value=Decimal(0))
    seen = quantity(min_value=Decimal(0), help_text="`received` of the line as you read it.")
    lot = CleanCharField(
        max_length=4000, required=False, allow_blank=True, default="",
        help_text="Of tracked goods: one lot, or one a line as `A12 × 6 @ 2027-03-31`; serials as a list.",
    )  # fmt: skip
    expires_on = serializers.DateField(required=False, allow_null=True, default=None)


class DeliveryIn(StrictSerializer):
    """A delivery: pieces on the shelf, kept apart as damaged, or sent back with the driver."""

    slip = CleanCharField(
        max_length=60, required=False, allow_blank=True, default="", help_text="Delivery note: the same comes in once."
    )
    note = CleanCharField(max_length=300, required=False, allow_blank=True, default="")
    lines: Any = serializers.ListSerializer(child=CountedIn(), allow_empty=False, max_length=MOST_LINES)


class SuggestionFilter(ListQuery):
    """The filters of the list."""

    verdict = serializers.ChoiceField(choices=ReplenishRow.Verdict.choices, required=False)
    supplier = serializers.CharField(required=False, help_text="Code of a supplier.")
    warehouse = serializers.CharField(required=False, help_text="Code of a warehouse.")
    sku = CodesField(required=False, help_text="SKU codes separated by commas, at most 200.")


class WhyOut(RowSerializer[ReplenishRow]):
    """Every figure of the formula: `reorder_point` = `mean` × `lead` + `safety`; at or below it more is ordered."""

    service_level = serializers.DecimalField(source="run.service_level", max_digits=19, decimal_places=6)
    position = quantity(help_text="On hand, less what buyers wait for, and what is incoming or drafted.")
    raised_by = serializers.SerializerMethodField(help_text="`minimum`, `pack` or `break` raised the quantity.")

    class Meta:
        model = ReplenishRow
        fields = [
            "sold", "days", "out_days", "promotion_days", "mean", "sd", "lead", "lead_sd", "lead_measured",
            "service_level", "z", "safety", "reorder_point", "order_up_to", "on_hand", "wanted", "incoming", "drafted",
            "position", "chance", "raised_by",
        ]  # fmt: skip

    def get_raised_by(self, row: ReplenishRow) -> str:
        """What of the supplier's terms made it more."""
        return row.why


class SuggestionOut(RowSerializer[ReplenishRow]):
    """What the newest run says of a SKU in a warehouse (null: the company as a whole), and why."""

    sku = serializers.CharField(source="sku.code")
    warehouse = serializers.CharField(source="warehouse.code", default=None, allow_null=True)
    supplier = serializers.CharField(source="supplier.code", default=None, allow_null=True)
    purchase_order = serializers.CharField(source="purchase.number", default=None, allow_null=True)
    calculated_at = serializers.DateTimeField(source="run.ended_at")
    price = Price(help_text="Of one piece, in the supplier's currency. " + HIDDEN)
    why = serializers.SerializerMethodField(method_name="reasons")

    class Meta:
        model = ReplenishRow
        fields = [
            "id", "sku", "warehouse", "supplier", "verdict", "quantity", "price", "purchase_order", "calculated_at",
            "why",
        ]  # fmt: skip

    @extend_schema_field(WhyOut)
    def reasons(self, row: ReplenishRow) -> dict[str, Any]:
        """The figures."""
        return dict(WhyOut(row).data)
