"""The sentences for refused files and cells: what is wrong, and what the person can do about it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

FILES: dict[str, Any] = {
    "too_large": _("The file is larger than %(most)s MB. Split it, or leave out pictures."),
    "empty": _("The file is empty."),
    "old_excel": _("This is an old Excel file (.xls). Open it in Excel or WPS and save it as .xlsx."),
    "binary_workbook": _("This is a binary workbook (.xlsb). Save it as .xlsx."),
    "has_macros": _("The workbook contains macros. Save it as .xlsx without macros."),
    "encrypted": _("The workbook is protected by a password. Save a copy without the password."),
    "wrong_type": _("Only .xlsx and .csv files can be read here; this is neither."),
    "extension_lies": _("The file's name ends in %(extension)s, but its content is something else. Save it again."),
    "not_a_workbook": _("This is not an Excel workbook. Save it as .xlsx."),
    "not_text": _("This is not a text file. Save it as CSV (UTF-8) or as .xlsx."),
    "damaged": _("The workbook is damaged and cannot be read. Open it in Excel or WPS and save it again."),
    "too_many_parts": _("The workbook consists of too many parts. Copy the sheet into a new workbook."),
    "too_large_unpacked": _("Unpacked, the workbook is over %(most)s MB. Copy only the data into a new workbook."),
    "packed_too_tightly": _("The workbook is packed in a way that no spreadsheet does; it was not opened."),
    "has_entities": _("The workbook contains references to outside content; it was not opened."),
    "far_cell": _(
        "There is something in a cell far outside the table (beyond row 200,000 or column IV). "
        "Copy only the table into a new workbook."
    ),
    "too_many_rows": _("The sheet has more than %(most)s rows. Split it."),
    "too_many_columns": _("A row has more than %(most)s columns. Check the separator, or leave columns out."),
    "csv_broken": _("Line %(row)s cannot be read: a quotation mark is probably not closed."),
    "no_such_sheet": _("There is no visible sheet called “%(sheet)s”."),
    "columns_missing_here": _("Columns are missing: %(missing)s. The nearest row has: %(headers)s."),
    "columns_missing": _("Columns are missing: %(missing)s. The nearest row in “%(sheet)s” has: %(headers)s."),
    "column_twice": _("The column “%(column)s” appears twice in row %(row)s. Remove one of them."),
    "too_large_to_parse": _("The file needs too much memory to be read. Copy only the data into a new workbook."),
    "too_slow": _("Reading the file took too long, so it was stopped. Copy only the data into a new workbook."),
    "cannot_parse": _("The file could not be read. Open it in Excel or WPS and save it as a new .xlsx."),
}
CELLS: dict[str, Any] = {
    "missing": _("is empty"),
    "excel_error": _("contains the error %(value)s"),
    "text_too_long": _("is longer than %(most)s characters"),
    "code_became_date": _("is the date %(value)s: Excel has turned the code into a date. Format the column as text."),
    "not_a_code": _("“%(value)s” is not a code"),
    "digits_lost": _("“%(value)s” is a shortened number: digits are lost. Format the column as text and re-enter it."),
    "not_a_number": _("“%(value)s” is not a number"),
    "number_became_date": _("is the date %(value)s instead of a number. Format the column as a number."),
    "comma_is_unclear": _("“%(value)s”: write the decimal sign as a point; the comma could mean thousands"),
    "too_many_places": _("“%(value)s” has more than %(places)s decimal places"),
    "number_too_large": _("“%(value)s” is too large"),
    "number_too_small": _("“%(value)s” is less than %(least)s"),
    "not_a_date": _("“%(value)s” is not a date. Write it as 2026-03-31."),
    "not_yes_or_no": _("“%(value)s” is neither yes nor no"),
    "duplicate": _("“%(value)s” is in row %(row)s already"),
    "formula_without_value": _("is a formula whose result was not saved. Open the file in Excel or WPS and save it."),
}
