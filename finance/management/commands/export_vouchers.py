"""Write a month's vouchers into a workbook, however many there are."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from finance.exports import export_vouchers
from finance.models import Voucher


class Command(BaseCommand):
    """The page of the months does the same for months that a browser can wait for."""

    help = "Write a month's vouchers into an .xlsx file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which month, into which file."""
        parser.add_argument("month", help="For example 2026-11.")
        parser.add_argument("file", type=Path, help="The .xlsx file to write.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file and say how many lines it has."""
        try:
            month = dt.date.fromisoformat(f"{options['month']}-01")
        except ValueError as error:
            raise CommandError(f"{options['month']!r} is not a month such as 2026-11.") from error
        lines = export_vouchers(options["file"], Voucher.objects.filter(period__month=month), of=options["month"])
        self.stdout.write(f"{lines} lines written to {options['file']}.")
