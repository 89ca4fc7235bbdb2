"""Stops the guesser who tries one password on many names: axes counts by name and address together, this by address."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import HttpRequest

from backoffice import clock
from backoffice.middleware import client_address


class AddressThrottle(BaseBackend):
    """Refuses every log-in from an address with too many failures within the pause; knows no user itself."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Return None (ask the next backend) or refuse with PermissionDenied."""
        from axes.models import AccessAttempt

        if request is None:
            return
        since = clock.now() - settings.AXES_COOLOFF_TIME
        attempts = AccessAttempt.objects.filter(ip_address=client_address(request), attempt_time__gte=since)
        failures = attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
        if failures >= settings.LOGIN_FAILURES_PER_ADDRESS:
            raise PermissionDenied
