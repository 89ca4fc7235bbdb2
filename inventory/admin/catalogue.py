"""Products and SKUs: codes, barcodes, packs, and what a bundle is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from backoffice import audit
from backoffice.adminkit import TabularInline, YikuModelAdmin
from backoffice.imports import pages as import_pages
from backoffice.imports.buttons import ByFile
from backoffice.search import prefix_condition, search_form
from inventory import dated, readable
from inventory.admin import why
from inventory.admin.recipes import RecipeInline
from inventory.lots import ageing
from inventory.models import Balance, Barcode, BundlePart, Pack, Product, Sku, StockEntry

if TYPE_CHECKING:
    SkuModelForm = forms.ModelForm[Sku]
    PartFormSet = BaseInlineFormSet[BundlePart, Sku, Any]
else:
    SkuModelForm, PartFormSet = forms.ModelForm, BaseInlineFormSet

STATUS_LABELS = {Product.Status.ACTIVE: "success", Product.Status.DRAFT: "info", Product.Status.ARCHIVED: "default"}
KIND_LABELS = {Sku.Kind.STOCKED: "default", Sku.Kind.BUNDLE: "info", Sku.Kind.VIRTUAL: "warning"}
Rows = QuerySet[Any]


class SkuForm(SkuModelForm):
    """A SKU; what the ledger knows of it bounds what may change."""

    class Meta:
        model = Sku
        fields = [
            "product", "code", "name", "name_en", "kind", "active", "list_price", "low_stock", "weight_g", "length_mm",
            "width_mm", "height_mm", "hs_code", "origin",
        ]  # fmt: skip

    def clean_origin(self) -> str:
        """Two capital letters or nothing."""
        origin = str(self.cleaned_data["origin"]).strip().upper()
        if origin and not (len(origin) == 2 and origin.isascii() and origin.isalpha()):
            raise ValidationError(_("Write the country as two letters, such as CN."))
        return origin

    def clean_kind(self) -> str:
        """Goods that have moved cannot become a bundle; a part cannot become one either."""
        kind: str = self.cleaned_data["kind"]
        if self.instance.pk and kind != self.initial.get("kind"):
            if StockEntry.objects.filter(sku=self.instance).exists():
                raise ValidationError(_("This SKU has stock movements: its kind can no longer change."))
            if kind != Sku.Kind.STOCKED and BundlePart.objects.filter(part=self.instance, valid_to=None).exists():
                raise ValidationError(_("This SKU is part of a bundle: it must stay a stocked one."))
        return kind


class SkuInline(TabularInline):
    """The SKUs of a product."""

    model = Sku
    form = SkuForm
    fields = ("code", "name", "name_en", "kind", "list_price", "low_stock", "active")
    extra = 0
    can_delete = False
    show_change_link = True
    ordering = ("code_key",)


@admin.register(Product)
class ProductAdmin(ByFile, YikuModelAdmin):
    """Products (款)."""

    file_kind = "inventory.products"
    actions_list = ("import_file", "export_file")
    list_display = ("name_shown", "brand", "category", "sku_count", "status_label")
    list_display_links = ("name_shown",)
    list_filter = (("status", admin.ChoicesFieldListFilter),)
    search_fields = ("name", "name_en", "brand")
    ordering = ("-id",)
    inlines = (SkuInline,)
    fields = ("name", "name_en", "brand", "category", "status", "image", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).annotate(skus_in_it=Count("skus"))

    @display(description=_("name"), header=True)
    def name_shown(self, row: Product) -> list[str]:
        """Both names."""
        return [row.name, row.name_en]

    @admin.display(description=_("SKUs"))
    def sku_count(self, row: Any) -> int:
        """How many variants."""
        return int(row.skus_in_it)

    @display(description=_("status"), label=STATUS_LABELS)
    def status_label(self, row: Product) -> tuple[str, str]:
        """The status as a badge."""
        return row.status, row.get_status_display()


class BarcodeInline(TabularInline):
    """The barcodes of a SKU."""

    model = Barcode
    fields = ("code", "pack")
    extra = 0

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "pack":
            match = request.resolver_match
            shown = match.kwargs.get("object_id") if match else None
            kwargs["queryset"] = Pack.objects.filter(sku_id=shown) if shown else Pack.objects.none()
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class PackInline(TabularInline):
    """Cases and boxes of a SKU."""

    model = Pack
    fields = ("name", "quantity")
    extra = 0


class BundleFormSet(PartFormSet):
    """What a bundle is made of: stocked SKUs only, each once, and never itself."""

    def clean(self) -> None:
        """Refuse what could not be counted."""
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        kept = [form for form in kept if form.cleaned_data.get("part")]
        if self.instance.kind != Sku.Kind.BUNDLE:
            if kept:
                raise ValidationError(_("Only a bundle has parts: set the kind to “Bundle”, or remove the parts."))
            return
        if not kept and not any(self.errors):
            raise ValidationError(_("A bundle needs at least one part."))
        seen: set[int] = set()
        for form in kept:
            self._check(form, seen)

    def _check(self, form: Any, seen: set[int]) -> None:
        part = form.cleaned_data["part"]
        if part.pk == self.instance.pk:
            form.add_error("part", _("A bundle cannot be part of itself."))
        elif part.kind == Sku.Kind.BUNDLE:
            form.add_error("part", _("A bundle cannot hold another bundle: name its parts."))
        elif part.kind == Sku.Kind.VIRTUAL:
            form.add_error("part", _("Goods without stock cannot be part of a bundle."))
        if part.pk in seen:
            form.add_error("part", _("This part stands here twice."))
        if (form.cleaned_data.get("quantity") or 0) <= 0:
            form.add_error("quantity", _("More than zero, please."))
        seen.add(part.pk)


class BundlePartInline(TabularInline):
    """The parts in force; a change closes the old row and opens a new one."""

    model = BundlePart
    fk_name = "bundle"
    formset = BundleFormSet
    fields = ("part", "quantity")
    autocomplete_fields = ("part",)
    extra = 0
    verbose_name_plural = _("parts of the bundle")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BundlePart]:
        return super().get_queryset(request).filter(valid_to__isnull=True).select_related("part")


@admin.register(Sku)
class SkuAdmin(YikuModelAdmin):
    """SKUs, each with what lies where and what every shop may show."""

    empty_note = _("Add a SKU, or import your list from Excel.")
    form = SkuForm
    list_display = (
        "code_shown",
        "name_shown",
        "kind_label",
        "on_hand_shown",
        "free_shown",
        "list_price_shown",
        "why_link",
    )
    list_display_links = ("code_shown",)
    list_filter = (("kind", admin.ChoicesFieldListFilter), "active")
    list_select_related = ("product",)
    search_fields = ("code_key",)  # get_search_results says how
    search_help_text = _("SKU code or barcode (its beginning), or part of the name")
    ordering = ("code_key",)
    sortable_by = ("code_shown",)
    autocomplete_fields = ("product",)
    inlines = (BundlePartInline, RecipeInline, BarcodeInline, PackInline)
    actions_list = ("import_skus", "export_skus")
    actions_detail = ("why_action", "tracking_action")
    readonly_fields = ("tracking_shown",)
    fieldsets = (
        (None, {"fields": ("product", "code", ("name", "name_en"), ("kind", "active"), ("list_price", "low_stock"))}),
        (
            _("Lots and serials"),
            {"fields": ("tracking_shown", ("shelf_life_days", "ship_days"))},
        ),
        (
            _("Size and customs"),
            {"fields": (("weight_g", "length_mm"), ("width_mm", "height_mm"), ("hs_code", "origin"))},
        ),
    )

    # --- rows --------------------------------------------------------------------------------------------------------

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        """Codes and barcodes by their beginning, names by any part."""
        term = search_form(search_term)
        if not term:
            return queryset, False
        by_barcode = Barcode.objects.filter(prefix_condition(["code"], term)).values("sku_id")[:200]
        found = prefix_condition(["code_key"], term) | Q(pk__in=by_barcode)
        return queryset.filter(found | Q(name__icontains=term) | Q(name_en__icontains=term)), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Stock of the SKUs on this page, in the warehouses this person sees, by one query."""
        listed = super().get_changelist_instance(request)
        stock = Balance.objects.filter(sku_id__in=[row.pk for row in listed.result_list])
        summed: dict[int, tuple[Any, Any]] = {}
        for row in why.own(request, stock):
            on_hand, free = summed.get(row.sku_id, (0, 0))
            summed[row.sku_id] = (on_hand + row.on_hand, free + row.sellable - row.reserved - row.demand)
        for row in listed.result_list:
            row.stock_here = summed.get(row.pk)
        return listed

    @display(description=_("SKU code"), header=True, ordering="code_key")
    def code_shown(self, row: Sku) -> list[str]:
        """The code, and whether it is still sold."""
        return [row.code, "" if row.active else _now("not active")]

    @display(description=_("name"), header=True)
    def name_shown(self, row: Sku) -> list[str]:
        """Both names."""
        return [row.name, row.name_en]

    @display(description=_("kind"), label=KIND_LABELS)
    def kind_label(self, row: Sku) -> tuple[str, str]:
        """The kind as a badge."""
        return row.kind, row.get_kind_display()

    @admin.display(description=_("on hand"))
    def on_hand_shown(self, row: Any) -> str:
        """What lies in the warehouses this person sees."""
        return readable.pieces(row.stock_here[0]) if row.stock_here else readable.NONE

    @display(description=_("free"), label={"low": "danger", "ok": "success"})
    def free_shown(self, row: Any) -> Any:
        """What nobody has reserved or ordered; red at or below the low-stock mark."""
        if not row.stock_here:
            return readable.NONE
        low = row.low_stock is not None and row.stock_here[1] <= row.low_stock
        return "low" if low else "ok", readable.pieces(row.stock_here[1])

    @admin.display(description=_("list price"))
    def list_price_shown(self, row: Sku) -> str:
        """The list price."""
        return readable.money(row.list_price)

    @admin.display(description=_("in the shops"))
    def why_link(self, row: Sku) -> str:
        """To the page that explains what every shop may show."""
        url = reverse("admin:inventory_sku_why", args=[row.pk])
        return format_html('<a class="text-primary-600" href="{}">{}</a>', url, _now("Why this number"))

    # --- saving ------------------------------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [path("<int:pk>/why/", wrap(why.page), name="inventory_sku_why"), *super().get_urls()]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Parts of a bundle are history once they were true: never overwritten."""
        if formset.model is not BundlePart:
            super().save_formset(request, form, formset, change)
            return
        actor = audit.current_actor().name
        changed = formset.save(commit=False)
        for part in formset.deleted_objects:
            dated.close(part, actor=actor)
        for part in changed:
            if part.pk:
                before = BundlePart.objects.get(pk=part.pk)
                dated.replace(before, {"part_id": part.part_id, "quantity": part.quantity}, actor=actor)
            else:
                dated.open_row(part, actor=actor)

    def save_model(self, request: HttpRequest, obj: Sku, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "ship_days" in form.changed_data:
            ageing.sweep(sku_id=obj.pk)

    @admin.display(description=_("lots and serials"))
    def tracking_shown(self, row: Sku) -> str:
        """How its goods are told apart; changed by its own deed, which books what lies there."""
        return str(row.get_tracking_display())

    @action(description=_("Lots and serials…"), url_path="tracking-action", icon="qr_code_2", permissions=["track"])
    def tracking_action(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page that turns tracking on and off."""
        return HttpResponseRedirect(reverse("admin:inventory_lot_tracking", args=[int(object_id)]))

    def has_track_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may turn lots and serials on and off."""
        return request.user.has_perm("inventory.track_sku")

    @action(description=_("Why this number"), url_path="why-action", icon="help")
    def why_action(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """From a SKU to its figures."""
        return why.page(request, int(object_id))

    @action(description=_("Import"), url_path="import", icon="upload", permissions=["import_skus"])
    def import_skus(self, request: HttpRequest) -> HttpResponse:
        """Products and SKUs by file, with a preview."""
        return HttpResponseRedirect(reverse("import_start", args=["inventory.skus"]))

    @action(description=_("Export"), url_path="export", icon="download")
    def export_skus(self, request: HttpRequest) -> HttpResponseBase:
        """All SKUs as a workbook that can be imported again."""
        return import_pages.export(request, kind="inventory.skus")

    def has_import_skus_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may change SKUs and make new ones may import them."""
        return self.has_add_permission(request) and self.has_change_permission(request)
