"""Waves in the admin: their list, the page of one, how they are made and cancelled."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from backoffice.models import User
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from orders.admin import buyers
from orders.admin.floor import making, out_page, pack_pages, page, pick_pages
from orders.admin.papers import prints
from orders.fulfil import wave_figures, waves
from orders.fulfil.floor_errors import REASONS
from orders.fulfil.wave_making import named
from orders.models import Order, Wave, WaveOrder
from orders.models.waves import RUNNING

STATE_LABELS = {
    "open": "info", "picking": "warning", "picked": "primary", "packing": "warning", "done": "success",
    "cancelled": "danger",
}  # fmt: skip


@admin.register(Wave)
class WaveAdmin(YikuModelAdmin):
    """Waves of the person's own warehouses."""

    empty_note = _("No waves yet. Press “New wave”, or choose orders in the list of orders and put them into a wave.")
    list_display = (
        "code_shown",
        "warehouse",
        "state_label",
        "mode",
        "orders_shown",
        "packed_shown",
        "who",
        "created_at",
    )
    list_display_links = ("code_shown",)
    list_filter = (("state", admin.ChoicesFieldListFilter), WarehouseFilter)
    list_select_related = ("warehouse",)
    ordering = ("-id",)
    actions_list = ("new_wave", "to_table")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Wave]:
        rows = visible(cast(User, request.user), super().get_queryset(request))
        return rows.annotate(
            order_count=Count("orders"), packed_count=Count("orders", filter=Q(orders__state="packed"))
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Waves are made from orders."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Their page has buttons, nothing to edit."""
        return False

    def has_make_permission(self, request: HttpRequest) -> bool:
        """Who may make waves."""
        return request.user.has_perm(page.MAKE)

    def has_work_permission(self, request: HttpRequest) -> bool:
        """Who may pick and pack."""
        return request.user.has_perm(page.WORK)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(making.new), name="orders_wave_new"),
            path("<int:pk>/do/", wrap(do), name="orders_wave_do"),
            path("<int:pk>/list/", wrap(pick_pages.print_list), name="orders_wave_list"),
            path("<int:pk>/list/pdf/", wrap(pick_pages.pdf_list), name="orders_wave_list_pdf"),
            path("<int:pk>/pick/", wrap(pick_pages.phone), name="orders_wave_pick"),
            path("<int:pk>/picked/", wrap(pick_pages.picked), name="orders_wave_picked"),
            path("pack/", wrap(pack_pages.start), name="orders_wave_pack"),
            path("pack/<int:pk>/", wrap(pack_pages.table), name="orders_wave_packing"),
            path("pack/<int:pk>/scan/", wrap(pack_pages.scanned), name="orders_wave_packing_scan"),
            path("out/", wrap(out_page.show), name="orders_wave_out"),
            path("out/scan/", wrap(out_page.scanned), name="orders_wave_out_scan"),
            path("out/xlsx/", wrap(out_page.xlsx), name="orders_wave_out_xlsx"),
        ]
        return [*own, *super().get_urls()]

    @action(description=_("New wave"), icon="add", permissions=["make"])
    def new_wave(self, request: HttpRequest) -> HttpResponse:
        """To the page that makes one."""
        return HttpResponseRedirect(reverse("admin:orders_wave_new"))

    @action(description=_("Pack"), icon="package_2", permissions=["work"])
    def to_table(self, request: HttpRequest) -> HttpResponse:
        """To the packing table."""
        return HttpResponseRedirect(reverse("admin:orders_wave_pack"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one wave is our own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return show(request, page.wave_of(request, page.number(object_id)))

    @admin.display(description=_("wave"))
    def code_shown(self, row: Wave) -> str:
        """Its code."""
        return row.code

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: Wave) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("orders"))
    def orders_shown(self, row: Any) -> int:
        """How many."""
        return int(row.order_count)

    @admin.display(description=_("packed"))
    def packed_shown(self, row: Any) -> str:
        """How many are packed."""
        return format_html("{}", row.packed_count)

    @admin.display(description=_("picker"))
    def who(self, row: Wave) -> str:
        """Who picks or picked it."""
        return named(row.picker)


