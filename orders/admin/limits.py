"""What the checks compare orders with: blocked and trusted buyers, forbidden destinations, least prices."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from inventory import codes
from inventory.access import visible
from inventory.admin.shared import FOR_ALL, SharedSettingsAdmin, sees_all_shops
from inventory.models import Shop, Sku
from orders.desk import listing_buyers
from orders.desk.rules import words
from orders.models import DestinationBan, ListedBuyer, PriceFloor

MOST_PASTED = 5_000

if TYPE_CHECKING:
    BuyerForm = forms.ModelForm[ListedBuyer]
    BanForm = forms.ModelForm[DestinationBan]
else:
    BuyerForm = BanForm = forms.ModelForm


class ListedBuyerForm(BuyerForm):
    """What is typed is hashed before it is kept."""

    text = forms.CharField(
        label=_("e-mail, platform id, phone or domain"), max_length=200, widget=UnfoldAdminTextInputWidget(),
        help_text=_("Only a fingerprint of it is kept. A delivery address is listed on the page of an order."),
    )  # fmt: skip

    class Meta:
        model = ListedBuyer
        fields = ["side", "by", "reason", "until"]

    def clean(self) -> dict[str, Any]:
        """Refuse a text that cannot be what it is said to be."""
        data = super().clean() or {}
        if data.get("by") and data.get("text"):
            try:
                listing_buyers.known_by(ListedBuyer.By(data["by"]), data["text"].strip())
            except YikuError as error:
                self.add_error("text", str(error))
        return data

    def _post_clean(self) -> None:
        """The row is written by the domain function, which also takes one that is there again."""


SHOWN = ("side", "by", "hint", "reason", "until", "created_at")  # of an entry that is there


@admin.register(ListedBuyer)
class ListedBuyerAdmin(YikuModelAdmin):
    """Added by hand or on an order's page; ended, never deleted."""

    form = ListedBuyerForm
    empty_note = _("Nobody yet. Block or trust a buyer here, or on the page of one of their orders.")
    list_display = ("__str__", "by", "running", "until", "reason", "created_at", "created_by")
    list_filter = ("side", "by")
    fields = ("side", "by", "text", "reason", "until")
    ordering = ("-id",)
    actions = ("end_now",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An entry is ended and made anew."""
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else (*SHOWN, "created_by_named")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def save_model(self, request: HttpRequest, obj: ListedBuyer, form: Any, change: bool) -> None:
        data = form.cleaned_data
        entry = listing_buyers.list_typed(
            side=data["side"], by=data["by"], text=data["text"], reason=data["reason"], until=data["until"],
            actor=audit.current_actor().name,
        )  # fmt: skip
        obj.__dict__.update(entry.__dict__)

    @admin.display(description=_("in force"), boolean=True)
    def running(self, row: ListedBuyer) -> bool:
        """Whether it still counts."""
        return row.until is None or row.until > clock.now()

    @admin.action(description=_("Take them off the list"), permissions=["add"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[ListedBuyer]) -> None:
        """They stay to be read; new orders are judged without them."""
        ended = listing_buyers.end(entries=list(queryset), actor=audit.current_actor().name)
        told = ngettext("%(count)d buyer taken off the list.", "%(count)d buyers taken off the list.", ended)
        messages.success(request, told % {"count": ended})


class DestinationBanForm(BanForm):
    """Countries by their codes, several at once."""

    countries = forms.CharField(
        label=_("countries"), max_length=1000, widget=UnfoldAdminTextInputWidget(),
        help_text=_("Two-letter codes, separated by commas: US, GB, JP."),
    )  # fmt: skip

    class Meta:
        model = DestinationBan
        fields = ["sku", "category", "brand", "hs_prefix", "mode", "countries", "reason", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["countries"] = ", ".join(self.instance.countries or [])

    def clean_countries(self) -> list[str]:
        """Countries that exist."""
        text = self.cleaned_data["countries"].upper().replace("，", ",").replace("、", ",")
        found = sorted({one.strip() for one in text.split(",") if one.strip()})
        known = {code for code, _name in words.countries("en")}
        unknown = [one for one in found if one not in known]
        if unknown:
            raise ValidationError(_now("There is no country %s.") % ", ".join(unknown)[:60])
        return found


@admin.register(DestinationBan)
class DestinationBanAdmin(YikuModelAdmin):
    """Which goods may not go where."""

    form = DestinationBanForm
    empty_note = _("None yet: goods may go anywhere. Add what may not, batteries by air or brands by contract.")
    list_display = ("goods_shown", "mode", "places", "active", "reason", "created_by")
    list_display_links = ("goods_shown",)
    list_filter = ("mode", "active")
    list_select_related = ("sku",)
    fields = ("sku", "category", "brand", "hs_prefix", "mode", "countries", "reason", "active")
    autocomplete_fields = ("sku",)
    ordering = ("-id",)
    deletable = True

    @admin.display(description=_("goods"))
    def goods_shown(self, row: DestinationBan) -> str:
        """Which goods."""
        return row.goods

    @admin.display(description=_("countries"))
    def places(self, row: DestinationBan) -> str:
        """By name."""
        names = dict(words.countries(get_language() or "en"))
        return ", ".join(names.get(code, code) for code in row.countries)

    def save_model(self, request: HttpRequest, obj: DestinationBan, form: Any, change: bool) -> None:
        obj.created_by = obj.created_by or request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {"goods": obj.goods, "mode": obj.mode, "countries": obj.countries, "active": obj.active}
        audit.record(action="destination_ban.change", target=obj, after=after)


class PasteForm(forms.Form):
    """Two or three columns as they come from a sheet; `shops` are those the person sees, `for_all` if that is all."""

    def __init__(self, *args: Any, shops: QuerySet[Shop], for_all: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shops, self.for_all = shops, for_all

    text = forms.CharField(
        label=_("rows"), max_length=500_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}),
        help_text=_("A row each: SKU, least price and, if it is for one shop only, the shop's code. Copy the columns "
                    "out of Excel and paste them here."),
    )  # fmt: skip

    def clean_text(self) -> list[tuple[Sku, Shop | None, Decimal]]:
        """All rows or none: each fault is named with its row."""
        rows = [line for line in self.cleaned_data["text"].splitlines() if line.strip()]
        if len(rows) > MOST_PASTED:
            raise ValidationError(_now("At most %d rows at once.") % MOST_PASTED)
        split = [[cell.strip() for cell in (row.split("\t") if "\t" in row else row.split(","))] for row in rows]
        keys = [codes.normalise(cells[0]) for cells in split]
        skus = {sku.code_key: sku for sku in Sku.objects.filter(code_key__in=keys)}
        shops = {shop.code.casefold(): shop for shop in self.shops}
        found, wrong = [], []
        for number, (cells, key) in enumerate(zip(split, keys, strict=True), 1):
            try:
                floor = _floor(cells, skus.get(key), shops)
                if floor[1] is None and not self.for_all:
                    raise ValueError(str(FOR_ALL))
                found.append(floor)
            except ValueError as error:
                wrong.append(_now("Row %(row)d: %(what)s") % {"row": number, "what": str(error)})
        if wrong:
            raise ValidationError(wrong[:20])
        return found


def _floor(cells: list[str], sku: Sku | None, shops: dict[str, Shop]) -> tuple[Sku, Shop | None, Decimal]:
    if sku is None:
        raise ValueError(_now("there is no SKU “%s”.") % cells[0][:60])
    try:
        price = Decimal(cells[1]) if len(cells) > 1 else Decimal(0)
    except InvalidOperation:
        price = Decimal(0)
    if not price.is_finite() or not 0 < price < 1_000_000_000:
        raise ValueError(_now("the price must be a number above 0."))
    if len(cells) < 3 or not cells[2]:
        return sku, None, price
    shop = shops.get(cells[2].casefold())
    if shop is None:
        raise ValueError(_now("there is no shop “%s”.") % cells[2][:60])
    return sku, shop, price


@admin.register(PriceFloor)
class PriceFloorAdmin(SharedSettingsAdmin):
    """Below these an order is held."""

    empty_note = _("None yet. Give the goods that must not go for less a least price, or paste a column from Excel.")
    list_display = ("sku", "shop", "price", "updated_at", "updated_by")
    list_filter = ("shop",)
    list_select_related = ("sku", "shop")
    fields = ("sku", "shop", "price")
    autocomplete_fields = ("sku",)
    ordering = ("-id",)
    deletable = True
    actions_list = ("paste",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceFloor]:
        return visible(request.user, super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops the person sees."""
        if db_field.name == "shop":
            kwargs["queryset"] = visible(request.user, Shop.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[Any]:
        own = path("paste/", self.admin_site.admin_view(self.paste_page), name="orders_pricefloor_paste")
        return [own, *super().get_urls()]

    @action(description=_("Paste from Excel"), icon="content_paste", permissions=["add"])
    def paste(self, request: HttpRequest) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:orders_pricefloor_paste"))

    def paste_page(self, request: HttpRequest) -> HttpResponse:
        """Take over many prices at once; a SKU that has one gets the new one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        shops = visible(request.user, Shop.objects.all())
        form = PasteForm(request.POST or None, shops=shops, for_all=sees_all_shops(request))
        if form.is_valid():
            rows = form.cleaned_data["text"]
            with transaction.atomic():
                for sku, shop, price in rows:
                    values = {"price": price, "updated_at": clock.now(), "updated_by": request.user.get_username()}
                    PriceFloor.objects.update_or_create(sku=sku, shop=shop, defaults=values)
                audit.record(action="price_floor.paste", target="orders.pricefloor", summary=str(len(rows)))
            told = ngettext("%(count)d least price kept.", "%(count)d least prices kept.", len(rows))
            messages.success(request, told % {"count": len(rows)})
            return HttpResponseRedirect(reverse("admin:orders_pricefloor_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _now("Least prices from Excel"),
            "opts": self.opts,
            "form": form,
            "button_text": _now("Keep them"),
            "help": _now("All rows are kept, or none: what is wrong is named with its row."),
        }
        return TemplateResponse(request, "admin/inventory/upload.html", context)

    def save_model(self, request: HttpRequest, obj: PriceFloor, form: Any, change: bool) -> None:
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        super().save_model(request, obj, form, change)
        after = {"sku": obj.sku.code, "shop": obj.shop_id, "price": format(obj.price, "f")}
        audit.record(action="price_floor.change", target=obj, after=after)
