"""Fetch the European Central Bank's exchange rates, or read them from a file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from finance import ecb, ratebook
from finance.errors import BadRates


class Command(BaseCommand):
    """Without options the daily file is downloaded; a longer history is at …/eurofxref-hist-90d.xml."""

    help = "Keep the European Central Bank's exchange rates: from its site, another of its files, or a file on disk."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to read from."""
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--url", default="", help="An address at the ECB, for example the 90-day file.")
        source.add_argument("--file", type=Path, help="An XML file downloaded before.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and say how many rates are new."""
        try:
            data = options["file"].read_bytes() if options["file"] else ecb.fetch(options["url"])
            steps = ratebook.import_rates(data=data)
        except (BadRates, OSError) as error:
            raise CommandError(str(error)) from error
        days = sorted({step.on for step in steps})
        added = sum(step.adds for step in steps)
        self.stdout.write(f"{added} of {len(steps)} rates are new ({days[0]} to {days[-1]}).")
