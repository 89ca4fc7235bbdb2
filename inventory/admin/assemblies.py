"""Assemblies (组装, 拆卸): build pre-built SKUs from their parts, take them apart, undo."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from backoffice.adminkit import OwnPageAdmin
from backoffice.errors import YikuError
from backoffice.models import User
from inventory import assembling, catalogue, readable
from inventory.access import visible
from inventory.admin import assembly_lots, warehouse_choice
from inventory.admin.filters import WarehouseFilter
from inventory.lots.building import Building, Words
from inventory.models import Assembly, RecipePart, Sku, Warehouse

VIEW, ASSEMBLE = "inventory.view_assembly", "inventory.assemble"
STATE_LABELS = {Assembly.State.POSTED: "success", Assembly.State.UNDONE: "default"}
RECIPES_SHOWN = 200


class AssemblyForm(forms.Form):
    """What is built or taken apart, where, how many."""

    kind = forms.ChoiceField(label=_("kind"), choices=Assembly.Kind.choices, widget=UnfoldAdminSelectWidget())
    warehouse = forms.ModelChoiceField(Warehouse.objects.none(), label=_("warehouse"), widget=UnfoldAdminSelectWidget())
    sku = forms.CharField(
        label=_("pre-built SKU (code or barcode)"), max_length=100, widget=UnfoldAdminTextInputWidget()
    )
    quantity = forms.DecimalField(
        label=_("quantity"), max_digits=13, decimal_places=3,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
    )  # fmt: skip
    labour = forms.DecimalField(
        label=_("labour cost"), required=False, min_value=0, max_digits=15, decimal_places=4,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text=_("For all pieces together, in the base currency; added to their value. For assembling only."),
    )  # fmt: skip
    note = forms.CharField(label=_("note"), required=False, max_length=300, widget=UnfoldAdminTextInputWidget())
    once = forms.CharField(max_length=64, widget=forms.HiddenInput())

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        warehouse_choice.offer(self, user, Warehouse.objects.filter(active=True, read_only=False), "warehouse")
        if not user.has_perm("inventory.see_cost"):
            del self.fields["labour"]

    def clean_sku(self) -> Sku:
        """The SKU of the code."""
        typed = self.cleaned_data["sku"]
        barcode = catalogue.find_by_barcode([typed]).get(typed)
        found = catalogue.find([typed]).get(typed) or (barcode.sku if barcode else None)
        if found is None:
            raise forms.ValidationError(_now("“%(code)s” is neither a SKU code nor a barcode.") % {"code": typed})
        return found


def new(request: HttpRequest) -> HttpResponse:
    """Build or take apart; the recipes there are stand below."""
    if not request.user.has_perm(ASSEMBLE):
        raise PermissionDenied
    user = cast(User, request.user)
    first = {"once": uuid.uuid4().hex, "sku": request.GET.get("sku", "")[:100]}
    form = AssemblyForm(user, request.POST) if request.method == "POST" else AssemblyForm(user, initial=first)
    if form.is_valid():
        answer = _posted(request, form, user)
        if answer is not None:
            return answer
    context = {
        **admin.site.each_context(request),
        "title": _("Assemble or take apart"),
        "opts": Assembly._meta,
        "form": form,
        "button_text": _("Post"),
        "help": _("Parts leave the shelf and the built pieces come on it at the parts' value, or the other way round."),
        "recipes": _recipes(),
    }
    return TemplateResponse(request, "admin/inventory/transfer/assemble.html", context)


def _recipes() -> list[tuple[Sku, list[RecipePart]]]:
    found: dict[Sku, list[RecipePart]] = {}
    for one in RecipePart.objects.select_related("built", "part").order_by("built__code_key", "pk")[:RECIPES_SHOWN]:
        found.setdefault(one.built, []).append(one)
    return list(found.items())


def _posted(request: HttpRequest, form: AssemblyForm, user: User) -> HttpResponse | None:
    """Post it, or show first which lots would move; None when the form says what is wrong."""
    said = form.cleaned_data
    what = {"kind": said["kind"], "warehouse": said["warehouse"], "sku": said["sku"], "quantity": said["quantity"]}
    words = assembly_lots.words(request.POST)
    try:
        shown = _to_look_at(request, what, words, user)
        if shown is None:
            made = assembling.assemble(
                **what, labour=said.get("labour") or Decimal(0), note=said["note"].replace("\0", ""), user=user,
                once=said["once"], words=words,
            )  # fmt: skip
            messages.success(request, _now("Posted: %(number)s.") % {"number": made})
            return HttpResponseRedirect(reverse("admin:inventory_assembly_change", args=[made.pk]))
        return _lots_page(request, form, *shown)
    except YikuError as refusal:
        if "lots" in request.POST:
            answer = _refused_lots(request, form, what, words, user, refusal)
            if answer is not None:
                return answer
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return None


def _to_look_at(
    request: HttpRequest, what: Mapping[str, Any], words: Words, user: User
) -> tuple[Building, Words] | None:
    """The lots to be shown before anything is posted: the first time, and when others leave than were shown."""
    if Assembly.objects.filter(once=request.POST.get("once", "")[:64]).exists():
        return None
    if "lots" not in request.POST:
        building = assembling.proposed(**what, user=user)
        return None if building is None else (building, assembling.NOTHING)
    building = assembling.proposed(**what, user=user, words=words)
    if building is None or not assembly_lots.moved(request.POST, building):
        return None
    return building, assembly_lots.untouched(request.POST, words, building)


def _refused_lots(
    request: HttpRequest, form: AssemblyForm, what: Mapping[str, Any], words: Words, user: User, refusal: YikuError
) -> HttpResponse | None:
    """The page of lots again, with what was typed and what is wrong with it."""
    try:
        building = assembling.proposed(**what, user=user)
    except YikuError:
        return None
    return None if building is None else _lots_page(request, form, building, words, refusal)


def _lots_page(
    request: HttpRequest, form: AssemblyForm, building: Building, words: Words, refusal: YikuError | None = None
) -> HttpResponse:
    field = refusal.field if refusal else ""
    rows = assembly_lots.rows(building, words, (field, str(refusal)) if refusal else ("", ""))
    at_a_row = any(row.error for row in rows)
    context = {
        **admin.site.each_context(request),
        "title": _("Which lots"),
        "opts": Assembly._meta,
        "form": form,
        "made": building.made,
        "build": building.build,
        "expires_on": words.expires_on,
        "error": "" if at_a_row or refusal is None else str(refusal),
        "changed": refusal is None and "lots" in request.POST,
        **assembly_lots.by_side(rows),
    }
    return TemplateResponse(request, "admin/inventory/transfer/assembly_lots.html", context)


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Post the opposite."""
    if not request.user.has_perm(ASSEMBLE):
        raise PermissionDenied
    user = cast(User, request.user)
    made = visible(user, Assembly.objects.filter(pk=pk)).first()
    if made is None:
        raise Http404
    note = request.POST.get("note", "").replace("\0", "").strip()[:300]
    try:
        assembling.undo(assembly_id=pk, user=user, note=note)
        messages.success(request, _now("Undone: the opposite of every line was posted."))
    except YikuError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(reverse("admin:inventory_assembly_change", args=[pk]))


