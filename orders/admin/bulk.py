"""What is put on many orders at once: marks, priority, a note; and their workbook. Each order's outcome is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice import audit
from backoffice.adminkit import Outcome, report_outcomes
from backoffice.errors import YikuError
from backoffice.models import User
from orders import labels
from orders.admin import exporting
from orders.desk import marking
from orders.desk.table import RowOutcome
from orders.models import Order, OrderLabel

Rows = QuerySet[Order]
Work = Callable[[list[int], dict[str, Any], str], Sequence[RowOutcome]]
MOST_SHOWN = 30


class MarksForm(forms.Form):
    """Marks, separated by commas; those in use are offered."""

    marks = forms.CharField(label=_("Marks, separated by commas"), max_length=450)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["marks"].widget.attrs.update({"list": "yo-marks", "autocomplete": "off", "autofocus": True})
        self.known = labels.used(OrderLabel.Kind.MARK)

    def clean_marks(self) -> list[str]:
        """The marks one by one."""
        try:
            return marking.read_marks(self.cleaned_data["marks"])
        except YikuError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class PriorityForm(forms.Form):
    """0 to 9."""

    priority = forms.IntegerField(
        label=_("Priority: 0 is usual, 9 goes first"), min_value=0, max_value=9, initial=5,
        widget=forms.NumberInput(attrs={"autofocus": True}),
    )  # fmt: skip


class NoteForm(forms.Form):
    """A note for colleagues."""

    text = forms.CharField(
        label=_("Note for colleagues; no platform and no buyer sees it"), max_length=marking.LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 4, "autofocus": True}),
    )  # fmt: skip


class ExportForm(forms.Form):
    """What the workbook holds of the buyers."""

    clear = forms.BooleanField(label=_("with uncovered buyers; this is recorded"), required=False)


def ask(
    model_admin: Any, request: HttpRequest, rows: Rows, name: str, title: str, form: type[forms.Form], work: Work
) -> HttpResponse:
    """Ask for what the action needs, then do it and tell each order's outcome."""
    sent = "confirmed" in request.POST
    filled = form(request.POST if sent else None)
    if sent and filled.is_valid():
        tell(request, rows, lambda ids: work(ids, filled.cleaned_data, audit.current_actor().name))
        return HttpResponseRedirect(request.get_full_path())
    return _question(model_admin, request, rows, name, title, filled)


def _question(
    model_admin: Any, request: HttpRequest, rows: Rows, name: str, title: str, form: forms.Form
) -> HttpResponse:
    chosen = list(rows.values_list("pk", "number"))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "action": name,
        "form": form,
        "ids": [pk for pk, _number in chosen],
        "numbers": [number for _pk, number in chosen[:MOST_SHOWN]],
        "more": max(len(chosen) - MOST_SHOWN, 0),
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/orders/order/ask.html", context)


def tell(request: HttpRequest, rows: Rows, work: Callable[[list[int]], Sequence[RowOutcome]]) -> None:
    """Do it and say what became of each order."""
    numbers = dict(rows.values_list("pk", "number"))
    try:
        told = work(list(numbers))
    except YikuError as refusal:
        messages.error(request, str(refusal))
        return
    outcomes = [
        Outcome(
            numbers.get(one.order_id, str(one.order_id)), "" if one.ok else one.message,
            reverse("admin:orders_order_change", args=[one.order_id]),
        )
        for one in told
    ]  # fmt: skip
    done = sum(one.ok for one in told)
    report_outcomes(request, outcomes, ngettext("%(count)d order done.", "%(count)d orders done.", done))


def _asking(
    name: str, label: Any, title: Any, form: type[forms.Form], work: Work, *, right: str = "decide"
) -> Callable[[Any, HttpRequest, Rows], HttpResponse]:
    """Make the action that asks with a form and then does its work on the chosen orders."""

    @admin.action(description=label, permissions=[right])
    def act(model_admin: Any, request: HttpRequest, queryset: Rows) -> HttpResponse:
        return ask(model_admin, request, queryset, name, str(title), form, work)

    act.__name__ = name
    return act


mark = _asking(
    "mark", _("Mark…"), _("Mark orders"), MarksForm,
    lambda ids, data, who: marking.mark(order_ids=ids, marks=data["marks"], actor=who),
)  # fmt: skip
unmark = _asking(
    "unmark", _("Take marks off…"), _("Take marks off orders"), MarksForm,
    lambda ids, data, who: marking.unmark(order_ids=ids, marks=data["marks"], actor=who),
)  # fmt: skip
priority = _asking(
    "priority", _("Set priority…"), _("Set the priority of orders"), PriorityForm,
    lambda ids, data, who: marking.set_priority(order_ids=ids, priority=data["priority"], actor=who),
)  # fmt: skip
note = _asking(
    "note", _("Write a note…"), _("Write a note on orders"), NoteForm,
    lambda ids, data, who: marking.add_note(order_ids=ids, text=data["text"], actor=who), right="note",
)  # fmt: skip


@admin.action(description=_("Excel file…"), permissions=["export"])
def export(model_admin: Any, request: HttpRequest, queryset: Rows) -> HttpResponse:
    """Put the chosen orders into a workbook."""
    ids = list(queryset.values_list("pk", flat=True))
    if "confirmed" not in request.POST and request.user.has_perm(exporting.REVEAL):
        title = _now("Excel file of the chosen orders")
        return _question(model_admin, request, queryset, "export", title, ExportForm())
    return export_of(request, ids=ids)


def export_of(request: HttpRequest, *, query: str = "", ids: Sequence[int] = ()) -> HttpResponse:
    """Start the export and lead to its page."""
    clear = bool(request.POST.get("clear")) and request.user.has_perm(exporting.REVEAL)
    person = User.objects.get(pk=cast(int, request.user.pk))
    row = exporting.begin(user=person, query=query, ids=ids, clear=clear)
    return HttpResponseRedirect(reverse("admin:orders_order_exported", args=[row.token]))
