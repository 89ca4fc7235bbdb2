"""Hand-over lists in the admin: what waits, closing it, the paper."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import action, display

from backoffice import audit
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.errors import YikuError
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from orders.admin.papers import kit
from orders.fulfil import manifests
from orders.fulfil.carrier_words import sentence
from orders.fulfil.papers.single import manifest_pdf
from orders.fulfil.papers.words import weight
from orders.models import Label, Manifest


@admin.register(Manifest)
class ManifestAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Every closed list, newest first."""

    empty_note = _("No manifest yet. Close one when the carrier comes: it takes all packed parcels.")
    list_display = ("name", "warehouse", "state_label", "count", "weight_shown", "carrier_ref", "closed_at", "paper")
    list_display_links = ("name",)
    list_filter = ("account", WarehouseFilter, ("state", admin.ChoicesFieldListFilter))
    list_select_related = ("account", "warehouse")
    ordering = ("-id",)
    actions_list = ("close_one",)
    fields = readonly_fields = (
        "name", "account", "warehouse", "day", "state_label", "count", "weight_shown", "carrier_ref", "closed_at",
        "closed_by", "problem_shown", "paper",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Manifest]:
        return visible(kit.me(request), super().get_queryset(request))

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("close/", wrap(close_page), name="orders_manifest_close"),
            path("<int:pk>/pdf/", wrap(paper), name="orders_manifest_pdf"),
        ]
        return [*own, *super().get_urls()]

    def has_close_permission(self, request: HttpRequest) -> bool:
        """Who may close a list."""
        return request.user.has_perm(kit.CLOSE)

    @action(description=_("Hand over to a carrier"), icon="local_shipping", permissions=["close"])
    def close_one(self, request: HttpRequest) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:orders_manifest_close"))

    @admin.display(description=_("manifest"))
    def name(self, row: Manifest) -> str:
        """Carrier, day and number."""
        return str(row)

    @display(description=_("state"), label={"closed": "warning", "told": "success"})
    def state_label(self, row: Manifest) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("weight"))
    def weight_shown(self, row: Manifest) -> str:
        """In kilograms."""
        return weight(row.weight_g)

    @admin.display(description=_("last fault"))
    def problem_shown(self, row: Manifest) -> str:
        """In words."""
        return sentence(row.problem) or "–"

    @admin.display(description=_("paper"))
    def paper(self, row: Manifest) -> str:
        """The PDF."""
        url = reverse("admin:orders_manifest_pdf", args=[row.pk])
        return format_html('<a class="underline" href="{}" target="_blank" rel="noopener">PDF</a>', url)


@require_safe
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """The list on paper; it shows no names and no streets."""
    kit.demand(request, "orders.view_manifest")
    rows = visible(kit.me(request), Manifest.objects.filter(pk=pk)).select_related("account", "warehouse")
    made = rows.first()
    if made is None:
        raise Http404
    audit.record(action="manifest.print", target=made, summary=str(made))
    return kit.pdf(manifest_pdf(manifests.facts_of(made)), f"manifest-{made.pk}.pdf")


def close_page(request: HttpRequest) -> HttpResponse:
    """What waits by carrier and warehouse, with a button each."""
    kit.demand(request, kit.CLOSE)
    rows = visible(kit.me(request), Label.objects.all())
    if request.method == "POST":
        account, _sign, warehouse = request.POST.get("heap", "").partition(":")
        try:
            made = manifests.close(
                account_id=kit.whole(account), warehouse_id=kit.whole(warehouse), actor=kit.who(), rows=rows
            )
        except YikuError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(reverse("admin:orders_manifest_close"))
        _tell(request, made)
        return HttpResponseRedirect(reverse("admin:orders_manifest_changelist"))
    heaps = [(one, weight(one.weight_g)) for one in manifests.heaps(rows)]
    page = kit.context(request, _now("Hand over to a carrier"), heaps=heaps)
    return TemplateResponse(request, "admin/orders/papers/heaps.html", page)


def _tell(request: HttpRequest, made: Manifest) -> None:
    if made.state == Manifest.State.TOLD:
        told = _now("Manifest %(name)s is closed with %(count)d parcels.")
        messages.success(request, told % {"name": made, "count": made.count})
    else:
        told = _now("Manifest %(name)s is closed; the carrier has not answered (%(what)s) and is told again by itself.")
        messages.warning(request, told % {"name": made, "what": sentence(made.problem)})
