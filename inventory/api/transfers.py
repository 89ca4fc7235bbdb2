"""The endpoints of transfers: /transfers, /transfers/{id} and what is done with one."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any, cast

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backoffice.api.idempotency import once, short_key
from backoffice.api.paging import NewestFirst
from backoffice.api.permissions import has_scope, may_see_costs
from backoffice.errors import YikuError
from backoffice.models import ApiKey
from inventory.access import visible
from inventory.api.lines import goods_of, places_of
from inventory.api.transfer_bodies import (
    NoteIn,
    NothingIn,
    PickIn,
    ReceiveIn,
    TransferFilter,
    TransferIn,
    TransferOut,
    TransferWhole,
)
from inventory.api.views import IDEMPOTENCY, warehouse_of
from inventory.models import LotMovement, Transfer, Warehouse
from inventory.transfers import picking, planning, reasons, receiving
from inventory.transfers.errors import locked

MOVE = "transfers:move"
LOOKUPS = {"state": "state", "origin": "origin__code", "destination": "destination__code", "number": "number"}
MOMENTS = (
    "created_at", "requested_at", "picked_at", "sent_at", "ended_at", "receipts__created_at", "receipts__undone_at",
)  # fmt: skip


def transfers_of(request: Request) -> QuerySet[Transfer]:
    """The transfers that begin or end in a warehouse the key may see."""
    return visible(cast(ApiKey, request.auth), Transfer.objects.select_related("origin", "destination"))


def whole(request: Request, pk: int) -> dict[str, Any]:
    """Return a transfer as it reads now, with lines, lots and receipts, in a constant number of queries."""
    row = get_object_or_404(transfers_of(request), pk=pk)
    lines = list(row.lines.select_related("sku").order_by("pk"))
    ends = {"origin": row.origin.code, "destination": row.destination.code}
    row.read_lines = lines  # type: ignore[attr-defined]
    row.read_receipts = list(row.receipts.prefetch_related("lines__line__sku").order_by("pk"))  # type: ignore[attr-defined]
    context = {
        "why": {line.pk: reasons.told(line.why, **ends) for line in lines if line.why},
        "costs": may_see_costs(request),
        "lots": lots_of(row),
    }
    return dict(TransferWhole(row, context=context).data)


def lots_of(transfer: Transfer) -> dict[int, list[dict[str, Any]]]:
    """Return by SKU which lots left, are under way and came: what the movements of the lots say, added up."""
    sums: dict[tuple[int, int], dict[str, Any]] = defaultdict(
        lambda: {"left": Decimal(0), "in_transit": Decimal(0), "arrived": Decimal(0)}
    )
    rows = LotMovement.objects.filter(reference=transfer.reference).select_related("lot", "warehouse").order_by("pk")
    for row in rows:
        found = sums[row.sku_id, row.lot_id]
        found |= {"lot": row.lot.number, "expires_on": row.lot.expires_on}
        if row.warehouse_id == transfer.origin_id:
            found["left"] -= row.quantity
        elif row.warehouse_id == transfer.destination_id:
            found["arrived"] += row.quantity
        elif row.warehouse.kind == Warehouse.Kind.TRANSIT:
            found["in_transit"] += row.quantity
    by_sku: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for (sku_id, _lot_id), one in sums.items():
        by_sku[sku_id].append(one)
    return by_sku


class TransferList(generics.ListAPIView[Transfer]):
    """Transfers, newest first; POST plans one."""

    scopes = {"GET": "transfers:read", "POST": "transfers:plan"}
    serializer_class = TransferOut
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Transfer]:
        if getattr(self, "swagger_fake_view", False):
            return Transfer.objects.none()
        asked = TransferFilter(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        said = dict(asked.validated_data)
        since = said.pop("changed_since", None)
        rows = transfers_of(self.request).filter(**{LOOKUPS[name]: value for name, value in said.items()})
        if since is None:
            return rows
        later = Q()
        for moment in MOMENTS:
            later |= Q(**{f"{moment}__gte": since})
        return rows.filter(pk__in=Transfer.objects.filter(later).values("pk"))

    @extend_schema(parameters=[TransferFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List transfers."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=TransferIn, responses={201: TransferWhole}, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request) -> Response:
        """Plan a transfer: a draft, which moves nothing."""
        body = TransferIn(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        made = planning.plan(
            origin=warehouse_of(request, data["origin"], "origin"),
            destination=warehouse_of(request, data["destination"], "destination"),
            lines=[planning.Wish(sku_id=sku.pk, quantity=pieces) for sku, pieces in goods_of(data["lines"])],
            user=cast(ApiKey, request.auth),
            note=data["note"],
            expected_on=data["expected_on"],
        )
        return Response(whole(request, made.pk), status=status.HTTP_201_CREATED)


class TransferDetail(APIView):
    """One transfer with its lines, lots and receipts."""

    scopes = {"GET": "transfers:read"}

    @extend_schema(responses=TransferWhole)
    def get(self, request: Request, pk: int) -> Response:
        """Read one transfer."""
        return Response(whole(request, pk))


class _Step(APIView):
    """What is done with one transfer; the answer is the transfer as it reads afterwards."""

    body: type[serializers.Serializer[Any]] = NothingIn

    def step(self, request: Request, pk: int) -> Response:
        """Read the body, do it, answer with the whole."""
        transfer = get_object_or_404(transfers_of(request), pk=pk)
        body = self.body(data=request.data)
        body.is_valid(raise_exception=True)
        self.work(transfer, cast(ApiKey, request.auth), body.validated_data)
        return Response(whole(request, pk))

    def work(self, transfer: Transfer, key: ApiKey, said: dict[str, Any]) -> None:
        """Do it by the domain's own function."""
        raise NotImplementedError


