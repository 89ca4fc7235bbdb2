"""Unknown parcels: their list, and the page of one where it is matched or booked apart."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from backoffice import actors
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from orders.admin.returns import kit
from orders.models import StrayParcel
from orders.returns import receiving
from orders.returns import strays as domain
from orders.returns.errors import ReturnError
from orders.returns.sight import DECIDE, RECEIVE, mine, my_strays

State = StrayParcel.State


@admin.register(StrayParcel)
class StrayParcelAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Parcels nobody announced, and goods that came with a return and belong to none of its lines."""

    list_display = ("at", "tracking_shown", "place_shown", "state_label", "note", "rma", "by")
    list_display_links = ("at",)
    list_filter = (("state", admin.ChoicesFieldListFilter),)
    list_select_related = ("warehouse", "rma")
    ordering = ("-id",)
    prefix_search = ("tracking_key",)
    empty_note = _("No unknown parcels. “A parcel came back” puts one aside when nobody knows whose it is.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StrayParcel]:
        return my_strays(request.user)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/do/", wrap(act), name="orders_strayparcel_do"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one parcel is our own."""
        if not self.has_view_permission(request) or request.method != "GET":
            raise PermissionDenied
        return show(request, _get(request, int(object_id) if object_id.isdecimal() and len(object_id) < 18 else 0))

    @admin.display(description=_("tracking number"))
    def tracking_shown(self, row: StrayParcel) -> str:
        """As written on it."""
        return row.tracking_number or "–"

    @admin.display(description=_("warehouse"))
    def place_shown(self, row: StrayParcel) -> str:
        """Where it lies."""
        return row.warehouse.name

    @display(description=_("state"), label={"waiting": "warning", "matched": "success", "quarantined": "info"})
    def state_label(self, row: StrayParcel) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()


def _get(request: HttpRequest, pk: int) -> StrayParcel:
    kit.demand(request, "orders.view_strayparcel")
    stray = my_strays(request.user).filter(pk=pk).select_related("warehouse", "rma").first()
    if stray is None:
        raise Http404
    return stray


def show(request: HttpRequest, stray: StrayParcel) -> HttpResponse:
    """Render the page of one parcel."""
    may = request.user.has_perm(RECEIVE) or request.user.has_perm(DECIDE)
    return kit.page(
        request, "stray", _now("Unknown parcel %s") % stray, stray=stray, photos=list(stray.photos.all()),
        goods=[(code, count) for _sku, code, count in stray.goods], waiting=may and stray.state == State.WAITING,
        may_book=request.user.has_perm(RECEIVE), by=actors.named(stray.by),
    )  # fmt: skip


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Match it with a return, or book its goods apart."""
    stray = _get(request, pk)
    work = {"match": _match, "apart": _apart}.get(request.POST.get("do", ""))
    if work is None:
        raise Http404
    kit.tried(request, lambda: work(request, stray))
    return HttpResponseRedirect(reverse("admin:orders_strayparcel_change", args=[stray.pk]))


def _match(request: HttpRequest, stray: StrayParcel) -> None:
    kit.demand(request, DECIDE, RECEIVE)
    number = receiving.number_of(kit.text(request, "return", 40))
    found = mine(request.user).filter(pk=number).first() if number else None
    if found is None:
        raise ReturnError("not_found")
    domain.match(stray_id=stray.pk, return_id=found.pk, actor=kit.who())
    messages.success(request, _now("It belongs to %s: count it there.") % found.number)


def _apart(request: HttpRequest, stray: StrayParcel) -> None:
    kit.demand(request, RECEIVE)
    goods: list[tuple[str, Decimal]] = []
    for place in range(5):
        code = kit.text(request, f"sku_{place}", 100)
        if code:
            goods.append((domain.sku_of(code).code, kit.decimal(request, f"goods_{place}")))
    domain.book_apart(stray_id=stray.pk, goods=goods, actor=kit.who())
    messages.success(request, _now("Booked on the shelf for what is not sold."))