@admin.register(Assembly)
class AssemblyAdmin(OwnPageAdmin):
    """What was built and taken apart, as far as this person sees the warehouses."""

    empty_note = _("None yet. Write a recipe on the page of the pre-built SKU, then assemble it here.")
    list_display = ("number", "what", "warehouse", "state_label", "created_at", "created_by")
    list_display_links = ("number",)
    list_filter = (("kind", admin.ChoicesFieldListFilter), ("state", admin.ChoicesFieldListFilter), WarehouseFilter)
    list_select_related = ("warehouse", "sku", "created_by")
    ordering = ("-id",)
    actions_list = ("new_assembly",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Assembly]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def has_assemble_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may build."""
        return request.user.has_perm(ASSEMBLE)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(new), name="inventory_assembly_new"),
            path("<int:pk>/undo/", wrap(undo), name="inventory_assembly_undo"),
        ]
        return [*own, *super().get_urls()]

    def own_page(self, request: HttpRequest, row: Assembly) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": str(row),
            "opts": self.opts,
            "made": row,
            **assembly_lots.moved_by(row),
            "may_lots": request.user.has_perm("inventory.view_lot"),
            "see_cost": readable.sees_cost(request),
            "may_undo": request.user.has_perm(ASSEMBLE) and row.state == Assembly.State.POSTED,
            "entries_url": reverse("admin:inventory_stockentry_changelist") + f"?q={row.reference}",
        }
        return TemplateResponse(request, "admin/inventory/transfer/assembly.html", context)

    @action(description=_("Assemble or take apart"), url_path="assemble", icon="build", permissions=["assemble"])
    def new_assembly(self, request: HttpRequest) -> HttpResponse:
        """To the form."""
        return HttpResponseRedirect(reverse("admin:inventory_assembly_new"))

    @display(description=_("what"), header=True)
    def what(self, row: Assembly) -> list[str]:
        """How many of which SKU."""
        return [f"{row.get_kind_display()}: {readable.pieces(row.quantity)} × {row.sku.code}", row.note]

    @display(description=_("state"), label=STATE_LABELS)
    def state_label(self, row: Assembly) -> tuple[str, str]:
        """The state as a badge."""
        return row.state, row.get_state_display()
