"""How purchasing goes: orders to suppliers, and what should be ordered."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.guides import Guide, register_guide

PURCHASING = Guide(
    key="purchasing",
    title=_("How to buy"),
    intro=_("From a supplier's terms to goods on the shelf, and back again."),
    pages=("admin:orders_purchaseorder_changelist", "admin:orders_supplier_changelist",
           "admin:orders_supplieritem_changelist"),
    permission="orders.view_purchaseorder",
    picture="orders/guides/purchasing",
    order=70,
    steps=(
        (_("Suppliers and their prices."),
         _("Enter or import whom you buy from and what each sells: price, packs, price breaks.")),
        (_("Draft."), _("Type or paste the lines, import a file of orders, or let the suggestions draft them.")),
        (_("Order."), _("Above your limit somebody else approves. The supplier gets the PDF or the workbook.")),
        (_("Receive."),
         _("In parts or at once: accepted, damaged, refused. A little too much is taken, up to the setting.")),
        (_("Close, send back, note the invoice."),
         _("Differences in price and pieces are shown in money. Many invoices: “Import invoices”, a file for all.")),
    ),
    tips=(
        _("A file comes in as drafts only: nobody has ordered anything until you do."),
        _("Warehouse clerks receive; they see no prices."),
        _("Attach the invoice to the order: “shows prices” keeps it from those who may not see them."),
    ),
)  # fmt: skip
REPLENISHMENT = Guide(
    key="replenishment",
    title=_("How to reorder"),
    intro=_("Each SKU is looked at every night: what to order, why, and for all others why not."),
    pages=("admin:orders_replenishrow_changelist", "admin:orders_promotiondays_changelist"),
    permission="orders.view_replenishrow",
    picture="orders/guides/replenishment",
    order=80,
    steps=(
        (_("Calculate."), _("Happens every night; press it after a change of prices or lead times.")),
        (_("Ask why."), _("Click a SKU: demand, lead time, safety stock and reorder point, number by number.")),
        (_("Choose rows and draft."), _("One draft per supplier and warehouse. A suggestion becomes an order once.")),
        (_("Look at what is not suggested."),
         _("Enough here or coming, never sold, or no supplier: the filter shows each reason.")),
    ),
    tips=(
        _("Days without stock and promotion days do not count as demand."),
        _("Lead times are measured from your receipts, from three deliveries on."),
    ),
)  # fmt: skip
LATE_COSTS = Guide(
    key="late-costs",
    title=_("How to add freight, duty and late invoices"),
    intro=_("Costs that come after the goods are shared over them, also over those that are sold already."),
    pages=("admin:orders_costdocument_changelist",),
    permission="orders.view_costdocument",
    picture="orders/guides/late-costs",
    order=75,
    steps=(
        (_("Choose the receipts."), _("Say what it cost, in which currency, and which purchase orders came with it.")),
        (_("Share it."), _("By value, pieces, weight or size, or by hand. The shares add up to the last coin.")),
        (_("Read the preview."),
         _("What is still there gets dearer. What is gone is listed: which sold orders, which months, how much.")),
        (_("Book."), _("The rest goes where the settings say: cost differences now, or the months of the sales.")),
    ),
    tips=(
        _("An invoice with other prices begins on the page of the purchase order, or comes in by file."),
        _("Closed months are never touched. Undo books the opposite."),
        _("The bill itself is kept under “Attachments”."),
        _("Goods moved since the preview? Booking refuses, and you look again."),
    ),
)  # fmt: skip


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    for guide in (PURCHASING, REPLENISHMENT, LATE_COSTS):
        register_guide(guide)
