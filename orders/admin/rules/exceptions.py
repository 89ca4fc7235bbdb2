"""Standing exceptions: what people let pass again, until when, and the button that ends one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import audit, clock
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from inventory.access import visible
from orders.desk import overrides, sentences
from orders.models import Override


@admin.register(Override)
class OverrideAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Made on an order's page; here they are looked at and ended."""

    empty_note = _("None. When you approve an order, you can let the same pass again for its buyer, address or shop.")
    list_display = ("what", "scope_shown", "shop", "order_link", "running", "until", "used", "reason", "created_by")
    list_display_links = ("what",)
    list_filter = ("scope",)
    list_select_related = ("shop", "order")
    fields = ("what", "scope", "shop", "order_link", "until", "used", "reason", "created_at", "created_by")
    ordering = ("-id",)
    actions = ("end_now",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Override]:
        return visible(request.user, super().get_queryset(request))

    @admin.display(description=_("what passes"))
    def what(self, row: Override) -> str:
        """The check or the rule, in words."""
        return sentences.hold_title(row.code, row.name)

    @admin.display(description=_("scope"))
    def scope_shown(self, row: Override) -> str:
        """Buyer, address or shop."""
        return row.get_scope_display()

    @admin.display(description=_("order"))
    def order_link(self, row: Override) -> str:
        """The order it was made on."""
        address = reverse("admin:orders_order_change", args=[row.order_id])
        return format_html('<a class="text-primary-600" href="{}">{}</a>', address, row.order.number)

    @admin.display(description=_("in force"), boolean=True)
    def running(self, row: Override) -> bool:
        """Whether it still lets pass."""
        return row.until > clock.now()

    @admin.action(description=_("End them now"), permissions=["end"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[Override]) -> None:
        """What they let pass stays as it is; from now on it is held again."""
        if not self.has_end_permission(request):
            raise PermissionDenied
        rows = list(queryset.select_related("order"))
        for row in rows:
            overrides.end(override=row, actor=audit.current_actor().name)
        told = ngettext("%(count)d exception ended.", "%(count)d exceptions ended.", len(rows))
        messages.success(request, told % {"count": len(rows)})

    def has_end_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who decides about orders ends exceptions too."""
        return request.user.has_perm("orders.decide_order")
