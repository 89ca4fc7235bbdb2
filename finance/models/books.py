"""The chart of accounts, months, vouchers with their lines, and what is open per order."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from backoffice.fields import MoneyField, RateField
from finance.models.currencies import Currency


class LedgerAccount(models.Model):
    """An account of the chart. `role` says which postings find it; a role belongs to one account."""

    class Kind(models.TextChoices):
        ASSET = "asset", _("Asset")
        LIABILITY = "liability", _("Liability")
        EQUITY = "equity", _("Equity")
        INCOME = "income", _("Income")
        EXPENSE = "expense", _("Expense")

    class Role(models.TextChoices):
        NONE = "", _("No role")
        RECEIVABLE = "receivable", _("Receivable from customers and platforms")
        ADVANCES = "advances", _("Money taken before goods left")
        INVENTORY = "inventory", _("Goods in stock")
        STOCK_DIFFERENCES = "stock_differences", _("Stock differences")
        SALES_TAX = "sales_tax", _("Tax on sales")
        SALES = "sales", _("Sales")
        DISCOUNT = "discount", _("Discounts given")
        REFUNDS = "refunds", _("Refunds and returns")
        SHIPPING_INCOME = "shipping_income", _("Shipping charged to buyers")
        COGS = "cogs", _("Cost of goods sold")
        COST_DIFFERENCES = "cost_differences", _("Cost differences of goods sold")
        PLATFORM_FEES = "platform_fees", _("Platform fees")
        FX = "fx", _("Exchange gains and losses")
        ROUNDING = "rounding", _("Rounding differences")
        BANK = "bank", _("Bank")
        CLEARING = "clearing", _("Platform balances")

    code = models.CharField(pgettext_lazy("identifier", "code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    role = models.CharField(_("role"), max_length=20, choices=Role, blank=True, default="")
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("ledger account")
        verbose_name_plural = _("chart of accounts")
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["role"],
                condition=~Q(role=""),
                name="account_role_once",
                violation_error_message=_("Another account has this role. Take it away there first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        english = not (get_language() or "").startswith("zh")
        return self.name_en if english and self.name_en else self.name


class Period(models.Model):
    """A month of the books. `last_number` counts its vouchers; a closed month takes no more."""

    month = models.DateField(_("month"), unique=True, help_text=_("The first day of the month."))
    last_number = models.PositiveIntegerField(_("vouchers"), default=0, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("month")
        verbose_name_plural = _("months")
        ordering = ["-month"]
        permissions = [("close_period", _("Can close a month for good"))]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class VoucherKind(models.TextChoices):
    """What a voucher, a request to post or an open item tells of."""

    SALE = "sale", _("Sale")
    REFUND = "refund", _("Refund")
    REVERSAL = "reversal", _("Reversal")  # a parcel that did not leave after all
    COST = "cost", _("Late costs")  # of goods that are gone


class Voucher(models.Model):
    """One balanced entry in the books, for one document, for ever: triggers refuse UPDATE and DELETE."""

    period = models.ForeignKey(Period, models.PROTECT, related_name="vouchers", verbose_name=_("month"))
    number = models.PositiveIntegerField(_("number"))
    on = models.DateField(_("date"), db_index=True)
    occurred_on = models.DateField(_("document date"))
    reference = models.CharField(_("document"), max_length=120, unique=True)  # "orders.shipment:12"
    kind = models.CharField(_("kind"), max_length=10, choices=VoucherKind)
    shop = models.ForeignKey(
        "inventory.Shop", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("shop")
    )
    external_id = models.CharField(_("platform order"), max_length=200, blank=True)
    order_number = models.CharField(_("order number"), max_length=200, blank=True)
    order_key = models.CharField(max_length=200, blank=True, editable=False)  # the number in search form
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    total = MoneyField(_("total"))  # Σ debit = Σ credit, base currency
    posted_at = models.DateTimeField(_("posted"))

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["shop", "external_id"], name="voucher_order"),
            models.Index(fields=["order_key"], opclasses=["varchar_pattern_ops"], name="voucher_order_prefix"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["period", "number"], name="voucher_number_once_a_month"),
            models.CheckConstraint(condition=Q(number__gt=0, total__gte=0), name="voucher_numbered"),
        ]

    def __str__(self) -> str:
        return f"{self.on:%Y-%m}-{self.number:05d}"


class VoucherLine(models.Model):
    """One side of one account, in the base currency, with the original amount and the rate beside it."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="lines", verbose_name=_("voucher"))
    position = models.PositiveSmallIntegerField(_("line"))
    account = models.ForeignKey(LedgerAccount, models.PROTECT, related_name="lines", verbose_name=_("account"))
    debit = MoneyField(_("debit"), default=0)
    credit = MoneyField(_("credit"), default=0)
    currency = models.ForeignKey(Currency, models.PROTECT, related_name="+", verbose_name=_("currency"))
    amount = MoneyField(_("original amount"))  # on the side of the base amount, so never negative
    rate = RateField(_("rate"))
    shop = models.ForeignKey(
        "inventory.Shop", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("shop")
    )
    warehouse = models.ForeignKey(
        "inventory.Warehouse", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("warehouse")
    )
    summary = models.CharField(_("summary"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("voucher line")
        verbose_name_plural = _("voucher lines")
        ordering = ["voucher_id", "position"]
        constraints = [
            models.UniqueConstraint(fields=["voucher", "position"], name="voucher_line_position"),
            models.CheckConstraint(
                condition=Q(debit__gt=0, credit=0) | Q(debit=0, credit__gt=0), name="voucher_line_one_side"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0, rate__gt=0), name="voucher_line_amount"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.debit} / {self.credit}"


class OpenItem(models.Model):
    """What an order owes (sale, positive) or is owed (refund, reversal: negative); settlements are matched to it."""

    shop = models.ForeignKey("inventory.Shop", models.PROTECT, related_name="+", verbose_name=_("shop"))
    external_id = models.CharField(_("platform order"), max_length=200)
    order_number = models.CharField(_("order number"), max_length=200, blank=True)
    order_key = models.CharField(max_length=200, blank=True, editable=False)
    reference = models.CharField(_("document"), max_length=120, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=VoucherKind)
    currency = models.ForeignKey(Currency, models.PROTECT, related_name="+", verbose_name=_("currency"))
    amount = MoneyField(_("amount"))
    base_amount = MoneyField(_("amount in base currency"))
    on = models.DateField(_("date"), db_index=True)
    voucher = models.ForeignKey(
        Voucher, models.PROTECT, null=True, related_name="open_items", verbose_name=_("voucher")
    )  # null: too small for a coin of the base currency
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("open item")
        verbose_name_plural = _("open items")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["shop", "external_id"], name="open_item_order"),
            models.Index(fields=["order_key"], opclasses=["varchar_pattern_ops"], name="open_item_order_prefix"),
            models.Index(fields=["on"], condition=Q(settled_at__isnull=True), name="open_item_unsettled"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.amount} {self.currency_id}"
