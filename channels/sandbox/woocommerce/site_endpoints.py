"""The routes of the site itself: index, settings, countries, webhooks."""

from __future__ import annotations

from channels.sandbox.woocommerce.catalogue import own_link
from channels.sandbox.woocommerce.lists import ordered
from channels.sandbox.woocommerce.rest import METHODS, PREFIX, ROUTES, Answer, Handlers, Request, RestError, paged
from channels.sandbox.woocommerce.shop import Shop
from channels.sandbox.woocommerce.webhooks import Webhooks

COUNTRIES = {"CN": "China", "DE": "Germany", "FR": "France", "GB": "United Kingdom (UK)", "US": "United States (US)"}
WEBHOOK = r"/wc/v3/webhooks/(?P<id>[\d]+)"


class SiteEndpoints:
    """Answers calls about the store and its webhooks."""

    def __init__(self, shop: Shop, webhooks: Webhooks) -> None:
        self.shop, self.webhooks = shop, webhooks

    def table(self) -> Handlers:
        """The handlers by route and method."""
        return {
            ("/wc/v3", "GET"): self.index,
            (r"/wc/v3/data/countries/(?P<location>[\w-]+)", "GET"): self.country,
            ("/wc/v3/data/currencies/current", "GET"): self.currency,
            (r"/wc/v3/settings/(?P<group_id>[\w-]+)", "GET"): self.settings,
            ("/wc/v3/webhooks", "GET"): self.list_webhooks,
            ("/wc/v3/webhooks", "POST"): self.create_webhook,
            (WEBHOOK, "GET"): self.get_webhook,
            (WEBHOOK, "EDIT"): self.update_webhook,
            (WEBHOOK, "POST"): self.update_webhook,
            (WEBHOOK, "DELETE"): self.delete_webhook,
        }

    # --- the site ---

    def index(self, request: Request, parts: dict[str, str]) -> Answer:
        """The routes and their parameters."""
        routes = {
            route: {
                "namespace": "wc/v3",
                "methods": sorted({method for e in endpoints for method in e["methods"]}, key=METHODS.index),
                "endpoints": endpoints,
            }
            for route, endpoints in ROUTES.items()
        }
        links = {"up": [{"href": f"{request.base}{PREFIX}/"}]}
        return Answer({"namespace": "wc/v3", "routes": routes, "_links": links})

    def site(self, request: Request) -> Answer:
        """WordPress's own index, open to everybody."""
        zone = self.shop.site["timezone"]
        return Answer(
            {
                "name": self.shop.site["name"],
                "description": "",
                "url": request.base,
                "home": request.base,
                "gmt_offset": self._offset(),
                "timezone_string": zone,
                "namespaces": ["oembed/1.0", "wc/v3", "wp/v2"],
                "authentication": [],
                "routes": {},
            }
        )

    def _offset(self) -> float:
        now = self.shop.clock().astimezone(self.shop.zone)
        offset = now.utcoffset()
        return offset.total_seconds() / 3600 if offset else 0

    def settings(self, request: Request, parts: dict[str, str]) -> Answer:
        """The general settings."""
        if parts["group_id"] != "general":
            raise RestError("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
        site, place = self.shop.site, f"{request.base}{PREFIX}/wc/v3/settings/general"
        values = {"woocommerce_default_country": site["country"], "woocommerce_currency": site["currency"]}
        rows = [
            {
                "id": name,
                "label": name,
                "description": "",
                "type": "select",
                "default": "",
                "tip": "",
                "value": value,
                "options": {value: value},
                "group_id": "general",
                "_links": {"self": [{"href": f"{place}/{name}"}], "collection": [{"href": place}]},
            }
            for name, value in values.items()
        ]
        return Answer(rows)

    def currency(self, request: Request, parts: dict[str, str]) -> Answer:
        """The shop's currency."""
        site, place = self.shop.site, f"{request.base}{PREFIX}/wc/v3/data/currencies"
        links = {"self": [{"href": f"{place}/{site['currency']}"}], "collection": [{"href": place}]}
        code = site["currency"]
        return Answer({"code": code, "name": code, "symbol": site["currency_symbol"], "_links": links})

    def country(self, request: Request, parts: dict[str, str]) -> Answer:
        """A country by its code."""
        code = parts["location"].upper()
        if code not in COUNTRIES:
            raise RestError(
                "woocommerce_rest_data_invalid_location", "There are no locations matching these parameters.", 404
            )
        place = f"{request.base}{PREFIX}/wc/v3/data/countries"
        own = own_link(f"{place}/{code.lower()}", ["GET"])
        links = {"self": [own], "collection": [{"href": place}]}
        return Answer({"code": code, "name": COUNTRIES[code], "states": [], "_links": links})

    # --- webhooks ---

    def list_webhooks(self, request: Request, parts: dict[str, str]) -> Answer:
        """The webhooks."""
        status = request.params.get("status") or "all"
        rows = [row for row in self.webhooks.rows.values() if status in {"all", row["status"]}]
        found, headers = paged(request, ordered(rows, request.params), {})
        return Answer([self.webhooks.shown(row, request.base) for row in found], headers=headers)

    def create_webhook(self, request: Request, parts: dict[str, str]) -> Answer:
        """Make a webhook."""
        row = self.webhooks.create(request.params)
        place = f"{request.base}{PREFIX}/wc/v3/webhooks/{row['id']}"
        return Answer(self.webhooks.shown(row, request.base), 201, {"Location": place})

    def get_webhook(self, request: Request, parts: dict[str, str]) -> Answer:
        """One webhook."""
        return Answer(self.webhooks.shown(self.webhooks.get(int(parts["id"])), request.base))

    def update_webhook(self, request: Request, parts: dict[str, str]) -> Answer:
        """Change a webhook."""
        row = self.webhooks.get(int(parts["id"]))
        return Answer(self.webhooks.shown(self.webhooks.update(row, request.body), request.base))

    def delete_webhook(self, request: Request, parts: dict[str, str]) -> Answer:
        """Delete a webhook; there is no trash for it."""
        row = self.webhooks.get(int(parts["id"]))
        if not request.params.get("force"):
            raise RestError("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
        del self.webhooks.rows[row["id"]]
        self.shop.touch()
        return Answer(self.webhooks.shown(row, request.base))
