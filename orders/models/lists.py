"""What the desk keeps beside the orders: labels to find them by, saved views, notes, presence, promises, exports."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice import actors, clock
from backoffice.fields import QuantityField
from backoffice.triggers import append_only
from orders.models.order import Order, OrderLine


class OrderLabel(models.Model):
    """One of our marks, or one of the platform's tags, of one order: the index behind the filters.

    Nobody writes it but the triggers of orders.triggers, so that it says what the order says, whoever wrote that.
    """

    class Kind(models.TextChoices):
        MARK = "mark", _("mark")
        TAG = "tag", _("platform tag")

    order = models.ForeignKey(Order, models.CASCADE, related_name="labels", db_index=False)
    kind = models.CharField(max_length=4, choices=Kind)
    text = models.CharField(max_length=100)

    class Meta:
        verbose_name = _("label of an order")
        verbose_name_plural = _("labels of orders")
        constraints = [
            models.UniqueConstraint(fields=["order", "kind", "text"], name="label_once_an_order"),
        ]
        indexes = [models.Index(fields=["kind", "text", "order"], name="label_orders")]

    def __str__(self) -> str:
        return self.text


class SavedView(models.Model):
    """The filters, the search and the order of the list under a name; private, or shared with a role."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner"))
    name = models.CharField(_("name"), max_length=60)
    role = models.CharField(_("shared with"), max_length=40, blank=True)  # a role of backoffice.roles; empty: private
    query = models.CharField(_("filters"), max_length=2000, blank=True)  # as in the address of the list
    created_at = models.DateTimeField(_("created"), default=clock.now)
    updated_at = models.DateTimeField(_("changed"), default=clock.now)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once")]
        indexes = [models.Index(fields=["role"], condition=~Q(role=""), name="view_shared")]

    def __str__(self) -> str:
        return self.name


class ListSetting(models.Model):
    """How one person has the list: which view opens first, and in which order the views stand."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", primary_key=True)
    first = models.CharField(_("opens with"), max_length=40, blank=True)  # "late" (built in) or "v12" (saved)
    places = models.JSONField(_("order"), default=list, blank=True)

    class Meta:
        verbose_name = _("setting of the list")
        verbose_name_plural = _("settings of the list")

    def __str__(self) -> str:
        return str(self.user_id)


class StaffNote(models.Model):
    """What a colleague wrote on an order, for colleagues: no platform ever sees it."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="staff_notes", verbose_name=_("order"))
    at = models.DateTimeField(_("time"), default=clock.now)
    author = models.CharField(_("author"), max_length=150)
    text = models.TextField(_("note"), max_length=2000)
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("staff note")
        verbose_name_plural = _("staff notes")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def author_name(self) -> str:
        """`user:7 wang` is `wang` to a reader."""
        return actors.named(self.author)


append_only(StaffNote, erasable=("text",))


class OrderPresence(models.Model):
    """Somebody has the page of an order open; the row is old once its page stopped telling so."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    since = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("open page of an order")
        verbose_name_plural = _("open pages of orders")
        constraints = [models.UniqueConstraint(fields=["order", "user"], name="presence_once")]

    def __str__(self) -> str:
        return f"{self.order_id} {self.user_id}"


class PresaleOffer(models.Model):
    """Goods sold before they are here: how many are promised, and from when on they leave."""

    sku = models.ForeignKey("inventory.Sku", models.PROTECT, related_name="+", verbose_name=_("SKU"))
    shop = models.ForeignKey(
        "inventory.Shop", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("shop (empty: all)")
    )
    quantity = models.PositiveIntegerField(_("pieces promised"))
    ship_after = models.DateTimeField(_("leaves from"))
    valid_from = models.DateTimeField(_("sold from"), default=clock.now)
    valid_to = models.DateTimeField(_("sold until"), null=True, blank=True)
    arrival = models.ForeignKey(
        "inventory.ExpectedArrival",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("delivery that brings them"),
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True, editable=False)
    released_by = models.CharField(_("released by"), max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=clock.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = pgettext_lazy("offer", "presale")
        verbose_name_plural = _("presales")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="presale_quantity"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=models.F("valid_from")), name="presale_ends_later"
            ),
            models.UniqueConstraint(
                fields=["sku", "shop"], condition=Q(released_at__isnull=True), name="presale_open_once_a_shop"
            ),
            models.UniqueConstraint(
                fields=["sku"], condition=Q(released_at__isnull=True, shop__isnull=True), name="presale_open_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku} · {self.ship_after:%Y-%m-%d}"


class PresaleLine(models.Model):
    """A line that was sold in presale: it takes no stock before it is released; what was promised stays promised."""

    line = models.OneToOneField("orders.OrderLine", models.CASCADE, related_name="presale", primary_key=True)
    offer = models.ForeignKey(
        PresaleOffer, models.PROTECT, related_name="lines", verbose_name=pgettext_lazy("offer", "presale")
    )
    ship_after = models.DateTimeField(_("leaves from"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    released_by = models.CharField(_("released by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("presale line")
        verbose_name_plural = _("presale lines")
        indexes = [models.Index(fields=["ship_after"], condition=Q(released_at__isnull=True), name="presale_waiting")]

    def __str__(self) -> str:
        return str(self.line_id)


class PromiseChange(models.Model):
    """From which day to which the promise to the buyer of a short order moved, and why; an empty day is none."""

    class Cause(models.TextChoices):
        FIRST = "first", _("first promise")
        SLIPPED = "slipped", _("slipped")
        EARLIER = "earlier", pgettext_lazy("promise", "earlier")
        LOST = "lost", _("nothing is on its way any more")

    order = models.ForeignKey(Order, models.PROTECT, related_name="promises", verbose_name=_("order"))
    at = models.DateTimeField(_("time"), default=clock.now)
    before = models.DateField(_("before"), null=True, blank=True)
    after = models.DateField(_("promised for"), null=True, blank=True)
    cause = models.CharField(_("change"), max_length=10, choices=Cause)
    actor = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("promise")
        verbose_name_plural = _("promises")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.after}"


append_only(PromiseChange)


class LinePromise(models.Model):
    """Pieces of an expected delivery that are promised to a line of a short order, as last planned."""

    line = models.ForeignKey(
        OrderLine, models.CASCADE, related_name="promised", verbose_name=_("order line"), db_index=False
    )
    arrival = models.ForeignKey(
        "inventory.ExpectedArrival", models.CASCADE, related_name="+", verbose_name=_("expected delivery")
    )
    quantity = QuantityField(_("pieces"))
    expected_on = models.DateField(_("promised for"))

    class Meta:
        verbose_name = _("promise of a line")
        verbose_name_plural = _("promises of lines")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["line", "arrival"], name="line_promise_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="line_promise_pieces"),
        ]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.quantity} {self.expected_on}"


class OrderExport(models.Model):
    """A workbook of orders somebody asked for: made in the background, fetched by that person, gone within a day."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner"))
    query = models.CharField(_("filters"), max_length=2000, blank=True)
    ids = models.JSONField(default=list, blank=True)  # the orders that were chosen; empty: all that the filters find
    clear = models.BooleanField(_("buyers uncovered"), default=False)
    token = models.CharField(max_length=43, unique=True)
    rows = models.PositiveIntegerField(_("orders"), default=0)
    started_at = models.DateTimeField(_("started"), default=clock.now, db_index=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    progress = models.ForeignKey("backoffice.Progress", models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("export of orders")
        verbose_name_plural = _("exports of orders")
        ordering = ["-id"]

    def __str__(self) -> str:
        return str(self.pk)
