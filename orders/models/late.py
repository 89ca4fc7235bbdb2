"""Late orders: how long a shop may take, the plays that put lateness right, the goods that should come."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import QuantityField
from orders.models.order import Order
from orders.models.purchase import PurchaseOrder

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class ShipPolicy(models.Model):
    """How long a shop may take to send an order. A shop without a row of its own follows the one for all shops."""

    class Unit(models.TextChoices):
        HOURS = "hours", _("hours, round the clock")
        WORK_HOURS = "work_hours", _("working hours")
        WORK_DAYS = "work_days", _("working days")

    shop = models.ForeignKey(
        "inventory.Shop", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("shop"),
        help_text=_("Leave empty for all shops that have none of their own."),
    )  # fmt: skip
    amount = models.PositiveSmallIntegerField(
        _("handling time"), default=2, validators=[MaxValueValidator(2_000)],
        help_text=_("0 working days: the same day, for what is paid before the cut-off."),
    )  # fmt: skip
    unit = models.CharField(_("counted in"), max_length=12, choices=Unit, default=Unit.WORK_DAYS)
    cut_off = models.TimeField(
        _("cut-off"), default=dt.time(16), help_text=_("What is paid later counts from the next working day.")
    )
    opens = models.TimeField(_("work begins"), default=dt.time(9))
    closes = models.TimeField(_("work ends"), default=dt.time(18), help_text=_("00:00 is midnight."))
    work_days = models.JSONField(_("working days"), default=list)  # 0 is Monday
    country = models.CharField(
        _("public holidays of (country)"), max_length=2, blank=True, help_text=_("Leave empty for the shop's country.")
    )
    region = models.CharField(_("region"), max_length=10, blank=True, help_text=_("As in ISO 3166-2: BY, CA, NSW."))
    keeps_holidays = models.BooleanField(_("closed on public holidays"), default=True)
    closed_days = models.JSONField(_("own closed days"), default=list, blank=True)  # ISO dates
    time_zone = models.CharField(
        _("time zone"), max_length=40, blank=True, help_text=_("Leave empty for the shop's own.")
    )
    soon_hours = models.PositiveSmallIntegerField(
        _("soon late, hours before"), default=4, validators=[MaxValueValidator(200)]
    )
    active = models.BooleanField(_("on"), default=True)
    revision = models.PositiveIntegerField(default=1, editable=False)
    applied = models.PositiveIntegerField(default=0, editable=False)  # the revision that open orders follow
    progress = models.ForeignKey(
        "backoffice.Progress", models.SET_NULL, null=True, related_name="+", editable=False, verbose_name=_("progress")
    )
    updated_at = models.DateTimeField(_("changed"), default=clock.now, editable=False)
    updated_by = models.CharField(_("by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("handling time")
        verbose_name_plural = _("handling times")
        ordering = ["shop_id", "id"]
        constraints = [
            models.UniqueConstraint(Coalesce("shop", 0), name="ship_policy_once_a_shop"),
        ]

    def __str__(self) -> str:
        return f"{self.shop or _('All shops')}: {self.amount} {self.get_unit_display()}"

    def clean(self) -> None:
        """Refuse what would never come to an end."""
        if self.closes != dt.time(0) and self.closes <= self.opens:
            raise ValidationError({"closes": _("Work must end after it begins; 00:00 is midnight.")})


class LatePlay(models.Model):
    """One story of lateness and all that is done about it: of a SKU that is short, or of some orders."""

    class State(models.TextChoices):
        OPEN = "open", _("Under way")
        CLOSED = "closed", pgettext_lazy("play", "Closed")

    sku = models.ForeignKey(
        "inventory.Sku", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("SKU")
    )
    title = models.CharField(_("title"), max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    once = models.CharField(max_length=64, unique=True, editable=False)  # of the click that began it
    incident = models.ForeignKey(
        "backoffice.Incident", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("incident")
    )
    cause = models.ForeignKey(
        "backoffice.IncidentCause", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    new_date = models.DateField(_("new date"), null=True, blank=True)
    paused_at = models.DateTimeField(_("sale paused"), null=True, blank=True)
    paused_by = models.CharField(_("paused by"), max_length=150, blank=True)
    pauses = models.JSONField(default=list, blank=True, editable=False)  # what the pause opened or changed
    resume_on_arrival = models.BooleanField(_("resume when goods arrive"), default=False)
    resumed_at = models.DateTimeField(_("sale resumed"), null=True, blank=True)
    started_at = models.DateTimeField(_("begun"), default=clock.now)
    started_by = models.CharField(_("begun by"), max_length=150)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)
    note = models.CharField(_("what was learnt"), max_length=500, blank=True)

    orders: RelatedManager[PlayOrder]

    class Meta:
        verbose_name = _("late play")
        verbose_name_plural = _("late plays")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["sku"], condition=Q(state="open", sku__isnull=False), name="late_play_open_once_a_sku"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | Q(state="closed", closed_at__isnull=False),
                name="late_play_closed_at",
            ),
        ]
        permissions = [
            ("run_lateplay", _("Can run late plays: pause a sale, draft supplies, write to customers")),
            ("approve_compensation", _("Can give and approve compensations above the limits")),
            ("see_latereview", _("Can read the monthly review of lateness")),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def paused(self) -> bool:
        """Whether it keeps its SKU from being sold now."""
        return self.paused_at is not None and self.resumed_at is None


class PlayOrder(models.Model):
    """An order in a play."""

    play = models.ForeignKey(LatePlay, models.CASCADE, related_name="orders", verbose_name=_("late play"))
    order = models.ForeignKey(Order, models.PROTECT, related_name="late_plays", verbose_name=_("order"))
    cause = models.ForeignKey(
        "backoffice.IncidentCause", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    due_at = models.DateTimeField(_("ship by"), null=True, blank=True)  # as it was when the order came in
    first = models.BooleanField(_("served first"), default=False)
    added_at = models.DateTimeField(_("added"), default=clock.now)

    class Meta:
        verbose_name = _("order of a late play")
        verbose_name_plural = _("orders of late plays")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["play", "order"], name="play_order_once")]

    def __str__(self) -> str:
        return f"{self.play_id}: {self.order_id}"


class PlayMessage(models.Model):
    """What a play told the buyer of one order: once, whatever is clicked or crashes."""

    class State(models.TextChoices):
        QUEUED = "queued", pgettext_lazy("message", "Queued")
        SKIPPED = "skipped", pgettext_lazy("message", "Left out")

    play = models.ForeignKey(LatePlay, models.CASCADE, related_name="messages", verbose_name=_("late play"))
    order = models.ForeignKey(Order, models.PROTECT, related_name="+", verbose_name=_("order"))
    state = models.CharField(_("state"), max_length=8, choices=State)
    channel = models.CharField(_("channel"), max_length=20, blank=True)
    template = models.CharField(_("template"), max_length=60, blank=True)
    message = models.ForeignKey(
        "backoffice.OutgoingMessage", models.SET_NULL, null=True, related_name="+", verbose_name=_("message")
    )
    why = models.CharField(_("why not"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.CharField(_("by"), max_length=150)

    class Meta:
        verbose_name = _("message of a late play")
        verbose_name_plural = _("messages of late plays")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["play", "order"], name="play_message_once_an_order")]

    def __str__(self) -> str:
        return f"{self.play_id}: {self.order_id} {self.state}"


class SupplyDraft(models.Model):
    """Goods that should come: moved from another warehouse, or bought. A task for the warehouse or the buyer."""

    class Kind(models.TextChoices):
        TRANSFER = "transfer", _("Transfer")
        PURCHASE = "purchase", _("Purchase")

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("supply", "To be done")
        CONFIRMED = "confirmed", pgettext_lazy("supply", "Done")
        CANCELLED = "cancelled", pgettext_lazy("supply", "Dropped")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    quantity = QuantityField(_("pieces"))
    origin = models.ForeignKey(
        "inventory.Warehouse",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=pgettext_lazy("warehouse", "from"),
    )
    destination = models.ForeignKey(
        "inventory.Warehouse", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("to")
    )
    supplier = models.CharField(_("supplier"), max_length=200, blank=True)
    expected_on = models.DateField(_("expected on"), null=True, blank=True)
    play = models.ForeignKey(
        LatePlay, models.PROTECT, null=True, blank=True, related_name="drafts", verbose_name=_("late play")
    )
    purchase = models.OneToOneField(
        PurchaseOrder, models.PROTECT, null=True, blank=True, related_name="supply_draft",
        verbose_name=_("purchase order"),
    )  # fmt: skip
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    once = models.CharField(max_length=64, unique=True, editable=False)  # of the click that made it
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.CharField(_("by"), max_length=150)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("supply draft")
        verbose_name_plural = _("supply drafts")
        ordering = ["-id"]
        permissions = [("confirm_supplydraft", _("Can confirm transfers and purchases that were drafted"))]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="supply_quantity"),
            models.CheckConstraint(
                condition=Q(kind="purchase", origin__isnull=True)
                | Q(kind="transfer", origin__isnull=False, destination__isnull=False)
                & ~Q(origin=models.F("destination")),
                name="supply_places",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.quantity.normalize():f} × {self.sku}"

    @property
    def reference(self) -> str:
        """Its name in the stock ledger."""
        return f"orders.supplydraft:{self.pk}"


class LateWeek(models.Model):
    """How many orders of a shop's week left late: counted now and then, so that the trend costs nothing to show."""

    shop = models.ForeignKey("inventory.Shop", models.CASCADE, related_name="+", verbose_name=_("shop"))
    monday = models.DateField(_("week of"))
    orders = models.PositiveIntegerField(_("orders"))
    late = models.PositiveIntegerField(_("late"))

    class Meta:
        verbose_name = _("week of lateness")
        verbose_name_plural = _("weeks of lateness")
        constraints = [
            models.UniqueConstraint(fields=["shop", "monday"], name="late_week_once"),
            models.CheckConstraint(condition=Q(late__lte=models.F("orders")), name="late_week_share"),
        ]

    def __str__(self) -> str:
        return f"{self.shop_id} {self.monday}"


class LateOrder(Order):
    """An open order with a time to leave by: the board of late orders reads these."""

    class Meta:
        proxy = True
        verbose_name = _("late order")
        verbose_name_plural = pgettext_lazy("dispatch", "late orders")
