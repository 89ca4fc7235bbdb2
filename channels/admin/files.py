"""Orders from a file: upload, look, take in."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from backoffice.errors import YikuError
from channels import order_files
from channels.admin import kit
from channels.models import Account, OrderFile
from channels.registry import parser_for

SHOWN = 50


class UploadForm(forms.Form):
    """Which store, which file."""

    account = forms.ModelChoiceField(Account.objects.none(), label=_("shop account"), widget=UnfoldAdminSelectWidget)
    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".xlsx,.csv,.tsv,.txt"}),
        help_text=_("Excel (.xlsx) or CSV. One row is one line of an order; rows with the same number are one order."),
    )

    def __init__(self, accounts: QuerySet[Account], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]


@admin.register(OrderFile)
class OrderFileAdmin(kit.ShopsAdmin):
    """Files of orders, previewed and taken in."""

    empty_note = _(
        "Upload orders of a shop without an interface, as Excel or CSV: you see them before they are taken in."
    )
    list_display = (
        "name",
        "account",
        "uploaded_by",
        "uploaded_at",
        "row_count",
        "order_count",
        "problem_count",
        "taken_at",
    )
    list_display_links = ("name",)
    list_filter = (kit.AccountFilter,)
    list_select_related = ("account", "uploaded_by")
    ordering = ("-id",)
    actions_list = ("bring",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderFile]:
        return super().get_queryset(request).defer("orders")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A file is taken in or not; nothing in it is edited here."""
        return False

    def has_upload_permission(self, request: HttpRequest) -> bool:
        """Who may bring files."""
        return kit.may(request, "add_orderfile")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("upload/", wrap(self.upload_view), name="channels_orderfile_upload"),
            path("<int:pk>/take/", wrap(take), name="channels_orderfile_take"),
        ]
        return [*own, *super().get_urls()]

    @action(description=_("Upload orders"), url_path="bring", icon="upload_file", permissions=["upload"])
    def bring(self, request: HttpRequest) -> HttpResponse:
        """The button above the list."""
        return HttpResponseRedirect(kit.url("orderfile_upload"))

    def upload_view(self, request: HttpRequest) -> HttpResponse:
        """Choose a file; the preview follows. A file that cannot be read is an error of the form."""
        kit.demand(request, "add_orderfile")
        accounts = kit.own(request, Account.objects.filter(platform="files").select_related("shop"))
        first = {"account": request.GET.get("account") or accounts.values_list("pk", flat=True).first()}
        form = UploadForm(accounts, request.POST or None, request.FILES or None, initial=first)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                made = order_files.preview(account=data["account"], file=data["file"], user=request.user)
            except YikuError as error:
                form.add_error("file", str(error))
            else:
                return HttpResponseRedirect(kit.url("orderfile_change", made.pk))
        columns = [(str(one.title), one.required) for one in order_files.SCHEMA.columns]
        page = kit.context(self.admin_site, request, _now("Upload orders"), form=form, opts=self.opts, columns=columns)
        return TemplateResponse(request, "admin/channels/order_upload.html", page)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The preview, or what became of the file."""
        kit.demand(request, "view_orderfile")
        row = kit.get(request, OrderFile.objects.select_related("account__shop", "uploaded_by", "progress"), object_id)
        mine = row.uploaded_by_id == request.user.pk
        running = mine and order_files.running(row)
        may_take = mine and self.has_upload_permission(request) and not row.problems and row.taken_at is None
        page = kit.context(
            self.admin_site,
            request,
            row.name,
            opts=self.opts,
            original=row,
            row=row,
            mine=mine,
            orders=_shown(row) if mine else [],
            more=max(row.order_count - SHOWN, 0),
            running=running,
            may_take=may_take and not running,
        )
        return TemplateResponse(request, "admin/channels/order_preview.html", page)

    @admin.display(description=_("problems"))
    def problem_count(self, row: OrderFile) -> int:
        """How many rows have problems."""
        return len(row.problems)


def _shown(row: OrderFile) -> list[dict[str, Any]]:
    parser = parser_for(row.account)
    found = []
    for body in row.orders[:SHOWN]:
        order = parser.parse_order(body.encode())
        found.append(
            {
                "number": order.number,
                "placed_at": order.placed_at,
                "lines": [(line.sku or line.barcode, line.quantity, line.title) for line in order.lines],
                "total": order.total,
                "currency": order.currency,
                "buyer": order.buyer.name,
                "cancelled": json.loads(body)["order"].get("cancelled"),
            }
        )
    return found


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take in a previewed file; only its uploader, only once."""
    kit.demand(request, "add_orderfile")
    row = kit.get(request, OrderFile.objects.select_related("account", "progress"), pk)
    try:
        taken = order_files.begin(order_file=row, user=request.user, actor=kit.actor())
    except YikuError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(kit.url("orderfile_change", row.pk))
    if taken is not None:
        words = _now("%(created)d new, %(changed)d changed, %(known)d known already, %(parked)d to the error queue.")
        numbers = {"created": taken.created, "changed": taken.changed, "known": taken.known, "parked": taken.parked}
        messages.success(request, words % numbers)
    return HttpResponseRedirect(kit.url("orderfile_change", row.pk))
