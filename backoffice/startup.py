"""What a production process refuses to start with, and how it settles down once it is loaded."""

from __future__ import annotations

import gc

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from backoffice.models import Progress

YOUNG, MIDDLE, OLD = 50_000, 20, 50  # new objects before a look for rubbish, and how many looks before a longer one


def settle() -> None:
    """Call once all is loaded: what is loaded stays, so the collector need not look at it over and over.

    A page of orders makes some hundred thousand short-lived objects and no circles; looking for circles after every
    700 of them, Python's default, costs a tenth of the time. Circles are still found, only not that often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


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
