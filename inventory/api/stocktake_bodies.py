"""The bodies of requests and answers about stocktakes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from backoffice import clock
from backoffice.api.serializing import CleanCharField, ListQuery, RowSerializer, StrictSerializer, quantity
from inventory.api.bodies import CodesField
from inventory.models import Stocktake, StocktakeLine
from inventory.stocktakes.counting import CLOCK_SLACK, OLDEST

MOST_COUNTS = 200  # figures of one request


class StocktakeFilter(ListQuery):
    """The filters of the list."""

    state = serializers.ChoiceField(choices=Stocktake.State.choices, required=False)
    kind = serializers.ChoiceField(choices=Stocktake.Kind.choices, required=False)
    warehouse = serializers.CharField(required=False, help_text="Code of a warehouse.")
    number = serializers.CharField(required=False, help_text="Exact number.")
    changed_since = serializers.DateTimeField(
        required=False, help_text="Planned, started, closed, posted, cancelled or undone from then on."
    )


class StocktakeOut(RowSerializer[Stocktake]):
    """A stocktake. `blind`: what the system says is told after counting only."""

    warehouse = serializers.CharField(source="warehouse.code")
    difference_count = serializers.SerializerMethodField(help_text="Null until counting is over.")

    class Meta:
        model = Stocktake
        fields = [
            "id", "number", "warehouse", "kind", "state", "blind", "round", "category", "bin_prefix", "note",
            "line_count", "counted_count", "difference_count", "snapshot_at", "created_at", "submitted_at",
            "posted_at", "ended_at",
        ]  # fmt: skip

    def get_difference_count(self, row: Stocktake) -> int | None:
        """How many lines differ, once counting is over."""
        return None if row.state in (Stocktake.State.DRAFT, Stocktake.State.COUNTING) else row.difference_count


class StocktakeLineFilter(ListQuery):
    """The filters of the lines."""

    sku = CodesField(required=False, help_text="SKU codes separated by commas, at most 200.")
    only = serializers.ChoiceField(
        choices=[("open", "not counted"), ("different", "with a difference"), ("conflict", "two counts disagree")],
        required=False,
    )


class StocktakeLineOut(RowSerializer[StocktakeLine]):
    """One SKU, of tracked goods one lot. While a blind count is on, the system's figures and differences are null."""

    sku = serializers.CharField(source="sku.code")
    lot = serializers.CharField(source="lot.number", default=None, allow_null=True, help_text="Null: not tracked.")
    expires_on = serializers.DateField(source="lot.expires_on", default=None, allow_null=True)
    snapshot_quantity = serializers.SerializerMethodField()
    system_quantity = serializers.SerializerMethodField(help_text="What the system said at the moment of the count.")
    difference = serializers.SerializerMethodField(help_text="Counted less the system; null before it is counted.")
    value = serializers.SerializerMethodField(
        method_name="worth", help_text="Of the difference; null without the scope `costs:read`."
    )

    class Meta:
        model = StocktakeLine
        fields = [
            "id", "sku", "lot", "expires_on", "bin", "round", "counted_quantity", "counted_at", "conflict",
            "snapshot_quantity", "system_quantity", "difference", "value",
        ]  # fmt: skip

    def _told(self, figure: Decimal | None, places: int = 3) -> str | None:
        return None if figure is None or self.context["hidden"] else f"{figure:.{places}f}"

    def get_snapshot_quantity(self, line: StocktakeLine) -> str | None:
        """What the system said when the stocktake started."""
        return self._told(line.snapshot_quantity)

    def get_system_quantity(self, line: StocktakeLine) -> str | None:
        """What it said when the goods were counted."""
        return self._told(line.system_quantity)

    def get_difference(self, line: StocktakeLine) -> str | None:
        """More or less than the system says."""
        return self._told(None if line.counted_quantity is None else line.difference)

    def worth(self, line: StocktakeLine) -> str | None:
        """The difference in money."""
        seen = self.context["costs"] and line.counted_quantity is not None
        return self._told(line.value if seen else None, 4)


class CountIn(StrictSerializer):
    """How many lie there. Of tracked goods each figure is that of one lot."""

    code = CleanCharField(max_length=200, help_text="SKU code, barcode (that of a case counts cases) or GS1 code.")
    quantity = quantity(min_value=Decimal(0))
    bin = CleanCharField(max_length=40, required=False, allow_blank=True, default="")
    lot = CleanCharField(max_length=100, required=False, allow_blank=True, default="", help_text="`?`: unknown.")
    expires_on = serializers.DateField(required=False, allow_null=True, default=None)
    counted_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Now when left out; at most three days ago."
    )

    def validate_counted_at(self, moment: dt.datetime | None) -> dt.datetime | None:
        """Neither in the future nor so old that it says nothing of this count."""
        now = clock.now()
        if moment is not None and moment > now + CLOCK_SLACK:
            raise serializers.ValidationError(_("This time lies in the future."))
        if moment is not None and now - moment >= OLDEST:
            raise serializers.ValidationError(_("This was counted more than three days ago: count it again."))
        return moment


class CountsIn(StrictSerializer):
    """Figures of a stocktake: all of them or none."""

    counts: Any = serializers.ListSerializer(child=CountIn(), allow_empty=False, max_length=MOST_COUNTS)


class ToldOut(serializers.Serializer[Any]):
    """What became of one figure. `conflict`: another count of this bin says otherwise, and somebody decides."""

    line = serializers.IntegerField(source="line_id")
    outcome = serializers.ChoiceField(choices=["counted", "corrected", "conflict", "repeated"], source="code")
    message = serializers.CharField()


class CountsOut(serializers.Serializer[Any]):
    """The stocktake after the figures, and what became of each, in their order."""

    stocktake = StocktakeOut()
    counts = ToldOut(many=True)
