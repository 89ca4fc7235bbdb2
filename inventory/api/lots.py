"""The endpoints of lots: /lots, /lot-stock, /lot-movements; all of them read."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backoffice.api.paging import OldestFirst
from backoffice.models import ApiKey
from inventory import codes
from inventory.access import visible
from inventory.api.bodies import CodesField, ListQuery, RowSerializer
from inventory.models import Lot, LotBalance, LotMovement


class LotFilter(ListQuery):
    """The filters of the lists of lots."""

    sku = CodesField(required=False, help_text="SKU codes separated by commas, at most 200.")
    lot = serializers.CharField(required=False, max_length=60, help_text="Lot or serial number.")
    warehouse = serializers.CharField(required=False, help_text="Code of a warehouse (not for /lots).")


class LotOut(RowSerializer[Lot]):
    """A lot or serial of a SKU; the unknown lot has an empty `number`. `state` is open or blocked."""

    sku = serializers.CharField(source="sku.code")

    class Meta:
        model = Lot
        fields = [
            "id", "sku", "number", "expires_on", "made_on", "supplier_reference", "state", "blocked_reason",
            "first_received_at",
        ]  # fmt: skip


class LotStockOut(RowSerializer[LotBalance]):
    """How much of a lot lies in a warehouse."""

    sku = serializers.CharField(source="sku.code")
    warehouse = serializers.CharField(source="warehouse.code")
    lot = serializers.CharField(source="lot.number")
    expires_on = serializers.DateField(source="lot.expires_on", allow_null=True)
    state = serializers.CharField(source="lot.state")

    class Meta:
        model = LotBalance
        fields = ["id", "sku", "warehouse", "lot", "expires_on", "state", "on_hand"]


class LotMovementOut(RowSerializer[LotMovement]):
    """The part of a stock movement that one lot had; `quantity` is signed."""

    sku = serializers.CharField(source="sku.code")
    warehouse = serializers.CharField(source="warehouse.code")
    lot = serializers.CharField(source="lot.number")

    class Meta:
        model = LotMovement
        fields = ["id", "key", "sku", "warehouse", "lot", "quantity", "reason", "reference", "recorded_at"]


class _Lots(generics.ListAPIView[Any]):
    """What the lists have in common: the filters, and the warehouses of the key."""

    scopes = {"GET": "stock:read"}
    pagination_class = OldestFirst
    rows: QuerySet[Any]
    number = "lot__number_key"

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.rows.none()
        asked = LotFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        wanted: dict[str, Any] = {}
        if "sku" in said:
            wanted["sku__code_key__in"] = [codes.normalise(code) for code in said["sku"]]
        if "lot" in said:
            wanted[self.number] = codes.normalise(said["lot"])
        if "warehouse" in said and self.rows.model is not Lot:
            wanted["warehouse__code"] = said["warehouse"]
        return visible(cast(ApiKey, self.request.auth), self.rows.all()).filter(**wanted)


class LotList(_Lots):
    """Lots and serials."""

    serializer_class = LotOut
    rows = Lot.objects.select_related("sku")
    number = "number_key"

    @extend_schema(parameters=[LotFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List lots."""
        return super().get(request, *args, **kwargs)


class LotStockList(_Lots):
    """What lies of each lot in each warehouse."""

    serializer_class = LotStockOut
    rows = LotBalance.objects.select_related("sku", "warehouse", "lot").filter(on_hand__gt=0)

    @extend_schema(parameters=[LotFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List stock by lot."""
        return super().get(request, *args, **kwargs)


class LotMovementList(_Lots):
    """Movements by lot."""

    serializer_class = LotMovementOut
    rows = LotMovement.objects.select_related("sku", "warehouse", "lot")

    @extend_schema(parameters=[LotFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List movements by lot."""
        return super().get(request, *args, **kwargs)
