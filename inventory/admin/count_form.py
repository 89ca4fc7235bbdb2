"""Upload a stock count: the form, the guarded file, the way to the preview; and the sheet to count by."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from backoffice.errors import YikuError
from backoffice.models import User
from backoffice.spreadsheets import uploads
from inventory import counts, resources, tasks
from inventory.access import visible
from inventory.models import StockDocument, Warehouse

KINDS = [(kind, StockDocument.Kind(kind).label) for kind in counts.REASONS]


class MomentInput(UnfoldAdminTextInputWidget):
    """The browser's own date and time picker."""

    input_type = "datetime-local"

    def format_value(self, value: Any) -> str | None:
        """What the picker takes."""
        return timezone.localtime(value).strftime("%Y-%m-%dT%H:%M") if hasattr(value, "strftime") else value


class CountForm(forms.Form):
    """What is said beside the file."""

    kind = forms.ChoiceField(label=_("kind"), choices=KINDS, widget=UnfoldAdminSelectWidget())
    warehouse = forms.ModelChoiceField(
        Warehouse.objects.none(),
        label=_("warehouse"),
        required=False,
        empty_label=_("as the file says in each row"),
        widget=UnfoldAdminSelectWidget(),
    )
    counted_at = forms.DateTimeField(
        label=_("counted at"),
        required=False,  # the picker knows minutes only: what moved within this one would count as later
        widget=MomentInput(),
        help_text=_("Empty: now. What was sold or came in after this moment is taken into account."),
    )
    note = forms.CharField(label=_("note"), required=False, max_length=300, widget=UnfoldAdminTextInputWidget())
    file = forms.FileField(
        label=_("file"),
        widget=UnfoldAdminFileFieldWidget(),
        help_text=_(".xlsx or .csv with the columns: SKU code, counted quantity; also warehouse, unit cost"),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = cast(forms.ModelChoiceField, self.fields["warehouse"])
        places.queryset = visible(user, Warehouse.objects.filter(active=True))
        self.fields["file"].widget.attrs["accept"] = ".xlsx,.csv,.tsv,.txt"

    def order(self) -> counts.CountOrder:
        """What the person ordered."""
        place = self.cleaned_data["warehouse"]
        return counts.CountOrder(
            kind=self.cleaned_data["kind"],
            warehouse_id=place.pk if place else None,
            counted_at=self.cleaned_data["counted_at"],
            note=self.cleaned_data["note"].replace("\0", ""),
        )


def page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show the form; with a file, read it and go to its preview."""
    user = cast(User, request.user)
    if not user.has_perm("inventory.count_stock"):
        raise PermissionDenied
    posted = request.method == "POST"
    form = CountForm(user, request.POST, request.FILES) if posted else CountForm(user)
    if form.is_valid():
        document = _taken(form, user)
        if document is not None:
            return HttpResponseRedirect(reverse("admin:inventory_stockdocument_change", args=[document.pk]))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Upload a count"),
        "opts": model_admin.opts,
        "form": form,
        "button_text": _("Show the preview"),
        "sheet_url": reverse("admin:inventory_stockdocument_count_sheet"),
    }
    return TemplateResponse(request, "admin/inventory/upload.html", context)


def _taken(form: CountForm, user: User) -> StockDocument | None:
    """The document of the file, read or being read; None with the refusal on the form."""
    file = form.cleaned_data["file"]
    document = None
    try:
        digest = counts.digest_of(file)
        upload = uploads.keep(file, owner=user, purpose=tasks.PURPOSE)
        document = counts.start(order=form.order(), file_name=upload.original_name, digest=digest, user=user)
        tasks.begin_reading(document, upload, user)
    except YikuError as refusal:
        form.add_error("file", str(refusal))
        return None
    return document


def sheet(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """Choose a warehouse, get its sheet."""
    user = cast(User, request.user)
    if not user.has_perm("inventory.count_stock"):
        raise PermissionDenied
    places = visible(user, Warehouse.objects.filter(active=True))
    asked = request.GET.get("warehouse", "")
    place = places.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 18 else None
    if place:
        name = f"count-{place.code}"
        return resources.download(request, name, lambda file: resources.export_count_sheet(file, place))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Sheet to count by"),
        "opts": model_admin.opts,
        "places": places,
    }
    return TemplateResponse(request, "admin/inventory/sheet.html", context)
