"""Lots and serials: what a tracked SKU's goods are told apart by, how much of each lies where, what is held back.

A serial is a lot of one piece. The lot with an empty number is the unknown one: goods that came in while nobody said
which lot they are, so that the lots of a balance always add up to it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import QuantityField
from backoffice.triggers import append_only
from inventory import codes
from inventory.models.catalogue import Sku
from inventory.models.places import Warehouse
from inventory.models.stock import Reason

LONGEST = 60  # as a movement's lot


class Lot(models.Model):
    """A batch of one SKU, or one serial. `number_key` is the number after normalising, unique within the SKU."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("lot", "Open")
        BLOCKED = "blocked", pgettext_lazy("lot", "Blocked")

    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="lots", verbose_name=_("SKU"))
    number = models.CharField(_("lot or serial number"), max_length=LONGEST, blank=True)
    number_key = models.CharField(_("number for matching"), max_length=100, blank=True, editable=False)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)
    made_on = models.DateField(_("made on"), null=True, blank=True)
    supplier_reference = models.CharField(_("supplier's reference"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    blocked_reason = models.CharField(_("why it is blocked"), max_length=300, blank=True)
    first_received_at = models.DateTimeField(_("first received"), default=clock.now)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering = ["-id"]
        permissions = [
            ("block_lot", _("Can block lots, open them again and report a recall")),
            ("track_sku", _("Can turn lots and serials of a SKU on and off")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["sku", "number_key"], name="lot_number_once"),
            models.CheckConstraint(
                condition=Q(state="open", blocked_reason="") | (Q(state="blocked") & ~Q(blocked_reason="")),
                name="lot_blocked_says_why",
            ),
        ]
        indexes = [models.Index(fields=["expires_on"], name="lot_expiry")]

    def __str__(self) -> str:
        return self.number or str(UNKNOWN)

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.number_key = codes.normalise(self.number)
        super().save(*args, **kwargs)


UNKNOWN = _("Unknown lot")


class LotBalance(models.Model):
    """How much of a lot lies in a warehouse. Written by inventory.lots under the lock of the stock balance."""

    lot = models.ForeignKey(Lot, models.PROTECT, db_index=False, related_name="balances", verbose_name=_("lot"))
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    on_hand = QuantityField(_("on hand"), default=Decimal(0))
    serial = models.BooleanField(_("one piece"), default=False, editable=False)

    class Meta:
        verbose_name = _("lot on hand")
        verbose_name_plural = _("lots on hand")
        constraints = [
            models.UniqueConstraint(fields=["lot", "warehouse"], name="lot_balance_once"),
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="lot_balance_not_negative"),
            models.UniqueConstraint(
                fields=["lot"], condition=Q(serial=True, on_hand__gt=0), name="lot_serial_in_one_place"
            ),
            models.CheckConstraint(condition=Q(serial=False) | Q(on_hand__lte=1), name="lot_serial_is_one_piece"),
        ]
        indexes = [
            models.Index(fields=["sku", "warehouse"], condition=Q(on_hand__gt=0), name="lot_balance_there"),
        ]

    def __str__(self) -> str:
        return f"{self.lot_id}@{self.warehouse_id}: {self.on_hand}"


class LotMovement(models.Model):
    """The part of one stock movement that one lot had. Append-only; `key` is the movement's own key."""

    key = models.CharField(_("key"), max_length=200)
    lot = models.ForeignKey(Lot, models.PROTECT, related_name="movements", verbose_name=_("lot"))
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    warehouse = models.ForeignKey(
        Warehouse, models.PROTECT, db_index=False, related_name="+", verbose_name=_("warehouse")
    )
    quantity = QuantityField(_("quantity"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    recorded_at = models.DateTimeField(_("recorded"))
    actor = models.CharField(_("actor"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("movement of a lot")
        verbose_name_plural = _("movements of lots")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["key", "lot"], name="lot_movement_once")]
        indexes = [
            models.Index(fields=["reference", "sku"], name="lot_movement_reference"),
            models.Index(fields=["sku", "warehouse", "recorded_at"], name="lot_movement_place"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.lot_id}"


append_only(LotMovement)


class LotBlock(models.Model):
    """From when to when a lot was blocked, by whom and why: the look-back reads it."""

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="blocks", verbose_name=_("lot"))
    reason = models.CharField(_("why"), max_length=300)
    blocked_at = models.DateTimeField(_("blocked"), default=clock.now)
    blocked_by = models.CharField(_("blocked by"), max_length=150, blank=True)
    opened_at = models.DateTimeField(_("opened again"), null=True, blank=True)
    opened_by = models.CharField(_("opened by"), max_length=150, blank=True)
    opened_reason = models.CharField(_("why opened again"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("block of a lot")
        verbose_name_plural = _("blocks of lots")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["lot"], condition=Q(opened_at__isnull=True), name="lot_block_open_once")
        ]

    def __str__(self) -> str:
        return f"{self.lot_id}: {self.reason}"


class LotChoice(models.Model):
    """The lot that was scanned into a parcel for an order line: it is taken when the parcel leaves."""

    reference = models.CharField(_("reference"), max_length=120)
    sku = models.ForeignKey(Sku, models.PROTECT, db_index=False, related_name="+", verbose_name=_("SKU"))
    lot = models.ForeignKey(Lot, models.CASCADE, related_name="+", verbose_name=_("lot"))
    quantity = QuantityField(_("pieces"))
    chosen_at = models.DateTimeField(_("scanned"), default=clock.now)
    chosen_by = models.CharField(_("scanned by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("lot in a parcel")
        verbose_name_plural = _("lots in parcels")
        constraints = [
            models.UniqueConstraint(fields=["reference", "sku", "lot"], name="lot_choice_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="lot_choice_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.lot_id}"


class LotSetting(models.Model):
    """The house's rule for what may still be shipped, and when near expiry is told. One row."""

    ship_days = models.PositiveIntegerField(
        _("days a lot must still be good when it is shipped"), default=0, validators=[MaxValueValidator(3650)],
        help_text=_("0: on its last day it may still leave. A SKU may have its own number."),
    )  # fmt: skip
    alert_days = models.PositiveIntegerField(
        _("tell about lots that expire within (days)"), default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("Rules of stock alerts may say otherwise for a SKU, a category or a warehouse."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("setting of lots")
        verbose_name_plural = _("settings of lots")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="lot_setting_one_row")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)
