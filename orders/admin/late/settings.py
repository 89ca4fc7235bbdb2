"""Settings of lateness: handling times, what may be given, coupon codes, limits by role."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import available_timezones

import holidays
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget as Checkboxes,
)
from unfold.widgets import (
    UnfoldAdminTextareaWidget,
)

from backoffice import audit, clock
from backoffice.adminkit import YikuModelAdmin
from backoffice.models import User
from backoffice.roles import ROLES
from finance.admin.figures import money
from inventory.access import visible
from inventory.admin.shared import SharedSettingsAdmin
from inventory.models import Shop
from orders.late import compensations, due, recount
from orders.late.working_time import deadline
from orders.models import CompensationLimit, CompensationPreset, CouponCode, ShipPolicy

DAYS = (
    (0, _("Monday")), (1, _("Tuesday")), (2, _("Wednesday")), (3, _("Thursday")), (4, _("Friday")),
    (5, _("Saturday")), (6, _("Sunday")),
)  # fmt: skip
MOST_CLOSED = 400

if TYPE_CHECKING:
    PolicyModelForm = forms.ModelForm[ShipPolicy]
    LimitModelForm = forms.ModelForm[CompensationLimit]
else:
    PolicyModelForm = LimitModelForm = forms.ModelForm


class ShipPolicyForm(PolicyModelForm):
    """Days are ticked, closed days typed one a line or several with commas."""

    work_days = forms.MultipleChoiceField(
        label=_("working days"), choices=DAYS, widget=Checkboxes(), initial=[0, 1, 2, 3, 4]
    )
    closed_days = forms.CharField(
        label=_("own closed days"), max_length=6_000, required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("Dates as 2026-12-24, one a line. Public holidays are known already."),
    )  # fmt: skip

    class Meta:
        model = ShipPolicy
        fields = [
            "shop", "amount", "unit", "cut_off", "opens", "closes", "work_days", "keeps_holidays", "country", "region",
            "closed_days", "time_zone", "soon_hours", "active",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["closed_days"] = "\n".join(self.instance.closed_days or [])
        if self.instance.pk is None:
            self.initial["work_days"] = [0, 1, 2, 3, 4]

    def clean_work_days(self) -> list[int]:
        """As numbers, Monday first."""
        return sorted(int(one) for one in self.cleaned_data["work_days"])

    def clean_closed_days(self) -> list[str]:
        """Dates that exist; each fault is named."""
        words = self.cleaned_data["closed_days"].replace(",", " ").replace("，", " ").replace("、", " ").split()
        found, wrong = set(), []
        for word in words:
            try:
                found.add(dt.date.fromisoformat(word).isoformat())
            except ValueError:
                wrong.append(word[:20])
        if wrong:
            raise ValidationError(_now("No dates: %s. Write them as 2026-12-24.") % ", ".join(wrong[:10]))
        if len(found) > MOST_CLOSED:
            raise ValidationError(_now("At most %d closed days.") % MOST_CLOSED)
        return sorted(found)

    def clean_country(self) -> str:
        """A country whose holidays are known."""
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and country not in holidays.list_supported_countries():
            raise ValidationError(_now("The public holidays of “%s” are not known.") % country)
        return country

    def clean_time_zone(self) -> str:
        """A zone that exists."""
        name = str(self.cleaned_data["time_zone"]).strip()
        if name and name not in available_timezones():
            raise ValidationError(_now("There is no time zone “%s”.") % name[:40])
        return name

    def clean(self) -> dict[str, Any]:
        """A region must be one of the country's."""
        data = super().clean() or {}
        country, region = data.get("country", ""), str(data.get("region", "")).strip().upper()
        data["region"] = region
        if region and region not in holidays.list_supported_countries().get(country, []):
            self.add_error("region", _now("“%s” is no region of this country whose holidays are known.") % region)
        return data


