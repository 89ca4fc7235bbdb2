"""Bins of the warehouses, and the record of what was done with a phone."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from inventory import codes, readable, resources
from inventory.access import visible
from inventory.admin import floor_pages
from inventory.admin.filters import WarehouseFilter
from inventory.admin.pasting import PasteForm, bin_name, way
from inventory.floor import bin_sheet
from inventory.floor.bins import LONGEST
from inventory.models import Bin, FloorAction, Warehouse

Row = tuple[Warehouse, str, int, int]


class BinPasteForm(PasteForm):
    """The bins of warehouses."""

    explained = _(
        "A row each: warehouse code, bin and, if you like, the place on the way and the order in which "
        "empty bins are filled. Copy the columns out of Excel and paste them here."
    )

    def row(self, cells: list[str]) -> tuple[tuple[int, str], Row]:
        place, name = self.place(cells[0]), bin_name(codes.display(cells[1]), LONGEST)
        return (place.pk, name.casefold()), (place, name, way(cells[2]), way(cells[3]))


@transaction.atomic
def keep(rows: list[Row]) -> int:
    """Keep the bins; one that is there gets its new places. Returns how many are new."""
    there = {(one.warehouse_id, one.name.casefold()): one for one in Bin.objects.filter(
        warehouse__in={place.pk for place, *_rest in rows})}  # fmt: skip
    fresh = []
    for place, name, pick, put in rows:
        known = there.get((place.pk, name.casefold()))
        if known is None:
            fresh.append(Bin(warehouse=place, name=name, pick_order=pick, put_order=put))
        else:
            known.pick_order, known.put_order, known.active = pick, put, True
    Bin.objects.bulk_update(
        [one for key, one in there.items() if key in {(place.pk, name.casefold()) for place, name, *_rest in rows}],
        ["pick_order", "put_order", "active"], batch_size=500,
    )  # fmt: skip
    Bin.objects.bulk_create(fresh, batch_size=1_000)
    audit.record(action="bin.paste", target="inventory.bin", summary=str(len(rows)))
    return len(fresh)


@admin.register(Bin)
class BinAdmin(YikuModelAdmin):
    """Bins of the warehouses this person sees."""

    empty_note = _("None: every warehouse takes whatever is typed for a bin. Paste the bins of one that has a plan.")
    list_display = ("name", "warehouse", "pick_order", "put_order", "active")
    list_display_links = ("name",)
    list_filter = (WarehouseFilter, ("active", admin.BooleanFieldListFilter))
    list_select_related = ("warehouse",)
    fields = ("warehouse", "name", "pick_order", "put_order", "active")
    search_fields = ("name__istartswith",)
    search_help_text = _("Bin: type the beginning")
    deletable = True
    actions_list = ("paste", "to_excel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Bin]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only warehouses the person sees."""
        if db_field.name == "warehouse":
            kwargs["queryset"] = visible(cast(User, request.user), Warehouse.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("paste/", wrap(self.paste_page), name="inventory_bin_paste"),
            path("bins.xlsx", wrap(self.file), name="inventory_bin_xlsx"),
        ]
        return [*own, *super().get_urls()]

    @action(description=_("Paste from Excel"), icon="content_paste", permissions=["add"])
    def paste(self, request: HttpRequest) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:inventory_bin_paste"))

    @action(description=_("As Excel"), icon="download", permissions=["view"])
    def to_excel(self, request: HttpRequest) -> HttpResponse:
        """To the file."""
        return HttpResponseRedirect(reverse("admin:inventory_bin_xlsx"))

    def file(self, request: HttpRequest) -> FileResponse:
        """The bins and what lies in them; its first columns can be pasted back."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request)
        return resources.download(request, "bins", lambda file: bin_sheet.export(file, rows))

    def paste_page(self, request: HttpRequest) -> HttpResponse:
        """Take over many bins at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        places = visible(cast(User, request.user), Warehouse.objects.all())
        form = BinPasteForm(request.POST or None, places=places)
        if form.is_valid():
            rows = form.cleaned_data["text"]
            keep(rows)
            told = ngettext("%(count)d bin kept.", "%(count)d bins kept.", len(rows))
            messages.success(request, told % {"count": len(rows)})
            return HttpResponseRedirect(reverse("admin:inventory_bin_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Bins of a warehouse from Excel"),
            "opts": self.opts,
            "form": form,
            "button_text": _now("Keep them"),
            "help": _now("All rows are kept, or none: what is wrong is named with its row."),
        }
        return TemplateResponse(request, "admin/inventory/upload.html", context)

    def save_model(self, request: HttpRequest, obj: Bin, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {"warehouse": obj.warehouse.code, "bin": obj.name, "active": obj.active}
        audit.record(action="bin.change", target=obj, after=after)


@admin.register(FloorAction)
class FloorActionAdmin(YikuModelAdmin):
    """What was done with a phone in the warehouses this person sees."""

    empty_note = _("Nothing yet. Open Warehouse floor on a phone: receive, move, look up.")
    list_display = ("done_at", "kind_shown", "sku", "pieces_shown", "warehouse", "way", "person", "note")
    list_display_links = ("done_at",)
    list_filter = (("kind", admin.ChoicesFieldListFilter), WarehouseFilter)
    list_select_related = ("sku", "warehouse", "destination", "person")
    fields = ("kind", "sku", "quantity", "warehouse", "destination", "from_bin", "to_bin", "arrival", "reference",
              "note", "person", "scanned_at", "done_at")  # fmt: skip
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FloorAction]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A record is a record."""
        return False

    def get_urls(self) -> list[Any]:
        views = (
            ("floor/", floor_pages.home, "home"),
            ("receive/", floor_pages.receive, "receive"),
            ("move/", floor_pages.move, "move"),
            ("look/", floor_pages.look, "look"),
            ("find/", floor_pages.find, "find"),
            ("do/", floor_pages.do, "do"),
        )
        wrap = self.admin_site.admin_view
        own = [path(where, wrap(view), name=f"inventory_flooraction_{name}") for where, view, name in views]
        return [*own, *super().get_urls()]

    @admin.display(description=_("what"))
    def kind_shown(self, row: FloorAction) -> str:
        """In words."""
        return row.get_kind_display()

    @admin.display(description=_("pieces"))
    def pieces_shown(self, row: FloorAction) -> str:
        """Pieces; a bin move takes all."""
        return readable.pieces(row.quantity)

    @admin.display(description=_("from → to"))
    def way(self, row: FloorAction) -> str:
        """Bins, and the warehouse it went to."""
        there = " ".join(part for part in (row.destination.name if row.destination else "", row.to_bin) if part)
        return f"{row.from_bin or '–'} → {there}" if there else ""
