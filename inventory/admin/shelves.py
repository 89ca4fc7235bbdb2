"""Which SKU lies in which bin: a list, a form, and a column pasted from Excel."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from backoffice.search import prefix_condition, search_form
from inventory import codes
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from inventory.admin.pasting import PasteForm, bin_name, way
from inventory.models import ShelfPlace, Sku, Warehouse

LONGEST_BIN = 40
Row = tuple[Sku, Warehouse, str, int]


class ShelfPasteForm(PasteForm):
    """In which bin of a warehouse a SKU lies."""

    explained = _(
        "A row each: SKU, warehouse code, bin and, if the bins' names do not say it, the place on the way. "
        "Copy the columns out of Excel and paste them here."
    )

    def prepare(self, rows: list[list[str]]) -> None:
        keys = [codes.normalise(cells[0]) for cells in rows]
        self.skus = {sku.code_key: sku for sku in Sku.objects.filter(code_key__in=keys)}

    def row(self, cells: list[str]) -> tuple[tuple[int, int], Row]:
        sku = self.skus.get(codes.normalise(cells[0]))
        if sku is None:
            raise ValueError(_now("there is no SKU “%s”.") % cells[0][:60])
        place = self.place(cells[1])
        return (sku.pk, place.pk), (sku, place, bin_name(cells[2], LONGEST_BIN), way(cells[3]))


def put(rows: list[Row], actor: str) -> None:
    """Keep the bins; a SKU that has one in the warehouse gets the new one."""
    now = clock.now()
    made = [
        ShelfPlace(sku=sku, warehouse=place, bin=name, sort_order=order, updated_at=now, updated_by=actor[:150])
        for sku, place, name, order in rows
    ]
    with transaction.atomic():
        ShelfPlace.objects.bulk_create(
            made, batch_size=1_000, update_conflicts=True, unique_fields=["sku", "warehouse"],
            update_fields=["bin", "sort_order", "updated_at", "updated_by"],
        )  # fmt: skip
        audit.record(action="shelf_place.paste", target="inventory.shelfplace", summary=str(len(rows)))


@admin.register(ShelfPlace)
class ShelfPlaceAdmin(YikuModelAdmin):
    """Bins in the warehouses this person sees."""

    empty_note = _("None yet. Pick lists walk by bin: paste SKU, warehouse and bin from Excel.")
    list_display = ("bin", "sku", "warehouse", "sort_order", "updated_at", "updated_by")
    list_display_links = ("bin",)
    list_filter = (WarehouseFilter,)
    list_select_related = ("sku", "warehouse")
    fields = ("sku", "warehouse", "bin", "sort_order")
    autocomplete_fields = ("sku",)
    search_fields = ("sku__code_key",)  # get_search_results says how
    search_help_text = _("SKU code: type the beginning")
    ordering = ("-id",)
    deletable = True
    actions_list = ("paste",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShelfPlace]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_form(search_term)
        if not term:
            return queryset, False
        skus = Sku.objects.filter(prefix_condition(["code_key"], term)).values_list("pk", flat=True)
        return queryset.filter(sku_id__in=list(skus[:1_000])), False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only warehouses the person sees."""
        if db_field.name == "warehouse":
            kwargs["queryset"] = visible(cast(User, request.user), Warehouse.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[Any]:
        own = path("paste/", self.admin_site.admin_view(self.paste_page), name="inventory_shelfplace_paste")
        return [own, *super().get_urls()]

    @action(description=_("Paste from Excel"), icon="content_paste", permissions=["add"])
    def paste(self, request: HttpRequest) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:inventory_shelfplace_paste"))

    def paste_page(self, request: HttpRequest) -> HttpResponse:
        """Take over many bins at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        places = visible(cast(User, request.user), Warehouse.objects.all())
        form = ShelfPasteForm(request.POST or None, places=places)
        if form.is_valid():
            rows = form.cleaned_data["text"]
            put(rows, request.user.get_username())
            told = ngettext("%(count)d bin kept.", "%(count)d bins kept.", len(rows))
            messages.success(request, told % {"count": len(rows)})
            return HttpResponseRedirect(reverse("admin:inventory_shelfplace_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Bins from Excel"),
            "opts": self.opts,
            "form": form,
            "button_text": _now("Keep them"),
            "help": _now("All rows are kept, or none: what is wrong is named with its row."),
        }
        return TemplateResponse(request, "admin/inventory/upload.html", context)

    def save_model(self, request: HttpRequest, obj: ShelfPlace, form: Any, change: bool) -> None:
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {"sku": obj.sku.code, "warehouse": obj.warehouse.code, "bin": obj.bin, "order": obj.sort_order}
        audit.record(action="shelf_place.change", target=obj, after=after)
