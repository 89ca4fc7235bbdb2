"""Orders sent together: the groups, the page of one, and what could be sent together."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.decorators import display

from backoffice import audit, masking
from backoffice.adminkit import Outcome, ReadOnlyMixin, YikuModelAdmin, report_outcomes
from backoffice.errors import YikuError
from finance.admin.figures import money
from inventory.access import sight, visible
from orders.admin import buyers
from orders.admin.changes import entering
from orders.admin.wording import pieces
from orders.desk import merging
from orders.desk.table import RowOutcome
from orders.models import MergeGroup, MergeMember, Order, OrderContact
from orders.models.order import OPEN_STATES

ARRANGE, SHIP = "orders.arrange_order", "orders.ship_order"
CHANGE = "admin:orders_mergegroup_change"
SUGGESTIONS = "admin:orders_mergegroup_suggestions"
LABELS = {"open": "primary", "sent": "success", "ended": "default"}
MOST_PRESSED = 500


@admin.register(MergeGroup)
class MergeGroupAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Groups of orders that leave in one parcel."""

    empty_note = _("None yet. “Could be sent together” finds orders of one buyer to one address.")
    list_display = ("__str__", "state_label", "orders_shown", "created_at", "created_by", "tracking_number")
    list_display_links = ("__str__",)
    list_filter = (("state", admin.ChoicesFieldListFilter),)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[MergeGroup]:
        """Groups of which the person sees every order."""
        return seen_groups(request, super().get_queryset(request)).prefetch_related("members__order")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("suggestions/", wrap(suggestions), name="orders_mergegroup_suggestions"),
            path("<int:pk>/do/", wrap(act), name="orders_mergegroup_do"),
        ]
        return [*own, *super().get_urls()]

    @display(description=_("state"), label=LABELS)
    def state_label(self, row: MergeGroup) -> tuple[str, str]:
        """As a badge."""
        return row.state, row.get_state_display()

    @admin.display(description=_("orders"))
    def orders_shown(self, row: MergeGroup) -> str:
        """Their numbers; those taken out are left out while any is in."""
        members = list(row.members.all())
        there = [one for one in members if one.state != MergeMember.State.LEFT] or members
        return ", ".join(one.order.number for one in there)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one group is our own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        group = self.get_object(request, object_id)
        if group is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request), "group": group, "part_facts": facts(request, group),
            "title": _now("Sent together %s") % group, "opts": self.opts, "original": group,
        }  # fmt: skip
        return TemplateResponse(request, "admin/orders/changes/group.html", context)


def seen_groups(request: HttpRequest, rows: QuerySet[MergeGroup]) -> QuerySet[MergeGroup]:
    """Leave out groups with an order of a shop that the person does not see."""
    shops = sight(request.user).shops
    if shops is None:
        return rows
    foreign = MergeMember.objects.exclude(order__shop__in=shops).values("group_id")
    mine = MergeMember.objects.filter(order__shop__in=shops).values("group_id")
    return rows.filter(pk__in=mine).exclude(pk__in=foreign)


def facts(request: HttpRequest, group: MergeGroup) -> dict[str, Any]:
    """Return what the page and the card of a group show."""
    rows = group.members.select_related("order__shop").prefetch_related("order__lines__sku").order_by("order_id")
    members = [_member(one) for one in rows]
    going = [one for one in members if one["going"]]
    held = [one["order"] for one in going if one["order"].state == Order.State.HELD]
    open_now = group.state == MergeGroup.State.OPEN
    misfits = [str(one) for one in merging.misfits([one["order"] for one in going])] if open_now else []
    return {
        "group": group,
        "members": members,
        "going": going,
        "held": held,
        "misfits": misfits,
        "ship_by": min((one["order"].ship_by for one in going if one["order"].ship_by), default=None),
        "may_arrange": open_now and request.user.has_perm(ARRANGE),
        "may_ship": open_now and request.user.has_perm(SHIP) and not held and not misfits and len(going) > 1,
        "once": uuid.uuid4().hex,
        "url": reverse(CHANGE, args=[group.pk]),
        "do_url": reverse("admin:orders_mergegroup_do", args=[group.pk]),
    }


def _member(row: MergeMember) -> dict[str, Any]:
    order = row.order
    lines = [line for line in order.lines.all() if line.quantity > line.shipped_quantity or row.state == "sent"]
    return {
        "row": row,
        "order": order,
        "url": reverse("admin:orders_order_change", args=[order.pk]),
        "total": money(order.total, order.currency),
        "going": row.state == MergeMember.State.IN and order.state in OPEN_STATES,
        "goods": [(pieces(line.quantity), line.sku.code if line.sku else line.sku_code, line.own) for line in lines],
        "why": LEFT.get(row.reason, ""),
    }


