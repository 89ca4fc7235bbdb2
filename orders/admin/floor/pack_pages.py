"""The packing table: find an order by any code, scan what goes into its parcels, finish it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, cast

from django.contrib import messages
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.redaction import without_people
from inventory.access import sight, visible
from orders.admin import buyers
from orders.admin.floor import label_box, page
from orders.admin.papers import prints
from orders.fulfil import packing, pick_lists, waves, weighing
from orders.fulfil.floor_errors import REASONS, FloorError
from orders.fulfil.scan_log import clean, plain
from orders.fulfil.wave_making import named
from orders.intake.drafts import number_key
from orders.models import OrderContact, PackItem, PackParcel, PaperKind, Wave, WaveGoods, WaveOrder
from orders.models.waves import RUNNING

TOTE = re.compile(r"^W(\d{1,17})-(\d{1,5})$")
WAVE = re.compile(r"^W(\d{1,17})$")
PACK = "admin:orders_wave_pack"
FIRST_SCAN = "packing_first_scan"


def start(request: HttpRequest) -> HttpResponse:
    """Scan a tote, an order number, a pick list or (in a wave) an item; the order opens. A link opens nothing."""
    page.demand(request, page.WORK)
    asked = request.POST if request.method == "POST" else request.GET
    code = clean(request.POST.get("code", ""))
    wave = page.wave_of(request, page.number(asked["wave"])) if asked.get("wave") else None
    problem = ""
    if code:
        try:
            return _opened(request, code, wave)
        except FloorError as refusal:
            problem = str(refusal)
    waves.look([wave.pk] if wave else list(_running(request).values_list("pk", flat=True)[:50]))
    more = {
        "code": code,
        "problem": problem,
        "wave": wave,
        "totes": _totes(wave) if wave else [],
        "waves": [] if wave else _ready(request),
        "put_back": _put_back(request),
        "opts": Wave._meta,
    }
    return TemplateResponse(request, "admin/orders/wave/pack.html", page.context(request, _("Pack"), **more))


def _running(request: HttpRequest) -> QuerySet[Wave]:
    return visible(cast(User, request.user), Wave.objects.filter(state__in=RUNNING)).order_by("pk")


def _ready(request: HttpRequest) -> list[dict[str, Any]]:
    """Waves with orders to pack, oldest first."""
    rows: Any = _running(request).select_related("warehouse")
    counted = rows.annotate(left=Count("orders", filter=Q(orders__open=True))).filter(left__gt=0)
    return [{"wave": one, "left": one.left, "picker": named(one.picker)} for one in counted[:50]]


def _totes(wave: Wave) -> list[dict[str, Any]]:
    rows = wave.orders.filter(open=True, lead=None).select_related("order", "lead").order_by("place")
    goods: Any = WaveGoods.objects.filter(wave_order__wave=wave, wave_order__open=True).order_by()
    pieces = goods.annotate(first=Coalesce("wave_order__lead", "wave_order")).values("first")
    sums = {row["first"]: row for row in pieces.annotate(all=Sum("wanted"), from_shelf=Sum("picked"))}
    return [
        {
            "part": one,
            "packer": named(one.packer),
            "pieces": plain(sums[one.pk]["all"]),
            "ready": sums[one.pk]["from_shelf"] == sums[one.pk]["all"],
        }
        for one in rows
        if one.pk in sums
    ]


def _put_back(request: HttpRequest) -> list[dict[str, Any]]:
    rows = visible(cast(User, request.user), WaveOrder.objects.filter(put_back=True)).select_related("order")
    return [{"part": one, "why": REASONS.get(one.reason, one.reason)} for one in rows.order_by("dropped_at")[:50]]


def _opened(request: HttpRequest, code: str, wave: Wave | None) -> HttpResponse:
    """Go where a code leads, opening the order that it names. Raises FloorError for a code that names nothing."""
    found = _where(request, code, wave)
    if isinstance(found, Wave):
        return HttpResponseRedirect(f"{reverse(PACK)}?{urlencode({'wave': found.pk})}")
    pk, item = found
    try:
        part = packing.open_order(wave_order_id=pk, actor=page.who())
    except FloorError:  # the order's page says what is the matter with it
        return HttpResponseRedirect(reverse("admin:orders_wave_packing", args=[pk]))
    if item:
        request.session[FIRST_SCAN] = [part.pk, item]
    return _here(part)


def _where(request: HttpRequest, code: str, wave: Wave | None) -> Wave | tuple[int, str]:
    """Return the wave a code names, or the order and, in a batch, the item to begin with. Raises FloorError."""
    upper = code.upper()
    parts = visible(cast(User, request.user), WaveOrder.objects.all())
    tote, whole = TOTE.match(upper), WAVE.match(upper)
    if tote:
        found = parts.filter(wave=int(tote[1]), place=int(tote[2])).values_list("pk", flat=True).first()
        if found:
            return found, ""
    elif whole and (running := _running(request).filter(pk=int(whole[1])).first()) is not None:
        return running
    by_number = parts.filter(order__number_key=number_key(code)).order_by("-open", "-pk").values_list("pk", flat=True)
    if by_number:
        return by_number[0], ""
    if wave is not None:
        return _by_item(wave, code)
    raise FloorError("unknown_code", text=code)


def _by_item(wave: Wave, code: str) -> tuple[int, str]:
    """Goods of a batch lie together: an item opens the next order that wants it, the one with the fewest lines."""
    found = pick_lists.scanned(code)
    if found is None:
        raise FloorError("unknown_code", text=code)
    wanting = WaveGoods.objects.filter(sku_id=found.sku_id, packed__lt=F("wanted"), picked=F("wanted"))
    rows = wave.orders.filter(open=True, packer__in=("", page.who()), pk__in=wanting.values("wave_order"))
    first: Any = rows.annotate(lines=Count("goods")).order_by("-packer", "lines", "place").first()
    if first is None:
        raise FloorError("wrong_item", sku=found.sku_code)
    return first.pk, code


# --- one order -------------------------------------------------------------------------------------------------------


def table(request: HttpRequest, pk: int) -> HttpResponse:
    """One order on the table: what must be in the parcel and what is; red when its goods have to go back."""
    page.demand(request, page.WORK)
    part = page.part_of(request, pk)
    if part.lead_id is not None:
        if request.POST.get("do") == "open":
            with suppress(FloorError):  # the page it leads to says what is the matter
                packing.open_order(wave_order_id=pk, actor=page.who())
        return HttpResponseRedirect(reverse("admin:orders_wave_packing", args=[part.lead_id]))
    problem: YikuError | None = None
    if request.method == "POST":
        try:
            answer = _do(request, part)
            if answer is not None:
                return answer
        except YikuError as refusal:
            problem = refusal
    if problem is None or problem.code in ("dropped", "packed_already", "packed_by_other"):
        try:
            part = _open_or_look(request, part)
        except FloorError as refusal:
            return _refused(request, page.part_of(request, pk), refusal)
    return _shown(request, page.part_of(request, pk), problem)


def _open_or_look(request: HttpRequest, part: WaveOrder) -> WaveOrder:
    """A button opens the order for the person; a look finds it open."""
    if request.method == "POST":
        return packing.open_order(wave_order_id=part.pk, actor=page.who())
    waves.look([part.wave_id])
    return packing.look_at(wave_order_id=part.pk, actor=page.who())


def _refused(request: HttpRequest, part: WaveOrder, refusal: FloorError) -> HttpResponse:
    """Say why it cannot be packed: red when goods go back, with the way on when somebody else packs it."""
    goods = part.goods.select_related("sku").filter(picked__gt=0) if part.put_back else []
    bins = pick_lists.bins_of([one.sku_id for one in goods], part.warehouse_id)
    more = {
        "part": part,
        "problem": "" if refusal.code == "not_opened" else str(refusal),
        "code": refusal.code,
        "goods": [_goods_row(one, bins) for one in goods],
        "may_take_over": refusal.code == "packed_by_other",
        "may_open": refusal.code == "not_opened",
        "opts": Wave._meta,
    }
    title = part.order.number
    return TemplateResponse(request, "admin/orders/wave/stopped.html", page.context(request, title, **more))


def _goods_row(one: WaveGoods, bins: dict[int, tuple[int, str]]) -> dict[str, Any]:
    name = pick_lists.in_language(one.sku.name, one.sku.name_en)
    return {"row": one, "sku": one.sku, "name": name, "bin": bins.get(one.sku_id, (0, ""))[1]}


def _shown(request: HttpRequest, part: WaveOrder, problem: YikuError | None) -> HttpResponse:
    rows_in = WaveGoods.objects.filter(packing.in_tote(part))
    goods = list(rows_in.select_related("sku__product", "line", "wave_order__order").order_by("pk"))
    codes = pick_lists.codes_of({one.sku_id: one.sku.code for one in goods}.items())
    rows = [
        {
            **_goods_row(one, {}),
            "image": one.sku.product.image if one.sku.product.image.startswith("https://") else "",
            "bought_as": one.line.title if one.line.sku_id != one.sku_id else "",
            "by_hand": len(codes[one.sku_id]) == 1,
            "complete": one.packed >= one.wanted,
            "left": plain(one.wanted - one.packed),
        }
        for one in goods
    ]
    parcels = list(PackParcel.objects.filter(wave_order=part).order_by("number"))
    setting = weighing.setting_of(part.warehouse_id)
    expected = _expected(parcels, setting)
    more = {
        "part": part,
        "order": part.order,
        "others": [one.order.number for one in packing.members(part)[1:]],
        "rows": sorted(rows, key=lambda one: one["complete"]),
        "left": plain(sum((one.wanted - one.packed for one in goods), start=Decimal(0))),
        "closed": [one for one in parcels if one.state == PackParcel.State.CLOSED],
        "expected": expected,
        "label": label_box.facts(request, part, packing.number_now(part.pk), expected.grams if expected else None),
        "setting": setting,
        "problem": str(problem) if problem else "",
        "ask_why": problem is not None and problem.code == "weight_off",
        "typed": request.POST,
        "note": _note(request, part),
        "first_scan": _first_scan(request, part),
        "opts": Wave._meta,
    }
    title = _("Pack %s") % part.order.number
    return TemplateResponse(request, "admin/orders/wave/table.html", page.context(request, title, **more))


def _first_scan(request: HttpRequest, part: WaveOrder) -> str:
    """The item that opened the order, told once: an address that named one would scan it whoever had written it."""
    pk, item = request.session.pop(FIRST_SCAN, (0, ""))
    return clean(item) if pk == part.pk else ""


def _note(request: HttpRequest, part: WaveOrder) -> str:
    """What the buyer wrote, for who may see buyers: wrap it, no invoice in the box. Not how to reach the buyer."""
    if not buyers.may_see(request):
        return ""
    note = OrderContact.objects.filter(order=part.order_id).values_list("buyer_note", flat=True).first()
    return without_people(note or "")


def _expected(parcels: list[PackParcel], setting: Any) -> weighing.Expected | None:
    """What the parcel on the table should weigh as it is now."""
    here = [one for one in parcels if one.state == PackParcel.State.OPEN]
    if not here:
        return None
    items = PackItem.objects.filter(parcel=here[0]).select_related("goods__sku")
    return weighing.expected([(one.goods.sku.code, one.goods.sku.weight_g, one.quantity) for one in items], setting)


@require_POST
def scanned(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the scans of the table."""
    page.demand(request, page.WORK)
    part = page.part_of(request, pk)
    return page.answered(request, lambda one: _one(part, one))


