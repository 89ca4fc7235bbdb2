"""Write the vouchers of everything that is due, now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from finance.posting import post_due


class Command(BaseCommand):
    """For systems without workers, and after a repair; the workers do the same by themselves."""

    help = "Write the vouchers of everything that is due, now."

    def handle(self, *args: Any, **options: Any) -> None:
        """Post page after page until nothing is due."""
        posted = empty = failed = 0
        while True:
            result = post_due()
            posted, empty, failed = posted + result.posted, empty + result.empty, failed + result.failed
            if not result.posted + result.empty + result.failed:
                break
        self.stdout.write(f"{posted} vouchers posted, {empty} with nothing to post, {failed} need a person.")
