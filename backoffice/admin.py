"""The ground's own pages and third parties' on our base: people, roles, traces, the task queue (superuser only)."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from backoffice import audit, references, twofactor_pages
from backoffice.adminkit import ReadOnlyMixin, YikuModelAdmin
from backoffice.api import admin as api_admin  # noqa: F401 - registers the API keys
from backoffice.incidents import admin as incidents_admin  # noqa: F401 - registers the incident desk
from backoffice.messages import admin as messages_admin  # noqa: F401 - registers the messages
from backoffice.models import AuditEntry, Heartbeat, Lease, TaskAttempt, User
from backoffice.role_fields import PermissionsField, RoleFilter, RolesField
from backoffice.roles import ROLES, role_label

for theirs in (Group, AccessAttempt, AccessFailureLog, AccessLog, Success, Failure, Schedule, OrmQ):
    if admin.site.is_registered(theirs):
        admin.site.unregister(theirs)


@admin.register(User)
class UserAdmin(YikuModelAdmin, DjangoUserAdmin):  # type: ignore[misc] # ours first: no filter oracle
    """People. Only a superuser touches superusers, or gives rights one by one: everybody else gives roles."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "role_names", "is_active", "two_factor_shown", "last_login")
    list_filter = ("is_active", ("groups", RoleFilter))
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    sortable_by = ("username",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "language", "time_zone")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "groups")}),
        (_("Two-factor sign-in"), {"fields": ("two_factor",)}),
    )
    add_fieldsets = DjangoUserAdmin.add_fieldsets
    superuser_fieldsets = (*fieldsets, (_("Superuser"), {"fields": ("is_superuser", "user_permissions")}))
    readonly_fields = ("last_login", "date_joined", "two_factor")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        return self.superuser_fieldsets if request.user.is_superuser else self.fieldsets

    def get_urls(self) -> list[Any]:
        reset = self.admin_site.admin_view(self.reset_two_factor)
        return [path("<int:pk>/two-factor/", reset, name="backoffice_user_two_factor"), *super().get_urls()]

    def reset_two_factor(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take a lost device away; who may change the person may."""
        return twofactor_pages.reset(request, pk, self.has_change_permission)

    @admin.display(description=_("Two-factor sign-in"), boolean=True)
    def two_factor_shown(self, user: User) -> bool:
        """Whether a code is asked of this person."""
        return user.two_factor_at is not None

    @admin.display(description=_("State"))
    def two_factor(self, user: User) -> str:
        """Since when, with the way to reset it."""
        if not user.two_factor_at:
            return gettext("off")
        day = date_format(timezone.localtime(user.two_factor_at), "DATE_FORMAT")
        address = reverse("admin:backoffice_user_two_factor", args=[user.pk])
        return format_html(
            '{} · <a class="yk-link" href="{}">{}</a>', gettext("on since %s") % day, address, gettext("Reset…")
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    @admin.display(description=_("Roles"))
    def role_names(self, user: User) -> str:
        """The roles in words; groups made on the spot under their own name."""
        if user.is_superuser:
            return str(_("Superuser"))
        return ", ".join(role_label(group.name) for group in user.groups.all())

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs |= {"form_class": RolesField, "widget": UnfoldAdminCheckboxSelectMultipleWidget}
        if db_field.name == "user_permissions":
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        before = sorted(form.instance.groups.values_list("name", flat=True)) if change else []
        super().save_related(request, form, formsets, change)
        after = sorted(form.instance.groups.values_list("name", flat=True))
        changed = {name: str(form.cleaned_data.get(name)) for name in form.changed_data if "password" not in name}
        audit.record(
            action="user.change" if change else "user.add",
            target=form.instance,
            before={"roles": before},
            after={**changed, "groups": after},
        )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == 302:
            audit.record(action="user.password", target=f"backoffice.user:{id}", request=request)
        return response


@admin.register(Group)
class GroupAdmin(YikuModelAdmin, DjangoGroupAdmin):  # type: ignore[misc]
    """Roles. The built-in ones are what the code says and cannot be changed; others are the house's own."""

    search_fields = ("name",)
    ordering = ("name",)
    list_display = ("role",)

    @admin.display(description=_("Role"))
    def role(self, group: Group) -> str:
        """The built-in role in words."""
        return role_label(group.name)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        if db_field.name == "permissions":
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.name not in ROLES) and super().has_change_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        granted = sorted(form.instance.permissions.values_list("codename", flat=True))
        audit.record(action="role.change" if change else "role.add", target=form.instance, after={"rights": granted})


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Who did what. Read only, for the database too."""

    raw_actors = True  # here the number counts, not only the name
    list_display = ("at", "actor", "action", "target", "summary")
    prefix_search = ("target",)
    search_help_text = _("Target, for example orders.order:42")
    ordering = ("-id",)


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Which processes are alive."""

    list_display = ("name", "kind", "beat_at", "started_at")
    ordering = ("-beat_at",)


