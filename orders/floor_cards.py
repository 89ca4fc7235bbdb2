"""The warehouse floor on the home page, and where an order is on it."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from backoffice import clock
from backoffice.home import Figure, HomeCard
from inventory.access import sight, visible
from orders.admin import shared
from orders.desk import kept
from orders.fulfil import handover, wave_figures
from orders.fulfil.floor_errors import REASONS
from orders.fulfil.wave_making import named
from orders.models import Handover, Order, PackScan, Wave, WaveGoods, WaveOrder
from orders.models.waves import RUNNING


def floor(request: HttpRequest) -> HomeCard:
    """What is to be picked and packed, and which parcels have not left."""
    mine = visible(request.user, Wave.objects.filter(state__in=RUNNING))
    counted: Any = mine.order_by().values_list("state").annotate(number=Count("pk"))
    counts: dict[str, int] = dict(counted)
    url = reverse("admin:orders_wave_changelist")
    figures = [
        Figure(label, f"{counts[state]:,}", f"{url}?state__exact={state}", tone)
        for state, label, tone in (
            ("open", _("Waves to be picked"), "warn"),
            ("picking", _("Waves being picked"), "neutral"),
        )
        if counts.get(state)
    ]
    figures += [one for one in (_to_pack(request), _put_back(request), _not_gone(request), _errors(request)) if one]
    return HomeCard(
        title=_("Warehouse floor"),
        icon="waves",
        figures=figures,
        url=url,
        empty=_("No wave is running. Make one from orders to be shipped."),
        as_of=clock.now(),
    )


def _parts(request: HttpRequest, **which: Any) -> Any:
    return visible(request.user, WaveOrder.objects.filter(**which))


def _to_pack(request: HttpRequest) -> Figure | None:
    unpicked = WaveGoods.objects.filter(wave_order__open=True, picked=0).values("wave_order")
    count = _parts(request, open=True).exclude(pk__in=unpicked).count()
    url = reverse("admin:orders_wave_pack") if request.user.has_perm("orders.work_wave") else ""
    return Figure(_("Orders to be packed"), f"{count:,}", url, "warn") if count else None


def _put_back(request: HttpRequest) -> Figure | None:
    count = _parts(request, put_back=True).count()
    url = reverse("admin:orders_wave_pack") if request.user.has_perm("orders.work_wave") else ""
    return Figure(_("Goods to be put back"), f"{count:,}", url, "bad") if count else None


def _not_gone(request: HttpRequest) -> Figure | None:
    count = handover.packed_in(handover.waiting(), sight(request.user).warehouses).count()
    url = reverse("admin:orders_wave_out") if request.user.has_perm("orders.work_wave") else ""
    return Figure(_("Packed, not handed over in time"), f"{count:,}", url, "bad") if count else None


def _errors(request: HttpRequest) -> Figure | None:
    """Today's share of wrong scans when packing."""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    work = wave_figures.work_since(today, sight(request.user).warehouses)
    packed = [one for one in work if one.stage == PackScan.Stage.PACK.label]
    right, wrong = sum(one.right for one in packed), sum(one.wrong for one in packed)
    if not right + wrong or not request.user.has_perm("orders.view_packscan"):
        return None
    share = f"{wrong * 100 / (right + wrong):.1f} %"
    return Figure(
        _("Wrong scans when packing, today"), share, reverse("admin:orders_packscan_changelist") + "?right__exact=0"
    )


_BESIDE = ("wave", "warehouse", "lead")


def on_order(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    """Where an order is: its waves, totes and packers, and which of its parcels have left, the newest of them."""
    if not request.user.has_perm("orders.view_wave"):
        return None
    parts = list(kept.rows(order, "wave_parts", _parts(request, order=order)).select_related(*_BESIDE).order_by("-pk"))
    every = shared.all_of(request, "parcels")
    sent = shared.parcels(order, every=every)
    left = Handover.objects.filter(shipment__order=order).select_related("shipment").order_by("-pk")
    rows_gone = list(left if every else left[: shared.SHOWN]) if sent else []
    gone = {one.shipment.number: one for one in rows_gone}
    if not parts and not gone:
        return None
    rows = [
        {
            "part": one,
            "packer": named(one.packer),
            "why": REASONS.get(one.reason, one.reason),
            "url": reverse("admin:orders_wave_change", args=[one.wave_id]),
        }
        for one in parts
    ]
    return {"rows": rows, "gone": [{"number": n, "at": gone[n].at, "who": named(gone[n].actor)} for n in sorted(gone)],
            "cut": shared.cut(sent, shared.SHOWN, every=every)}  # fmt: skip
