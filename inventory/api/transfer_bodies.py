"""The bodies of requests and answers about transfers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backoffice.api.serializing import CleanCharField, ListQuery, RowSerializer, StrictSerializer, quantity
from inventory.models import Transfer, TransferLine, TransferReceipt, TransferReceiptLine

MOST_LINES = 500  # of one request


class TransferFilter(ListQuery):
    """The filters of the list."""

    state = serializers.ChoiceField(choices=Transfer.State.choices, required=False)
    origin = serializers.CharField(required=False, help_text="Code of the warehouse that goods leave.")
    destination = serializers.CharField(required=False, help_text="Code of the warehouse that goods go to.")
    number = serializers.CharField(required=False, help_text="Exact number.")
    changed_since = serializers.DateTimeField(
        required=False, help_text="Planned, requested, picked, sent, received, taken back or ended from then on."
    )


class TransferOut(RowSerializer[Transfer]):
    """A transfer; `turn` counts its bookings and is sent along when goods are received."""

    origin = serializers.CharField(source="origin.code")
    destination = serializers.CharField(source="destination.code")

    class Meta:
        model = Transfer
        fields = [
            "id", "number", "origin", "destination", "state", "turn", "note", "expected_on", "proposed", "line_count",
            "created_at", "requested_at", "picked_at", "sent_at", "ended_at",
        ]  # fmt: skip


class TransferLotOut(serializers.Serializer[Any]):
    """One lot of a line: pieces that left the origin for good, that are under way, and that lie at the destination."""

    lot = serializers.CharField(help_text="Empty: the unknown lot.")
    expires_on = serializers.DateField(allow_null=True)
    left = quantity()
    in_transit = quantity()
    arrived = quantity()


class TransferLineOut(RowSerializer[TransferLine]):
    """One SKU: `picked` is what came of it (`received`, `damaged`, `lost`, `back`) and what is still `in_transit`."""

    sku = serializers.CharField(source="sku.code")
    in_transit = quantity(source="transit")
    why = serializers.SerializerMethodField(help_text="Why it was proposed; empty for one that somebody wrote.")
    value = serializers.SerializerMethodField(
        method_name="worth", help_text="What left was worth; null without the scope `costs:read`."
    )
    lots = serializers.SerializerMethodField(help_text="Of tracked goods; empty for others.")

    class Meta:
        model = TransferLine
        fields = [
            "id", "sku", "quantity", "picked", "in_transit", "received", "damaged", "lost", "back", "over", "why",
            "value", "lots",
        ]  # fmt: skip

    def get_why(self, line: TransferLine) -> str:
        """The reason in words."""
        told: dict[int, str] = self.context["why"]
        return told.get(line.pk, "")

    def worth(self, line: TransferLine) -> str | None:
        """What left was worth, for keys that may see costs."""
        return f"{line.picked_value:.4f}" if self.context["costs"] else None

    @extend_schema_field(TransferLotOut(many=True))
    def get_lots(self, line: TransferLine) -> Any:
        """The lots of the line."""
        return TransferLotOut(self.context["lots"].get(line.sku_id, []), many=True).data


class ReceivedLineOut(RowSerializer[TransferReceiptLine]):
    """What of a line came with one receipt; `over` came on top of what was under way."""

    sku = serializers.CharField(source="line.sku.code")

    class Meta:
        model = TransferReceiptLine
        fields = ["sku", "good", "damaged", "over"]


class TransferReceiptOut(RowSerializer[TransferReceipt]):
    """What was booked as arrived at once. `over_state` says what became of more than was sent."""

    lines = ReceivedLineOut(many=True)

    class Meta:
        model = TransferReceipt
        fields = ["id", "note", "over_state", "created_at", "undone_at", "lines"]


class TransferWhole(TransferOut):
    """A transfer with its lines and receipts."""

    lines = TransferLineOut(many=True, source="read_lines")
    receipts = TransferReceiptOut(many=True, source="read_receipts")

    class Meta(TransferOut.Meta):
        fields = [*TransferOut.Meta.fields, "lines", "receipts"]


class WishIn(StrictSerializer):
    """So many pieces of a SKU."""

    sku = CleanCharField(max_length=100, help_text="SKU code or barcode; that of a case counts cases.")
    quantity = quantity(min_value=Decimal("0.001"))


class TransferIn(StrictSerializer):
    """A transfer to plan: a draft, which moves nothing."""

    origin = CleanCharField(max_length=40, help_text="Code of the warehouse that goods leave.")
    destination = CleanCharField(max_length=40, help_text="Code of the warehouse that goods go to.")
    note = CleanCharField(max_length=300, required=False, allow_blank=True, default="")
    expected_on = serializers.DateField(required=False, allow_null=True, default=None)
    lines: Any = serializers.ListSerializer(child=WishIn(), allow_empty=False, max_length=MOST_LINES)


class PickLineIn(StrictSerializer):
    """What was taken off the shelf of a line."""

    line = serializers.IntegerField(min_value=1, max_value=2**62, help_text="The `id` of the line.")
    quantity = quantity(min_value=Decimal(0))
    lot = CleanCharField(
        max_length=4000, required=False, allow_blank=True, default="",
        help_text="Of tracked goods: one lot, or one a line as `A12 × 6`; first expired first when left out.",
    )  # fmt: skip


class PickIn(StrictSerializer):
    """What is picked. Without `lines`: all that is wanted; a line that is not named is not picked."""

    lines: Any = serializers.ListSerializer(
        child=PickLineIn(), required=False, allow_empty=False, max_length=MOST_LINES
    )


class CameIn(StrictSerializer):
    """What came of a line: fit to sell, and damaged."""

    line = serializers.IntegerField(min_value=1, max_value=2**62, help_text="The `id` of the line.")
    good = quantity(required=False, default=Decimal(0), min_value=Decimal(0))
    damaged = quantity(required=False, default=Decimal(0), min_value=Decimal(0))


class ReceiveIn(StrictSerializer):
    """What came at once. Name the `turn` you read: when somebody booked since, nothing is counted twice."""

    turn = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    note = CleanCharField(max_length=300, required=False, allow_blank=True, default="")
    lines: Any = serializers.ListSerializer(child=CameIn(), allow_empty=False, max_length=MOST_LINES)


class NoteIn(StrictSerializer):
    """Why, if you wish to say it."""

    note = CleanCharField(max_length=300, required=False, allow_blank=True, default="")


class NothingIn(StrictSerializer):
    """Nothing has to be said: send an empty object."""
