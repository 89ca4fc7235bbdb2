"""New waves: from conditions with a look at what fits, by a saved template, or from orders chosen in the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.adminkit import Outcome, report_outcomes
from backoffice.models import User
from inventory.access import visible
from inventory.models import Warehouse
from orders.admin.floor import page
from orders.admin.order_list import OrderAdmin
from orders.desk.table import RowOutcome
from orders.fulfil import waves
from orders.models import Order, PickMode, WaveTemplate

if TYPE_CHECKING:
    ConditionsBase = forms.ModelForm[WaveTemplate]
else:
    ConditionsBase = forms.ModelForm


class Conditions(ConditionsBase):
    """Which orders, this once."""

    class Meta:
        model = WaveTemplate
        fields = ["warehouse", "lines", "delivery", "before", "least_priority", "most", "mode"]
        widgets = {"before": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")}

    def __init__(self, *args: Any, places: QuerySet[Warehouse], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(Any, self.fields["warehouse"]).queryset = places
        cast(Any, self.fields["warehouse"]).empty_label = None


def new(request: HttpRequest) -> HttpResponse:
    """Show how many orders fit, and make the wave."""
    page.demand(request, page.MAKE)
    places = visible(cast(User, request.user), Warehouse.objects.filter(active=True)).order_by("code")
    if request.method == "POST":
        return _make(request, places)
    mine = _mine(request)
    first = next((one for one in places if waves.waiting(mine, one.pk).exists()), places.first())
    given = request.GET if "warehouse" in request.GET else None
    form = Conditions(given, places=places, initial={"warehouse": first})
    template = form.instance if given is not None and form.is_valid() else WaveTemplate(warehouse=first, most=50)
    preview = _preview(request, template) if first and (given is None or form.is_valid()) else None
    saved = visible(cast(User, request.user), WaveTemplate.objects.select_related("warehouse")).order_by("name")
    more = {
        "form": form,
        "preview": preview,
        "saved": [{"template": one, "preview": _preview(request, one)} for one in saved[:20]],
        "no_place": first is None,
        "may_save": request.user.has_perm("orders.add_wavetemplate"),
    }
    return TemplateResponse(request, "admin/orders/wave/new.html", page.context(request, _now("New wave"), **more))


def _mine(request: HttpRequest) -> QuerySet[Order]:
    return visible(cast(User, request.user), Order.objects.all())


def _preview(request: HttpRequest, template: WaveTemplate) -> dict[str, Any]:
    found = waves.preview(template=template, orders=_mine(request))
    chosen = list(Order.objects.filter(pk__in=found.order_ids[:8]).values_list("pk", "number"))
    names = dict(chosen)
    numbers = [names[pk] for pk in found.order_ids[:8] if pk in names]
    return {"fitting": found.fitting, "next": len(found.order_ids), "late": found.late, "numbers": numbers}


def _make(request: HttpRequest, places: QuerySet[Warehouse]) -> HttpResponse:
    saved = request.POST.get("template")
    if saved:
        rows = visible(cast(User, request.user), WaveTemplate.objects.select_related("warehouse"))
        template = rows.filter(pk=page.number(saved)).first()
        if template is None:
            raise Http404
    else:
        form = Conditions(request.POST, places=places)
        if not form.is_valid():
            messages.error(request, _now("These conditions cannot be read. Choose them again."))
            return HttpResponseRedirect(reverse("admin:orders_wave_new"))
        template = form.instance
    return _made(request, template)


def _made(request: HttpRequest, template: WaveTemplate) -> HttpResponse:
    if template.pk:
        made = waves.make_by_template(template=template, orders=_mine(request), actor=page.who())
    else:
        chosen = waves.preview(template=template, orders=_mine(request)).order_ids
        made = waves.make(warehouse_id=template.warehouse_id, order_ids=chosen, mode=template.mode, actor=page.who())
    if made.wave is None:
        messages.error(request, _now("No order fits: nothing reserved in this warehouse waits for a wave."))
        return HttpResponseRedirect(reverse("admin:orders_wave_new"))
    _tell(request, made.outcomes, {})
    return HttpResponseRedirect(reverse("admin:orders_wave_change", args=[made.wave.pk]))


def _tell(request: HttpRequest, told: list[RowOutcome], numbers: dict[int, str]) -> None:
    outcomes = [
        Outcome(
            numbers.get(one.order_id, str(one.order_id)),
            "" if one.ok else one.message,
            reverse("admin:orders_order_change", args=[one.order_id]),
        )
        for one in told
    ]
    done = sum(one.ok for one in told)
    said = ngettext("%(count)d order is in the wave.", "%(count)d orders are in the wave.", done)
    report_outcomes(request, outcomes, said)


@admin.action(description=_("Put into a wave…"), permissions=["wave"])
def put_into_wave(model_admin: Any, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
    """Ask for the warehouse and the way of picking, then make the wave; each order is told what became of it."""
    page.demand(request, page.MAKE)
    places = visible(cast(User, request.user), Warehouse.objects.filter(active=True)).order_by("code")
    place = places.filter(pk=page.number(request.POST.get("warehouse"))).first()
    mode = request.POST.get("mode", "")
    if "confirmed" in request.POST and place is not None and mode in PickMode.values:
        numbers = dict(queryset.values_list("pk", "number"))
        made = waves.make(warehouse_id=place.pk, order_ids=list(numbers), mode=mode, actor=page.who())
        _tell(request, made.outcomes, numbers)
        if made.wave is not None:
            return HttpResponseRedirect(reverse("admin:orders_wave_change", args=[made.wave.pk]))
        return HttpResponseRedirect(request.get_full_path())
    context = page.context(
        request, _now("Put orders into a wave"), orders=queryset.select_related("shop"), places=places,
        modes=PickMode.choices, opts=model_admin.opts, media=model_admin.media,
    )  # fmt: skip
    return TemplateResponse(request, "admin/orders/wave/from_orders.html", context)


def _may_make(model_admin: Any, request: HttpRequest) -> bool:
    return request.user.has_perm(page.MAKE)


# The list of orders asks its own class who may use an action; this one is ours.
OrderAdmin.has_wave_permission = _may_make
