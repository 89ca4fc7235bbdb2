"""Who sees which rows of channels: those of the shops they may see."""

from __future__ import annotations

from django.db.models import Model

from channels import models
from inventory import access

OF_ACCOUNT: tuple[type[Model], ...] = (
    models.Listing,
    models.RemoteLocation,
    models.LocationLink,
    models.PushJob,
    models.PublicationLog,
    models.PushBrake,
    models.PollRun,
    models.InboundPayload,
    models.SyncError,
    models.WebhookArrival,
    models.DriftRun,
    models.DriftFinding,
    models.OrderNotice,
    models.OrderFile,
)
OF_LISTING: tuple[type[Model], ...] = (
    models.ListingMatch,
    models.ListingTerm,
    models.ListingClaim,
    models.PlatformObservation,
)


def register() -> None:
    """Tell inventory.access where each model keeps its shop."""
    access.register(models.Account, shop="shop")
    for model in OF_ACCOUNT:
        access.register(model, shop="account__shop")
    for model in OF_LISTING:
        access.register(model, shop="listing__account__shop")
