"""Picking by the wave: which orders' goods are taken off the shelves together, by whom, and how far they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import clock
from backoffice.fields import QuantityField
from orders.models.order import Order, OrderLine

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

MOST_ORDERS = 500  # in one wave


class PickMode(models.TextChoices):
    """How the goods of a wave are taken off the shelves."""

    CLUSTER = "cluster", _("Several orders at once, into totes")
    BATCH = "batch", _("All goods at once, sorted when packing")
    SINGLE = "single", _("Order by order")


class WaveTemplate(models.Model):
    """Which orders go into a wave together: chosen by these conditions, by hand or on a schedule."""

    class Lines(models.TextChoices):
        ANY = "any", _("Any orders")
        SINGLE = "single", _("Orders with one line")
        MULTI = "multi", _("Orders with several lines")

    name = models.CharField(_("name"), max_length=100)
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    lines = models.CharField(_("lines"), max_length=8, choices=Lines, default=Lines.ANY)
    delivery = models.CharField(
        _("delivery method has one of"), max_length=200, blank=True,
        help_text=_("Words of the carrier or delivery method, separated by commas: express, 顺丰. Empty: any."),
    )  # fmt: skip
    countries = models.JSONField(_("countries"), default=list, blank=True)  # ISO codes; none: any
    before = models.TimeField(
        _("ordered before"), null=True, blank=True, help_text=_("Cut-off on the warehouse's clock, such as 14:00."),
    )  # fmt: skip
    least_priority = models.PositiveSmallIntegerField(
        _("priority at least"), default=0, validators=[MaxValueValidator(9)]
    )
    most = models.PositiveSmallIntegerField(
        _("orders at most"), default=50, validators=[MinValueValidator(1), MaxValueValidator(MOST_ORDERS)]
    )
    mode = models.CharField(_("how it is picked"), max_length=8, choices=PickMode, default=PickMode.CLUSTER)
    auto = models.BooleanField(
        _("make waves by itself"), default=False, help_text=_("Whenever the time is over and orders fit.")
    )
    every_minutes = models.PositiveSmallIntegerField(
        _("every so many minutes"), default=60, validators=[MinValueValidator(5), MaxValueValidator(24 * 60)]
    )
    last_run_at = models.DateTimeField(_("last made by itself"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.CharField(_("by"), max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = _("wave template")
        verbose_name_plural = _("wave templates")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(most__gte=1, most__lte=MOST_ORDERS), name="wave_template_most"),
            models.CheckConstraint(condition=Q(every_minutes__gte=5), name="wave_template_every"),
        ]

    def __str__(self) -> str:
        return self.name


class Wave(models.Model):
    """Orders of one warehouse that are picked together. Its code is printed and scanned: `W12`."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("wave", "To be picked")
        PICKING = "picking", pgettext_lazy("wave", "Being picked")
        PICKED = "picked", pgettext_lazy("wave", "Picked")
        PACKING = "packing", pgettext_lazy("wave", "Being packed")
        DONE = "done", pgettext_lazy("wave", "Done")
        CANCELLED = "cancelled", pgettext_lazy("wave", "Cancelled")

    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    mode = models.CharField(_("how it is picked"), max_length=8, choices=PickMode, default=PickMode.CLUSTER)
    template = models.ForeignKey(
        WaveTemplate, models.SET_NULL, null=True, blank=True, related_name="waves", verbose_name=_("template")
    )
    created_at = models.DateTimeField(_("created"))
    created_by = models.CharField(_("made by"), max_length=150)
    picker = models.CharField(_("picker"), max_length=150, blank=True)
    picking_since = models.DateTimeField(_("picking since"), null=True, blank=True)
    picked_at = models.DateTimeField(_("picked at"), null=True, blank=True)
    done_at = models.DateTimeField(_("done at"), null=True, blank=True)

    orders: RelatedManager[WaveOrder]

    class Meta:
        verbose_name = _("wave")
        verbose_name_plural = _("waves")
        ordering = ["-id"]
        permissions = [
            ("make_wave", _("Can make waves and cancel them")),
            ("work_wave", _("Can pick, pack and hand over")),
        ]
        indexes = [
            models.Index(
                fields=["warehouse", "state"], condition=Q(state__in=["open", "picking", "picked", "packing"]),
                name="wave_open",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """What is printed on its papers."""
        return f"W{self.pk}"

    @property
    def running(self) -> bool:
        """Whether work is left on it."""
        return self.state in RUNNING


RUNNING = (Wave.State.OPEN, Wave.State.PICKING, Wave.State.PICKED, Wave.State.PACKING)


class WaveOrder(models.Model):
    """The part of an order that is reserved at the wave's warehouse. `open` until it is packed or has dropped out."""

    class State(models.TextChoices):
        IN = "in", _("In the wave")
        PACKED = "packed", _("Packed")
        DROPPED = "dropped", _("Dropped out")

    wave = models.ForeignKey(Wave, models.PROTECT, related_name="orders", verbose_name=_("wave"), db_index=False)
    order = models.ForeignKey(Order, models.PROTECT, related_name="wave_parts", verbose_name=_("order"))
    warehouse = models.ForeignKey("inventory.Warehouse", models.PROTECT, related_name="+", verbose_name=_("warehouse"))
    place = models.PositiveSmallIntegerField(_("tote"))
    open = models.BooleanField(_("open"), default=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.IN)
    reason = models.CharField(_("why it dropped out"), max_length=20, blank=True)
    dropped_at = models.DateTimeField(_("dropped out at"), null=True, blank=True)
    put_back = models.BooleanField(_("goods to be put back"), default=False)
    put_back_at = models.DateTimeField(_("put back at"), null=True, blank=True)
    put_back_by = models.CharField(_("put back by"), max_length=150, blank=True)
    # Orders that go in one parcel lie in one tote: that of the first of them, which is packed for all.
    lead = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followers", verbose_name=_("goes into the tote of")
    )
    packer = models.CharField(_("packer"), max_length=150, blank=True)
    packing_since = models.DateTimeField(_("packing since"), null=True, blank=True)
    packed_at = models.DateTimeField(_("packed at"), null=True, blank=True)

    goods: RelatedManager[WaveGoods]
    followers: RelatedManager[WaveOrder]

    class Meta:
        verbose_name = _("order of a wave")
        verbose_name_plural = _("orders of a wave")
        ordering = ["wave_id", "place"]
        constraints = [
            models.UniqueConstraint(fields=["order", "warehouse"], condition=Q(open=True), name="wave_order_open_once"),
            models.UniqueConstraint(fields=["wave", "place"], name="wave_order_tote_once"),
            models.UniqueConstraint(fields=["wave", "order"], name="wave_order_once"),
            models.CheckConstraint(
                condition=Q(open=True, state="in") | (Q(open=False) & ~Q(state="in")), name="wave_order_open_is_in"
            ),
        ]
        indexes = [models.Index(fields=["warehouse"], condition=Q(put_back=True), name="wave_order_put_back")]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """What is printed on its tote: `W12-3`."""
        return f"W{self.wave_id}-{self.tote}"

    @property
    def tote(self) -> int:
        """The tote its goods lie in."""
        return self.lead.place if self.lead is not None else self.place


class WaveGoods(models.Model):
    """Pieces of one SKU for one order line of a wave: wanted, taken off the shelf, put into a parcel."""

    wave_order = models.ForeignKey(
        WaveOrder, models.CASCADE, related_name="goods", verbose_name=_("order of a wave"), db_index=False
    )
    line = models.ForeignKey(OrderLine, models.PROTECT, related_name="+", verbose_name=_("order line"))
    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"), db_index=False)
    wanted = QuantityField(_("wanted"))
    picked = QuantityField(_("picked"), default=0)
    packed = QuantityField(_("packed"), default=0)

    class Meta:
        verbose_name = _("goods of a wave")
        verbose_name_plural = _("goods of a wave")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["wave_order", "line", "sku"], name="wave_goods_once"),
            models.CheckConstraint(
                condition=Q(wanted__gt=0, picked__gte=0, picked__lte=F("wanted")), name="wave_goods_picked"
            ),
            models.CheckConstraint(condition=Q(packed__gte=0, packed__lte=F("wanted")), name="wave_goods_packed"),
        ]

    def __str__(self) -> str:
        return f"{self.wanted} × {self.sku_id}"
