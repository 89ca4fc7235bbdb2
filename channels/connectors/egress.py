"""Where a connector may connect to: the house's guard, refusing with the connectors' own error."""

from __future__ import annotations

from backoffice import egress
from backoffice.egress import Address, Resolver, Target, is_public, system_resolver
from channels.connectors.base import ConnectorError

__all__ = ["Address", "Guard", "Resolver", "Target", "is_public", "system_resolver"]


class Guard(egress.Guard):
    """Raises ConnectorError: "egress" and "egress_http" (permanent), "dns" (passing)."""

    error = ConnectorError