def show(request: HttpRequest, wave: Wave) -> HttpResponse:
    """The page of a wave: how far it is, its orders, who works on it."""
    waves.look([wave.pk])
    wave.refresh_from_db(fields=["state", "picker", "picked_at", "done_at"])
    parts = list(wave.orders.select_related("order", "lead").order_by("place"))
    seen = set(visible(request.user, Order.objects.filter(wave_parts__wave=wave)).values_list("pk", flat=True))
    more = {
        "wave": wave,
        "progress": wave_figures.progress_of([wave.pk]).get(wave.pk, wave_figures.Progress()),
        "rows": [_row(one, one.order_id in seen) for one in parts],
        "work": wave_figures.work_on(wave),
        "picker": named(wave.picker),
        "maker": named(wave.created_by),
        "mine": wave.picker == page.who(),
        "may_print": buyers.may_print(request),
        "to_pick": wave.state in (Wave.State.OPEN, Wave.State.PICKING),
        "to_pack": any(one.open for one in parts),
        "running": wave.state in RUNNING,
        "opts": Wave._meta,
    }
    return TemplateResponse(request, "admin/orders/wave/wave.html", page.context(request, wave.code, **more))


def _row(one: WaveOrder, seen: bool) -> dict[str, Any]:
    return {"part": one, "seen": seen, "why": REASONS.get(one.reason, one.reason), "packer": named(one.packer)}


@require_POST
def do(request: HttpRequest, pk: int) -> HttpResponse:
    """Do what a button of the page says."""
    name = request.POST.get("do", "")
    permission, work = BUTTONS.get(name, (page.VIEW, None))
    page.demand(request, permission)
    wave = page.wave_of(request, pk)
    if work is None:
        raise Http404
    try:
        answer = work(request, wave)
    except YikuError as error:
        messages.error(request, str(error))
        answer = None
    return answer or HttpResponseRedirect(reverse("admin:orders_wave_change", args=[wave.pk]))


def _start(request: HttpRequest, wave: Wave) -> HttpResponse:
    waves.start(wave_id=wave.pk, actor=page.who(), take_over="take_over" in request.POST)
    return HttpResponseRedirect(reverse("admin:orders_wave_pick", args=[wave.pk]))


def _on_paper(request: HttpRequest, wave: Wave) -> None:
    waves.picked_on_paper(wave_id=wave.pk, actor=page.who())
    messages.success(request, _now("Everything is picked: its orders can be packed."))


def _cancel(request: HttpRequest, wave: Wave) -> None:
    waves.cancel(wave_id=wave.pk, actor=page.who())
    messages.success(request, _now("The wave is ended: what was not packed can go into another one."))


def _papers(request: HttpRequest, wave: Wave) -> HttpResponse:
    """Slips and labels of all that is still to be packed, tote by tote, in one file; a long run goes on by itself."""
    ids = list(wave.orders.filter(open=True).order_by("place").values_list("order_id", flat=True))
    return prints.begin(request, ids, ["slip", "label"])


def _put_back(request: HttpRequest, wave: Wave) -> None:
    part = wave.orders.filter(pk=page.number(request.POST.get("part"))).first()
    if part is None:
        raise Http404
    waves.put_back(wave_order_id=part.pk, actor=page.who())
    messages.success(request, _now("Noted: its goods are on their shelves again."))


BUTTONS: dict[str, tuple[str, Any]] = {
    "start": (page.WORK, _start),
    "on_paper": (page.WORK, _on_paper),
    "cancel": (page.MAKE, _cancel),
    "put_back": (page.WORK, _put_back),
    "papers": (page.WORK, _papers),
}
