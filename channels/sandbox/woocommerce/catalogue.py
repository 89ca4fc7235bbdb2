"""Products and variations: how they are made, changed and shown, with a real store's habits about stock and SKUs."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from channels.sandbox.woocommerce.rest import RestError
from channels.sandbox.woocommerce.shop import Row, Shop, fixed, slug

TEXTS = (
    "name",
    "description",
    "short_description",
    "weight",
    "purchase_note",
    "global_unique_id",
    "catalog_visibility",
)
ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Changed = Callable[[str, int], None]  # told of (topic, product id)


class Catalogue:
    """The products of one shop; variations stand in the same table, with a parent."""

    def __init__(self, shop: Shop, changed: Changed) -> None:
        self.shop, self.changed = shop, changed

    @property
    def rows(self) -> dict[int, Row]:
        """All products and variations by id."""
        return self.shop["products"]

    # --- making and changing ---

    def create(self, given: Mapping[str, Any], *, parent: Row | None = None, own_id: int | None = None) -> Row:
        """Make a product, or a variation of `parent`. Raises RestError on a SKU that is taken."""
        self._check_sku(given.get("sku"), None)
        number = own_id or self.shop.next_id("post")
        self.shop.reserve_id("post", number)
        now = self.shop.now()
        row: Row = {
            "id": number,
            "type": "variation" if parent else given.get("type") or "simple",
            "parent_id": parent["id"] if parent else 0,
            "status": "publish",
            "created": now,
            "modified": now,
            "sku": "",
            "regular_price": "",
            "sale_price": "",
            "manage_stock": False,
            "stock_quantity": None,
            "stock_status": "outofstock" if given.get("type") == "variable" else "instock",
            "backorders": "no",
            "low_stock_amount": None,
            "virtual": False,
            "tax_class": "",
            "meta_data": [],
            "attributes": [],
            "variations": [],
            "total_sales": 0,
            **dict.fromkeys(TEXTS, ""),
            "catalog_visibility": "visible",
        }
        self.rows[number] = row
        if parent is not None:
            parent["variations"].append(number)
            parent["stock_status"] = "instock"
        self._apply(row, given)
        self.changed("product.created", number)
        self.shop.touch()
        return row

    def update(self, row: Row, given: Mapping[str, Any]) -> Row:
        """Change a product; every save moves its date, also one that changes nothing."""
        self._check_sku(given.get("sku"), row["id"])
        self._apply(row, given)
        self.saved(row)
        return row

    def saved(self, row: Row) -> None:
        """Move the date and tell of it."""
        row["modified"] = self.shop.now()
        self.changed("product.updated", row["id"])
        self.shop.touch()

    def delete(self, row: Row, *, force: bool) -> None:
        """Put a product into the trash, or with `force` away for good: order lines then name product 0."""
        if not force:
            row["status"] = "trash"
            self.saved(row)
            return
        for number in [row["id"], *row["variations"]]:
            self.rows.pop(number, None)
            for order in self.shop["orders"].values():
                for line in order["line_items"]:
                    if number in {line["product_id"], line["variation_id"]}:
                        line["product_id"], line["variation_id"] = 0, 0
        parent = self.rows.get(row["parent_id"])
        if parent is not None:
            parent["variations"].remove(row["id"])
        self.changed("product.deleted", row["id"])
        self.shop.touch()

    def add_stock(self, row: Row, pieces: int) -> None:
        """Move a figure up or down, as an order does; it may go below zero."""
        keeper = self.stock_keeper(row)
        if keeper is None:
            return
        self._set_quantity(keeper, (keeper["stock_quantity"] or 0) + pieces)
        self.saved(keeper)

    def stock_keeper(self, row: Row) -> Row | None:
        """Return the row whose figure counts: its own, its parent's, or nobody's."""
        if row["manage_stock"] is True:
            return row
        if self.manages(row) == "parent":
            return self.rows[row["parent_id"]]
        return None

    def manages(self, row: Row) -> bool | str:
        """Return true, false, or "parent" for a variation under a product that keeps the figure for all of them."""
        if row["type"] == "variation" and row["manage_stock"] is not True:
            parent = self.rows.get(row["parent_id"])
            return "parent" if parent is not None and parent["manage_stock"] is True else False
        return bool(row["manage_stock"])

    def _check_sku(self, sku: Any, own_id: int | None) -> None:
        if not sku:
            return
        owner = next(
            (row for row in self.rows.values() if row["sku"] == str(sku).strip() and row["id"] != own_id), None
        )
        if owner is not None and owner["status"] != "trash":
            unique = f"{sku}-1"
            data = {"status": 400, "resource_id": owner["id"], "unique_sku": unique}
            raise RestError("product_invalid_sku", "Invalid or duplicated SKU.", 400, data)

    def _apply(self, row: Row, given: Mapping[str, Any]) -> None:
        for name in (*TEXTS, "status", "backorders", "low_stock_amount", "virtual", "tax_class", "attributes"):
            if name in given and given[name] is not None:
                row[name] = given[name]
        for name in ("sku", "regular_price", "sale_price"):
            if given.get(name) is not None:
                row[name] = str(given[name]).strip()
        row["attributes"] = [self._attribute(item, row) for item in row["attributes"]]
        if row["type"] != "variation" and not row["name"]:
            row["name"] = "Product"
        if "manage_stock" in given:
            row["manage_stock"] = (
                given["manage_stock"] if given["manage_stock"] == "parent" else bool(given["manage_stock"])
            )
        for item in given.get("meta_data") or ():
            put_meta(self.shop, row["meta_data"], item)
        if given.get("stock_quantity") is not None and row["manage_stock"] is True:
            # No message when stock is not managed: the real store ignores the figure as quietly.
            self._set_quantity(row, as_stock(given["stock_quantity"]))
        elif row["manage_stock"] is True and row["stock_quantity"] is None:
            self._set_quantity(row, 0)
        if row["manage_stock"] is not True:
            row["stock_quantity"] = None
            if row["type"] != "variable":
                row["stock_status"] = given.get("stock_status") or row["stock_status"]

    def _set_quantity(self, row: Row, quantity: int) -> None:
        row["stock_quantity"] = quantity
        empty = "onbackorder" if row["backorders"] != "no" else "outofstock"
        row["stock_status"] = "instock" if quantity > 0 else empty

    def _attribute(self, item: Mapping[str, Any], row: Row) -> Row:
        known = self.shop["attributes"].get(item.get("id") or 0)
        name = known["name"] if known else item.get("name", "")
        base = {"id": item.get("id") or 0, "name": name, "slug": known["slug"] if known else name}
        if row["type"] == "variation":
            return {**base, "option": str(item.get("option", ""))}
        position = item.get("position") or 0
        options = sorted(str(option) for option in item.get("options") or ())
        flags = {"visible": bool(item.get("visible")), "variation": bool(item.get("variation"))}
        return {**base, "position": position, **flags, "options": options}

    # --- finding ---

    def get(self, number: int) -> Row:
        """Return a product. Raises RestError 404."""
        row = self.rows.get(number)
        if row is None:
            raise RestError("woocommerce_rest_product_invalid_id", "Invalid ID.", 404)
        return row

    def variation(self, parent_id: int, number: int) -> Row:
        """Return a variation of a product. Raises RestError 404."""
        row = self.rows.get(number)
        if row is None or row["parent_id"] != parent_id:
            raise RestError("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", 404)
        return row

    def price(self, row: Row) -> Decimal:
        """Return what one piece costs now, as entered (with or without tax as the shop says)."""
        text = row["sale_price"] or row["regular_price"]
        if not text and row["variations"]:
            prices = [self.price(self.rows[number]) for number in row["variations"]]
            return min(prices, default=Decimal(0))
        return Decimal(text or 0)

    def full_name(self, row: Row) -> str:
        """Return "T-shirt - M" for a variation."""
        if row["type"] != "variation":
            return str(row["name"])
        return f"{self.rows[row['parent_id']]['name']} - {self.option(row)}"

    def option(self, row: Row) -> str:
        """Return what sets a variation apart: "M" or "Red, M"."""
        return ", ".join(item["option"] for item in row["attributes"])

    def code(self, row: Row, field: str = "sku") -> str:
        """Return the SKU shown: a variation without one shows its parent's."""
        own = str(row[field])
        if own or row["type"] != "variation":
            return own
        return str(self.rows[row["parent_id"]][field])

    # --- showing ---

    def shown(self, row: Row, base: str, *, edit: bool = False, as_variation: bool = False) -> Row:
        """Return the row as the API shows it; `edit` after a write, `as_variation` below its parent."""
        price, keeper = self.price(row), self.stock_keeper(row)
        quantity = keeper["stock_quantity"] if keeper else None
        common = {
            "date_created": self.shop.local(row["created"]),
            "date_created_gmt": row["created"],
            "date_modified": self.shop.local(row["modified"]),
            "date_modified_gmt": row["modified"],
            "description": row["description"],
            "permalink": self._permalink(row, base),
            "sku": self.code(row),
            "global_unique_id": row["global_unique_id"],
            "price": str(price) if price or row["regular_price"] else "",
            "regular_price": row["regular_price"],
            "sale_price": row["sale_price"],
            **dict.fromkeys(("date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt")),
            "on_sale": bool(row["sale_price"]),
            "status": row["status"],
            "purchasable": bool(row["regular_price"] or row["variations"]),
            "virtual": row["virtual"],
            "downloadable": False,
            "downloads": [],
            "download_limit": -1,
            "download_expiry": -1,
            "tax_status": "taxable",
            "tax_class": ("parent" if edit else "") if as_variation else row["tax_class"],
            "manage_stock": self.manages(row),
            "stock_quantity": quantity,
            "stock_status": keeper["stock_status"] if keeper else row["stock_status"],
            "backorders": row["backorders"],
            "backorders_allowed": row["backorders"] != "no",
            "backordered": row["backorders"] != "no" and quantity is not None and quantity < 0,
            "low_stock_amount": row["low_stock_amount"],
            "weight": row["weight"],
            "dimensions": {"length": "", "width": "", "height": ""},
            "shipping_class": "",
            "shipping_class_id": 0,
            "attributes": row["attributes"],
            "menu_order": 0,
            "meta_data": row["meta_data"],
        }
        if as_variation:
            return self._shown_variation(row, common, base)
        return self._shown_product(row, common, base, edit=edit)

    def _shown_variation(self, row: Row, common: Row, base: str) -> Row:
        place = f"{base}/wp-json/wc/v3/products/{row['parent_id']}"
        return {
            "id": row["id"],
            "type": "variation",
            **common,
            "image": None,
            "gallery_image_ids": [],
            "name": self.option(row),
            "parent_id": row["parent_id"],
            "_links": {
                "self": [own_link(f"{place}/variations/{row['id']}")],
                "collection": [{"href": f"{place}/variations"}],
                "up": [{"href": place}],
            },
        }

    def _shown_product(self, row: Row, common: Row, base: str, *, edit: bool) -> Row:
        place, variation = f"{base}/wp-json/wc/v3/products", row["type"] == "variation"
        name = self.full_name(row)
        shown = {
            "id": row["id"],
            "name": name,
            "slug": slug(name),
            "type": row["type"],
            "featured": False,
            "catalog_visibility": row["catalog_visibility"] or "visible",
            "short_description": row["short_description"],
            **common,
            "total_sales": str(row["total_sales"]) if variation else row["total_sales"],
            "external_url": "",
            "button_text": "",
            "sold_individually": False,
            "shipping_required": not row["virtual"],
            "shipping_taxable": not row["virtual"],
            "reviews_allowed": not variation,
            "average_rating": "0" if edit else "0.00",
            "rating_count": 0,
            "upsell_ids": [],
            "cross_sell_ids": [],
            "parent_id": row["parent_id"],
            "purchase_note": row["purchase_note"],
            "categories": [] if variation else [{"id": 15, "name": "Uncategorized", "slug": "uncategorized"}],
            "brands": [],
            "tags": [],
            "images": [],
            "default_attributes": [],
            "variations": row["variations"],
            "grouped_products": [],
            "price_html": self._price_html(row),
            "related_ids": [],
            "has_options": bool(row["attributes"]) and not variation,
            "post_password": "",
            "_links": {"self": [own_link(f"{place}/{row['id']}")], "collection": [{"href": place}]},
        }
        if edit:
            shown |= {"permalink_template": f"{base}/product/%pagename%/", "generated_slug": slug(name)}
        if variation:
            shown["_links"] |= {"up": [{"href": f"{place}/{row['parent_id']}"}]}
        return shown

    def _permalink(self, row: Row, base: str) -> str:
        if row["type"] != "variation":
            return f"{base}/product/{slug(row['name'])}/"
        options = "&".join(f"attribute_{item['slug']}={slug(item['option'])}" for item in row["attributes"])
        return f"{base}/product/{slug(self.rows[row['parent_id']]['name'])}/?{options}"

    def _price_html(self, row: Row) -> str:
        if not row["regular_price"]:
            return ""
        symbol = html.escape(self.shop.site["currency_symbol"])
        number = fixed(self.price(row)).replace(".", ",")
        return (
            '<span class="woocommerce-Price-amount amount"><bdi><span class="woocommerce-Price-currencySymbol" '
            f'translate="no">{symbol}</span>{number}</bdi></span>'
        )


def own_link(place: str, methods: Iterable[str] = ANY_METHOD) -> Row:
    """Return the link of a thing to itself."""
    return {"href": place, "targetHints": {"allow": list(methods)}}


def as_stock(value: Any) -> int:
    """Return a figure as PHP's intval reads it: "abc" is 0, 7.9 is 7."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return math.trunc(value) if math.isfinite(value) else 0
    found = re.match(r"\s*[+-]?\d+", str(value))
    return int(found.group()) if found else 0


def put_meta(shop: Shop, rows: list[Row], item: Mapping[str, Any]) -> None:
    """Set a meta value: by id, else the first of that key, else a new one; null takes it away."""
    key, value = str(item.get("key", "")), item.get("value")
    standing = next((row for row in rows if row["id"] == item.get("id") or row["key"] == key), None)
    if value is None:
        if standing is not None:
            rows.remove(standing)
    elif standing is not None:
        standing["value"] = value
    else:
        rows.append({"id": shop.next_id("meta"), "key": key, "value": value})