@admin.register(Lease)
class LeaseAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Who works alone on what."""

    list_display = ("name", "holder", "fence", "until")
    ordering = ("name",)


OUTCOMES = {"ok": _("done"), "failed": _("failed"), "parked": _("parked"), "lost": _("taken over"), "": _("running")}


@admin.register(TaskAttempt)
class TaskAttemptAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Background work, each start with its end."""

    list_display = ("work", "started_at", "ended_at", "outcome_shown", "code", "worker")
    list_display_links = ("work",)
    list_filter = (("outcome", admin.ChoicesFieldListFilter),)
    prefix_search = ("name",)
    ordering = ("-id",)

    @admin.display(description=_("task"))
    def work(self, row: TaskAttempt) -> str:
        """What it does, in words."""
        return references.work(row.name)

    @display(description=_("outcome"), label={"ok": "success", "failed": "danger", "lost": "warning"})
    def outcome_shown(self, row: TaskAttempt) -> tuple[str, str]:
        """As a badge; nothing while it runs."""
        return row.outcome, str(OUTCOMES.get(row.outcome, row.outcome))


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyMixin, YikuModelAdmin):
    """Failed log-ins. Deleting one unlocks the person; what was sent is not shown."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    fields = ("attempt_time", "username", "ip_address", "user_agent", "path_info", "failures_since_start")
    search_fields = ("^username", "^ip_address")
    ordering = ("-attempt_time",)
    deletable = True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")


class QueueAdmin(ReadOnlyMixin, YikuModelAdmin):
    """The task queue, for the superuser and read only.

    Arguments and results are pickles: loading one runs code, so they are never read here (S80). No schedule can be
    made or changed by anybody: a schedule calls any function by name.
    """

    pickles: tuple[str, ...] = ()
    actions = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer(*self.pickles)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)


class TaskRowAdmin(QueueAdmin):
    """Tasks that ended."""

    pickles = ("args", "kwargs", "result")
    list_display = ("name", "func", "started", "stopped", "attempt_count")
    fields = ("name", "func", "group", "started", "stopped", "attempt_count", "success")
    ordering = ("-started",)


@admin.register(Success)
class SuccessAdmin(TaskRowAdmin):
    """Tasks that went well."""


@admin.register(Failure)
class FailureAdmin(TaskRowAdmin):
    """Tasks that failed."""


@admin.register(OrmQ)
class OrmQAdmin(QueueAdmin):
    """Tasks that wait."""

    pickles = ("payload",)
    list_display = ("id", "key", "lock")
    fields = ("key", "lock")


@admin.register(Schedule)
class ScheduleAdmin(QueueAdmin):
    """Schedules; the house's own dispatcher uses none."""

    pickles = ("args", "kwargs")
    list_display = ("id", "name", "func", "schedule_type", "next_run")
    fields = ("name", "func", "schedule_type", "next_run", "repeats")
