"""Shop accounts: is all well, what waits, the buttons; settings and secrets on pages of their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from backoffice import twofactor
from backoffice.adminkit import YikuModelAdmin
from backoffice.errors import YikuError
from channels import accounts, pull
from channels.admin import account_page, kit
from channels.connectors.base import Capability
from channels.models import Account, AccountState
from channels.registry import can, connector_class, platforms

STATES = {AccountState.ACTIVE: "success", AccountState.PAUSED: "warning", AccountState.REFUSED: "danger"}
SETTINGS = (
    "name",
    "base_url",
    "go_live_at",
    "poll_seconds",
    "zero_brake",
    "heal_drift",
    "payload_days",
)


class AccountForm(forms.ModelForm):
    """A new account: which shop, on which platform, where."""

    class Meta:
        model = Account
        fields = ("shop", "platform", "name", "base_url", "go_live_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "platform" in self.fields:
            self.fields["platform"] = forms.ChoiceField(
                label=_("platform"), choices=platforms(), widget=UnfoldAdminSelectWidget
            )

    def clean(self) -> dict[str, Any]:
        """A platform that is called needs an address."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        platform = data.get("platform") or self.instance.platform
        if platform and connector_class(platform).credential_fields and not data.get("base_url"):
            self.add_error("base_url", _("Enter the shop's address, for example https://shop.example.com."))
        return data

    def clean_options(self) -> dict[str, Any]:
        """Options are names with values."""
        options = self.cleaned_data.get("options")
        if options is None or isinstance(options, dict):
            return options or {}
        raise forms.ValidationError(_('Options are a list of names with values: {"name": "value"}.'))

    def clean_poll_seconds(self) -> int:
        """Oftener than every five seconds helps nobody."""
        seconds: int = self.cleaned_data["poll_seconds"]
        if seconds < 5:
            raise forms.ValidationError(_("At least 5 seconds."))
        return seconds


class CredentialForm(forms.Form):
    """The secrets of an account, as its connector asks for them: set, never shown."""

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in connector_class(account.platform).credential_fields:
            widget = UnfoldAdminPasswordWidget if field.secret else UnfoldAdminTextInputWidget
            self.fields[field.name] = forms.CharField(
                label=_now(field.label),
                required=field.required,
                help_text=_now(field.help) if field.help else "",
                max_length=2_000,
                widget=widget(attrs={"autocomplete": "off"}),
            )


@admin.register(Account)
class AccountAdmin(YikuModelAdmin):
    """The accounts, sick ones first in the eye."""

    empty_note = _("Connect a shop: add an account, enter its credentials, test the connection.")
    form = AccountForm
    list_display = ("name_shown", "platform_shown", "state_shown", "writes_shown", "behind", "errors", "last_answer")
    list_display_links = ("name_shown",)
    list_filter = (("state", admin.ChoicesFieldListFilter),)
    list_select_related = ("shop", "budget", "poll")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        open_errors = Count("sync_errors", filter=Q(sync_errors__state="open"))
        return kit.own(request, super().get_queryset(request)).annotate(open_errors=open_errors)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": ("shop", "platform", "name", "base_url", "go_live_at")})]
        note = _("Special cases of this platform, as names with values. Leave them alone unless you need one.")
        experts = {"fields": ("options",), "classes": ("collapse",), "description": note}
        return [(None, {"fields": SETTINGS}), (_("For experts"), experts)]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "shop":
            kwargs["queryset"] = kit.own(request, db_field.related_model.objects.filter(account__isnull=True))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/settings/", wrap(self.settings_view), name="channels_account_settings"),
            path("<int:pk>/credentials/", wrap(self.credentials_view), name="channels_account_credentials"),
            path("<int:pk>/do/", wrap(account_page.act), name="channels_account_do"),
        ]
        return [*own, *super().get_urls()]

    # --- pages -------------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """How the account is doing, and what can be done about it."""
        kit.demand(request, "view_account")
        account = kit.get(request, Account.objects.select_related("shop", "poll", "budget"), object_id)
        return account_page.show(self.admin_site, request, account)

    def settings_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The settings, as a form."""
        kit.demand(request, "change_account")
        account = kit.get(request, Account.objects.all(), pk)
        return super().change_view(request, str(account.pk), extra_context={"show_delete": False})

    def response_change(self, request: HttpRequest, obj: Account) -> HttpResponse:
        messages.success(request, _now("The settings are saved."))
        return HttpResponseRedirect(kit.url("account_change", obj.pk))

    def response_add(self, request: HttpRequest, obj: Account, post_url_continue: Any = None) -> HttpResponse:
        accounts.ready(obj)
        if connector_class(obj.platform).credential_fields:
            messages.success(request, _now("Now enter the credentials."))
            return HttpResponseRedirect(kit.url("account_credentials", obj.pk))
        return HttpResponseRedirect(kit.url("account_change", obj.pk))

    def credentials_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Set the secrets, with a fresh code of who does it. What is stored is never sent to the browser."""
        kit.demand(request, "set_credential")
        account = kit.get(request, Account.objects.select_related("shop"), pk)
        if not twofactor.fresh(request):
            return twofactor.ask(request)
        form = CredentialForm(account, request.POST) if request.method == "POST" else CredentialForm(account)
        if form.is_valid():
            try:
                accounts.set_credential(account=account, values=form.cleaned_data, actor=kit.actor())
            except YikuError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _now("Stored. Now test the connection."))
                return HttpResponseRedirect(kit.url("account_change", account.pk))
        title = _now("Credentials of %s") % account.name
        page = kit.context(self.admin_site, request, title, account=account, form=form, opts=self.opts)
        return TemplateResponse(request, "admin/channels/credentials.html", page)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_add_permission(request))

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        if change and not kit.may(request, "change_account"):
            raise PermissionDenied
        super().save_model(request, obj, form, change)

    # --- columns -----------------------------------------------------------------------------------------------------

    @display(description=_("shop account"), header=True)
    def name_shown(self, account: Account) -> list[str]:
        """The account and its shop."""
        return [account.name, account.shop.name]

    @admin.display(description=_("platform"))
    def platform_shown(self, account: Account) -> str:
        """The platform by its own name."""
        return connector_class(account.platform).label

    @display(description=_("state"), label=STATES)
    def state_shown(self, account: Account) -> tuple[str, str]:
        """Active, paused, refused."""
        return account.state, account.get_state_display()

    @display(description=_("writing"), label={"on": "success", "off": "info", "held": "danger"})
    def writes_shown(self, account: Account) -> tuple[str, str]:
        """Whether figures and parcels go out."""
        if not can(account, Capability.PUSH_STOCK):
            return "", "–"
        if account.writes_held_at:
            return "held", _now("held")
        return ("on", _now("on")) if account.write_enabled else ("off", _now("off"))

    @admin.display(description=_("behind"))
    def behind(self, account: Account) -> str:
        """How far the orders are behind."""
        if not can(account, Capability.PULL_ORDERS):
            return "–"
        late = pull.behind(account)
        return _now("never read") if late is None else kit.span(late)

    @admin.display(description=_("open errors"))
    def errors(self, account: Any) -> str:
        """How many entries of the error queue are open."""
        if not account.open_errors:
            return "0"
        address = kit.url("syncerror_changelist") + f"?state__exact=open&account={account.pk}"
        return kit.link(account.open_errors, address)

    @admin.display(description=_("last read"))
    def last_answer(self, account: Account) -> str:
        """When the last walk over the orders was complete."""
        poll = getattr(account, "poll", None)
        return kit.age(poll.last_ok_at if poll else None)
