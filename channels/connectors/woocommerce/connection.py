"""The first call to a store: who answers, in which currency, and whether the key may write."""

from __future__ import annotations

from typing import Any

from channels.connectors.base import ConnectorError, ShopIdentity
from channels.connectors.woocommerce.client import StoreClient, server_time, shop_key
from channels.connectors.woocommerce.reading import Raw, number, text


def identify(client: StoreClient) -> ShopIdentity:
    """Ask the store who it is. Raises ConnectorError when the key is not let in or the address is no store."""
    response = client.send("GET", "orders", {"per_page": 1, "_fields": "id"})
    missing, warnings = [], []
    if not _may_write(client):
        missing.append("write")
    settings = _settings(client)
    if not settings:
        missing.append("settings")
    site = _site(client)
    if client.root.startswith("http:"):
        warnings.append("the store is called over plain http: anyone on the way can read the orders")
    home = text(site, "home") or text(site, "url") or client.root
    if shop_key(home) != shop_key(client.root):
        warnings.append(f"the store calls itself {shop_key(home)}")
    country = settings.get("woocommerce_default_country", "").partition(":")[0]
    return ShopIdentity(
        external_id=shop_key(home),
        name=text(site, "name") or shop_key(home),
        currency=settings.get("woocommerce_currency", "") or _currency(client),
        timezone=_zone(site),
        country=country.upper(),
        missing_permissions=tuple(missing),
        warnings=tuple(warnings),
        server_time=server_time(response),
    )


def _may_write(client: StoreClient) -> bool:
    """An empty batch changes nothing, and is refused to a key that may only read."""
    try:
        client.write("POST", "products/batch", {"update": []})
    except ConnectorError as error:
        if error.code in {"read_only", "forbidden"} or error.auth:
            return False
        raise
    return True


def _settings(client: StoreClient) -> dict[str, str]:
    """The general settings by name; empty when the key's user may not read them."""
    rows = _unless_forbidden(client, "settings/general")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {text(row, "id"): text(row, "value") for row in found}


def _currency(client: StoreClient) -> str:
    row = _unless_forbidden(client, "data/currencies/current")
    return text(row, "code") if isinstance(row, dict) else ""


def _unless_forbidden(client: StoreClient, path: str) -> Any:
    try:
        return client.get(path)
    except ConnectorError as error:
        if error.auth or error.code in {"forbidden", "not_found", "no_api"}:
            return None
        raise


def _site(client: StoreClient) -> Raw:
    """The site's own index tells its name and clock; some sites hide it from strangers."""
    try:
        site = client.get_public("/wp-json/")
    except ConnectorError:
        return {}
    return site if isinstance(site, dict) else {}


def _zone(site: Raw) -> str:
    """The IANA name, or the fixed offset of a site that has none."""
    if text(site, "timezone_string"):
        return text(site, "timezone_string")
    offset = number(site.get("gmt_offset"))
    if offset is None:
        return ""
    minutes = abs(int(offset * 60))
    return f"UTC{'-' if offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
