"""Assemblies (组装, 拆卸): build pre-built SKUs from their parts, take them apart, undo."""

from __future__ import annotations

import uuid
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
from inventory.admin import warehouse_choice
from inventory.admin.filters import WarehouseFilter
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
        made = _made(form, user)
        if made:
            messages.success(request, _now("Posted: %(number)s.") % {"number": made})
            return HttpResponseRedirect(reverse("admin:inventory_assembly_change", args=[made.pk]))
    recipes: dict[Sku, list[RecipePart]] = {}
    for one in RecipePart.objects.select_related("built", "part").order_by("built__code_key", "pk")[:RECIPES_SHOWN]:
        recipes.setdefault(one.built, []).append(one)
    context = {
        **admin.site.each_context(request),
        "title": _("Assemble or take apart"),
        "opts": Assembly._meta,
        "form": form,
        "button_text": _("Post"),
        "help": _("Parts leave the shelf and the built pieces come on it at the parts' value, or the other way round."),
        "recipes": list(recipes.items()),
    }
    return TemplateResponse(request, "admin/inventory/transfer/assemble.html", context)


def _made(form: AssemblyForm, user: User) -> Assembly | None:
    said = form.cleaned_data
    try:
        return assembling.assemble(
            kind=said["kind"], warehouse=said["warehouse"], sku=said["sku"], quantity=said["quantity"],
            labour=said.get("labour") or Decimal(0), note=said["note"].replace("\0", ""), user=user, once=said["once"],
        )  # fmt: skip
    except YikuError as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return None


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
            "lines": row.lines.select_related("part").order_by("pk"),
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
