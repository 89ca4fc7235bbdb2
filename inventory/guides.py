"""How the warehouse's tasks go: counting, moving, building, bins, lots, the phone, values, stock one can trust."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from backoffice.guides import Guide, register_guide

STOCKTAKE = Guide(
    key="stocktake",
    title=_("How to take stock"),
    intro=_("Count a hall, a shelf or a class of goods, see every difference first, and post all of them at once."),
    pages=("admin:inventory_stocktake_changelist", "admin:inventory_stockdocument_changelist"),
    permission="inventory.view_stocktake",
    picture="inventory/guides/stocktake",
    order=10,
    steps=(
        (_("Plan and start."),
         _("Choose the warehouse and what is counted. The system's figures are noted at the start; go on selling.")),
        (_("Count."),
         _("Take the sheet as Excel and upload it again, or count with a phone. "
           "Several people and sheets work together.")),
        (_("Close the counting."),
         _("Now each difference is shown with its value and with likely causes. Count the doubtful ones again.")),
        (_("Review."), _("Above the warehouse's limit somebody who did not count approves.")),
        (_("Post."), _("All differences in one go, or none. Undo is a posting the other way round.")),
    ),
    tips=(
        _("Blind: whoever counts does not see the system's figures."),
        _("The same sheet twice counts once. Two bins of a SKU add up."),
        _("The result goes out as Excel or PDF: accuracy, shrinkage, value, largest differences."),
    ),
)  # fmt: skip
TRANSFERS = Guide(
    key="transfers",
    title=_("How to move goods to another warehouse"),
    intro=_("A transfer says what goes where, who picked it, what is on its way and what came."),
    pages=("admin:inventory_transfer_changelist",),
    permission="inventory.view_transfer",
    picture="inventory/guides/transfers",
    order=20,
    steps=(
        (_("Plan."),
         _("Type the lines, scan them or import a file. "
           "“What should go over” proposes them from orders and low stock.")),
        (_("Request."), _("The warehouse that sends sees it in its list. A draft moves nothing.")),
        (_("Pick and send."), _("The goods leave the shelf with their value and are shown as on their way.")),
        (_("Receive."), _("Scan or type what came: all, a part, damaged pieces, or more than was sent.")),
        (_("Close."),
         _("What does not come any more is lost, or it is back at the sender. "
           "Above the limit a second person approves.")),
    ),
    tips=(
        _("Before anything came a transfer can be cancelled: the goods go back at their value."),
        _("A case's barcode counts its pieces."),
        _("A photo of a broken carton or the signed sheet goes under “Attachments”, of the transfer or the receipt."),
    ),
)  # fmt: skip
ASSEMBLY = Guide(
    key="assembly",
    title=_("How to build sets and take them apart"),
    intro=_("Parts leave the shelf and finished sets come on it, at the parts' value; or the other way round."),
    pages=("admin:inventory_assembly_changelist",),
    permission="inventory.view_assembly",
    picture="inventory/guides/assembly",
    order=30,
    steps=(
        (_("Say once what a set is made of."), _("On the page of the SKU: parts and pieces.")),
        (_("New assembly."),
         _("Choose the warehouse, the set and how many. You see the parts needed and what is there.")),
        (_("Post."), _("All parts or none. Missing parts are named.")),
        (_("Wrong? Undo it."), _("The parts come back at the value they left with.")),
    ),
    tips=(
        _("A bundle that is only sold together needs no assembly: it takes its parts when it is sold."),
        _("Where lots are kept you see them before anything is posted, and may choose others."),
    ),
)  # fmt: skip
FLOOR = Guide(
    key="floor",
    title=_("How to work with the phone"),
    intro=_("Receive, move, look up and count with one hand; with the camera, a scanner or by typing."),
    pages=("admin:inventory_flooraction_home", "admin:inventory_flooraction_changelist"),
    permission="inventory.view_balance",
    picture="inventory/guides/floor",
    tall=True,
    order=40,
    steps=(
        (_("Open it on the phone."), _("Sign in as always and put “Warehouse floor” on the home screen.")),
        (_("Scan."), _("A scanner that types, the camera, or a photo. A case's barcode counts its pieces.")),
        (_("Say how many, and done."), _("✓ is done. ✗ was refused with the reason; then nothing has changed.")),
        (_("No connection?"),
         _("Go on. What you do is kept on the phone and sent later, once. The page says how much is waiting.")),
    ),
    tips=(
        _("Receive shows what is expected; what nobody expects needs a reason."),
        _("Move puts a SKU into another bin, or pieces into another warehouse."),
    ),
)  # fmt: skip
BINS = Guide(
    key="bins",
    title=_("How to use bins"),
    intro=_("Where goods lie inside a warehouse. Without a list of bins any name is taken."),
    pages=("admin:inventory_bin_changelist", "admin:inventory_shelfplace_changelist"),
    permission="inventory.view_bin",
    picture="inventory/guides/bins",
    order=50,
    steps=(
        (_("Paste the bins from Excel."),
         _("Warehouse, bin, its place on the way, and the order in which empty bins are filled.")),
        (_("Put away with the phone."),
         _("It proposes the bin where the SKU lies, then one beside its variants, then an empty one.")),
        (_("Pick and count along the way."), _("Pick lists and count sheets walk by the bins' place.")),
    ),
)  # fmt: skip
TRUST = Guide(
    key="trust",
    title=_("How to keep stock you can trust"),
    intro=_("Each night every figure is worked out anew from its documents. "
            "What differs, is forgotten or runs out is named."),
    pages=("admin:inventory_stockalert_changelist", "admin:inventory_auditfinding_changelist",
           "admin:inventory_auditrun_changelist", "admin:inventory_ghostreservation_changelist"),
    permission="inventory.view_stockalert",
    picture="inventory/guides/trust",
    order=60,
    steps=(
        (_("Stock alerts."),
         _("Low, out, too much, slow. Each has somebody who looks after it and a threshold you can set.")),
        (_("Forgotten reservations."), _("How old, of which document, how much money they lock up. "
                                         "Release or keep.")),
        (_("Stock differences."),
         _("A figure that its documents do not explain. Open it: it says what a repair would change.")),
        (_("Repair."), _("One entry with your reason; it can be undone.")),
    ),
    tips=(_("“Audit now” does at once what happens each night."),),
)  # fmt: skip
LOTS = Guide(
    key="lots",
    title=_("How to keep lots, expiry dates and serials"),
    intro=_("Optional per SKU. Know what expires first, hold a bad lot back, and find out who got it."),
    pages=("admin:inventory_lot_changelist", "admin:inventory_lotsetting_changelist"),
    permission="inventory.view_lot",
    picture="inventory/guides/lots",
    order=55,
    steps=(
        (_("Turn it on."),
         _("Open a SKU, choose “Lots and serials…” and name the lots that lie there; the rest is the unknown lot.")),
        (_("Goods in."),
         _("Type the lot or scan a GS1 code, which brings lot, expiry date and serial along. "
           "Several lots: one a line, A12 × 6 @ 2027-03-31.")),
        (_("Goods out."),
         _("The pick list says which lot to take, first expired first. Another one may be scanned when packing; "
           "serials must be.")),
        (_("Hold back."), _("Blocked and expired lots are not sold, reserved or picked.")),
        (_("Recall."),
         _("A lot's page says where it lies and who got it, as Excel too. Customer service gets an incident.")),
    ),
    tips=(
        _("Nobody said a lot? The first to expire is taken."),
        _("Undo, a return and a transfer put the very lots back that had left."),
        _("“Why this number” shows what may not be sold as a line of its own."),
    ),
)  # fmt: skip
VALUES = Guide(
    key="values",
    title=_("How to see what stock is worth"),
    intro=_("Today or on any day before, by warehouse and category, equal to the ledger to the cent."),
    pages=("admin:inventory_costsetting_value", "admin:inventory_costsetting_changelist"),
    permission="inventory.view_balance",
    picture="inventory/guides/values",
    order=65,
    steps=(
        (_("Choose the day."), _("Empty means now. By the time something was entered, or by when it happened.")),
        (_("Narrow it down."), _("By warehouse and category. The totals follow.")),
        (_("Take it along."), _("Export makes a workbook of all rows, for the accountant.")),
    ),
    tips=(
        _("Moving average or first in, first out is chosen once in the settings, before the first goods."),
        _("Later the owner can change the method as of now: a preview says what it does, values stay as they are."),
    ),
)  # fmt: skip


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    for guide in (STOCKTAKE, TRANSFERS, ASSEMBLY, FLOOR, BINS, TRUST, LOTS, VALUES):
        register_guide(guide)