@admin.register(ShipPolicy)
class ShipPolicyAdmin(SharedSettingsAdmin):
    """How long each shop may take; open orders follow a change in the background."""

    form = ShipPolicyForm
    empty_note = _("None yet: orders have to leave by what the platform promised. Add one for all shops.")
    list_display = ("shop_shown", "says", "hours_shown", "example", "active", "follows")
    list_display_links = ("shop_shown",)
    list_select_related = ("shop", "progress")
    ordering = ("id",)
    fieldsets = (
        (None, {"fields": ("shop", ("amount", "unit"), "cut_off", "soon_hours", "active")}),
        (_("Working time"), {"fields": ("work_days", ("opens", "closes"), "time_zone")}),
        (_("Holidays"), {"fields": ("keeps_holidays", ("country", "region"), "closed_days")}),
    )
    change_form_after_template = "admin/orders/late/policy_progress.html"

    class Media:
        js = ("backoffice/progress.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShipPolicy]:
        return visible(request.user, super().get_queryset(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Only shops the person sees."""
        if db_field.name == "shop":
            kwargs["queryset"] = visible(request.user, Shop.objects.all())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ShipPolicy, form: Any, change: bool) -> None:
        obj.updated_at, obj.updated_by = clock.now(), request.user.get_username()
        if change:
            obj.revision += 1
        super().save_model(request, obj, form, change)
        after = {name: str(getattr(obj, name)) for name in form.changed_data if hasattr(obj, name)}
        audit.record(action="ship_policy.change", target=obj, after=after, summary=str(obj))
        recount.begin(policy=obj, user=cast(User, request.user))
        messages.info(request, _now("Open orders follow the new handling time; the bar on its page shows how far."))

    @admin.display(description=_("shop"))
    def shop_shown(self, row: ShipPolicy) -> str:
        """Which shop, or all."""
        return row.shop.name if row.shop else _now("All shops")

    @admin.display(description=_("handling time"))
    def says(self, row: ShipPolicy) -> str:
        """How much of what."""
        return f"{row.amount} {row.get_unit_display()}"

    @admin.display(description=_("cut-off and hours"))
    def hours_shown(self, row: ShipPolicy) -> str:
        """The cut-off, and from when to when."""
        return f"{row.cut_off:%H:%M} · {row.opens:%H:%M}–{row.closes:%H:%M}"

    @admin.display(description=_("paid now, leaves by"))
    def example(self, row: ShipPolicy) -> str:
        """What it means for an order that is paid this minute."""
        shop = row.shop_id or Shop.objects.filter(active=True).values_list("pk", flat=True).first()
        handling = due.handlings().get(shop) if shop else None
        moment = deadline(clock.now(), handling) if handling and row.active else None
        return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else ""

    @admin.display(description=_("open orders follow it"), boolean=True)
    def follows(self, row: ShipPolicy) -> bool:
        """Whether the last change has reached them."""
        return row.applied == row.revision


@admin.register(CompensationPreset)
class CompensationPresetAdmin(YikuModelAdmin):
    """What may be offered with one click."""

    empty_note = _("None yet. Add what your people may offer: a coupon, shipping back, a gift, a part of the price.")
    list_display = ("name", "kind", "worth_shown", "codes_left", "active")
    list_display_links = ("name",)
    list_filter = (("kind", admin.ChoicesFieldListFilter), "active")
    list_select_related = ("sku",)
    fields = ("name", "name_en", "kind", "amount", "percent", "fixed_code", "sku", "quantity", "active")
    autocomplete_fields = ("sku",)
    ordering = ("id",)
    actions_row = ("codes_action",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CompensationPreset]:
        free = Count("codes", filter=Q(codes__given_to__isnull=True))
        return super().get_queryset(request).annotate(free=free)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view(self.codes_page)
        return [path("<int:pk>/codes/", wrap, name="orders_compensationpreset_codes"), *super().get_urls()]

    @admin.display(description=_("worth"))
    def worth_shown(self, row: CompensationPreset) -> str:
        """How much, or what."""
        if row.kind == row.Kind.GIFT and row.sku:
            return f"{row.sku.code} × {row.quantity.normalize():f}"
        if row.kind == row.Kind.SHIPPING:
            return _now("what the buyer paid for it")
        return f"{row.percent} %" if row.percent and row.kind == row.Kind.REFUND else money(row.amount)

    @admin.display(description=_("codes left"))
    def codes_left(self, row: Any) -> str:
        """Of the pool; a link that adds some."""
        if row.kind != row.Kind.COUPON:
            return ""
        if row.fixed_code:
            return str(row.fixed_code)
        url = reverse("admin:orders_compensationpreset_codes", args=[row.pk])
        return format_html('<a class="underline" href="{}">{}</a>', url, row.free)

    @action(description=_("Add coupon codes"), url_path="codes-of", permissions=["add"])
    def codes_action(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:orders_compensationpreset_codes", args=[object_id]))

    def codes_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Paste codes into the pool."""
        if not request.user.has_perm("orders.add_couponcode"):
            raise PermissionDenied
        preset = CompensationPreset.objects.filter(pk=pk, kind=CompensationPreset.Kind.COUPON).first()
        if preset is None:
            messages.error(request, _now("Only coupons have codes."))
            return HttpResponseRedirect(reverse("admin:orders_compensationpreset_changelist"))
        form = CodesForm(request.POST or None)
        if form.is_valid():
            new, known = compensations.add_codes(
                preset=preset, text=form.cleaned_data["text"], actor=audit.current_actor().name
            )
            messages.success(request, _now("%(new)d new codes; %(known)d were known.") % {"new": new, "known": known})
            return HttpResponseRedirect(reverse("admin:orders_compensationpreset_changelist"))
        context = {
            **self.admin_site.each_context(request), "title": _now("Coupon codes for “%s”") % preset,
            "opts": self.opts, "form": form, "button_text": _now("Add them"),
            "help": _now("One code a line. Each is given to one order, once."),
        }  # fmt: skip
        return TemplateResponse(request, "admin/inventory/upload.html", context)

    def save_model(self, request: HttpRequest, obj: CompensationPreset, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(action="compensation_preset.change", target=obj, after={"kind": obj.kind, "active": obj.active})


class CodesForm(forms.Form):
    """A column of codes."""

    text = forms.CharField(
        label=_("codes"), max_length=200_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 12})
    )  # fmt: skip


@admin.register(CouponCode)
class CouponCodeAdmin(YikuModelAdmin):
    """The pool: which codes are free, and who got the others."""

    empty_note = _("No codes yet. Add them from the list of compensation presets.")
    list_display = ("code", "preset", "order_shown", "added_at")
    list_display_links = ("code",)
    list_filter = (("given_to", admin.EmptyFieldListFilter),)
    list_select_related = ("preset", "given_to__order")
    fields = ("preset", "code")
    ordering = ("-id",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A code that was given stays what it was."""
        return super().has_change_permission(request, obj) and (obj is None or obj.given_to_id is None)

    @admin.display(description=_("given to"))
    def order_shown(self, row: CouponCode) -> str:
        """The order that got it."""
        return row.given_to.order.number if row.given_to else ""


class LimitForm(LimitModelForm):
    """A role by its name."""

    class Meta:
        model = CompensationLimit
        fields = ["group", "most"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields.get("group")
        if field is not None:
            field.label_from_instance = role_name


def role_name(group: Group) -> str:
    """A built-in role in the reader's language."""
    return str(ROLES.get(group.name, group.name))


@admin.register(CompensationLimit)
class CompensationLimitAdmin(YikuModelAdmin):
    """How much each role may give away for one order without asking."""

    form = LimitForm
    empty_note = _("None yet: everything has to be approved by the owner or the operations manager.")
    list_display = ("role", "most_shown")
    list_select_related = ("group",)
    fields = ("group", "most")
    ordering = ("id",)
    deletable = True

    @admin.display(description=_("role"))
    def role(self, row: CompensationLimit) -> str:
        """In the reader's language."""
        return role_name(row.group)

    @admin.display(description=_("up to, an order"))
    def most_shown(self, row: CompensationLimit) -> str:
        """In base currency."""
        return money(row.most)

    def save_model(self, request: HttpRequest, obj: CompensationLimit, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {"group": obj.group.name, "most": format(obj.most, "f")}
        audit.record(action="compensation_limit.change", target=obj, after=after)