def _one(part: WaveOrder, one: Mapping[str, Any]) -> dict[str, Any]:
    key, actor, goods = str(one["key"]), page.who(), page.number(one.get("goods"))
    if one.get("kind") == "out":
        return packing.take_out(wave_order_id=part.pk, goods_id=goods, actor=actor, key=key).to_json()
    text, whole = str(one.get("text", ""))[:500], one.get("whole") is True
    return packing.scan(wave_order_id=part.pk, actor=actor, key=key, text=text, goods_id=goods, whole=whole).to_json()


# --- buttons ---------------------------------------------------------------------------------------------------------


def _do(request: HttpRequest, part: WaveOrder) -> HttpResponse | None:
    work = BUTTONS.get(request.POST.get("do", ""))
    if work is None:
        raise Http404
    return cast(HttpResponse | None, work(request, part))


def _here(part: WaveOrder) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:orders_wave_packing", args=[part.pk]))


def _parcel(request: HttpRequest) -> dict[str, Any]:
    address = page.text(request, "tracking_url", 1000)
    if address and not address.lower().startswith(("https://", "http://")):
        raise FloorError("bad_address")
    return {
        "weight_g": weighing.read(page.text(request, "weight", 60)),
        "reason": page.text(request, "reason"),
        "carrier": page.text(request, "carrier", 100),
        "tracking": page.text(request, "tracking", 200),
        "tracking_url": address,
    }


