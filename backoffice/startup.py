"""What a production process refuses to start with."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from backoffice.models import Progress


def refuse_public_passwords() -> None:
    """Raise ImproperlyConfigured when the demo's people are in this database and DEMO is off."""
    if settings.DEMO or settings.TESTING:
        return
    try:
        demo = Progress.objects.filter(kind="demo").exists()
    except DatabaseError:
        return  # not migrated, or away: there is nobody to log in
    if demo:
        raise ImproperlyConfigured(
            "This database holds the demo company, whose passwords are public. Use an empty database, or DEMO=1."
        )
