"""The page of one late play: the sale, the goods, the orders, what the buyers get and are told, and the end."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice import actors
from backoffice.adminkit import YikuModelAdmin
from backoffice.incidents import causes
from inventory import codes
from inventory.access import sight
from inventory.models import Sku
from orders.admin.late import begin, reports
from orders.admin.late.deeds import act
from orders.admin.late.play_facts import of
from orders.late import closing, plays
from orders.models import LatePlay

RUN = "orders.run_lateplay"


@admin.register(LatePlay)
class LatePlayAdmin(YikuModelAdmin):
    """Plays, the newest first; each has a page of its own."""

    empty_note = _("None yet. Begin one from the board of late orders, from an order, or from a SKU that is short.")
    list_display = ("title", "state_label", "left", "cause_shown", "paused_label", "started_at", "who", "closed_at")
    list_display_links = ("title",)
    list_filter = (("state", admin.ChoicesFieldListFilter),)
    list_select_related = ("cause",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LatePlay]:
        return plays.seen(super().get_queryset(request), sight(request.user).shops)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever runs plays begins them."""
        return request.user.has_perm(RUN)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A play is changed by what its page offers, never as a row."""
        return False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("begin/", wrap(begin.begin), name="orders_lateplay_begin"),
            path("compared/", wrap(reports.compared), name="orders_lateplay_compared"),
            path("compared/xlsx/", wrap(reports.compared_xlsx), name="orders_lateplay_compared_xlsx"),
            path("review/", wrap(reports.month), name="orders_lateplay_review"),
            path("review/count/", wrap(reports.month_count), name="orders_lateplay_review_count"),
            path("review/pdf/", wrap(reports.month_pdf), name="orders_lateplay_review_pdf"),
            path("review/xlsx/", wrap(reports.month_xlsx), name="orders_lateplay_review_xlsx"),
            path("<int:pk>/do/", wrap(act), name="orders_lateplay_do"),
        ]
        return [*own, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Begin one from a SKU, or from an incident that somebody came from."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        sku = Sku.objects.filter(code_key=codes.normalise(request.GET.get("sku", "").replace("\0", ""))).first()
        page = {
            **self.admin_site.each_context(request), "title": _now("Begin a late play"), "sku": sku,
            "once": uuid.uuid4().hex, "incident": begin.number(request.GET.get("incident", "")),
            "running": self.get_queryset(request).filter(state=LatePlay.State.OPEN).select_related("sku")[:20],
        }  # fmt: skip
        return TemplateResponse(request, "admin/orders/late/begin.html", page)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Everything on one page; what its buttons do stands in `deeds`."""
        if not self.has_view_permission(request) or request.method == "POST":
            raise PermissionDenied
        rows = LatePlay.objects.select_related("sku", "cause", "incident")
        play = plays.seen(rows.filter(pk=begin.number(object_id)), sight(request.user).shops).first()
        if play is None:
            raise Http404
        page = {**self.admin_site.each_context(request), **of(request, play), "title": play.title, "opts": self.opts}
        return TemplateResponse(request, "admin/orders/late/play.html", page)

    @display(description=_("state"), label={LatePlay.State.OPEN: "warning", LatePlay.State.CLOSED: "success"})
    def state_label(self, play: LatePlay) -> tuple[str, str]:
        """As a badge."""
        return play.state, play.get_state_display()

    @admin.display(description=_("still to leave"))
    def left(self, play: LatePlay) -> int:
        """How many of its orders."""
        return closing.undone(play) if play.state == LatePlay.State.OPEN else 0

    @admin.display(description=_("cause"))
    def cause_shown(self, play: LatePlay) -> str:
        """Why, or a reminder."""
        if play.cause is not None:
            return causes.name_of(play.cause)
        return format_html('<span class="text-base-500">{}</span>', _now("not recorded yet"))

    @admin.display(description=_("sale"))
    def paused_label(self, play: LatePlay) -> str:
        """Whether the sale is paused."""
        return _now("paused") if play.paused else ""

    @admin.display(description=_("begun by"))
    def who(self, play: LatePlay) -> str:
        """By name."""
        return actors.named(play.started_by)


def url_of(play: LatePlay) -> str:
    """Return the address of a play's page."""
    return reverse("admin:orders_lateplay_change", args=[play.pk])
