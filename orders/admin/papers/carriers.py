"""Carrier accounts in the admin: the account, its services and number ranges, its credentials, whether it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from backoffice import audit
from backoffice.adminkit import TabularInline, YikuModelAdmin
from backoffice.errors import YikuError
from inventory.models import Warehouse
from orders.admin.papers import kit
from orders.carriers.base import Capability, CarrierError
from orders.carriers.numbers import written
from orders.carriers.registry import adapter_class, can, choices
from orders.fulfil import carrier_accounts
from orders.fulfil.carrier_words import sentence
from orders.models import CarrierAccount, CarrierService, LabelRange

CREDENTIAL = "orders.set_carrier_credential"

if TYPE_CHECKING:
    AccountForm = forms.ModelForm[CarrierAccount]
    RangeForm = forms.ModelForm[LabelRange]
else:
    AccountForm = RangeForm = forms.ModelForm


class CarrierAccountForm(AccountForm):
    """The adapter is chosen from those installed; the address only where it is called."""

    adapter = forms.ChoiceField(label=_("carrier system"), widget=UnfoldAdminSelectWidget())

    warehouses = forms.ModelMultipleChoiceField(
        label=_("warehouses"), queryset=Warehouse.objects.filter(active=True), required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(), help_text=_("None chosen: it collects from all."),
    )  # fmt: skip

    class Meta:
        model = CarrierAccount
        fields = [
            "adapter", "name", "base_url", "tracking_url", "warehouses", "default_service", "scans_out", "sandbox",
            "active",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "adapter" in self.fields:
            self.fields["adapter"].choices = choices()  # type: ignore[attr-defined]
        if "default_service" in self.fields:
            own = CarrierService.objects.filter(account=self.instance.pk or 0)
            self.fields["default_service"].queryset = own  # type: ignore[attr-defined]

    def clean_tracking_url(self) -> str:
        """A page, with the place of the number."""
        text: str = self.cleaned_data["tracking_url"].strip()
        if text and (not text.lower().startswith("https://") or "{}" not in text):
            raise ValidationError(_now("A tracking page starts with https:// and holds {}."))
        return text

    def clean(self) -> dict[str, Any]:
        """An address exactly where the carrier is called."""
        data = super().clean() or {}
        if data.get("adapter"):
            calls = Capability.CALLS in adapter_class(data["adapter"]).capabilities
            address = (data.get("base_url") or "").strip()
            if calls and not address.lower().startswith(("https://", "http://")):
                self.add_error("base_url", _now("This carrier is called: enter its address, starting with https://."))
        return data


class LabelRangeForm(RangeForm):
    """A range that cannot overlap another of the account by mistake."""

    class Meta:
        model = LabelRange
        fields = [
            "account",
            "service",
            "prefix",
            "first",
            "last",
            "digits",
            "suffix",
            "check_digit",
            "warn_below",
            "active",
        ]

    def clean(self) -> dict[str, Any]:
        """Both ends can be written, and nothing that was given is taken out."""
        data = super().clean() or {}
        if data.get("first") is None or data.get("last") is None or data.get("digits") is None:
            return data
        if data["last"] < data["first"]:
            raise ValidationError(_now("A range ends after it begins."))
        service, account = data.get("service"), data.get("account") or getattr(self.instance, "account", None)
        if service is not None and account is not None and service.account_id != account.pk:
            raise ValidationError(_now("This service is another carrier's."))
        given = self.instance.next if self.instance.pk else None
        if given is not None and (data["first"] != self.instance.first or data["last"] < given - 1):
            raise ValidationError(
                _now("Numbers of this range were given: its beginning stays, its end not below them.")
            )
        try:
            for figure in (data["first"], data["last"]):
                written(prefix=data.get("prefix") or "", figure=figure, digits=data["digits"],
                        suffix=data.get("suffix") or "", check=data.get("check_digit") or "none")  # fmt: skip
        except CarrierError:
            raise ValidationError(_now("These figures do not fit their digits; S10 has eight.")) from None
        return data


class ServiceInline(TabularInline):
    """Its services."""

    model = CarrierService
    extra = 0
    fields = ("code", "name", "days", "most_weight_g", "active")
    can_delete = False


@admin.register(LabelRange)
class LabelRangeAdmin(YikuModelAdmin):
    """The ranges of all carriers, with what is left of each."""

    form = LabelRangeForm
    empty_note = _("None yet. Enter the numbers a carrier gave you; each is used once.")
    list_display = ("range_shown", "account", "service", "check_digit", "next_shown", "left_shown", "active")
    list_display_links = ("range_shown",)
    list_filter = ("account", "active")
    list_select_related = ("account", "service", "service__account")
    ordering = ("-id",)
    readonly_fields = ("next_shown", "left_shown")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return LabelRangeForm.Meta.fields if obj is None else [*LabelRangeForm.Meta.fields, *self.readonly_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj is None else ("account", *self.readonly_fields)

    @admin.display(description=_("range"))
    def range_shown(self, row: LabelRange) -> str:
        """From … to."""
        return str(row)

    @admin.display(description=_("next"))
    def next_shown(self, row: LabelRange) -> str:
        """The number given next, as it is written."""
        if row.pk is None or not row.left:
            return "–"
        figure = row.next if row.next is not None else row.first
        return written(prefix=row.prefix, figure=figure, digits=row.digits, suffix=row.suffix, check=row.check_digit)

    @admin.display(description=_("left over"))
    def left_shown(self, row: LabelRange) -> str:
        """How many numbers are left, loud when few."""
        if row.pk is None:
            return "–"
        return f"⚠ {row.left:,}" if row.left < row.warn_below else f"{row.left:,}"

    def save_model(self, request: HttpRequest, obj: LabelRange, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(action="number_range.change", target=obj, after={"range": str(obj), "active": obj.active})


@admin.register(CarrierAccount)
class CarrierAccountAdmin(YikuModelAdmin):
    """The carriers."""

    form = CarrierAccountForm
    empty_note = _("No carrier yet. Add one with a price table and numbers, or one that is called over the internet.")
    list_display = ("name", "adapter_shown", "active", "sandbox", "checked_at", "numbers_left")
    ordering = ("name",)
    actions_detail = ("to_credentials", "test_connection")

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/credentials/", wrap(self.credentials_page), name="orders_carrieraccount_credentials"),
        ]
        return [*own, *super().get_urls()]

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [] if obj is None else [ServiceInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("adapter_shown",) if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = list(CarrierAccountForm.Meta.fields)
        if obj is None:
            fields.remove("default_service")
            return fields
        fields[0] = "adapter_shown"
        return fields if can(obj, Capability.CALLS) else [one for one in fields if one != "base_url"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("ranges")

    @admin.display(description=_("carrier system"))
    def adapter_shown(self, row: CarrierAccount) -> str:
        """In words."""
        return dict(choices()).get(row.adapter, row.adapter)

    @display(description=_("numbers left"))
    def numbers_left(self, row: CarrierAccount) -> str:
        """Over all ranges in use; loud when one runs low."""
        own = [one for one in row.ranges.all() if one.active]
        low = any(one.left < one.warn_below for one in own)
        return f"{'⚠ ' if low else ''}{sum(one.left for one in own):,}" if own else "–"

    def save_model(self, request: HttpRequest, obj: CarrierAccount, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        after = {"name": obj.name, "address": obj.base_url, "active": obj.active, "adapter": obj.adapter}
        audit.record(action="carrier.change", target=obj, after=after, summary=obj.name)

    def response_add(self, request: HttpRequest, obj: CarrierAccount, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, _now("Added. Now enter its services, and what it takes to use them."))
        return HttpResponseRedirect(reverse("admin:orders_carrieraccount_change", args=[obj.pk]))

    # --- credentials and the test ------------------------------------------------------------------------------------

    def has_credential_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """The owner only, and only where there are secrets."""
        return request.user.has_perm(CREDENTIAL)

    @action(description=_("Credentials"), icon="key", permissions=["credential"], url_path="to-credentials")
    def to_credentials(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page."""
        return HttpResponseRedirect(reverse("admin:orders_carrieraccount_credentials", args=[object_id]))

    @action(description=_("Test the connection"), icon="cable", permissions=["change"], url_path="test-connection")
    def test_connection(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Call the carrier and say who answered."""
        account = self.get_queryset(request).filter(pk=object_id).first()
        if account is None:
            raise Http404
        try:
            name = carrier_accounts.test_connection(account=account, actor=kit.who())
            messages.success(request, _now("Connected with “%(name)s”.") % {"name": name})
        except CarrierError as error:
            messages.error(
                request, _now("No connection: %(what)s") % {"what": sentence(f"{error.code}: {error.message}")}
            )
        except YikuError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:orders_carrieraccount_change", args=[object_id]))

    def credentials_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Enter secrets; they are stored encrypted and never shown again."""
        kit.demand(request, CREDENTIAL)
        account = CarrierAccount.objects.filter(pk=pk).first()
        if account is None or not adapter_class(account.adapter).credential_fields:
            if account is None:
                raise Http404
            messages.info(request, _now("This carrier needs no credentials."))
            return HttpResponseRedirect(reverse("admin:orders_carrieraccount_change", args=[pk]))
        form = _credential_form(account)(request.POST or None)
        if form.is_valid():
            carrier_accounts.set_credential(account=account, values=form.cleaned_data, actor=kit.who())
            messages.success(request, _now("Stored. Test the connection now."))
            return HttpResponseRedirect(reverse("admin:orders_carrieraccount_change", args=[pk]))
        page = {
            **self.admin_site.each_context(request),
            "title": _now("Credentials of %(name)s") % {"name": account.name}, "opts": self.opts, "form": form,
            "button_text": _now("Store them"),
            "help": _now("They are stored encrypted and never shown again; new ones replace the old."),
        }  # fmt: skip
        return TemplateResponse(request, "admin/inventory/upload.html", page)


def _credential_form(account: CarrierAccount) -> type[forms.Form]:
    fields = {
        one.name: forms.CharField(
            label=_(one.label), max_length=500,
            widget=UnfoldAdminTextInputWidget(
                attrs={"type": "password" if one.secret else "text", "autocomplete": "new-password"}
            ),
        )
        for one in adapter_class(account.adapter).credential_fields
    }  # fmt: skip
    return type("CredentialForm", (forms.Form,), fields)


LABELS = (_("Key"), _("Secret"))  # of the adapters' credential fields, for the catalogue
