"""Figures: the jobs, the page that explains one number at any moment, the log of everything published."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from backoffice import clock
from channels import why, wording
from channels.admin import kit
from channels.models import JobState, PublicationLog, PushJob
from channels.push import jobs
from inventory import catalogue
from inventory.models import Warehouse

STATES = {
    JobState.IDLE: "success",
    JobState.DUE: "info",
    JobState.SENDING: "info",
    JobState.UNKNOWN: "warning",
    JobState.PARKED: "danger",
}
MODES = {"live": "success", "dry": "info", "same": "default", "held": "warning"}
ANSWERS = {
    "applied": _("done"),
    "stale": _("moved there meanwhile"),
    "ignored": _("ignored there"),
    "rejected": _("refused"),
    "unknown": _("answer lost"),
    "lost": _("did not arrive"),
    "failed": _("not sent"),
    "dry": _("not sent: writing is off"),
    "same": _("shown already"),
    "held": _("held by the brake"),
}


@admin.register(PushJob)
class PushJobAdmin(kit.ShopsAdmin):
    """One figure of one listing at one location; its page says why it is what it is."""

    list_display = ("listing_shown", "account", "place", "there", "ours", "state_shown", "problem", "last_sent")
    list_display_links = ("listing_shown",)
    list_filter = (kit.AccountFilter, ("state", admin.ChoicesFieldListFilter))
    list_select_related = ("account", "listing", "location")
    ordering = ("-id",)
    prefix_search = ("listing__sku_key",)
    search_help_text = _("SKU on the platform: type the beginning")
    actions = ("write_again",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Figures follow from stock and terms; nobody types them."""
        return False

    def has_requeue_permission(self, request: HttpRequest) -> bool:
        """Who may have figures written again."""
        return kit.may(request, "requeue_pushjob")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("shelves/", wrap(self.shelves_view), name="channels_pushjob_shelves"),
            path("<int:pk>/again/", wrap(again), name="channels_pushjob_again"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Why this number, now or at `?at=`."""
        kit.demand(request, "view_pushjob")
        rows = PushJob.objects.select_related("account__shop", "listing", "location", "brake")
        job = kit.get(request, rows, object_id)
        at = kit.moment_of(request.GET.get("at", ""))
        picture = why.picture(job=job, at=at)
        seen = set(kit.own(request, Warehouse.objects.all()).values_list("pk", flat=True))
        page = kit.context(
            self.admin_site,
            request,
            _now("Why this number: %s") % job.listing,
            opts=self.opts,
            original=str(job.listing),
            picture=picture,
            job=job,
            places=[place for place in picture.places if place.warehouse_id in seen],
            hidden=any(place.warehouse_id not in seen for place in picture.places),
            code_words=wording.wording(picture.code or job.code) if picture.code or job.code else None,
            publications=[
                (log, ANSWERS.get(log.status, log.status), wording.cause(log.cause)) for log in picture.publications
            ],
            at_text=timezone.localtime(at or clock.now()).strftime("%Y-%m-%dT%H:%M"),
            may_requeue=self.has_requeue_permission(request),
            may_see_orders=request.user.has_perm("orders.view_order"),
        )
        return TemplateResponse(request, "admin/channels/why.html", page)

    def shelves_view(self, request: HttpRequest) -> HttpResponse:
        """What every shop shows, or showed, of one SKU."""
        kit.demand(request, "view_pushjob")
        code = request.GET.get("sku", "").strip()[:100]
        at = kit.moment_of(request.GET.get("at", ""))
        sku = catalogue.find([code]).get(code) if code else None
        mine = kit.own(request, PushJob.objects.all()).values_list("pk", flat=True)
        page = kit.context(
            self.admin_site,
            request,
            _now("What each shop shows"),
            opts=self.opts,
            code=code,
            sku=sku,
            at=at,
            at_text=timezone.localtime(at or clock.now()).strftime("%Y-%m-%dT%H:%M"),
            rows=why.shelves(sku_id=sku.pk, job_ids=set(mine), at=at) if sku else [],
        )
        return TemplateResponse(request, "admin/channels/shelves.html", page)

    @action(description=_("Write again"), permissions=["requeue"])
    def write_again(self, request: HttpRequest, queryset: QuerySet[PushJob]) -> None:
        """Have the chosen figures worked out and written now."""
        count = jobs.requeue(PushJob.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))
        messages.success(request, _now("%(count)d figures are worked out again.") % {"count": count})

    @display(description=_("listing"), header=True)
    def listing_shown(self, job: PushJob) -> list[str]:
        """Title and SKU."""
        return [str(job.listing), job.listing.sku_text]

    @admin.display(description=_("location"))
    def place(self, job: PushJob) -> str:
        """Where."""
        return str(job.location)

    @admin.display(description=_("shown there"))
    def there(self, job: PushJob) -> str:
        """The figure on the platform."""
        return "–" if job.shown is None else str(job.shown)

    @admin.display(description=_("our figure"))
    def ours(self, job: PushJob) -> str:
        """What we want it to show."""
        return "–" if job.desired is None else str(job.desired)

    @display(description=_("state"), label=STATES)
    def state_shown(self, job: PushJob) -> tuple[str, str]:
        """Where it stands."""
        return job.state, job.get_state_display()

    @admin.display(description=_("reason"))
    def problem(self, job: PushJob) -> str:
        """Why it stands there."""
        return wording.sentence(job.code)

    @admin.display(description=_("sent"))
    def last_sent(self, job: PushJob) -> str:
        """When a figure last went out."""
        return kit.age(job.sent_at)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Write one figure again."""
    kit.demand(request, "requeue_pushjob")
    job = kit.get(request, PushJob.objects.all(), pk)
    jobs.requeue(PushJob.objects.filter(pk=job.pk))
    messages.success(request, _now("The figure is worked out and written now."))
    return HttpResponseRedirect(kit.url("pushjob_change", job.pk))


@admin.register(PublicationLog)
class PublicationLogAdmin(kit.ShopsLog):
    """Every figure ever decided, sent or not, with what it was made of."""

    list_display = (
        "decided_at",
        "listing",
        "account",
        "mode_shown",
        "expected",
        "desired",
        "answer",
        "observed",
        "cause_shown",
    )
    list_display_links = ("decided_at",)
    list_filter = (kit.AccountFilter, ("decided_at", RangeDateTimeFilter))
    list_select_related = ("account", "listing")
    ordering = ("-id",)
    fields = readonly_fields = (
        "decided_at", "account", "listing", "location", "mode_shown", "cause_shown", "expected", "desired", "sent",
        "answer", "observed", "answered_at", "reason", "inputs_shown",
    )  # fmt: skip

    @display(description=_("mode"), label=MODES)
    def mode_shown(self, log: PublicationLog) -> tuple[str, Any]:
        """Sent, not sent, or not needed."""
        names = {
            "live": pgettext_lazy("figure", "sent"),
            "dry": _("not sent"),
            "same": _("shown already"),
            "held": _("held"),
        }
        return log.mode, names.get(log.mode, log.mode)

    @admin.display(description=_("cause"))
    def cause_shown(self, log: PublicationLog) -> Any:
        """Why the figure was asked for."""
        return wording.cause(log.cause)

    @admin.display(description=_("answer"))
    def answer(self, log: PublicationLog) -> Any:
        """What the platform made of it."""
        return ANSWERS.get(log.status, log.status or "…")

    @admin.display(description=_("reason"))
    def reason(self, log: PublicationLog) -> str:
        """Why it did not work."""
        return wording.sentence(log.code)

    @admin.display(description=_("inputs"))
    def inputs_shown(self, log: PublicationLog) -> str:
        """Everything the figure was made of, as frozen."""
        text = json.dumps(log.inputs, ensure_ascii=False, indent=2)
        return format_html('<pre class="overflow-x-auto text-xs">{}</pre>', text)
