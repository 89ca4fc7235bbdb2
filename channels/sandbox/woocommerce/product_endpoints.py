"""The routes of products, variations and attributes."""

from __future__ import annotations

from channels.sandbox.woocommerce.catalogue import Catalogue, own_link
from channels.sandbox.woocommerce.lists import as_id, filtered, of_status, ordered, run_batch
from channels.sandbox.woocommerce.rest import PREFIX, Answer, Handlers, Request, RestError, paged
from channels.sandbox.woocommerce.shop import Row, Shop

ONE = r"/wc/v3/products/(?P<id>[\d]+)"
VARIATIONS = r"/wc/v3/products/(?P<product_id>[\d]+)/variations"
VARIATION = VARIATIONS + r"/(?P<id>[\d]+)"


class ProductEndpoints:
    """Answers calls about goods."""

    def __init__(self, shop: Shop, catalogue: Catalogue) -> None:
        self.shop, self.catalogue = shop, catalogue

    def table(self) -> Handlers:
        """The handlers by route and method."""
        return {
            ("/wc/v3/products", "GET"): self.list_products,
            ("/wc/v3/products", "POST"): self.create_product,
            (ONE, "GET"): self.get_product,
            (ONE, "EDIT"): self.update_product,
            (ONE, "POST"): self.update_product,
            (ONE, "DELETE"): self.delete_product,
            ("/wc/v3/products/batch", "POST"): self.batch_products,
            ("/wc/v3/products/batch", "EDIT"): self.batch_products,
            (VARIATIONS, "GET"): self.list_variations,
            (VARIATIONS, "POST"): self.create_variation,
            (VARIATION, "GET"): self.get_variation,
            (VARIATION, "EDIT"): self.update_variation,
            (VARIATION, "POST"): self.update_variation,
            (VARIATION, "DELETE"): self.delete_variation,
            (f"{VARIATIONS}/batch", "POST"): self.batch_variations,
            (f"{VARIATIONS}/batch", "EDIT"): self.batch_variations,
            ("/wc/v3/products/attributes", "GET"): self.list_attributes,
            ("/wc/v3/products/attributes", "POST"): self.create_attribute,
        }

    # --- products ---

    def list_products(self, request: Request, parts: dict[str, str]) -> Answer:
        """Products; a search by SKU finds variations too, and by the SKU "0" everything."""
        asked = request.params
        skus = [sku.strip() for sku in str(asked.get("sku") or "").split(",") if sku.strip()]
        by_sku = bool(skus) and asked.get("sku") != "0"
        rows = [row for row in self.catalogue.rows.values() if by_sku or row["type"] != "variation"]
        if by_sku:
            rows = [row for row in rows if row["sku"] in skus]
        if asked.get("type"):
            rows = [row for row in rows if row["type"] == asked["type"]]
        if asked.get("stock_status"):
            rows = [row for row in rows if row["stock_status"] == asked["stock_status"]]
        rows = of_status(filtered(self.shop, rows, asked), asked.get("status"))
        found, headers = paged(request, ordered(rows, asked), {})
        return Answer([self.catalogue.shown(row, request.base) for row in found], headers=headers)

    def create_product(self, request: Request, parts: dict[str, str]) -> Answer:
        """Make a product."""
        row = self.catalogue.create(request.params)
        place = f"{request.base}{PREFIX}/wc/v3/products/{row['id']}"
        return Answer(self.catalogue.shown(row, request.base, edit=True), 201, {"Location": place})

    def get_product(self, request: Request, parts: dict[str, str]) -> Answer:
        """One product."""
        return Answer(self.catalogue.shown(self.catalogue.get(int(parts["id"])), request.base))

    def update_product(self, request: Request, parts: dict[str, str]) -> Answer:
        """Change a product; a variation must be changed below its parent."""
        given = {**request.query, **request.body}
        checked = {name: value for name, value in request.params.items() if name in given}
        row = self._own_product(int(parts["id"]))
        return Answer(self.catalogue.shown(self.catalogue.update(row, checked), request.base, edit=True))

    def delete_product(self, request: Request, parts: dict[str, str]) -> Answer:
        """Trash a product or delete it."""
        row = self._own_product(int(parts["id"]))
        shown = self.catalogue.shown(row, request.base)
        self.catalogue.delete(row, force=bool(request.params.get("force")))
        return Answer(shown)

    def batch_products(self, request: Request, parts: dict[str, str]) -> Answer:
        """Many products in one call."""

        def update(item: Row) -> Row:
            row = self._own_product(as_id(item), status=400)
            return self.catalogue.shown(self.catalogue.update(row, item), request.base, edit=True)

        def create(item: Row) -> Row:
            return self.catalogue.shown(self.catalogue.create(item), request.base, edit=True)

        def delete(item: Row) -> Row:
            row = self._own_product(as_id(item), status=400)
            shown = self.catalogue.shown(row, request.base)
            self.catalogue.delete(row, force=True)
            return shown

        return run_batch(request.body, create=create, update=update, delete=delete)

    def _own_product(self, number: int, status: int = 404) -> Row:
        row = self.catalogue.rows.get(number)
        if row is None:
            raise RestError("woocommerce_rest_product_invalid_id", "Invalid ID.", status)
        if row["type"] == "variation":
            message = (
                "To manipulate product variations you should use the "
                "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
            )
            raise RestError("woocommerce_rest_invalid_product_id", message, 404)
        return row

    # --- variations ---

    def list_variations(self, request: Request, parts: dict[str, str]) -> Answer:
        """The variations of a product."""
        parent = self.catalogue.get(int(parts["product_id"]))
        rows = of_status([self.catalogue.rows[number] for number in parent["variations"]], request.params.get("status"))
        rows = ordered(filtered(self.shop, rows, request.params), request.params)
        found, headers = paged(request, rows, {})
        return Answer([self._variation(row, request) for row in found], headers=headers)

    def create_variation(self, request: Request, parts: dict[str, str]) -> Answer:
        """Make a variation."""
        parent = self.catalogue.get(int(parts["product_id"]))
        row = self.catalogue.create(request.params, parent=parent)
        place = f"{request.base}{PREFIX}/wc/v3/products/{parent['id']}/variations/{row['id']}"
        return Answer(self._variation(row, request, edit=True), 201, {"Location": place})

    def get_variation(self, request: Request, parts: dict[str, str]) -> Answer:
        """One variation."""
        row = self.catalogue.variation(int(parts["product_id"]), int(parts["id"]))
        return Answer(self._variation(row, request))

    def update_variation(self, request: Request, parts: dict[str, str]) -> Answer:
        """Change a variation."""
        row = self.catalogue.variation(int(parts["product_id"]), int(parts["id"]))
        given = {**request.query, **request.body}
        checked = {name: value for name, value in request.params.items() if name in given}
        return Answer(self._variation(self.catalogue.update(row, checked), request, edit=True))

    def delete_variation(self, request: Request, parts: dict[str, str]) -> Answer:
        """Delete a variation."""
        row = self.catalogue.variation(int(parts["product_id"]), int(parts["id"]))
        shown = self._variation(row, request)
        self.catalogue.delete(row, force=True)
        return Answer(shown)

    def batch_variations(self, request: Request, parts: dict[str, str]) -> Answer:
        """Many variations of one product in one call."""
        parent = self.catalogue.get(int(parts["product_id"]))

        def update(item: Row) -> Row:
            row = self.catalogue.variation(parent["id"], as_id(item))
            return self._variation(self.catalogue.update(row, item), request, edit=True)

        def create(item: Row) -> Row:
            return self._variation(self.catalogue.create(item, parent=parent), request, edit=True)

        def delete(item: Row) -> Row:
            row = self.catalogue.variation(parent["id"], as_id(item))
            shown = self._variation(row, request)
            self.catalogue.delete(row, force=True)
            return shown

        return run_batch(request.body, create=create, update=update, delete=delete)

    def _variation(self, row: Row, request: Request, *, edit: bool = False) -> Row:
        return self.catalogue.shown(row, request.base, edit=edit, as_variation=True)

    # --- attributes and coupons ---

    def list_attributes(self, request: Request, parts: dict[str, str]) -> Answer:
        """The global attributes."""
        return Answer([self._attribute(row, request) for row in self.shop["attributes"].values()])

    def create_attribute(self, request: Request, parts: dict[str, str]) -> Answer:
        """Make an attribute."""
        number, name = self.shop.next_id("attribute"), request.params["name"]
        row = {"id": number, "name": name, "slug": f"pa_{request.params.get('slug') or name.lower()}"}
        self.shop["attributes"][number] = row
        self.shop.touch()
        place = f"{request.base}{PREFIX}/wc/v3/products/attributes/{number}"
        return Answer(self._attribute(row, request), 201, {"Location": place})

    def _attribute(self, row: Row, request: Request) -> Row:
        place = f"{request.base}{PREFIX}/wc/v3/products/attributes"
        links = {"self": [own_link(f"{place}/{row['id']}")], "collection": [{"href": place}]}
        return {**row, "type": "select", "order_by": "menu_order", "has_archives": False, "_links": links}
