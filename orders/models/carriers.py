"""Carriers, their prices and numbers, the labels bought from them, what they tell of parcels, and hand-over lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.fields import MoneyField
from backoffice.secrets import EncryptedJSONField
from backoffice.triggers import append_only
from orders.models.fulfilment import Shipment
from orders.models.order import Order

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

UPPER = RegexValidator(r"^[A-Z0-9]*$", _("Capital letters and digits only."))


class CarrierAccount(models.Model):
    """How a carrier is reached: an adapter, its address and options; the secrets lie apart."""

    adapter = models.CharField(_("carrier system"), max_length=40)
    name = models.CharField(_("name"), max_length=100, unique=True, help_text=_("As buyers and platforms know it."))
    base_url = models.CharField(_("address"), max_length=300, blank=True)
    options: Any = models.JSONField(_("options"), default=dict, blank=True)
    tracking_url = models.CharField(
        _("tracking page"), max_length=300, blank=True, help_text=_("{} stands for the tracking number.")
    )
    warehouses: Any = models.ManyToManyField(
        "inventory.Warehouse", blank=True, related_name="carriers", verbose_name=_("warehouses"),
        help_text=_("None chosen: it collects from all."),
    )  # fmt: skip
    default_service = models.ForeignKey(
        "orders.CarrierService", models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("usual service"),
    )  # fmt: skip
    scans_out = models.BooleanField(
        _("hand-over is scanned"), default=False,
        help_text=_("A parcel has left when it is scanned out or on a closed manifest, not when it is packed."),
    )  # fmt: skip
    sandbox = models.BooleanField(_("for practice"), default=False)
    active = models.BooleanField(_("active"), default=True)
    checked_at = models.DateTimeField(_("connection tested"), null=True, blank=True, editable=False)

    services: RelatedManager[CarrierService]
    credential: CarrierCredential

    class Meta:
        verbose_name = _("carrier account")
        verbose_name_plural = _("carrier accounts")
        ordering = ["name"]
        permissions = [
            ("set_carrier_credential", _("Can set the credentials of a carrier account")),
            ("buy_label", _("Can buy, print and void labels")),
            ("close_manifest", _("Can close a manifest")),
        ]

    def __str__(self) -> str:
        return self.name


class CarrierCredential(models.Model):
    """The secrets of one account, encrypted. Set by a form, used by adapters, never shown again."""

    account = models.OneToOneField(CarrierAccount, models.CASCADE, related_name="credential", verbose_name=_("account"))
    secrets: Any = EncryptedJSONField(_("secrets"))
    updated_at = models.DateTimeField(_("set"))
    updated_by = models.CharField(_("set by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("carrier credential")
        verbose_name_plural = _("carrier credentials")
        default_permissions = ()

    def __str__(self) -> str:
        return f"credential of carrier account {self.account_id}"


class CarrierService(models.Model):
    """One service of a carrier, under the carrier's own code."""

    account = models.ForeignKey(
        CarrierAccount, models.CASCADE, related_name="services", verbose_name=_("carrier"), db_index=False
    )
    code = models.CharField(pgettext_lazy("identifier", "code"), max_length=40)
    name = models.CharField(_("name"), max_length=100)
    days = models.PositiveSmallIntegerField(_("days on the way"), null=True, blank=True)
    most_weight_g = models.PositiveIntegerField(_("at most (g)"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)

    rates: RelatedManager[CarrierRate]

    class Meta:
        verbose_name = _("carrier service")
        verbose_name_plural = _("carrier services")
        ordering = ["account_id", "code"]
        constraints = [models.UniqueConstraint(fields=["account", "code"], name="carrier_service_once")]

    def __str__(self) -> str:
        return f"{self.account} {self.name}"


class CarrierRate(models.Model):
    """A price up to a weight for a zone; the most exact zone wins. Above the last weight each further kg is added."""

    service = models.ForeignKey(
        CarrierService, models.CASCADE, related_name="rates", verbose_name=_("service"), db_index=False
    )
    country = models.CharField(_("country (two letters)"), max_length=2, blank=True, validators=[UPPER])
    region = models.CharField(_("region"), max_length=60, blank=True)
    postcode = models.CharField(_("postcode begins with"), max_length=10, blank=True)
    up_to_g = models.PositiveIntegerField(_("up to (g)"))
    price = MoneyField(_("price"))
    more_per_kg = MoneyField(_("each further kg"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")

    class Meta:
        verbose_name = _("carrier rate")
        verbose_name_plural = _("carrier rates")
        ordering = ["service_id", "country", "region", "postcode", "up_to_g"]
        constraints = [
            models.UniqueConstraint(
                fields=["service", "country", "region", "postcode", "up_to_g"], name="carrier_rate_once"
            ),
            models.CheckConstraint(condition=Q(price__gte=0, up_to_g__gt=0), name="carrier_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} {self.country or '*'} ≤ {self.up_to_g} g"


class LabelRange(models.Model):
    """Numbers a carrier gave us to use: from … to, with what stands before and behind, and how they are checked."""

    class Check(models.TextChoices):
        NONE = "none", _("No check digit")
        S10 = "s10", _("UPU S10 (letters, eight digits, check digit, country)")
        MOD10 = "mod10", _("Modulo 10 (GS1)")

    account = models.ForeignKey(
        CarrierAccount, models.CASCADE, related_name="ranges", verbose_name=_("carrier"), db_index=False
    )
    service = models.ForeignKey(
        CarrierService, models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("service (empty: all)"),
    )  # fmt: skip
    prefix = models.CharField(_("prefix"), max_length=12, blank=True, validators=[UPPER])
    first = models.PositiveBigIntegerField(_("from"))
    last = models.PositiveBigIntegerField(pgettext_lazy("end", "to"))
    next = models.PositiveBigIntegerField(_("next"), null=True, blank=True)
    digits = models.PositiveSmallIntegerField(_("digits"), default=10)
    suffix = models.CharField(_("suffix"), max_length=6, blank=True, validators=[UPPER])
    check_digit = models.CharField(_("check digit"), max_length=8, choices=Check, default=Check.NONE)
    warn_below = models.PositiveIntegerField(_("warn below"), default=200)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("number range")
        verbose_name_plural = _("number ranges")
        ordering = ["account_id", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="number_range_ends_later"),
            models.CheckConstraint(
                condition=Q(next__isnull=True) | Q(next__gte=F("first"), next__lte=F("last") + 1),
                name="number_range_next_within",
            ),
        ]
        indexes = [models.Index(fields=["account", "active"], name="number_range_account")]

    def __str__(self) -> str:
        return f"{self.prefix}{self.first:0{self.digits}d}–{self.last:0{self.digits}d}{self.suffix}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.next is None:
            self.next = self.first
        super().save(*args, **kwargs)

    @property
    def left(self) -> int:
        """How many numbers are not given yet."""
        return max(self.last + 1 - (self.next if self.next is not None else self.first), 0)


class GivenNumber(models.Model):
    """A number that was given, to which request; it is never given again, whatever becomes of its label."""

    account = models.ForeignKey(CarrierAccount, models.PROTECT, related_name="+", verbose_name=_("carrier"))
    number_range = models.ForeignKey(LabelRange, models.PROTECT, related_name="given", verbose_name=_("range"))
    number = models.CharField(_("number"), max_length=60)
    key = models.CharField(_("request"), max_length=120, unique=True)
    given_at = models.DateTimeField(_("given"))

    class Meta:
        verbose_name = _("given number")
        verbose_name_plural = _("given numbers")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["account", "number"], name="number_given_once")]

    def __str__(self) -> str:
        return self.number


append_only(GivenNumber)


class Manifest(models.Model):
    """The list of parcels a carrier takes along: of one carrier, warehouse and day, closed once."""

    class State(models.TextChoices):
        CLOSED = "closed", _("Closed, the carrier is not told yet")
        TOLD = "told", pgettext_lazy("manifest", "Closed")

    account = models.ForeignKey(CarrierAccount, models.PROTECT, related_name="manifests", verbose_name=_("carrier"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    day = models.DateField(_("day"))
    place = models.PositiveSmallIntegerField(_("of the day"), default=1)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.CLOSED)
    count = models.PositiveIntegerField(_("parcels"), default=0)
    weight_g = models.PositiveIntegerField(_("weight (g)"), default=0)
    carrier_ref = models.CharField(_("carrier's number"), max_length=100, blank=True)
    closed_at = models.DateTimeField(_("closed"))
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)
    problem = models.CharField(_("last fault"), max_length=300, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, editable=False)

    labels: RelatedManager[Label]

    class Meta:
        verbose_name = _("manifest")
        verbose_name_plural = _("manifests")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "warehouse", "day", "place"], name="manifest_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.day:%Y-%m-%d}-{self.place}"


class Label(models.Model):
    """One parcel's label: asked for in a row first, then bought with that row's key, printed, used or taken back."""

    class State(models.TextChoices):
        ASKED = "asked", _("Being bought")
        BOUGHT = "bought", _("Bought")
        PRINTED = "printed", _("Printed")
        USED = "used", _("On a parcel")
        VOID = "void", pgettext_lazy("label", "Void")
        FAILED = "failed", _("Refused")

    order = models.ForeignKey(
        Order, models.PROTECT, related_name="parcel_labels", verbose_name=_("order"), db_index=False
    )
    shipment = models.ForeignKey(
        Shipment, models.PROTECT, null=True, blank=True, related_name="labels", verbose_name=_("parcel")
    )
    account = models.ForeignKey(CarrierAccount, models.PROTECT, related_name="labels", verbose_name=_("carrier"))
    service = models.ForeignKey(CarrierService, models.PROTECT, related_name="+", verbose_name=_("service"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    parcel = models.PositiveSmallIntegerField(_("parcel"), default=1)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.ASKED)
    idempotency_key = models.CharField(_("idempotency key"), max_length=120, unique=True)
    request: Any = models.JSONField(_("request"), default=dict, blank=True)  # until bought; then it is emptied
    tracking_number = models.CharField(_("tracking number"), max_length=100, blank=True)
    carrier_ref = models.CharField(_("carrier's number"), max_length=100, blank=True)
    cost = MoneyField(_("cost"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=10, blank=True)
    weight_g = models.PositiveIntegerField(_("weight (g)"))
    length_mm = models.PositiveIntegerField(_("length (mm)"), null=True, blank=True)
    width_mm = models.PositiveIntegerField(_("width (mm)"), null=True, blank=True)
    height_mm = models.PositiveIntegerField(_("height (mm)"), null=True, blank=True)
    note = models.CharField(_("note on the label"), max_length=100, blank=True)
    data: Any = models.JSONField(_("what the carrier prints"), default=dict, blank=True)  # route code, station, QR
    pdf = models.BinaryField(_("the carrier's own label"), null=True, blank=True)
    actor = models.CharField(_("bought by"), max_length=150, blank=True)
    asked_at = models.DateTimeField(_("asked"))
    bought_at = models.DateTimeField(_("bought"), null=True, blank=True)
    printed_at = models.DateTimeField(_("printed"), null=True, blank=True)
    scanned_out_at = models.DateTimeField(_("left"), null=True, blank=True)
    voided_at = models.DateTimeField(_("void since"), null=True, blank=True)
    voided_by = models.CharField(_("voided by"), max_length=150, blank=True)
    to_void = models.BooleanField(_("to be voided"), default=False)  # asked for, or the order was cancelled
    to_void_why = models.CharField(_("why"), max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    fence = models.PositiveIntegerField(default=0, editable=False)
    not_before = models.DateTimeField(null=True, blank=True, editable=False)
    problem = models.CharField(_("last fault"), max_length=300, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    track_at = models.DateTimeField(null=True, blank=True, editable=False)  # when the carrier is asked next
    track_failures = models.PositiveSmallIntegerField(default=0, editable=False)
    manifest = models.ForeignKey(
        Manifest, models.PROTECT, null=True, blank=True, related_name="labels", verbose_name=_("manifest")
    )

    tracking: RelatedManager[TrackingEvent]

    class Meta:
        verbose_name = _("label")
        verbose_name_plural = _("labels")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "tracking_number"], condition=~Q(tracking_number=""), name="label_tracking_once"
            ),
            models.UniqueConstraint(
                fields=["order", "parcel"], condition=Q(state__in=["asked", "bought", "printed", "used"]),
                name="label_one_a_parcel",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "void", "failed"]) | ~Q(tracking_number=""), name="label_has_a_number"
            ),
            models.CheckConstraint(
                condition=Q(shipment__isnull=True) | Q(state="used"), name="label_on_a_parcel_is_used"
            ),
            models.CheckConstraint(
                condition=~Q(state="void") | Q(scanned_out_at__isnull=True), name="label_void_has_not_left"
            ),
            models.CheckConstraint(condition=Q(weight_g__gt=0), name="label_weight"),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["order", "state"], name="label_order"),
            models.Index(fields=["asked_at"], condition=Q(state="asked"), name="label_asked"),
            models.Index(fields=["printed_at"], condition=Q(state__in=["printed", "used"], scanned_out_at__isnull=True),
                         name="label_not_left"),
            models.Index(fields=["track_at"], condition=Q(track_at__isnull=False), name="label_track"),
            models.Index(fields=["warehouse"], condition=Q(to_void=True), name="label_to_void"),
            models.Index(fields=["tracking_number"], condition=~Q(tracking_number=""), name="label_tracking"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.tracking_number or f"{self.order_id}/{self.parcel}"

    @property
    def live(self) -> bool:
        """Whether the parcel can go out with it."""
        return self.state in (Label.State.BOUGHT, Label.State.PRINTED) and not self.to_void


class TrackingEvent(models.Model):
    """One thing a carrier told of a parcel."""

    class Code(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted by the carrier")
        MOVING = "moving", _("On the way")
        OUT = "out", _("Out for delivery")
        DELIVERED = "delivered", _("Delivered")
        PROBLEM = "problem", _("Problem")
        BACK = "back", _("Going back")

    label = models.ForeignKey(Label, models.PROTECT, related_name="tracking", verbose_name=_("label"), db_index=False)
    external_id = models.CharField(_("carrier's number"), max_length=100)
    code = models.CharField(_("event"), max_length=10, choices=Code)
    at = models.DateTimeField(_("at"))
    place = models.CharField(_("place"), max_length=100, blank=True)
    text = models.CharField(_("text"), max_length=300, blank=True)
    heard_at = models.DateTimeField(_("heard"))
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("tracking event")
        verbose_name_plural = _("tracking events")
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["label", "external_id"], name="tracking_event_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.label_id}"


append_only(TrackingEvent, erasable=("place", "text"))
