"""The endpoints of stocktakes: /stocktakes, their lines, and counts handed in. Posting is for people, in the admin."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import Q, QuerySet
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
from inventory.access import visible
from inventory.api.stocktake_bodies import (
    CountsIn,
    CountsOut,
    StocktakeFilter,
    StocktakeLineFilter,
    StocktakeLineOut,
    StocktakeOut,
)
from inventory.api.views import IDEMPOTENCY, skus_of
from inventory.models import Stocktake, StocktakeCount, StocktakeLine
from inventory.stocktakes import counting
from inventory.stocktakes.counting import Told

LOOKUPS = {"state": "state", "kind": "kind", "warehouse": "warehouse__code", "number": "number"}
MOMENTS = ("created_at", "snapshot_at", "submitted_at", "posted_at", "ended_at")
ONLY: dict[str, dict[str, Any]] = {"open": {"counted_quantity": None}, "conflict": {"conflict": True}}
OF_THE_WHOLE = frozenset(  # refusals that no other figure would change
    {"already_done", "not_in_this_state", "warehouse_closed", "no_such_warehouse", "not_yours_to_count"}
)
FIELDS = {"bad_quantity": "quantity", "negative_count": "quantity"}


def stocktakes_of(request: Request) -> QuerySet[Stocktake]:
    """The stocktakes of the warehouses the key may see."""
    return visible(cast(ApiKey, request.auth), Stocktake.objects.select_related("warehouse"))


class StocktakeList(generics.ListAPIView[Stocktake]):
    """Stocktakes, newest first."""

    scopes = {"GET": "stocktakes:read"}
    serializer_class = StocktakeOut
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Stocktake]:
        if getattr(self, "swagger_fake_view", False):
            return Stocktake.objects.none()
        asked = StocktakeFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        said = dict(asked.validated_data)
        since, later = said.pop("changed_since", None), Q()
        for moment in MOMENTS if since else ():
            later |= Q(**{f"{moment}__gte": since})
        return stocktakes_of(self.request).filter(later, **{LOOKUPS[name]: value for name, value in said.items()})

    @extend_schema(parameters=[StocktakeFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List stocktakes."""
        return super().get(request, *args, **kwargs)


class StocktakeDetail(APIView):
    """One stocktake; its lines have an address of their own."""

    scopes = {"GET": "stocktakes:read"}

    @extend_schema(responses=StocktakeOut)
    def get(self, request: Request, pk: int) -> Response:
        """Read one stocktake."""
        return Response(StocktakeOut(get_object_or_404(stocktakes_of(request), pk=pk)).data)


class StocktakeLines(generics.ListAPIView[StocktakeLine]):
    """The lines of a stocktake."""

    scopes = {"GET": "stocktakes:read"}
    serializer_class = StocktakeLineOut
    pagination_class = OldestFirst

    def get_queryset(self) -> QuerySet[StocktakeLine]:
        if getattr(self, "swagger_fake_view", False):
            return StocktakeLine.objects.none()
        self.stocktake = get_object_or_404(stocktakes_of(self.request), pk=self.kwargs["pk"])
        asked = StocktakeLineFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows, only = self.stocktake.lines.select_related("sku", "lot"), asked.validated_data.get("only", "")
        if "sku" in asked.validated_data:
            rows = rows.filter(sku__in=skus_of(asked.validated_data["sku"], "sku").values())
        if only == "different":
            if self.stocktake.hidden:
                text = _("This is counted blind: differences are told after counting.")
                raise serializers.ValidationError({"only": [text]})
            return rows.exclude(counted_quantity=None).exclude(difference=0)
        return rows.filter(**ONLY.get(only, {}))

    def get_serializer_context(self) -> dict[str, Any]:
        context = super().get_serializer_context()
        hidden = getattr(self, "stocktake", None) is None or self.stocktake.hidden
        return {**context, "hidden": hidden, "costs": may_see_costs(self.request)}

    @extend_schema(parameters=[StocktakeLineFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the lines of a stocktake with their differences."""
        return super().get(request, *args, **kwargs)


class StocktakeCounts(APIView):
    """Figures that were counted elsewhere."""

    scopes = {"POST": "stocktakes:count"}

    @extend_schema(request=CountsIn, responses={201: CountsOut}, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Hand in counts, all of them or none. This key counting a bin again corrects its own figure."""
        stocktake = get_object_or_404(stocktakes_of(request), pk=pk)
        body = CountsIn(data=request.data)
        body.is_valid(raise_exception=True)
        told: list[Told] = []
        faults: dict[Any, Any] = {}
        for place, row in enumerate(body.validated_data["counts"]):
            try:
                told.append(_count(request, stocktake, place, row))
            except YikuError as refusal:
                if refusal.code in OF_THE_WHOLE:
                    raise
                field = refusal.field or FIELDS.get(refusal.code, "code")
                faults[place] = {field: [serializers.ErrorDetail(str(refusal), code=refusal.code)]}
        faults |= _written_over(request, stocktake, told)
        if faults:
            raise serializers.ValidationError({"counts": faults})
        answer = {"stocktake": stocktakes_of(request).get(pk=stocktake.pk), "counts": told}
        return Response(CountsOut(answer).data, status=status.HTTP_201_CREATED)


def _written_over(request: Request, stocktake: Stocktake, told: list[Told]) -> dict[Any, Any]:
    """Return a fault for each figure that a later one of the same request has replaced: it would be lost."""
    keys = {f"{short_key(request)}:{place}": place for place, one in enumerate(told) if one.code != "repeated"}
    lost = StocktakeCount.objects.filter(stocktake=stocktake, key__in=keys, active=False).values_list("key", flat=True)
    text = _("The same goods stand in the same bin further down: add them up, or name their bins.")
    return {keys[str(key)]: {"code": [serializers.ErrorDetail(text, code="counted_twice")]} for key in lost}


def _count(request: Request, stocktake: Stocktake, place: int, row: dict[str, Any]) -> Told:
    return counting.count(
        stocktake_id=stocktake.pk,
        code=row["code"],
        quantity=row["quantity"],
        user=cast(ApiKey, request.auth),
        key=f"{short_key(request)}:{place}",
        bin=row["bin"],
        counted_at=row["counted_at"],
        lot=row["lot"],
        expires_on=row["expires_on"].isoformat() if row["expires_on"] else "",
    )
