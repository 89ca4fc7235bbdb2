"""The label of the parcel on the packing table: shown when there is one, bought with one press when there is none."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from orders.admin import buyers
from orders.admin.floor import page
from orders.admin.papers import kit, order_card
from orders.fulfil import labels, offers, packing, packing_labels, weighing
from orders.models import Label, PackItem, PackParcel, WaveOrder


def facts(request: HttpRequest, part: WaveOrder, parcel: int, expected: int | None) -> dict[str, Any]:
    """Return what the box shows: the parcel's label, or the services it can be bought from."""
    found = packing_labels.label_of_parcel(part.order_id, parcel, part.warehouse_id)
    waits = Label.objects.filter(order=part.order_id, warehouse=part.warehouse_id, state=Label.State.ASKED)
    may_buy = found is None and request.user.has_perm(kit.BUY) and part.order.state in labels.READY
    return {
        "row": found,
        "own_pdf": found is not None and Label.objects.filter(pk=found.pk, pdf__isnull=False).exists(),
        "may_print": buyers.may_print(request),
        "waits": found is None and waits.exists(),
        "services": _services(part, expected) if may_buy else [],
    }


def _services(part: WaveOrder, expected: int | None) -> list[tuple[int, str, bool]]:
    weight = packing_labels.weight_of(part, None, expected)
    plan = offers.Plan(part.warehouse_id, weight, known=True, places=(part.warehouse_id,))
    return order_card.services(part.order, plan)


def buy(request: HttpRequest, part: WaveOrder, typed: int | None) -> Label:
    """Buy it from the service that was chosen, by the weight of the scale, else by what it should weigh."""
    kit.demand(request, kit.BUY)
    here = PackParcel.objects.filter(wave_order=part, state=PackParcel.State.OPEN)
    items = PackItem.objects.filter(parcel__in=here).select_related("goods__sku")
    goods = [(one.goods.sku.code, one.goods.sku.weight_g, one.quantity) for one in items]
    expected = weighing.expected(goods, weighing.setting_of(part.warehouse_id)) if goods else None
    return packing_labels.buy(
        part=part, parcel=packing.number_now(part.pk), service_id=page.number(request.POST.get("service")),
        weight_g=packing_labels.weight_of(part, typed, expected.grams if expected else None), actor=page.who(),
        warehouses=kit.seen_warehouses(request),
    )  # fmt: skip


def ask_again(request: HttpRequest, part: WaveOrder) -> None:
    """Ask the carrier now for the label that it has not answered for. Raises PaperError when it still does not."""
    kit.demand(request, kit.BUY)
    rows = Label.objects.filter(order=part.order_id, warehouse=part.warehouse_id, state=Label.State.ASKED)
    for pk in rows.values_list("pk", flat=True):
        Label.objects.filter(pk=pk, attempts__gte=labels.MOST_ATTEMPTS).update(attempts=0)
        packing_labels.told(labels.carry_out(pk))
