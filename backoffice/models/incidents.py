"""The incident desk's rows: what went wrong, whose it is, by when; rules that assign; causes; the working time."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.departments import Department
from backoffice.triggers import append_only


class Severity(models.TextChoices):
    """How bad it is."""

    LOW = "low", pgettext_lazy("severity", "Low")
    NORMAL = "normal", pgettext_lazy("severity", "Normal")
    HIGH = "high", pgettext_lazy("severity", "High")
    CRITICAL = "critical", pgettext_lazy("severity", "Critical")


RANK = {value: place for place, value in enumerate(Severity.values)}


class Incident(models.Model):
    """One trouble, open until somebody resolves it or it goes away. One open row per kind and key, for ever."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("incident", "Open")
        ACKNOWLEDGED = "acknowledged", pgettext_lazy("incident", "In hand")
        REOPENED = "reopened", pgettext_lazy("incident", "Opened again")
        RESOLVED = "resolved", pgettext_lazy("incident", "Resolved")
        GONE = "gone", pgettext_lazy("incident", "Gone by itself")

    kind = models.CharField(_("kind"), max_length=40)
    key = models.CharField(_("key"), max_length=200)
    target = models.CharField(_("about"), max_length=120, blank=True)  # "orders.order:42"
    data = models.JSONField(_("details"), default=dict, blank=True)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity, default=Severity.NORMAL)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.OPEN)
    department = models.CharField(_("department"), max_length=16, choices=Department, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("person"),
    )
    shop_id = models.BigIntegerField(_("shop"), null=True, blank=True)  # rows of floors above: numbers, no keys
    warehouse_id = models.BigIntegerField(_("warehouse"), null=True, blank=True)
    rule = models.ForeignKey(
        "backoffice.IncidentRule",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="incidents",
        verbose_name=_("rule"),
    )

    count = models.PositiveIntegerField(_("times reported"), default=1)
    opened_at = models.DateTimeField(_("opened"))
    last_seen_at = models.DateTimeField(_("last seen"))
    acknowledge_due = models.DateTimeField(_("to be taken in hand by"))
    resolve_due = models.DateTimeField(_("to be resolved by"))
    due_at = models.DateTimeField(_("next clock"))  # the earlier of the two while nobody has it in hand
    acknowledged_at = models.DateTimeField(_("taken in hand"), null=True, blank=True)
    acknowledged_by = models.CharField(_("taken in hand by"), max_length=150, blank=True)
    closed_at = models.DateTimeField(pgettext_lazy("incident", "closed"), null=True, blank=True)
    closed_by = models.CharField(pgettext_lazy("incident", "closed by"), max_length=150, blank=True)
    cause = models.ForeignKey(
        "backoffice.IncidentCause", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    done = models.CharField(_("what was done"), max_length=1000, blank=True)

    level = models.PositiveSmallIntegerField(_("escalated"), default=0)
    escalate_at = models.DateTimeField(_("next escalation"), null=True, blank=True)
    escalated_department = models.CharField(_("escalated to"), max_length=16, choices=Department, blank=True)
    escalated_person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("escalated to (person)"),
    )

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["due_at", "id"]
        permissions = [("work_incident", _("Can take in hand, assign and resolve incidents"))]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=Q(state__in=["open", "acknowledged", "reopened"]),
                name="incident_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "acknowledged", "reopened"], closed_at__isnull=True)
                | Q(state__in=["resolved", "gone"], closed_at__isnull=False),
                name="incident_closed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="resolved") | Q(cause__isnull=False), name="incident_resolved_has_cause"
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                condition=Q(state__in=["open", "acknowledged", "reopened"]),
                name="incident_open_due",
            ),
            models.Index(
                fields=["due_at", "id"], condition=Q(state__in=["resolved", "gone"]), name="incident_closed_due"
            ),
            models.Index(
                fields=["department", "due_at"],
                condition=Q(state__in=["open", "acknowledged", "reopened"]),
                name="incident_department_due",
            ),
            models.Index(fields=["escalate_at"], condition=Q(escalate_at__isnull=False), name="incident_escalates"),
            models.Index(fields=["state", "due_at", "id"], name="incident_state_due"),
            models.Index(fields=["kind", "key", "closed_at"], name="incident_kind_key"),
            models.Index(fields=["opened_at"], name="incident_opened"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act."""
        return self.state in OPEN_STATES


OPEN_STATES = (Incident.State.OPEN, Incident.State.ACKNOWLEDGED, Incident.State.REOPENED)
WAITING_STATES = (Incident.State.OPEN, Incident.State.REOPENED)  # nobody has it in hand


class IncidentLink(models.Model):
    """A row the incident is about, so that the row's page can show the incident."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="links", verbose_name=_("incident"))
    target = models.CharField(_("about"), max_length=120, db_index=True)

    class Meta:
        verbose_name = _("link of an incident")
        verbose_name_plural = _("links of incidents")
        constraints = [models.UniqueConstraint(fields=["incident", "target"], name="incident_link_once")]

    def __str__(self) -> str:
        return self.target


class IncidentEntry(models.Model):
    """One line of an incident's history. Append-only: triggers refuse UPDATE and DELETE."""

    class What(models.TextChoices):
        OPENED = "opened", pgettext_lazy("history", "Reported")
        WORSE = "worse", pgettext_lazy("history", "Got worse")
        ACKNOWLEDGED = "acknowledged", pgettext_lazy("history", "Taken in hand")
        ASSIGNED = "assigned", pgettext_lazy("history", "Assigned")
        NOTE = "note", pgettext_lazy("history", "Note")
        ESCALATED = "escalated", pgettext_lazy("history", "Escalated")
        RESOLVED = "resolved", pgettext_lazy("history", "Resolved")
        GONE = "gone", pgettext_lazy("history", "Gone by itself")
        REOPENED = "reopened", pgettext_lazy("history", "Opened again")

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="entries", verbose_name=_("incident"))
    at = models.DateTimeField(_("time"))
    actor = models.CharField(_("actor"), max_length=150)
    what = models.CharField(_("what"), max_length=12, choices=What)
    text = models.CharField(_("text"), max_length=1000, blank=True)
    data = models.JSONField(_("details"), default=dict, blank=True)
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("incident's history")
        verbose_name_plural = _("incidents' histories")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.what} {self.incident_id}"