class TransferRequest(_Step):
    """Asking the origin to pick."""

    scopes = {"POST": "transfers:plan"}

    @extend_schema(request=NothingIn, responses=TransferWhole, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Request a planned transfer: the origin can pick it."""
        return self.step(request, pk)

    def work(self, transfer: Transfer, key: ApiKey, said: dict[str, Any]) -> None:
        planning.request(transfer_id=transfer.pk, user=key)


class TransferPick(_Step):
    """Taking goods off the origin's shelf."""

    scopes = {"POST": MOVE}
    body = PickIn

    @extend_schema(request=PickIn, responses=TransferWhole, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Pick a requested transfer: the goods are off the shelf, and under way in the books."""
        return self.step(request, pk)

    def work(self, transfer: Transfer, key: ApiKey, said: dict[str, Any]) -> None:
        if "lines" not in said:
            picking.pick(transfer_id=transfer.pk, user=key)
            return
        place = _places(transfer, said["lines"])
        try:
            picking.pick(
                transfer_id=transfer.pk,
                user=key,
                quantities={row["line"]: row["quantity"] for row in said["lines"]},
                lots={row["line"]: row["lot"] for row in said["lines"]},
            )
        except YikuError as refusal:
            _put_back(refusal, place)
            raise


def _places(transfer: Transfer, rows: list[dict[str, Any]]) -> list[int]:
    """Return for each line of the transfer where it stands in the request; raises a problem for one that is not its."""
    ids = list(transfer.lines.order_by("pk").values_list("pk", flat=True))
    seen = places_of(ids, rows, _("This line is not in the transfer."))
    return [seen.get(pk, -1) for pk in ids]


def _put_back(refusal: YikuError, place: list[int]) -> None:
    """Name the line of the request where the domain named that of the transfer."""
    number, _bracket, rest = refusal.field.removeprefix("lines[").partition("]")
    if refusal.field.startswith("lines[") and number.isdecimal() and int(number) < len(place):
        refusal.field = f"lines[{place[int(number)]}]{rest}"


class TransferSend(_Step):
    """Saying that the goods have left."""

    scopes = {"POST": MOVE}

    @extend_schema(request=NothingIn, responses=TransferWhole, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Send a picked transfer: the destination can receive it."""
        return self.step(request, pk)

    def work(self, transfer: Transfer, key: ApiKey, said: dict[str, Any]) -> None:
        picking.send(transfer_id=transfer.pk, user=key)


class TransferReceive(_Step):
    """Receiving, in parts, damaged, and more than was sent."""

    scopes = {"POST": MOVE}
    body = ReceiveIn

    @extend_schema(request=ReceiveIn, responses=TransferWhole, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Receive what came. More than was sent is booked as found; above the limit it waits for a second person."""
        self.key = short_key(request)
        return self.step(request, pk)

    def work(self, transfer: Transfer, key: ApiKey, said: dict[str, Any]) -> None:
        _places(transfer, said["lines"])
        came = [
            receiving.Came(line_id=row["line"], good=row["good"], damaged=row["damaged"]) for row in said["lines"]
        ]  # fmt: skip
        receiving.receive(
            transfer_id=transfer.pk, came=came, user=key, once=self.key, seen=said["turn"], note=said["note"]
        )


class TransferCancel(_Step):
    """Calling it off."""

    scopes = {"POST": "transfers:plan"}
    body = NoteIn

    @extend_schema(request=NoteIn, responses=TransferWhole, parameters=[IDEMPOTENCY])
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Cancel a transfer of which nothing came. What is under way goes back, which needs `transfers:move` too."""
        return self.step(request, pk)

    def work(self, transfer: Transfer, key: ApiKey, said: dict[str, Any]) -> None:
        if locked(transfer.pk).under_way and not has_scope(self.request, MOVE):
            raise PermissionDenied(_("Goods are under way: calling them back needs the scope “transfers:move” too."))
        picking.cancel(transfer_id=transfer.pk, user=key, note=said["note"])
