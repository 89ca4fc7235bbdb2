"""The endpoints of purchasing: /suppliers, /purchase-orders, /replenishment. Ordering and approving are for people."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet, Sum
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backoffice.api.idempotency import once, short_key
from backoffice.api.paging import NewestFirst, OldestFirst
from backoffice.api.permissions import may_see_costs
from backoffice.errors import YikuError
from backoffice.models import ApiKey
from inventory import codes
from inventory.access import sight, visible
from inventory.api.lines import goods_of, places_of
from inventory.api.views import IDEMPOTENCY, skus_of, warehouse_of
from orders.api.purchasing_bodies import (
    DeliveryIn,
    PurchaseFilter,
    PurchaseIn,
    PurchaseOut,
    PurchaseWhole,
    SuggestionFilter,
    SuggestionOut,
    SupplierFilter,
    SupplierItemOut,
    SupplierOut,
)
from orders.models import LinePromise, PurchaseOrder, ReplenishRow, Supplier, SupplierItem
from orders.supply import drafting, receiving, replenishment

READ = {"GET": "purchasing:read"}
LOOKUPS = {
    "state": "state", "supplier": "supplier__code", "warehouse": "warehouse__code", "number": "number",
    "expected_until": "expected_on__lte", "changed_since": "updated_at__gte", "verdict": "verdict",
}  # fmt: skip
AT_FAULT = {"quantity": "quantity", "price": "price", "sku_twice": "sku", "no_stock_of_its_own": "sku",
            "over": "accepted"}  # fmt: skip


class _Costly(generics.ListAPIView[Any]):
    """A list some of whose figures are for keys that may see costs."""

    scopes = READ

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "costs": may_see_costs(self.request)}


class SupplierList(_Costly):
    """Suppliers in the order they were made."""

    serializer_class = SupplierOut
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[Supplier]:
        if getattr(self, "swagger_fake_view", False):
            return Supplier.objects.none()
        asked = SupplierFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows, said = Supplier.objects.all(), asked.validated_data
        if said["active"] is not None:
            rows = rows.filter(active=said["active"])
        if "sku" in said:
            rows = rows.filter(pk__in=SupplierItem.objects.filter(sku__code_key=codes.normalise(said["sku"])).values(
                "supplier"
            ))  # fmt: skip
        return rows

    @extend_schema(parameters=[SupplierFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List suppliers."""
        return super().get(request, *args, **kwargs)


class SupplierDetail(APIView):
    """One supplier by its code."""

    scopes = READ

    @extend_schema(responses=SupplierOut)
    def get(self, request: Request, code: str) -> Response:
        """Read one supplier."""
        supplier = get_object_or_404(Supplier, code=code.replace("\0", ""))
        return Response(SupplierOut(supplier, context={"costs": may_see_costs(request)}).data)


