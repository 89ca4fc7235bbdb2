"""Print a new key for FIELD_KEYS."""

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """The key goes in front of the old ones; then run rotate_field_keys."""

    help = "Print a new key for FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key and nothing else."""
        self.stdout.write(Fernet.generate_key().decode())
