"""Which adapter speaks to which carrier, and how one is built for an account."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.calls.shared import shared_client
from backoffice.errors import YikuError
from orders.carriers.base import Capability, Carrier, CarrierConfig, RateLine
from orders.carriers.ranges import Ranges
from orders.models import CarrierAccount, CarrierRate

# A carrier is one line here; docs/carriers.md is the checklist.
ADAPTERS: dict[str, str] = {
    "practice": "orders.carriers.adapters.practice.PracticeCarrier",
    "offline": "orders.carriers.adapters.offline.OfflineCarrier",
}
LABELS = {"practice": _("Practice carrier (REST)"), "offline": _("Rate table and number ranges")}


class UnknownCarrier(YikuError):
    """No adapter of that name is installed."""

    def __init__(self, name: str) -> None:
        super().__init__("unknown_carrier", _("No carrier system “%(name)s”."), params={"name": name})


@lru_cache(maxsize=64)
def _load(path: str) -> type[Carrier]:
    module, _dot, name = path.rpartition(".")
    found: type[Carrier] = getattr(importlib.import_module(module), name)
    return found


def adapter_class(name: str) -> type[Carrier]:
    """Return an adapter. Raises UnknownCarrier."""
    if name not in ADAPTERS:
        raise UnknownCarrier(name)
    return _load(ADAPTERS[name])


def choices() -> list[tuple[str, str]]:
    """Return (name, label) of every adapter."""
    return [(name, str(LABELS.get(name) or adapter_class(name).label)) for name in ADAPTERS]


def can(account: CarrierAccount, capability: Capability) -> bool:
    """Tell whether the account's carrier can do something."""
    return capability in adapter_class(account.adapter).capabilities


def adapter_for(account: CarrierAccount, *, credentials: Mapping[str, str] | None = None) -> Carrier:
    """Build the adapter of an account; `credentials` replaces the stored ones (a test before saving).

    Raises UnknownCarrier, UnreadableSecret.
    """
    kind = adapter_class(account.adapter)
    offline = Capability.CALLS not in kind.capabilities
    config = CarrierConfig(
        account=str(account.pk or "new"),
        base_url=account.base_url,
        credentials=_secrets(account) if credentials is None else credentials,
        options=account.options or {},
        rates=rate_lines(account) if offline else (),
        numbers=Ranges(account.pk) if Capability.NUMBERS in kind.capabilities and account.pk else None,
        clock=clock.now,
    )
    return kind(config, shared_client())


def _secrets(account: CarrierAccount) -> Mapping[str, str]:
    row = getattr(account, "credential", None)
    return dict(row.secrets) if row is not None else {}


def rate_lines(account: CarrierAccount) -> Sequence[RateLine]:
    """Return the account's price table, for `orders.carriers.pricing`."""
    rows = CarrierRate.objects.filter(service__account=account, service__active=True).select_related("service")
    return [
        RateLine(
            service=row.service.code, country=row.country, region=row.region, postcode=row.postcode,
            up_to_g=row.up_to_g, price=row.price, more_per_kg=row.more_per_kg, currency=row.currency,
            days=row.service.days, most_weight_g=row.service.most_weight_g,
        )
        for row in rows
    ]  # fmt: skip