append_only(IncidentEntry, erasable=("text", "data"), several=True)


class IncidentCause(models.Model):
    """Why it happened: what a person picks when resolving. Built-in causes are named by the code until renamed."""

    kind = models.CharField(_("kind"), max_length=40, blank=True)  # blank: for every kind
    code = models.SlugField(_("code"), max_length=40, blank=True, editable=False)
    name = models.CharField(_("name"), max_length=120, blank=True)
    place = models.PositiveSmallIntegerField(_("place"), default=50)
    active = models.BooleanField(pgettext_lazy("setting", "in use"), default=True)

    class Meta:
        verbose_name = _("cause of incidents")
        verbose_name_plural = _("causes of incidents")
        ordering = ["place", "id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "code"], condition=~Q(code=""), name="incident_cause_once")
        ]

    def __str__(self) -> str:
        from backoffice.incidents import causes

        return causes.name_of(self)


class IncidentRule(models.Model):
    """Whose an incident is: the first rule that fits, by its place."""

    name = models.CharField(_("name"), max_length=120)
    place = models.PositiveIntegerField(_("place"), default=100)
    active = models.BooleanField(pgettext_lazy("setting", "in use"), default=True)
    kind = models.CharField(_("kind"), max_length=40, blank=True)
    shop_id = models.BigIntegerField(_("shop"), null=True, blank=True)
    warehouse_id = models.BigIntegerField(_("warehouse"), null=True, blank=True)
    severity = models.CharField(_("severity at least"), max_length=10, choices=Severity, blank=True)
    words = models.TextField(
        _("words"), blank=True, max_length=2000, help_text=_("One word or phrase a line; one of them is enough.")
    )
    department = models.CharField(_("department"), max_length=16, choices=Department, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
        limit_choices_to={"is_active": True},
    )
    set_severity = models.CharField(_("severity becomes"), max_length=10, choices=Severity, blank=True)
    acknowledge_minutes = models.PositiveIntegerField(_("taken in hand within (minutes)"), null=True, blank=True)
    resolve_hours = models.PositiveIntegerField(_("resolved within (hours)"), null=True, blank=True)
    round_the_clock = models.BooleanField(_("nights and holidays count"), default=False)

    class Meta:
        verbose_name = _("assignment rule")
        verbose_name_plural = _("assignment rules")
        ordering = ["place", "id"]

    def __str__(self) -> str:
        return self.name


class IncidentStep(models.Model):
    """One level of a rule's escalation: who is told next when a clock was missed."""

    rule = models.ForeignKey(IncidentRule, models.CASCADE, related_name="steps", verbose_name=_("rule"))
    level = models.PositiveSmallIntegerField(_("level"))
    department = models.CharField(_("department"), max_length=16, choices=Department, blank=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("person"),
        limit_choices_to={"is_active": True},
    )

    class Meta:
        verbose_name = _("escalation level")
        verbose_name_plural = _("escalation levels")
        ordering = ["level", "id"]
        constraints = [models.UniqueConstraint(fields=["rule", "level"], name="incident_step_once")]

    def __str__(self) -> str:
        return str(self.level)


def _weekdays() -> list[int]:
    return [0, 1, 2, 3, 4]


class WorkTime(models.Model):
    """When the house works, and when customers are left alone: one row."""

    days = models.JSONField(_("working days"), default=_weekdays)  # 0 is Monday
    starts = models.TimeField(_("work begins"), default=dt.time(9))
    ends = models.TimeField(_("work ends"), default=dt.time(18))
    time_zone = models.CharField(_("time zone"), max_length=40, default="Asia/Shanghai")
    holidays = models.CharField(_("holidays of"), max_length=2, blank=True, default="CN")
    days_off = models.JSONField(_("further days off"), default=list, blank=True)  # ISO dates
    days_on = models.JSONField(_("worked all the same"), default=list, blank=True)  # ISO dates
    reopen_days = models.PositiveSmallIntegerField(_("opened again within (days)"), default=7)
    quiet_from = models.TimeField(_("no messages to customers from"), null=True, blank=True, default=dt.time(21))
    quiet_to = models.TimeField(_("until"), null=True, blank=True, default=dt.time(9))
    quiet_channels = models.JSONField(_("on these channels"), default=list, blank=True)
    updated_at = models.DateTimeField(_("last change"), null=True, blank=True)
    updated_by = models.CharField(_("changed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("working time and quiet hours")
        verbose_name_plural = _("working time and quiet hours")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="work_time_one_row")]

    def __str__(self) -> str:
        return str(_("Working time and quiet hours"))

    @classmethod
    def current(cls) -> WorkTime:
        """Return the row, or the defaults where it was never saved."""
        found: Any = cls.objects.filter(pk=1).first()
        return found or cls(pk=1, quiet_channels=["sms"])
