"""The chart of accounts, the months and the currencies: what the owner and the bookkeeper may set."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.decorators import action, display

from backoffice import audit
from backoffice.adminkit import Outcome, ReadOnlyMixin, YikuModelAdmin, report_outcomes
from backoffice.errors import YikuError
from finance import chart, posting
from finance.admin.downloads import download
from finance.models import Currency, LedgerAccount, Period, Voucher
from finance.sight import own

KIND_LABELS = {"asset": "info", "liability": "warning", "equity": "info", "income": "success", "expense": "danger"}


class AuditedAdmin(YikuModelAdmin):
    """Writes who changed which field from what to what."""

    audit_name = ""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        before = {name: str(form.initial.get(name, "")) for name in form.changed_data} if change else {}
        super().save_model(request, obj, form, change)
        after = {name: str(form.cleaned_data[name]) for name in form.changed_data}
        audit.record(action=self.audit_name, target=obj, before=before, after=after)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        audit.record(action=self.audit_name, target=obj, before={"deleted": str(obj)})
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)


class AccountForm(forms.ModelForm):
    """Refuses what would leave postings without their account."""

    class Meta:
        model = LedgerAccount
        fields = ("code", "name", "name_en", "kind", "role", "active")

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned and cleaned.get("role") and not cleaned.get("active", True):
            self.add_error("active", _("Postings look for this role: give it to another account first."))
        return cleaned


@admin.register(LedgerAccount)
class LedgerAccountAdmin(AuditedAdmin):
    """The chart: rename, add, retire. What is in use stays."""

    form = AccountForm
    audit_name = "books.account"
    list_display = ("code", "name", "name_en", "kind_label", "role_shown", "active")
    list_filter = (("kind", admin.ChoicesFieldListFilter), "active")
    search_fields = ("code", "name", "name_en")
    ordering = ("code",)
    sortable_by = ("code",)
    deletable = True

    @display(description=_("kind"), label=KIND_LABELS)
    def kind_label(self, account: LedgerAccount) -> tuple[str, str]:
        """The kind as a badge."""
        return account.kind, account.get_kind_display()

    @admin.display(description=_("role"))
    def role_shown(self, account: LedgerAccount) -> str:
        """What postings use it for."""
        return str(account.get_role_display()) if account.role else ""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind",) if obj and obj.lines.exists() else ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (not isinstance(obj, LedgerAccount) or chart.deletable(obj))


@admin.register(Currency)
class CurrencyAdmin(AuditedAdmin):
    """The currencies of ISO 4217; others may be added. Decimals of a currency in use are not changed."""

    audit_name = "books.currency"
    list_display = ("code", "name", "name_en", "places")
    search_fields = ("code", "name", "name_en")
    ordering = ("code",)
    sortable_by = ("code",)
    fields = ("code", "name", "name_en", "places")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code", "places") if obj else ()


@admin.register(Period)
class PeriodAdmin(ReadOnlyMixin, YikuModelAdmin):
    """The months; a closed one takes nothing more."""

    list_display = ("month_shown", "last_number", "state")
    ordering = ("-month",)
    fields = readonly_fields = ("month_shown", "last_number", "closed_at")
    actions = ("close", "export")

    def has_close_permission(self, request: HttpRequest) -> bool:
        """Who may close a month."""
        return request.user.has_perm("finance.close_period")

    @action(description=_("Close for good"), permissions=["close"])
    def close(self, request: HttpRequest, queryset: QuerySet[Period]) -> None:
        """Close the chosen months, oldest first."""
        outcomes = [_closed(period) for period in queryset.order_by("month")]
        report_outcomes(request, outcomes, _now("%(count)d months are closed."))

    @action(description=_("Export vouchers (.xlsx)"), permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[Period]) -> FileResponse | None:
        """Download all vouchers of the chosen months that this person may see."""
        vouchers = own(request, Voucher.objects.filter(period__in=queryset))
        return download(request, vouchers, of=" ".join(str(period) for period in queryset.order_by("month")))

    @admin.display(description=_("month"))
    def month_shown(self, period: Period) -> str:
        """Year and month."""
        return str(period)

    @display(description=_("state"), label={"open": "success", "closed": "info"})
    def state(self, period: Period) -> tuple[str, Any]:
        """Open or closed."""
        return ("closed", _("Closed")) if period.closed_at else ("open", pgettext_lazy("month", "Open"))


def _closed(period: Period) -> Outcome:
    try:
        posting.close_month(month=period.month)
    except YikuError as error:
        return Outcome(str(period), str(error))
    return Outcome(str(period))