class SupplierItems(_Costly):
    """What a supplier sells."""

    serializer_class = SupplierItemOut
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[SupplierItem]:
        if getattr(self, "swagger_fake_view", False):
            return SupplierItem.objects.none()
        supplier = get_object_or_404(Supplier, code=self.kwargs["code"].replace("\0", ""))
        return supplier.items.select_related("sku").prefetch_related("breaks")

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the SKUs of a supplier with their terms."""
        return super().get(request, *args, **kwargs)


def orders_of(request: Request) -> QuerySet[PurchaseOrder]:
    """The purchase orders for the warehouses that the key may see."""
    return visible(cast(ApiKey, request.auth), PurchaseOrder.objects.select_related("supplier", "warehouse"))


def whole(request: Request, pk: int) -> dict[str, Any]:
    """Return an order as it reads now, with lines and deliveries, in a constant number of queries."""
    row = get_object_or_404(orders_of(request), pk=pk)
    lines = list(row.lines.select_related("sku").order_by("row"))
    row.read_lines = lines  # type: ignore[attr-defined]
    row.read_receipts = list(row.receipts.prefetch_related("rows__line__sku").order_by("pk"))  # type: ignore[attr-defined]
    promises = LinePromise.objects.filter(arrival__in=[line.arrival_id for line in lines if line.arrival_id])
    context = {
        "costs": may_see_costs(request),
        "state": row.state,
        "promised": dict(promises.values_list("arrival").order_by().annotate(Sum("quantity"))),
    }
    return dict(PurchaseWhole(row, context=context).data)


class PurchaseList(_Costly):
    """Purchase orders, newest first; POST drafts one."""

    scopes = {**READ, "POST": "purchasing:write"}
    serializer_class = PurchaseOut
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[PurchaseOrder]:
        if getattr(self, "swagger_fake_view", False):
            return PurchaseOrder.objects.none()
        asked = PurchaseFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        said = dict(asked.validated_data)
        sku = said.pop("sku", None)
        rows = orders_of(self.request).filter(**{LOOKUPS[name]: value for name, value in said.items()})
        return rows if sku is None else rows.filter(lines__sku__code_key=codes.normalise(sku))

    @extend_schema(parameters=[PurchaseFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List purchase orders."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=PurchaseIn, responses={201: PurchaseWhole}, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request) -> Response:
        """Draft a purchase order. People look it over and order it; above their limit it waits for approval."""
        body = PurchaseIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        supplier = Supplier.objects.filter(code=data["supplier"]).first()
        if supplier is None:
            raise serializers.ValidationError({"supplier": [_("There is no supplier with this code.")]})
        _demand_sight_of_prices(request, data["lines"])
        place = warehouse_of(request, data["warehouse"])
        lines = [
            drafting.Wanted(sku_id=sku.pk, quantity=pieces, price=line["price"])
            for line, (sku, pieces) in zip(data["lines"], goods_of(data["lines"]), strict=True)
        ]
        try:
            made = drafting.draft(
                supplier_id=supplier.pk, warehouse_id=place.pk, lines=lines, actor=str(request.user),
                once=short_key(request), note=data["note"], expected_on=data["expected_on"],
                warehouses=sight(cast(ApiKey, request.auth)).warehouses,
            )  # fmt: skip
        except YikuError as refusal:
            if refusal.field.endswith("]") and refusal.code in AT_FAULT:
                refusal.field += f".{AT_FAULT[refusal.code]}"
            raise
        return Response(whole(request, made.pk), status=status.HTTP_201_CREATED)


def _demand_sight_of_prices(request: Request, lines: list[dict[str, Any]]) -> None:
    """Who may not see what is paid cannot say it either."""
    priced = [place for place, line in enumerate(lines) if line["price"] is not None]
    if priced and not may_see_costs(request):
        text = _("This key may not see prices: leave the price out, the supplier's own is taken.")
        faults: dict[Any, Any] = {place: {"price": [text]} for place in priced}
        raise serializers.ValidationError({"lines": faults})


class PurchaseDetail(APIView):
    """One purchase order with its lines and deliveries."""

    scopes = READ

    @extend_schema(responses=PurchaseWhole)
    def get(self, request: Request, pk: int) -> Response:
        """Read one purchase order."""
        return Response(whole(request, pk))


class PurchaseReceipts(APIView):
    """Deliveries of a purchase order."""

    scopes = {"POST": "purchasing:receive"}

    @extend_schema(request=DeliveryIn, responses={201: PurchaseWhole}, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Take a delivery in, in parts or at once. A little more than ordered is taken, up to the house's setting."""
        order = get_object_or_404(orders_of(request), pk=pk)
        body = DeliveryIn(data=request.data)
        body.is_valid(raise_exception=True)
        data, ids = body.validated_data, list(order.lines.values_list("pk", flat=True))
        places = places_of(ids, data["lines"], _("This line is not in the purchase order."))
        try:
            receiving.receive(
                order_id=order.pk, counts={row["line"]: _counted(row) for row in data["lines"]},
                actor=str(request.user), key=short_key(request), slip=data["slip"], note=data["note"],
                seen={row["line"]: row["seen"] for row in data["lines"]},
                warehouses=sight(cast(ApiKey, request.auth)).warehouses, lots_demanded=True,
            )  # fmt: skip
        except YikuError as refusal:
            _put_back(refusal, places)
            raise
        return Response(whole(request, order.pk), status=status.HTTP_201_CREATED)


def _counted(row: dict[str, Any]) -> receiving.Counted:
    return receiving.Counted(
        accepted=row["accepted"], damaged=row["damaged"], refused=row["refused"], lot=row["lot"],
        expires_on=row["expires_on"].isoformat() if row["expires_on"] else "",
    )  # fmt: skip


def _put_back(refusal: YikuError, places: dict[int, int]) -> None:
    """Name the line of the request where the domain named that of the order: `line_7.lot` is `lines[0].lot`."""
    line, _dot, rest = refusal.field.removeprefix("line_").partition(".")
    if refusal.field.startswith("line_") and line.isdecimal() and int(line) in places:
        field = rest or AT_FAULT.get(refusal.code, "")
        refusal.field = f"lines[{places[int(line)]}]" + (f".{field}" if field else "")


class Replenishment(_Costly):
    """What the newest run says of every SKU: what to order and why, what not and why not."""

    serializer_class = SuggestionOut
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[ReplenishRow]:
        if getattr(self, "swagger_fake_view", False):
            return ReplenishRow.objects.none()
        asked = SuggestionFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        said = dict(asked.validated_data)
        codes_asked = said.pop("sku", None)
        rows = ReplenishRow.objects.filter(run=replenishment.latest())
        rows = visible(cast(ApiKey, self.request.auth), rows).filter(
            **{LOOKUPS[name]: value for name, value in said.items()}
        )
        if codes_asked is not None:
            rows = rows.filter(sku__in=skus_of(codes_asked, "sku").values())
        return rows.select_related("run", "sku", "warehouse", "supplier", "purchase")

    @extend_schema(parameters=[SuggestionFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List suggestions of replenishment with their reasons."""
        return super().get(request, *args, **kwargs)
