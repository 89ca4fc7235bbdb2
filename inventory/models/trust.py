"""What keeps the stock trusted: self-audits and what they found, reservations kept on purpose, alerts, their rules."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.departments import Department
from backoffice.fields import MoneyField, QuantityField
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse
from inventory.models.stock import Reservation

PERSON = settings.AUTH_USER_MODEL


class AuditSetting(models.Model):
    """When the stock audits itself, and from when on a reservation counts as forgotten. One row."""

    audit_at = models.TimeField(
        _("time of the nightly audit"), default=dt.time(2, 30), help_text=_("On the clock of the house.")
    )
    enabled = models.BooleanField(_("audit every night"), default=True)
    ghost_days = models.PositiveIntegerField(
        _("a reservation is old after (days)"), default=30, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("setting of the stock audit")
        verbose_name_plural = _("settings of the stock audit")
        constraints = [models.CheckConstraint(condition=Q(pk=1, ghost_days__gte=1), name="audit_setting_one_row")]

    def __str__(self) -> str:
        return f"{self.audit_at:%H:%M}"


class AuditRun(models.Model):
    """One recomputation of every counter."""

    class State(models.TextChoices):
        RUNNING = "running", pgettext_lazy("audit", "Running")
        DONE = "done", pgettext_lazy("audit", "Done")
        FAILED = "failed", pgettext_lazy("audit", "Failed")

    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(_("started"), default=clock.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    started_by = models.CharField(_("started by"), max_length=150, blank=True)
    balances = models.PositiveIntegerField(_("balances compared"), default=0)
    reservations = models.PositiveIntegerField(_("reservations compared"), default=0)
    found = models.PositiveIntegerField(_("differences"), default=0)
    opened = models.PositiveIntegerField(_("new"), default=0)
    gone = models.PositiveIntegerField(_("gone since"), default=0)
    progress = models.ForeignKey(
        "backoffice.Progress", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    class Meta:
        verbose_name = _("stock audit")
        verbose_name_plural = _("stock audits")
        ordering = ["-id"]
        permissions = [("start_auditrun", _("Can have the stock audited now"))]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="running"), name="audit_one_at_a_time")
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class AuditFinding(models.Model):
    """A counter that is not what its documents say. `size` is what we have less what it should be."""

    class Kind(models.TextChoices):
        BALANCE = "balance", _("Balance and movements")
        HELD = "held", _("Reservation and movements")
        WANTED = "wanted", _("Reservation and order")
        EXPECTED = "expected", _("Incoming and expected deliveries")
        SHIPPED = "shipped", _("Parcels and goods out")
        LAYERS = "layers", _("Balance and cost layers")
        LOTS = "lots", _("Lots and their movements")

    class Counter(models.IntegerChoices):
        ON_HAND = 1, _("On hand")
        DEMAND = 2, _("Demand")
        RESERVED = 3, _("Reserved")
        INCOMING = 4, _("Incoming")
        VALUE = 5, _("Value")

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("difference", "Open")
        REPAIRED = "repaired", pgettext_lazy("difference", "Repaired")
        GONE = "gone", pgettext_lazy("difference", "Gone by itself")

    key = models.CharField(_("key"), max_length=200, editable=False)
    kind = models.CharField(_("what differs"), max_length=10, choices=Kind)
    counter = models.PositiveSmallIntegerField(_("counter"), choices=Counter)
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(Warehouse, models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    reference = models.CharField(_("document"), max_length=120, blank=True)
    documents = models.JSONField(_("documents"), default=list, blank=True)  # references, the newest first
    should_be = MoneyField(_("should be"))  # pieces, or money for the value: four places hold both
    found = MoneyField(_("is"))
    size = MoneyField(_("difference"))
    money = MoneyField(_("value of the difference"), default=Decimal(0))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    last_run = models.ForeignKey(AuditRun, models.SET_NULL, null=True, related_name="findings", verbose_name=_("audit"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("stock difference")
        verbose_name_plural = _("stock differences")
        ordering = ["-id"]
        permissions = [("repair_auditfinding", _("Can repair stock differences and undo repairs"))]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(state="open"), name="audit_finding_open_once"),
            models.CheckConstraint(condition=~Q(size=0), name="audit_finding_differs"),
        ]
        indexes = [models.Index(fields=["state", "kind"], name="audit_finding_state")]

    def __str__(self) -> str:
        return f"{self.sku} · {self.get_kind_display()}"


class AuditRepair(models.Model):
    """What was done about a difference: one change, and its opposite when it was undone."""

    finding = models.ForeignKey(
        AuditFinding, models.PROTECT, related_name="repairs", verbose_name=_("stock difference")
    )
    changes = models.JSONField(_("what was changed"), default=list)  # enough to do the opposite
    reason = models.CharField(_("why"), max_length=300, blank=True)
    made_at = models.DateTimeField(_("repaired"), default=clock.now)
    made_by = models.CharField(_("repaired by"), max_length=150, blank=True)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.CharField(_("undone by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("repair of the stock")
        verbose_name_plural = _("repairs of the stock")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["finding"], condition=Q(undone_at__isnull=True), name="audit_repair_stands_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.finding_id}/{self.pk}"


class GhostReservation(Reservation):
    """A reservation nobody may need any more: a list of its own over the same rows."""

    class Meta:
        proxy = True
        verbose_name = _("forgotten reservation")
        verbose_name_plural = _("forgotten reservations")
        permissions = [("release_ghostreservation", _("Can release and keep forgotten reservations"))]


class KeptReservation(models.Model):
    """Somebody looked at an old reservation and keeps it until a day, with the reason."""

    reservation = models.OneToOneField(Reservation, models.CASCADE, related_name="kept", verbose_name=_("reservation"))
    until = models.DateField(_("kept until"))
    reason = models.CharField(_("why"), max_length=300)
    kept_by = models.CharField(_("kept by"), max_length=150, blank=True)
    kept_at = models.DateTimeField(_("decided"), default=clock.now)

    class Meta:
        verbose_name = _("kept reservation")
        verbose_name_plural = _("kept reservations")
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="kept_reservation_reason")]

    def __str__(self) -> str:
        return f"{self.reservation_id} → {self.until}"


class AlertKind(models.TextChoices):
    """What a warehouse or a buyer is told about a SKU."""

    LOW = "low", pgettext_lazy("stock alert", "Low stock")
    OUT = "out", pgettext_lazy("stock alert", "Out of stock, orders wait")
    OVER = "over", pgettext_lazy("stock alert", "Too much stock")
    SLOW = "slow", pgettext_lazy("stock alert", "Not sold for long")
    NEGATIVE = "negative", pgettext_lazy("stock alert", "Below zero in a shop")
    EXPIRING = "expiring", pgettext_lazy("stock alert", "Expires soon")


class StockAlertRule(models.Model):
    """From when on, and who is told. Of the rules that fit, the most specific one holds whole."""

    kind = models.CharField(_("alert"), max_length=10, choices=AlertKind)
    sku = models.ForeignKey(
        Sku, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("SKU (empty: all)")
    )
    category = models.CharField(_("category (empty: all)"), max_length=100, blank=True)
    warehouse = models.ForeignKey(
        Warehouse, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("warehouse (empty: all)")
    )
    threshold = QuantityField(
        _("pieces"), null=True, blank=True, help_text=_("Low: this many free or fewer. Too much: more than this many.")
    )
    days = models.PositiveIntegerField(
        _("days"), null=True, blank=True, help_text=_("Not sold for so many days; expires within so many days.")
    )
    department = models.CharField(_("department"), max_length=16, choices=Department, default=Department.BUYING)
    person = models.ForeignKey(
        PERSON, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("person"),
        help_text=_("Told beside the department."),
    )  # fmt: skip
    active = models.BooleanField(_("on"), default=True, help_text=_("Off: no such alert for these goods."))

    class Meta:
        verbose_name = _("rule of stock alerts")
        verbose_name_plural = _("rules of stock alerts")
        ordering = ["kind", "id"]
        constraints = [
            models.UniqueConstraint(
                "kind",
                Coalesce("sku", 0),
                "category",
                Coalesce("warehouse", 0),
                name="alert_rule_once",
                violation_error_message=_("There is a rule for these goods already."),
            ),
            models.CheckConstraint(condition=Q(sku__isnull=True) | Q(category=""), name="alert_rule_sku_or_category"),
            models.CheckConstraint(
                condition=Q(threshold__isnull=True) | Q(threshold__gte=0), name="alert_rule_threshold"
            ),
        ]

    def __str__(self) -> str:
        parts = (self.get_kind_display(), self.sku, self.category, self.warehouse)
        return " · ".join(str(part) for part in parts if part)

    @property
    def weight(self) -> int:
        """How specific it is: a SKU says more than a category, either more than a warehouse."""
        return 4 * (self.sku_id is not None) + 2 * bool(self.category) + (self.warehouse_id is not None)


class StockAlert(models.Model):
    """One trouble of a SKU in a warehouse, open until it is over; it closes by itself."""

    kind = models.CharField(_("alert"), max_length=10, choices=AlertKind)
    sku = models.ForeignKey(Sku, models.CASCADE, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(Warehouse, models.CASCADE, related_name="+", verbose_name=_("warehouse"))
    quantity = QuantityField(_("pieces"))
    threshold = QuantityField(_("limit"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    department = models.CharField(_("department"), max_length=16, choices=Department)
    person = models.ForeignKey(
        PERSON, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    opened_at = models.DateTimeField(_("since"), default=clock.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=clock.now)
    closed_at = models.DateTimeField(_("over"), null=True, blank=True)

    class Meta:
        verbose_name = _("stock alert")
        verbose_name_plural = _("stock alerts")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "sku", "warehouse"], condition=Q(closed_at__isnull=True), name="stock_alert_open_once"
            )
        ]
        indexes = [models.Index(fields=["closed_at", "kind"], name="stock_alert_open")]

    def __str__(self) -> str:
        return f"{self.sku} · {self.get_kind_display()}"
