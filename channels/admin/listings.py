"""Listings: what each shop offers, which SKU it is, and the page where a person says so."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from backoffice.errors import YikuError
from channels import matching, suggestions, terms, wording
from channels.admin import kit
from channels.models import Listing, ListingClaim, ListingMatch, ListingStatus, PushJob
from inventory import catalogue

STATUSES = {
    ListingStatus.ACTIVE: "success",
    ListingStatus.DRAFT: "info",
    ListingStatus.ARCHIVED: "warning",
    ListingStatus.DELETED: "danger",
}


class MatchFilter(admin.SimpleListFilter):
    """With a SKU, without, or between two."""

    title = _("match")
    parameter_name = "match"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The three cases."""
        return [("none", _("without SKU")), ("torn", _("two SKUs claim it")), ("yes", _("matched"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Listing]) -> QuerySet[Listing]:
        """The listings of the chosen case; gone ones do not need a match."""
        standing = ListingMatch.objects.filter(valid_to__isnull=True).values("listing_id")
        if self.value() == "yes":
            return queryset.filter(pk__in=standing)
        if self.value() == "none":
            return queryset.exclude(pk__in=standing).exclude(status=ListingStatus.DELETED)
        if self.value() == "torn":
            return queryset.filter(pk__in=ListingClaim.objects.values("listing_id"))
        return queryset


@admin.register(Listing)
class ListingAdmin(kit.ShopsAdmin):
    """All listings of all shops."""

    empty_note = _("Listings come from the shops: open a shop account and choose “Read listings”.")
    list_display = ("title_shown", "account", "sku_text", "matched", "status_shown", "shown", "read_at", "written_at")
    list_display_links = ("title_shown",)
    list_filter = (kit.AccountFilter, MatchFilter, ("status", admin.ChoicesFieldListFilter))
    list_select_related = ("account",)
    ordering = ("-id",)
    prefix_search = ("sku_key", "barcode_key", "external_id")
    search_help_text = _("SKU on the platform, barcode or the platform's id: type the beginning")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Listing]:
        standing = ListingMatch.objects.filter(listing=OuterRef("pk"), valid_to__isnull=True)
        job = PushJob.objects.filter(listing=OuterRef("pk")).order_by("pk")
        return (
            super()
            .get_queryset(request)
            .annotate(
                matched_code=Subquery(standing.values("sku__code")[:1]),
                job_shown=Subquery(job.values("shown")[:1]),
                job_desired=Subquery(job.values("desired")[:1]),
            )
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the platform says of itself is not edited here; matches and terms have their own buttons."""
        return False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/do/", wrap(act), name="channels_listing_do"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One listing: what it is, what it could be, its terms and its figures."""
        kit.demand(request, "view_listing")
        listing = kit.get(request, Listing.objects.select_related("account__shop"), object_id)
        page = kit.context(self.admin_site, request, str(listing), opts=self.opts, **_facts(request, listing))
        return TemplateResponse(request, "admin/channels/listing.html", page)

    @display(description=_("listing"), header=True)
    def title_shown(self, listing: Listing) -> list[str]:
        """Title and the platform's own id."""
        return [str(listing), listing.external_id.rpartition("/")[2]]

    @admin.display(description=_("our SKU"))
    def matched(self, listing: Any) -> str:
        """The SKU it stands for."""
        return listing.matched_code or "–"

    @display(description=_("status"), label=STATUSES)
    def status_shown(self, listing: Listing) -> tuple[str, str]:
        """The platform's status."""
        return listing.status, listing.get_status_display()

    @admin.display(description=_("shows / ours"))
    def shown(self, listing: Any) -> str:
        """The figure there and ours."""
        there, ours = listing.job_shown, listing.job_desired
        return f"{'–' if there is None else there} / {'–' if ours is None else ours}"


def _facts(request: HttpRequest, listing: Listing) -> dict[str, Any]:
    jobs = PushJob.objects.select_related("location").filter(listing=listing).order_by("pk")
    standing = ListingMatch.objects.select_related("sku").filter(listing=listing, valid_to__isnull=True).first()
    claims = ListingClaim.objects.select_related("sku").filter(listing=listing)
    return {
        "listing": listing,
        "original": listing,
        "standing": standing,
        "claims": claims,
        "history": ListingMatch.objects.select_related("sku").filter(listing=listing).order_by("-valid_from")[:10],
        "suggestions": [] if standing or claims else suggestions.for_listing(listing),
        "term": terms.current(listing),
        "jobs": [(job, wording.sentence(job.code)) for job in jobs],
        "why_not": wording.sentence(listing.not_pushable),
        "may_match": kit.may(request, "match_listing"),
        "may_see_figures": kit.may(request, "view_pushjob"),
    }


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Match, end a match, or set the listing's terms."""
    kit.demand(request, "match_listing")
    listing = kit.get(request, Listing.objects.select_related("account"), pk)
    work = {"match": _match, "unmatch": _unmatch, "terms": _terms}.get(request.POST.get("do", ""))
    if work is None:
        raise Http404
    try:
        messages.success(request, work(request, listing))
    except YikuError as error:
        messages.error(request, str(error))
    return HttpResponseRedirect(kit.url("listing_change", listing.pk))


def _match(request: HttpRequest, listing: Listing) -> str:
    code = request.POST.get("sku", "").strip()[:200]
    sku = catalogue.find([code]).get(code) if code else None
    if sku is None:
        raise YikuError("unknown_sku", _("There is no SKU “%(code)s”."), params={"code": code})
    matching.choose(
        listing=listing, sku=sku, quantity_per=_number(request, "quantity_per") or Decimal(1), actor=kit.actor()
    )
    return _now("Matched with %s. Its figure is written and waiting orders go on.") % sku.code


def _unmatch(request: HttpRequest, listing: Listing) -> str:
    matching.unmatch(listing=listing, actor=kit.actor())
    return _now("The match is ended: this listing's figure is no longer written.")


def _terms(request: HttpRequest, listing: Listing) -> str:
    share = _number(request, "share")
    terms.set_term(
        listing=listing,
        buffer=_number(request, "buffer") or Decimal(0),
        share=None if share is None else share / 100,
        cap=_number(request, "cap"),
        paused=request.POST.get("paused") == "yes",
        reason=request.POST.get("reason", "").replace("\0", "").strip(),
        actor=kit.actor(),
    )
    return _now("The terms hold from now on.")


def _number(request: HttpRequest, name: str) -> Decimal | None:
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    try:
        number = Decimal(text[:20])
    except InvalidOperation:
        raise YikuError("not_a_number", _("“%(text)s” is not a number."), params={"text": text[:20]}) from None
    if not number.is_finite() or abs(number) > 1_000_000_000 or -number.as_tuple().exponent > 3:  # type: ignore[operator]
        raise YikuError("not_a_number", _("“%(text)s” is not a number."), params={"text": text[:20]})
    return number
