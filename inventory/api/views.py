"""The endpoints: /skus, /availability, /stock, /stock-adjustments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backoffice.api.idempotency import HEADER, once
from backoffice.api.paging import OldestFirst
from backoffice.models import ApiKey
from inventory import adjusting, availability, codes
from inventory.access import sight, visible
from inventory.api.bodies import (
    AdjustedOut,
    AdjustmentIn,
    AvailabilityOut,
    AvailabilityQuery,
    BalanceOut,
    SkuFilter,
    SkuOut,
    StockFilter,
    ValueOut,
    ValueQuery,
)
from inventory.costing import valuation
from inventory.costing.valuation import Asked
from inventory.models import Balance, Shop, Sku, Warehouse

IDEMPOTENCY = OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, required=True, description="Unique per request.")


class SkuList(generics.ListAPIView[Sku]):
    """SKUs in the order they were made."""

    scopes = {"GET": "catalogue:read"}
    serializer_class = SkuOut
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[Sku]:
        rows = Sku.objects.select_related("product").prefetch_related("barcodes")
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        asked = SkuFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        return rows.filter(**_sku_lookups(asked.validated_data))

    @extend_schema(parameters=[SkuFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List SKUs."""
        return super().get(request, *args, **kwargs)


class SkuDetail(generics.RetrieveAPIView[Sku]):
    """One SKU by its code, in any spelling that normalises to it."""

    scopes = {"GET": "catalogue:read"}
    serializer_class = SkuOut
    queryset = Sku.objects.select_related("product").prefetch_related("barcodes")

    def get_object(self) -> Sku:
        sku = self.get_queryset().filter(code_key=codes.normalise(self.kwargs["code"])).first()
        if sku is None:
            raise NotFound
        return sku


class Availability(APIView):
    """What each shop may show of each SKU right now."""

    scopes = {"GET": "stock:read"}

    @extend_schema(parameters=[AvailabilityQuery], responses=AvailabilityOut(many=True))
    def get(self, request: Request) -> Response:
        """Read the figures of up to 200 SKUs, per shop and per warehouse that the key may see."""
        asked = AvailabilityQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        shops = {shop.pk: shop.code for shop in _shops(request, asked.validated_data.get("shop"))}
        skus = {sku.pk: sku.code for sku in skus_of(asked.validated_data["sku"], "sku").values()}
        warehouses = dict(visible(cast(ApiKey, request.auth), Warehouse.objects.all()).values_list("pk", "code"))
        figures = availability.figures(shop_ids=list(shops), sku_ids=list(skus))
        rows = [
            {
                "shop": shops[shop],
                "sku": skus[sku],
                "warehouse": warehouses[place] if place is not None else None,
                "quantity": figure.quantity,
            }
            for (shop, sku, place), figure in figures.items()
            if place is None or place in warehouses
        ]
        return Response(AvailabilityOut(rows, many=True).data)


class StockList(generics.ListAPIView[Balance]):
    """What stands in each warehouse."""

    scopes = {"GET": "stock:read"}
    serializer_class = BalanceOut
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[Balance]:
        if getattr(self, "swagger_fake_view", False):
            return Balance.objects.none()
        asked = StockFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows = visible(cast(ApiKey, self.request.auth), Balance.objects.select_related("sku", "warehouse"))
        if "warehouse" in asked.validated_data:
            rows = rows.filter(warehouse__code=asked.validated_data["warehouse"])
        if "sku" in asked.validated_data:
            rows = rows.filter(sku__in=skus_of(asked.validated_data["sku"], "sku").values())
        return rows

    @extend_schema(parameters=[StockFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List balances."""
        return super().get(request, *args, **kwargs)


class StockValue(APIView):
    """What stock was worth at a moment."""

    scopes = {"GET": "costs:read"}

    @extend_schema(parameters=[ValueQuery], responses=ValueOut)
    def get(self, request: Request) -> Response:
        """Read pieces and value of every SKU by its code, a page at a time, with the totals of all pages."""
        query = ValueQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        data, places = query.validated_data, sight(cast(ApiKey, request.auth)).warehouses
        if "warehouse" in data:
            places = frozenset([warehouse_of(request, data["warehouse"]).pk])
        asked = Asked(
            at=data.get("at"), by=data["by"], warehouses=places, category=data.get("category", "")
        )  # fmt: skip
        size = data["limit"]
        return Response(ValueOut(valuation.page(asked, limit=size, offset=(data["page"] - 1) * size)).data)


class StockAdjustments(APIView):
    """Corrections of stock, through the ledger."""

    scopes = {"POST": "stock:write"}

    @extend_schema(request=AdjustmentIn, responses={201: AdjustedOut}, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request) -> Response:
        """Adjust the stock of one warehouse: every line or none; above its limit the document waits for a person."""
        body = AdjustmentIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        warehouse = warehouse_of(request, data["warehouse"])
        skus = skus_of([line["sku"] for line in data["lines"]], "lines")
        lines = [
            adjusting.Line(
                sku_id=skus[codes.normalise(line["sku"])].pk, change=line.get("change"), counted=line.get("counted")
            )
            for line in data["lines"]
        ]
        document = adjusting.adjust(
            warehouse_id=warehouse.pk, lines=lines, reason=data["reason"], note=data["note"], actor=str(request.user),
            user=cast(ApiKey, request.auth),
        )  # fmt: skip
        balances = Balance.objects.filter(warehouse=warehouse, sku__in=skus.values()).select_related("sku", "warehouse")
        answer = {"document": document.pk, "state": document.state, "balances": balances}
        return Response(AdjustedOut(answer).data, status=status.HTTP_201_CREATED)


def skus_of(texts: Sequence[str], field: str) -> dict[str, Sku]:
    """Return the SKUs by normalised code; raises a problem that names every unknown code."""
    keys = {codes.normalise(text): text for text in texts}
    found = {sku.code_key: sku for sku in Sku.objects.filter(code_key__in=keys)}
    unknown = [text for key, text in keys.items() if key not in found]
    if unknown:
        raise serializers.ValidationError({field: [_("Unknown SKU: %s") % ", ".join(unknown)]}, code="unknown_sku")
    return found


def _sku_lookups(asked: dict[str, Any]) -> dict[str, Any]:
    lookups: dict[str, Any] = {}
    if "code" in asked:
        lookups["code_key"] = codes.normalise(asked["code"])
    if "barcode" in asked:
        lookups["barcodes__code"] = codes.normalise(asked["barcode"])
    if "kind" in asked:
        lookups["kind"] = asked["kind"]
    if asked.get("active") is not None:
        lookups["active"] = asked["active"]
    return lookups


def _shops(request: Request, code: str | None) -> QuerySet[Shop]:
    shops = visible(cast(ApiKey, request.auth), Shop.objects.filter(active=True))
    if code is None:
        return shops
    if not shops.filter(code=code).exists():
        raise serializers.ValidationError({"shop": [_("There is no shop with this code, or this key may not see it.")]})
    return shops.filter(code=code)


def warehouse_of(request: Request, code: str, field: str = "warehouse") -> Warehouse:
    """Return a warehouse that the key may see; raises a problem that names the field."""
    warehouse = visible(cast(ApiKey, request.auth), Warehouse.objects.filter(code=code)).first()
    if warehouse is None:
        message = _("There is no warehouse with this code, or this key may not see it.")
        raise serializers.ValidationError({field: [message]})
    return warehouse
