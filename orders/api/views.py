"""The endpoints: /orders, /orders/changes, /shipments."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backoffice import clock
from backoffice.api.idempotency import HEADER, once, stored_key
from backoffice.api.paging import NewestFirst
from backoffice.api.permissions import may_see_personal_data
from backoffice.api.serializing import ListQuery, StrictQuery
from backoffice.models import ApiKey
from inventory.access import sight, visible
from inventory.models import Shop, Warehouse
from orders import feed, intake
from orders.api.incoming import OrderIn, to_contract
from orders.api.outgoing import OrderOut, ShipmentIn, ShipmentOut, TakenIn
from orders.errors import OrderError
from orders.fulfil import shipping
from orders.models import Order

IDEMPOTENCY = OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, required=True, description="Unique per request.")
SKEW = dt.timedelta(minutes=10)
BEFORE = dt.timedelta(days=1)  # an order may be written down a little after its goods have left


def orders_of(key: ApiKey) -> QuerySet[Order]:
    """The orders a key may see, with what the answer needs in a constant number of queries."""
    rows = visible(key, Order.objects.all()).select_related("shop", "contact")
    return rows.prefetch_related("lines__sku", "shipments")


class OrderFilter(ListQuery):
    """The filters of the list."""

    shop = serializers.CharField(required=False, help_text="Code of a shop.")
    state = serializers.ChoiceField(choices=Order.State.choices, required=False)
    number = serializers.CharField(required=False, help_text="Exact order number.")
    external_id = serializers.CharField(required=False)
    placed_after = serializers.DateTimeField(required=False)
    placed_before = serializers.DateTimeField(required=False)
    updated_since = serializers.DateTimeField(
        required=False, help_text="For a complete copy follow `/orders/changes` instead: it misses nothing."
    )


LOOKUPS = {
    "shop": "shop__code",
    "state": "state",
    "number": "number",
    "external_id": "external_id",
    "placed_after": "placed_at__gte",
    "placed_before": "placed_at__lt",
    "updated_since": "updated_at__gte",
}


class OrderList(generics.ListAPIView[Order]):
    """Orders, newest first; POST sends one in."""

    scopes = {"GET": "orders:read", "POST": "orders:write"}
    serializer_class = OrderOut
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Order]:
        if getattr(self, "swagger_fake_view", False):
            return Order.objects.none()
        filters = OrderFilter(data=self.request.query_params)
        filters.is_valid(raise_exception=True)
        chosen = {LOOKUPS[name]: value for name, value in filters.validated_data.items()}
        return orders_of(cast(ApiKey, self.request.auth)).filter(**chosen)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "personal_data": may_see_personal_data(self.request)}

    @extend_schema(parameters=[OrderFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List orders."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=OrderIn, responses={201: TakenIn, 200: TakenIn}, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request) -> Response:
        """Send an order in, or a newer version of one sent before. It is stored, books its demand and is reviewed."""
        body = OrderIn(data=request.data)
        body.is_valid(raise_exception=True)
        order = to_contract(body.validated_data)
        if order.updated_at > clock.now() + SKEW:
            field = "updated_at" if "updated_at" in body.validated_data else "placed_at"
            raise serializers.ValidationError({field: [_("This time lies in the future.")]})
        shop = _shop(request, body.validated_data["shop"])
        result = intake.take_in(shop_id=shop.pk, orders=[order], source_refs=[f"api:{request.user.pk}"])
        outcome = result.outcomes[0]
        if outcome.error is not None or outcome.order_id is None:
            fault = outcome.error
            raise serializers.ValidationError(
                {(fault.field if fault else "") or "order": [fault.message if fault else ""]}
            )
        stored = Order.objects.get(pk=outcome.order_id)
        answer = {
            "id": stored.pk,
            "external_id": stored.external_id,
            "action": outcome.action,
            "state": stored.state,
            "hold_code": stored.hold_code,
        }
        created = outcome.action == "created"
        return Response(answer, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)


class OrderDetail(generics.RetrieveAPIView[Order]):
    """One order."""

    scopes = {"GET": "orders:read"}
    serializer_class = OrderOut

    def get_queryset(self) -> QuerySet[Order]:
        if getattr(self, "swagger_fake_view", False):
            return Order.objects.none()
        return orders_of(cast(ApiKey, self.request.auth))

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "personal_data": may_see_personal_data(self.request)}


class ChangeFilter(StrictQuery):
    """Where to go on reading."""

    after = serializers.IntegerField(default=0, min_value=0, max_value=2**62, help_text="The last `sequence` you read.")
    limit = serializers.IntegerField(default=100, min_value=1, max_value=200)


class ChangeOut(serializers.Serializer[Any]):
    """An order that changed; `sequence` only grows and is given after the change is committed."""

    sequence = serializers.IntegerField()
    order = OrderOut()


class ChangesOut(serializers.Serializer[Any]):
    """A page of changes. Ask again with `after` = `last`; when `more` is false you are up to date."""

    changes = ChangeOut(many=True)
    last = serializers.IntegerField()
    more = serializers.BooleanField()


class OrderChanges(APIView):
    """Every order that changed, each once in its newest state: follow it and nothing is ever missed."""

    scopes = {"GET": "orders:read"}

    @extend_schema(parameters=[ChangeFilter], responses=ChangesOut)
    def get(self, request: Request) -> Response:
        """Read on after a sequence number."""
        asked = ChangeFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        key = cast(ApiKey, request.auth)
        after, limit = asked.validated_data["after"], asked.validated_data["limit"]
        page = feed.changes(after=after, limit=limit, orders=visible(key, Order.objects.all()))
        rows = {order.pk: order for order in orders_of(key).filter(pk__in=[one for _seq, one in page.rows])}
        context = {"personal_data": may_see_personal_data(request), "request": request}
        changes = [
            {"sequence": seq, "order": OrderOut(rows[one], context=context).data}
            for seq, one in page.rows
            if one in rows
        ]
        return Response({"changes": changes, "last": page.last, "more": page.more})


class Shipments(APIView):
    """Parcels that left."""

    scopes = {"POST": "shipments:write"}

    @extend_schema(request=ShipmentIn, responses={201: ShipmentOut(many=True)}, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request) -> Response:
        """Record a parcel: goods leave the stock, the sale is booked, the platform is told."""
        body = ShipmentIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        order = get_object_or_404(
            visible(cast(ApiKey, request.auth), Order.objects.all()), shop__code=data["shop"], external_id=data["order"]
        )
        _check_shipped_at(order, data["shipped_at"])
        parcel = shipping.Parcel(
            lines=_line_quantities(order, data.get("lines")),
            carrier=data["carrier"],
            tracking=data["tracking_number"],
            tracking_url=data["tracking_url"],
            warehouse_id=_warehouse_id(request, data.get("warehouse")),
            warehouses=sight(cast(ApiKey, request.auth)).warehouses,
        )
        try:
            parcels = shipping.ship(
                order_id=order.pk,
                parcels=[parcel],
                actor=str(request.user),
                idempotency_key=stored_key(request),
                shipped_at=data["shipped_at"],
            )
        except OrderError as error:
            error.field = _field_at_fault(error, order, data.get("lines") or [])
            raise
        return Response(ShipmentOut(parcels, many=True).data, status=status.HTTP_201_CREATED)


def _field_at_fault(error: OrderError, order: Order, lines: list[dict[str, Any]]) -> str:
    """Return the path of the quantity that cannot be shipped; of a line named twice, the last."""
    external_id = order.lines.filter(pk=error.params.get("line_id", 0)).values_list("external_id", flat=True).first()
    places = [place for place, line in enumerate(lines) if line["external_id"] == external_id]
    return f"lines[{places[-1]}].quantity" if places else ""


def _check_shipped_at(order: Order, at: dt.datetime | None) -> None:
    """A parcel leaves neither in the future nor before its order: the sale would be booked in a month of its own."""
    if at is None:
        return
    if at > clock.now() + SKEW:
        raise serializers.ValidationError({"shipped_at": [_("This time lies in the future.")]})
    if at + BEFORE < order.placed_at:
        raise serializers.ValidationError({"shipped_at": [_("This time lies before the order was placed.")]})


def _refused(fault: intake.Fault | None) -> serializers.ValidationError:
    field, message = (fault.field, fault.message) if fault else ("", "")
    return serializers.ValidationError({field or "order": [message or _("The order could not be taken in.")]})


def _shop(request: Request, code: str) -> Shop:
    shop = visible(cast(ApiKey, request.auth), Shop.objects.filter(code=code)).first()
    if shop is None:
        raise serializers.ValidationError({"shop": [_("There is no shop with this code, or this key may not see it.")]})
    return shop


def _warehouse_id(request: Request, code: str | None) -> int | None:
    if code is None:
        return None
    warehouse = visible(cast(ApiKey, request.auth), Warehouse.objects.filter(code=code)).first()
    if warehouse is None:
        message = _("There is no warehouse with this code, or this key may not see it.")
        raise serializers.ValidationError({"warehouse": [message]})
    return warehouse.pk


def _line_quantities(order: Order, lines: list[dict[str, Any]] | None) -> dict[int, Any] | None:
    if lines is None:
        return None
    ids = dict(order.lines.values_list("external_id", "pk"))
    unknown = [line["external_id"] for line in lines if line["external_id"] not in ids]
    if unknown:
        raise serializers.ValidationError({"lines": [_("No such line: %s") % ", ".join(unknown)]})
    wanted: dict[int, Any] = {}
    for line in lines:
        pk = ids[line["external_id"]]
        wanted[pk] = wanted.get(pk, 0) + line["quantity"]
    return wanted
