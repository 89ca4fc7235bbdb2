"""Which SKU lies in which bin: a list, a form, and a column pasted from Excel."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from backoffice.search import prefix_condition, search_form
from inventory import codes
from inventory.access import visible
from inventory.admin.filters import WarehouseFilter
from inventory.models import ShelfPlace, Sku, Warehouse

MOST_PASTED = 5_000
LONGEST_BIN = 40
Row = tuple[Sku, Warehouse, str, int]


class ShelfPasteForm(forms.Form):
    """Columns as they come from a sheet; `places` are the warehouses the person sees."""

    text = forms.CharField(
        label=_("rows"), max_length=500_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}),
        help_text=_("A row each: SKU, warehouse code, bin and, if the bins' names do not say it, the place on the way. "
                    "Copy the columns out of Excel and paste them here."),
    )  # fmt: skip

    def __init__(self, *args: Any, places: QuerySet[Warehouse], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = {place.code.casefold(): place for place in places}

    def clean_text(self) -> list[Row]:
        """All rows or none: each fault is named with its row."""
        typed: str = self.cleaned_data["text"].replace("\0", "")
        rows = [line for line in typed.splitlines() if line.strip()]
        if len(rows) > MOST_PASTED:
            raise ValidationError(_now("At most %d rows at once.") % MOST_PASTED)
        split = [[cell.strip() for cell in (row.split("\t") if "\t" in row else row.split(","))] for row in rows]
        keys = [codes.normalise(cells[0]) for cells in split]
        skus = {sku.code_key: sku for sku in Sku.objects.filter(code_key__in=keys)}
        found: dict[tuple[int, int], Row] = {}
        wrong = []
        for number, (cells, key) in enumerate(zip(split, keys, strict=True), 1):
            try:
                row = _row(cells, skus.get(key), self.places)
                found[row[0].pk, row[1].pk] = row
            except ValueError as error:
                wrong.append(_now("Row %(row)d: %(what)s") % {"row": number, "what": str(error)})
        if wrong:
            raise ValidationError(wrong[:20])
        return list(found.values())


def _row(cells: list[str], sku: Sku | None, places: dict[str, Warehouse]) -> Row:
    if sku is None:
        raise ValueError(_now("there is no SKU “%s”.") % cells[0][:60])
    place = places.get(cells[1].casefold()) if len(cells) > 1 else None
    if place is None:
        raise ValueError(_now("there is no warehouse “%s”.") % (cells[1][:60] if len(cells) > 1 else ""))
    name = cells[2] if len(cells) > 2 else ""
    if not name or len(name) > LONGEST_BIN:
        raise ValueError(_now("the bin's name has 1 to %d characters.") % LONGEST_BIN)
    order = cells[3] if len(cells) > 3 else ""
    if order and not (order.isascii() and order.isdecimal() and len(order) < 9):
        raise ValueError(_now("the place on the way is a whole number."))
    return sku, place, name, int(order or 0)


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
