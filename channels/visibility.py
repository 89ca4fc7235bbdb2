"""Who sees which rows of channels: those of the shops they may see."""

from __future__ import annotations

from channels import models
from inventory import access


def register() -> None:
    """Tell inventory.access where each model keeps its shop."""
    access.register(models.Account, shop="shop")
    for model in (
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
    ):
        access.register(model, shop="account__shop")
    for model in (models.ListingMatch, models.ListingTerm, models.ListingClaim, models.PlatformObservation):
        access.register(model, shop="listing__account__shop")
