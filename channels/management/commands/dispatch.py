"""`manage.py dispatch`: find due work and do it, until stopped."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backoffice import startup
from channels import working
from channels.dispatcher import THREADS, Dispatcher


class Command(BaseCommand):
    """Run the dispatcher. SIGTERM or Ctrl-C lets running work come to its next safe point; a second ends at once."""

    help = "Find due work (webhooks, stock figures, parcels, walks, housekeeping) and do it, until stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        """Threads, and whether long work is done here too."""
        parser.add_argument("--threads", type=int, default=THREADS, help="pieces of quick work at a time")
        parser.add_argument("--inline", action="store_true", help="do the long work here too, without task workers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        startup.settle()
        Dispatcher(threads=options["threads"], inline=options["inline"]).run()


def _stop(number: int, frame: object) -> None:
    if working.stopping():
        raise SystemExit(128 + number)
    working.stop()
