"""How an import goes."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.guides import Guide
from backoffice.imports.kinds import kinds


def may_see_a_list(request: HttpRequest) -> bool:
    """True for whoever may take at least one list out."""
    return any(kind.may_see(request.user) for kind in kinds())


IMPORTS = Guide(
    key="imports",
    title=_("How to import a file"),
    intro=_("Nothing is kept before you have seen what the file would change."),
    pages=("imports",),
    permission=may_see_a_list,
    picture="backoffice/guides/imports",
    order=90,
    steps=(
        (_("Take the template, or your own file."),
         _(".xlsx from Excel, WPS, LibreOffice or Numbers, or CSV in any encoding. "
           "Headers may be Chinese or English, in any order.")),
        (_("Upload it and read the preview."),
         _("Each row says what it would make or change, old → new. Hidden sheets and rows of totals are left out.")),
        (_("Correct what is red."),
         _("“My file with the reasons” is your own file with one column more. "
           "Correct it there and upload it again.")),
        (_("Import."),
         _("All rows or none; or, if you say so, only the good ones. The same file is never imported twice.")),
        (_("Wrong file? Undo it."),
         _("What it made goes, what it changed comes back. What somebody changed since stays, with the reason.")),
    ),
    tips=(
        _("Orders and transfers: rows with the same number are one document. "
          "It comes in as a draft, whole or not at all."),
        _("Suppliers' invoices: rows with the same number are one invoice. Its totals stand above the rows, "
          "beside what its prices change."),
        _("1.23E+12 is a barcode of which digits are lost: format the column as text and enter it again."),
        _("00123 becomes 123 unless the column is text. The template's columns are."),
        _("A formula counts with the result that was saved with it; without one the cell is refused."),
        _("An old .xls, a file with macros or a password: save it as .xlsx."),
    ),
)  # fmt: skip
