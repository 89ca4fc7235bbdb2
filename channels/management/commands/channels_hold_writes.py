"""`manage.py channels_hold_writes`: after a restore from backup, before anything is started again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from channels import accounts


class Command(BaseCommand):
    """Hold all writes to the platforms until a person turns each account on again."""

    help = "Hold all writes to the platforms; each account is turned on again on its page in the admin."

    def add_arguments(self, parser: CommandParser) -> None:
        """The reason, shown on the accounts' pages."""
        parser.add_argument("--because", default="restored_backup", help="a short code shown with the hold")

    def handle(self, *args: Any, **options: Any) -> None:
        """Hold, and say how many accounts."""
        held = accounts.hold_writes(because=options["because"], actor="command:hold_writes")
        self.stdout.write(f"Writes of {held} account(s) are held. Turn each on again on its page when you have looked.")
