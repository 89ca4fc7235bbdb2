"""Encrypt every stored secret with the newest key of FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice import audit, secrets


class Command(BaseCommand):
    """Run it after putting a new key in front of FIELD_KEYS; when it says 0 unreadable, the old key may go."""

    help = "Encrypt every stored secret with the newest key of FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate each encrypted column and say what could not be read."""
        lost = 0
        for field in secrets.encrypted_fields():
            rotated, unreadable = secrets.rotate(field)
            lost += unreadable
            name = f"{field.model._meta.label}.{field.name}"
            self.stdout.write(f"{name}: {rotated} rotated, {unreadable} unreadable")
            audit.record(action="secrets.rotate", target=name, after={"rotated": rotated, "unreadable": unreadable})
        if lost:
            raise CommandError(f"{lost} secrets could not be read: keep the old keys, or enter these secrets again.")