def _close(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    parcel = packing.close_parcel(wave_order_id=part.pk, actor=page.who(), **_parcel(request))
    messages.success(request, _("Parcel %d is closed: the next scan begins another one.") % parcel.number)
    return _here(part)


def _finish(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    seen = sight(request.user).warehouses
    packing.finish(wave_order_id=part.pk, actor=page.who(), warehouses=seen, **_parcel(request))
    messages.success(request, _("Order %s is packed.") % part.order.number)
    left = WaveOrder.objects.filter(wave=part.wave_id, open=True).exists()
    return HttpResponseRedirect(reverse(PACK) + (f"?wave={part.wave_id}" if left else ""))


def _label(request: HttpRequest, part: WaveOrder) -> None:
    """Buy the label of the parcel on the table; the page is shown again with what was typed."""
    label = label_box.buy(request, part, weighing.read(page.text(request, "weight", 60)))
    messages.success(request, _("Label %(number)s is bought.") % {"number": label.tracking_number})


def _label_again(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    label_box.ask_again(request, part)
    return _here(part)


def _print(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    """Slip or label of the order on the table, of whatever shop it is."""
    kinds = [one for one in request.POST.getlist("kinds") if one in (PaperKind.SLIP, PaperKind.LABEL)]
    return prints.begin(request, [part.order_id], kinds)


def _open(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    packing.open_order(wave_order_id=part.pk, actor=page.who())
    return _here(part)


def _take_over(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    packing.open_order(wave_order_id=part.pk, actor=page.who(), take_over=True)
    return _here(part)


def _missing(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    goods = page.number(request.POST.get("goods"))
    packing.missing(wave_order_id=part.pk, goods_id=goods, actor=page.who(), user=cast(User, request.user))
    return _here(part)


def _back(request: HttpRequest, part: WaveOrder) -> HttpResponse:
    waves.put_back(wave_order_id=part.pk, actor=page.who())
    messages.success(request, _("Noted: its goods are on their shelves again."))
    return HttpResponseRedirect(reverse(PACK))


BUTTONS: dict[str, Any] = {
    "close": _close,
    "finish": _finish,
    "label": _label,
    "print": _print,
    "label_again": _label_again,
    "open": _open,
    "take_over": _take_over,
    "missing": _missing,
    "put_back": _back,
}