LEFT: dict[str, Any] = {
    "unmerged": _("taken out"),
    "cancelled": _("cancelled"),
    "sent_alone": _("sent by itself"),
    "left_alone": _("the last one left"),
}


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Ship the group, or take orders out of it."""
    if not request.user.has_perm("orders.view_mergegroup"):
        raise PermissionDenied
    group = seen_groups(request, MergeGroup.objects.filter(pk=pk)).first()
    if group is None:
        raise Http404
    do = request.POST.get("do")
    try:
        if do == "ship":
            _ship(request, group)
        elif do == "unmerge":
            _unmerge(request, group)
        else:
            raise Http404
    except YikuError as error:
        messages.error(request, str(error))
    back = entering.number(request.POST.get("back", ""))
    if back and visible(request.user, Order.objects.filter(pk=back)).exists():
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[back]) + "#together")
    return HttpResponseRedirect(reverse(CHANGE, args=[group.pk]))


def _ship(request: HttpRequest, group: MergeGroup) -> None:
    entering.demand(request, SHIP)
    made = merging.ship_merged(
        group_id=group.pk,
        carrier=entering.text(request, "carrier", 100),
        tracking=entering.text(request, "tracking", 200),
        actor=audit.current_actor().name,
        idempotency_key=entering.once(request),
        warehouses=sight(request.user).warehouses,
    )
    told = ngettext("%(count)d order left in one parcel.", "%(count)d orders left in one parcel.", len(made))
    messages.success(request, told % {"count": len(made)})


def _unmerge(request: HttpRequest, group: MergeGroup) -> None:
    entering.demand(request, ARRANGE)
    asked = [entering.number(one) for one in request.POST.getlist("order")[:MOST_PRESSED]]
    mine = group.members.filter(state=MergeMember.State.IN)
    ids = list(mine.filter(order__in=asked).values_list("order_id", flat=True)) if asked else []
    ids = ids or list(mine.values_list("order_id", flat=True))
    report(request, merging.unmerge(order_ids=ids, actor=audit.current_actor().name), taken_out=True)


def report(request: HttpRequest, told: list[RowOutcome], *, taken_out: bool = False) -> None:
    """Say for each order what became of it."""
    numbers = dict(Order.objects.filter(pk__in=[one.order_id for one in told]).values_list("pk", "number"))
    done = sum(one.ok for one in told)
    outcomes = [
        Outcome(
            numbers.get(one.order_id, str(one.order_id)), "" if one.ok else one.message,
            reverse("admin:orders_order_change", args=[one.order_id]),
        )
        for one in told
    ]  # fmt: skip
    if taken_out:
        text = ngettext("%(count)d order taken out.", "%(count)d orders taken out.", done)
    else:
        text = ngettext("%(count)d order goes with others.", "%(count)d orders go together.", done)
    report_outcomes(request, outcomes, text)


def suggestions(request: HttpRequest) -> HttpResponse:
    """Sets of orders that could be sent together; one press for one set or for all."""
    entering.demand(request, ARRANGE)
    orders = visible(request.user, Order.objects.all())
    if request.method == "POST":
        asked = [entering.number(one) for one in request.POST.getlist("order")[:MOST_PRESSED]]
        ids = list(orders.filter(pk__in=asked).values_list("pk", flat=True))
        if ids:
            report(request, merging.merge(order_ids=ids, actor=audit.current_actor().name))
        return HttpResponseRedirect(reverse(SUGGESTIONS))
    found = merging.suggestions(orders)
    contacts = OrderContact.objects.in_bulk([each[0].order.pk for each in found]) if buyers.may_see(request) else {}
    context = {
        **admin.site.each_context(request),
        "title": _now("Could be sent together"),
        "sets": [_set(each, contacts.get(each[0].order.pk)) for each in found],
        "count": sum(map(len, found)),
    }
    return TemplateResponse(request, "admin/orders/changes/suggestions.html", context)


def _set(found: list[Any], contact: OrderContact | None) -> dict[str, Any]:
    to = contact.shipping if contact else {}
    place = " ".join(str(to.get(name) or "") for name in ("postcode", "city", "country")).strip()
    return {
        "buyer": masking.name(contact.buyer_name) if contact else "",
        "place": place,
        "ship_by": min((one.order.ship_by for one in found if one.order.ship_by), default=None),
        "orders": [{"order": one.order, "total": money(one.order.total, one.order.currency)} for one in found],
    }
