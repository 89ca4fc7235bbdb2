"""Which connector speaks to which platform, and how one is built for an account."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice import clock
from backoffice.calls.shared import shared_client
from backoffice.errors import YikuError
from channels import budget
from channels.connectors.base import Capability, Connector, ConnectorConfig
from channels.models import Account

# A platform is one line here; docs/adding-a-connector.md is the checklist.
PLATFORMS: dict[str, str] = {
    "shopify": "channels.connectors.shopify.ShopifyConnector",
    "woocommerce": "channels.connectors.woocommerce.WooCommerceConnector",
    "files": "channels.connectors.files.FileConnector",
}


class NoCredential(YikuError):
    """The account has no secrets yet."""

    def __init__(self) -> None:
        super().__init__("no_credential", _("This account has no credentials yet. Enter them on its page."))


class UnknownPlatform(YikuError):
    """No connector of that name is installed."""

    def __init__(self, platform: str) -> None:
        super().__init__("unknown_platform", _("No connector for “%(platform)s”."), params={"platform": platform})


@lru_cache(maxsize=64)
def _load(path: str) -> type[Connector]:
    module, _dot, name = path.rpartition(".")
    found: type[Connector] = getattr(importlib.import_module(module), name)
    return found


def connector_class(platform: str) -> type[Connector]:
    """Return the connector of a platform. Raises UnknownPlatform."""
    if platform not in PLATFORMS:
        raise UnknownPlatform(platform)
    return _load(PLATFORMS[platform])


def platforms() -> list[tuple[str, str]]:
    """Return (platform, label) of every registered connector, for choices."""
    return [(name, connector_class(name).label) for name in PLATFORMS]


def can(account: Account, capability: Capability) -> bool:
    """Tell whether the account's platform can do something."""
    return capability in connector_class(account.platform).capabilities


def connector_for(account: Account, *, credentials: Mapping[str, str] | None = None) -> Connector:
    """Build the connector of an account; its calls keep to the account's budget, waits and breaker.

    `credentials` replaces the stored ones (a test before saving). Raises NoCredential, UnreadableSecret.
    """
    kind = connector_class(account.platform)
    config = ConnectorConfig(
        account=str(account.pk or "new"),
        base_url=account.base_url,
        credentials=stored_secrets(account, kind) if credentials is None else credentials,
        options=account.options or {},
        clock=clock.now,
        sleep=time.sleep,  # short waits for points inside one call; longer ones come back as retry_after
    )
    client = shared_client()
    return kind(config, budget.BudgetedClient(client, account.pk, account.options or {}) if account.pk else client)


def parser_for(account: Account) -> Connector:
    """Build a connector that only parses: no secret is read and every call is refused."""
    config = ConnectorConfig(
        account=str(account.pk),
        base_url=account.base_url,
        credentials={},
        options=account.options or {},
        clock=clock.now,
    )
    return connector_class(account.platform)(config, budget.NoCalls())


def stored_secrets(account: Account, kind: type[Connector]) -> Mapping[str, str]:
    """Return the account's secrets; platforms that need none get an empty mapping."""
    credential = getattr(account, "credential", None)
    if credential is not None:
        values: dict[str, Any] = credential.secrets
        return values
    if any(field.required for field in kind.credential_fields):
        raise NoCredential
    return {}
