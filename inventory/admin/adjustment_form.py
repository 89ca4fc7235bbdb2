"""Adjust a few SKUs by hand: a scanner or a keyboard types codes, the reason is said, all lines are posted or none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from backoffice.errors import YikuError
from backoffice.models import User
from inventory import adjusting, catalogue
from inventory.admin import warehouse_choice
from inventory.lots.errors import LotRefused
from inventory.models import Reason, Sku, Warehouse

LINES, MOST_LINES = 8, 60
REASONS = [(reason.value, reason.label) for reason in adjusting.REASONS]
FIGURE: dict[str, Any] = {"max_digits": 15, "decimal_places": 3, "required": False}


class HeadForm(forms.Form):
    """Where and why."""

    warehouse = forms.ModelChoiceField(
        Warehouse.objects.none(), label=_("warehouse"), empty_label=None, widget=UnfoldAdminSelectWidget()
    )
    reason = forms.ChoiceField(label=_("reason"), choices=REASONS, widget=UnfoldAdminSelectWidget())
    note = forms.CharField(label=_("note"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget())

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        warehouse_choice.offer(self, user, Warehouse.objects.filter(active=True), "warehouse")

    def clean_note(self) -> str:
        """Goods that are given away or lost need a word."""
        note = str(self.cleaned_data["note"]).replace("\0", "").strip()
        if not note and self.cleaned_data.get("reason") in (Reason.LOST, Reason.GIFT, Reason.OWN_USE):
            raise forms.ValidationError(_("Say in a few words what happened."))
        return note


class LineForm(forms.Form):
    """One SKU, with either the change or what is there now."""

    code = forms.CharField(
        label=_("SKU code or barcode"), max_length=100, required=False, widget=UnfoldAdminTextInputWidget()
    )
    change = forms.DecimalField(label=_("more or less (−)"), widget=UnfoldAdminTextInputWidget(), **FIGURE)
    counted = forms.DecimalField(
        label=_("or: there are now"), min_value=0, widget=UnfoldAdminTextInputWidget(), **FIGURE
    )
    lot = forms.CharField(
        label=_("lot or serials"), max_length=4000, required=False, widget=UnfoldAdminTextInputWidget()
    )
    expires_on = forms.CharField(
        label=_("expires on"), max_length=20, required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "2027-03-31"}),
    )  # fmt: skip
    cost = forms.DecimalField(
        label=_("unit cost"),
        min_value=0,
        max_digits=15,
        decimal_places=6,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
    )

    def clean(self) -> dict[str, Any]:
        """A line says one thing."""
        data = super().clean() or {}
        said = [name for name in ("change", "counted") if data.get(name) is not None]
        if str(data.get("code", "")).strip():
            if len(said) != 1 and not self.errors:
                raise forms.ValidationError(_("Give either the change or what is there now."))
            if data.get("change") == 0:
                self.add_error("change", _("A change of 0 changes nothing."))
        elif said and not self.errors:
            self.add_error("code", _("Which SKU?"))
        return data

    @property
    def filled(self) -> bool:
        """True for a line with a code."""
        return bool(str(self.cleaned_data.get("code", "")).strip())


Lines = forms.formset_factory(LineForm, extra=LINES, max_num=MOST_LINES, absolute_max=MOST_LINES)


def page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show the form, or post it."""
    user = cast(User, request.user)
    if not user.has_perm("inventory.count_stock"):
        raise PermissionDenied
    posted = request.method == "POST"
    head = HeadForm(user, request.POST) if posted else HeadForm(user)
    lines = Lines(request.POST, prefix="lines") if posted else Lines(prefix="lines")
    if posted and head.is_valid() and lines.is_valid():
        there = _post(request, head, lines, user)
        if there:
            return HttpResponseRedirect(there)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Adjust stock"),
        "opts": model_admin.opts,
        "head": head,
        "lines": lines,
        "see_cost": user.has_perm("inventory.see_cost"),
    }
    return TemplateResponse(request, "admin/inventory/adjust.html", context)


def _post(request: HttpRequest, head: HeadForm, lines: Any, user: User) -> str | None:
    """Post the adjustment and return where to go; None with the refusals on the form."""
    wanted = _wanted(lines, user)
    if wanted is None:
        return None
    if not wanted:
        head.add_error(None, _("Fill in at least one line."))
        return None
    place: Warehouse = head.cleaned_data["warehouse"]
    try:
        document = adjusting.adjust(
            warehouse_id=place.pk,
            lines=wanted,
            reason=head.cleaned_data["reason"],
            note=head.cleaned_data["note"],
            user=user,
        )
    except LotRefused as refusal:
        _at(lines, refusal)
        return None
    except YikuError as refusal:
        head.add_error(None, str(refusal))
        return None
    if document.open:
        messages.warning(request, _now("Over the warehouse's limit: proposed, somebody who may will post it."))
    else:
        messages.success(request, _now("Posted: %(count)d differences.") % {"count": document.difference_count})
    return reverse("admin:inventory_stockdocument_change", args=[document.pk])


def _at(lines: Any, refusal: LotRefused) -> None:
    """Put the sentence on the field of the line that is at fault: `lines[1].lot`."""
    place, _dot, name = refusal.field.removeprefix("lines[").partition("].")
    filled = [form for form in lines.forms if form.filled]
    form = filled[int(place)] if place.isdecimal() and int(place) < len(filled) else filled[0]
    form.add_error(name if name in form.fields else "lot", str(refusal))


def _wanted(lines: Any, user: User) -> list[adjusting.Line] | None:
    """The lines with their SKUs; None when a code is not known (said on its line)."""
    filled = [form for form in lines.forms if form.filled]
    typed = [form.cleaned_data["code"] for form in filled]
    by_code = catalogue.find(typed)
    by_barcode = catalogue.find_by_barcode([code for code in typed if code not in by_code])
    wanted: list[adjusting.Line] = []
    for form in filled:
        code = form.cleaned_data["code"]
        barcode = by_barcode.get(code)
        sku: Sku | None = by_code.get(code) or (barcode.sku if barcode else None)
        if sku is None:
            form.add_error("code", _("“%(code)s” is neither a SKU code nor a barcode.") % {"code": code})
            continue
        if sku.tracking and not data_lot(form) and (form.cleaned_data["change"] or 0) > 0:
            form.add_error("lot", _("%(sku)s is tracked: say which lot it is.") % {"sku": sku.code})
            continue
        wanted.append(_line(form, sku, barcode.pack.quantity if barcode and barcode.pack else Decimal(1), user))
    return None if any(form.errors for form in filled) else wanted


def data_lot(form: Any) -> str:
    """The lots typed on a line."""
    return str(form.cleaned_data.get("lot") or "").strip()


def _line(form: Any, sku: Sku, pieces: Decimal, user: User) -> adjusting.Line:
    """A line in single pieces: the barcode of a case stands for all that is in it."""
    data = form.cleaned_data
    return adjusting.Line(
        sku_id=sku.pk,
        change=None if data["change"] is None else data["change"] * pieces,
        counted=None if data["counted"] is None else data["counted"] * pieces,
        lot=data_lot(form),
        expires_on=data["expires_on"],
        unit_cost=data["cost"] if user.has_perm("inventory.see_cost") else None,
    )
