"""Late orders: how long a shop may take, the plays that put lateness right, what they cost and why it happened."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.fields import MoneyField, QuantityField
from orders.models.order import Order

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


class CompensationPreset(models.Model):
    """What may be offered to a buyer who waits."""

    class Kind(models.TextChoices):
        COUPON = "coupon", _("Coupon code")
        SHIPPING = "shipping", _("Shipping back")
        GIFT = "gift", _("Gift")
        REFUND = "refund", _("Partial refund")

    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    amount = MoneyField(
        _("amount"), default=0,
        help_text=_("In base currency. Coupon and gift: what it costs us. Refund: what goes back."),
    )  # fmt: skip
    percent = models.PositiveSmallIntegerField(
        _("or percent of the order"), default=0, validators=[MaxValueValidator(100)]
    )
    fixed_code = models.CharField(
        _("fixed code"), max_length=60, blank=True, help_text=_("The same for everybody; leave empty to use the pool.")
    )
    sku = models.ForeignKey(
        "inventory.Sku", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("gift")
    )
    quantity = QuantityField(_("pieces of the gift"), default=Decimal(1))
    active = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("compensation preset")
        verbose_name_plural = _("compensation presets")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0, quantity__gt=0, percent__lte=100), name="preset_amounts"),
        ]

    def __str__(self) -> str:
        english = not (get_language() or "").startswith("zh")
        return self.name_en if english and self.name_en else self.name

    def clean(self) -> None:
        """Refuse a preset that would give nothing."""
        wrong: dict[str, Any] = {}
        if self.kind == self.Kind.GIFT and not self.sku_id:
            wrong["sku"] = _("Name the gift.")
        if self.kind == self.Kind.REFUND and not (self.amount or self.percent):
            wrong["amount"] = _("Say how much goes back: an amount or a percentage.")
        if self.kind == self.Kind.COUPON and self.amount is not None and not self.amount:
            wrong["amount"] = _("Say what a coupon costs us: the review counts it.")
        if wrong:
            raise ValidationError(wrong)


class CompensationLimit(models.Model):
    """How much a role may give away for one order without asking."""

    group = models.OneToOneField("auth.Group", models.CASCADE, related_name="+", verbose_name=_("role"))
    most = MoneyField(_("up to, an order"), help_text=_("In base currency, all compensations of an order together."))

    class Meta:
        verbose_name = _("limit of compensations")
        verbose_name_plural = _("limits of compensations")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(most__gte=0), name="compensation_limit_amount")]

    def __str__(self) -> str:
        return f"{self.group} ≤ {self.most.normalize():f}"


class Compensation(models.Model):
    """Something given to a buyer for waiting; its cost is in base currency."""

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for approval")
        GIVEN = "given", _("Given")
        REFUSED = "refused", _("Refused")

    order = models.ForeignKey(Order, models.PROTECT, related_name="compensations", verbose_name=_("order"))
    play = models.ForeignKey(
        LatePlay, models.PROTECT, null=True, blank=True, related_name="compensations", verbose_name=_("late play")
    )
    preset = models.ForeignKey(CompensationPreset, models.PROTECT, related_name="+", verbose_name=_("preset"))
    kind = models.CharField(_("kind"), max_length=10, choices=CompensationPreset.Kind)
    state = models.CharField(_("state"), max_length=8, choices=State)
    code = models.CharField(_("coupon code"), max_length=60, blank=True)
    amount = MoneyField(_("amount"), default=0)  # in the order's currency: what the buyer gets back
    cost = MoneyField(_("cost"), default=0)  # base currency
    cause = models.ForeignKey(
        "backoffice.IncidentCause", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.CharField(_("by"), max_length=150)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("compensation")
        verbose_name_plural = _("compensations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["play", "order", "preset"], name="compensation_once_a_play"),
            models.CheckConstraint(condition=Q(amount__gte=0, cost__gte=0), name="compensation_amounts"),
        ]
        indexes = [models.Index(fields=["created_at"], name="compensation_created")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.code}".strip()


class CouponCode(models.Model):
    """A code of a preset's pool; given to one order, once."""

    preset = models.ForeignKey(
        CompensationPreset, models.CASCADE, related_name="codes", verbose_name=_("compensation preset")
    )
    code = models.CharField(_("coupon code"), max_length=60)
    given_to = models.OneToOneField(
        Compensation, models.PROTECT, null=True, blank=True, related_name="coupon", verbose_name=_("given to")
    )
    added_at = models.DateTimeField(_("added"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("coupon code")
        verbose_name_plural = _("coupon codes")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["code"], name="coupon_code_once")]
        indexes = [models.Index(fields=["preset", "id"], condition=Q(given_to__isnull=True), name="coupon_free")]

    def __str__(self) -> str:
        return self.code


class RefundWish(models.Model):
    """Money that should go back to a buyer: a task for whoever refunds on the platform."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("refund", "To be done")
        DONE = "done", pgettext_lazy("refund", "Done")
        DROPPED = "dropped", pgettext_lazy("refund", "Dropped")

    order = models.ForeignKey(Order, models.PROTECT, related_name="refund_wishes", verbose_name=_("order"))
    compensation = models.OneToOneField(
        Compensation, models.PROTECT, null=True, blank=True, related_name="refund_wish", verbose_name=_("compensation")
    )
    amount = MoneyField(_("amount"))
    currency = models.CharField(_("currency"), max_length=10)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(_("created"), default=clock.now)
    created_by = models.CharField(_("by"), max_length=150)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("refund to be made")
        verbose_name_plural = _("refunds to be made")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="refund_wish_amount")]

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"


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


class PenaltyEntry(models.Model):
    """A complaint, a bad review or a fine of the platform: typed in, with the order it is about and its cause."""

    class Kind(models.TextChoices):
        PENALTY = "penalty", _("Fine of the platform")
        COMPLAINT = "complaint", _("Complaint")
        REVIEW = "review", _("Bad review")

    shop = models.ForeignKey("inventory.Shop", models.PROTECT, related_name="+", verbose_name=_("shop"))
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="penalties", verbose_name=_("order")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PENALTY)
    amount = MoneyField(_("amount"), default=0, help_text=_("In base currency; 0 when it cost nothing."))
    cause = models.ForeignKey(
        "backoffice.IncidentCause", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    happened_on = models.DateField(_("day"))
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.CharField(_("by"), max_length=150, editable=False)

    class Meta:
        verbose_name = _("complaint or penalty")
        verbose_name_plural = _("complaints and penalties")
        ordering = ["-happened_on", "-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gte=0), name="penalty_amount")]
        indexes = [models.Index(fields=["happened_on"], name="penalty_day")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.happened_on}"


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
