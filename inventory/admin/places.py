"""Warehouses, shops, which shop sells from where, what each may show, and who sees what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from backoffice import audit
from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from inventory import dated, readable
from inventory.access import visible
from inventory.admin.filters import CurrentFilter, ShopFilter, WarehouseFilter
from inventory.admin.shared import SharedSettingsAdmin
from inventory.models import Access, Shop, ShopWarehouse, StockPolicy, Warehouse

if TYPE_CHECKING:
    PolicyModelForm = forms.ModelForm[StockPolicy]
    LinkModelForm = forms.ModelForm[ShopWarehouse]
    AccessModelForm = forms.ModelForm[Access]
else:
    PolicyModelForm = LinkModelForm = AccessModelForm = forms.ModelForm

KIND_LABELS = {Warehouse.Kind.OWN: "success", Warehouse.Kind.PLATFORM: "warning", Warehouse.Kind.OVERSEAS: "info"}


class OwnRowsAdmin(YikuModelAdmin):
    """Only the rows of shops and warehouses that this person sees."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        before = {name: str(form.initial.get(name)) for name in form.changed_data} if change else {}
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        audit.record(action="master.change" if change else "master.add", target=obj, before=before, after=after)


@admin.register(Warehouse)
class WarehouseAdmin(OwnRowsAdmin):
    """Warehouses of all kinds."""

    list_display = ("code", "name", "kind_label", "country", "region", "read_only", "active")
    list_filter = (("kind", admin.ChoicesFieldListFilter), "active")
    search_fields = ("code", "name", "name_en")
    ordering = ("code",)
    sortable_by = ("code", "name")
    fieldsets = (
        (None, {"fields": (("code", "active"), ("name", "name_en"), ("kind", "read_only"))}),
        (_("Place"), {"fields": (("country", "region"), ("latitude", "longitude"), "time_zone")}),
        (_("Rules"), {"fields": ("adjust_limit",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    @display(description=_("kind"), label=KIND_LABELS)
    def kind_label(self, row: Warehouse) -> tuple[str, str]:
        """The kind as a badge."""
        return row.kind, row.get_kind_display()


@admin.register(Shop)
class ShopAdmin(OwnRowsAdmin):
    """Shops; their platforms are reached through the accounts of the channels."""

    list_display = ("code", "name", "currency", "country", "warehouses_shown", "active")
    list_filter = ("active",)
    search_fields = ("code", "name", "name_en")
    ordering = ("code",)
    sortable_by = ("code", "name")
    fieldsets = ((None, {"fields": (("code", "active"), ("name", "name_en"), ("currency", "country"), "time_zone")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shop]:
        return super().get_queryset(request).prefetch_related("warehouse_links__warehouse")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    @admin.display(description=_("sells from"))
    def warehouses_shown(self, row: Shop) -> str:
        """Its warehouses in their order."""
        links = [link for link in row.warehouse_links.all() if link.valid_to is None]
        return " → ".join(link.warehouse.code for link in sorted(links, key=lambda link: link.priority))


class DatedAdmin(SharedSettingsAdmin):
    """Rows that are true for a time: saving closes the old one and opens the next; what is closed stays as it is."""

    kept: tuple[str, ...] = ()  # what says whose row it is: fixed once it exists
    terms: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible(cast(User, request.user), super().get_queryset(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.kept, "valid_from", "valid_to") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.kept, *self.terms, "valid_from", "valid_to") if obj else (*self.kept, *self.terms)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.valid_to is not None:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not self.reaches(request, obj):
            raise PermissionDenied
        actor = audit.current_actor().name
        if not change:
            dated.open_row(obj, actor=actor)
            return
        before = type(obj)._default_manager.get(pk=obj.pk)
        after = dated.replace(before, {name: getattr(obj, name) for name in self.terms}, actor=actor)
        obj.pk = after.pk  # the page goes on with the row that is in force now


class LinkForm(LinkModelForm):
    """A shop sells from a warehouse."""

    class Meta:
        model = ShopWarehouse
        fields = ["shop", "warehouse", "priority"]

    def clean(self) -> dict[str, Any]:
        """One row in force per pair."""
        data = super().clean() or {}
        pair = {"shop": data.get("shop"), "warehouse": data.get("warehouse")}
        new = self.instance.pk is None and all(pair.values())
        if new and ShopWarehouse.objects.filter(valid_to=None, **pair).exists():
            raise ValidationError(_("This shop sells from this warehouse already."))
        return data


@admin.register(ShopWarehouse)
class ShopWarehouseAdmin(DatedAdmin):
    """From which warehouses a shop sells, since when."""

    form = LinkForm
    kept, terms = ("shop", "warehouse"), ("priority",)
    list_display = ("shop", "warehouse", "priority", "valid_from", "valid_to")
    list_filter = (CurrentFilter, ShopFilter, WarehouseFilter)
    list_select_related = ("shop", "warehouse")
    ordering = ("-id",)
    autocomplete_fields = ("shop", "warehouse")
    actions = ("end",)

    @admin.action(description=_("Stop selling from here"), permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[ShopWarehouse]) -> None:
        """Close the links that are in force."""
        for link in queryset.filter(valid_to__isnull=True):
            dated.close(link, actor=audit.current_actor().name)


class PolicyForm(PolicyModelForm):
    """What a shop may show of a SKU."""

    class Meta:
        model = StockPolicy
        fields = ["shop", "sku", "buffer", "share", "cap", "stop_below", "presale", "paused", "reason"]

    def clean(self) -> dict[str, Any]:
        """Figures in range, one row in force per shop and SKU, a pause with its reason."""
        data = super().clean() or {}
        for name in ("buffer", "cap", "stop_below", "presale"):
            if data.get(name) is not None and data[name] < 0:
                self.add_error(name, _("Not below zero."))
        if data.get("share") is not None and not 0 <= data["share"] <= 1:
            self.add_error("share", _("Between 0 and 1."))
        if data.get("paused") and not str(data.get("reason", "")).strip():
            self.add_error("reason", _("Say why it is paused: colleagues will read it."))
        if self.instance.pk is None:
            pair = {"shop": data.get("shop"), "sku": data.get("sku")}
            if StockPolicy.objects.filter(valid_to=None, **pair).exists():
                raise ValidationError(_("There is a policy for this shop and SKU already: change that one."))
        return data


@admin.register(StockPolicy)
class StockPolicyAdmin(DatedAdmin):
    """Buffers, shares, caps and pauses; the most specific row in force wins."""

    form = PolicyForm
    kept = ("shop", "sku")
    terms = dated.POLICY_TERMS
    list_display = ("scope", "terms_shown", "paused_label", "reason", "valid_from", "valid_to", "created_by")
    list_display_links = ("scope",)
    list_filter = (CurrentFilter, "paused", ShopFilter)
    list_select_related = ("shop", "sku")
    ordering = ("-id",)
    autocomplete_fields = ("shop", "sku")

    @display(description=_("applies to"), header=True)
    def scope(self, row: StockPolicy) -> list[str]:
        """Shop and SKU."""
        return [str(row.sku or _("All SKUs")), str(row.shop.name if row.shop else _("All shops"))]

    @admin.display(description=_("what it says"))
    def terms_shown(self, row: StockPolicy) -> str:
        """The terms that say something."""
        said = [
            (_("buffer"), row.buffer or None),
            (_("share"), None if row.share == 1 else row.share),
            (_("at most"), row.cap),
            (_("stop selling below"), row.stop_below or None),
            (_("presale"), row.presale or None),
        ]
        return (
            ", ".join(f"{label} {readable.pieces(value)}" for label, value in said if value is not None)
            or readable.NONE
        )

    @display(description=_("paused"), label={"yes": "danger", "no": "default"})
    def paused_label(self, row: StockPolicy) -> Any:
        """A red badge while it is paused."""
        return ("yes", str(_("Paused"))) if row.paused else readable.NONE


class AccessForm(AccessModelForm):
    """Whose row it is: a person or a key."""

    class Meta:
        model = Access
        fields = ["user", "api_key", "all_shops", "shops", "all_warehouses", "warehouses"]

    def clean(self) -> dict[str, Any]:
        """Exactly one of both."""
        data = super().clean() or {}
        if self.instance.pk is None and bool(data.get("user")) == bool(data.get("api_key")):
            raise ValidationError(_("Choose a person or an API key, one of the two."))
        return data


@admin.register(Access)
class AccessAdmin(YikuModelAdmin):
    """Which shops and warehouses a person or an API key sees."""

    form = AccessForm
    list_display = ("who", "shops_shown", "warehouses_shown")
    list_display_links = ("who",)
    ordering = ("-id",)
    list_select_related = ("user", "api_key")
    autocomplete_fields = ("user",)
    filter_horizontal = ("shops", "warehouses")
    fields = ("user", "api_key", "all_shops", "shops", "all_warehouses", "warehouses")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Access]:
        return super().get_queryset(request).prefetch_related("shops", "warehouses")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "api_key") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("inventory.delete_access")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        after = {name: str(form.cleaned_data.get(name)) for name in form.changed_data}
        audit.record(action="access.change", target=form.instance, after=after, summary=str(form.instance))

    @admin.display(description=_("person or key"))
    def who(self, row: Access) -> str:
        """Whose row it is."""
        return str(row)

    @admin.display(description=_("shops"))
    def shops_shown(self, row: Access) -> str:
        """All or the named ones."""
        return str(_("All")) if row.all_shops else ", ".join(shop.code for shop in row.shops.all()) or readable.NONE

    @admin.display(description=_("warehouses"))
    def warehouses_shown(self, row: Access) -> str:
        """All or the named ones."""
        if row.all_warehouses:
            return str(_("All"))
        return ", ".join(place.code for place in row.warehouses.all()) or readable.NONE
