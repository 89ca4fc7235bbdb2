"""The routes of orders, their notes and refunds, and of coupons."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from channels.sandbox.woocommerce.catalogue import own_link
from channels.sandbox.woocommerce.lists import as_id, filtered, ordered, run_batch
from channels.sandbox.woocommerce.ordering import Ordering
from channels.sandbox.woocommerce.rest import PREFIX, Answer, Handlers, Request, RestError, paged
from channels.sandbox.woocommerce.shop import Row, Shop, fixed
from channels.sandbox.woocommerce.showing import Showing

ORDERS = "/wc/v3/orders"
ONE = r"/wc/v3/orders/(?P<id>[\d]+)"
INNER = r"/wc/v3/orders/(?P<order_id>[\d]+)"


class OrderEndpoints:
    """Answers calls about orders."""

    def __init__(self, shop: Shop, ordering: Ordering) -> None:
        self.shop, self.ordering, self.showing = shop, ordering, Showing(ordering)

    def table(self) -> Handlers:
        """The handlers by route and method."""
        return {
            (ORDERS, "GET"): self.list_orders,
            (ORDERS, "POST"): self.create_order,
            (ONE, "GET"): self.get_order,
            (ONE, "EDIT"): self.update_order,
            (ONE, "POST"): self.update_order,
            (ONE, "DELETE"): self.delete_order,
            (f"{ORDERS}/batch", "POST"): self.batch_orders,
            (f"{ORDERS}/batch", "EDIT"): self.batch_orders,
            (f"{ORDERS}/statuses", "GET"): self.order_statuses,
            (f"{INNER}/notes", "GET"): self.list_notes,
            (f"{INNER}/notes", "POST"): self.create_note,
            (f"{INNER}/refunds", "GET"): self.list_refunds,
            (f"{INNER}/refunds", "POST"): self.create_refund,
            ("/wc/v3/refunds", "GET"): self.all_refunds,
            ("/wc/v3/coupons", "GET"): self.list_coupons,
            ("/wc/v3/coupons", "POST"): self.create_coupon,
        }

    # --- orders ---

    def list_orders(self, request: Request, parts: dict[str, str]) -> Answer:
        """Orders; "any" leaves the trash and unregistered statuses out."""
        asked = request.params
        wanted = asked.get("status") or ["any"]
        names = set(self.shop.statuses) if "any" in wanted else {status.removeprefix("wc-") for status in wanted}
        rows = [row for row in self.ordering.rows.values() if row["status"] in names]
        for name in ("customer", "product"):
            if asked.get(name) is not None:
                rows = [row for row in rows if belongs(row, name, asked[name])]
        rows = ordered(filtered(self.shop, rows, asked), asked)
        found, headers = paged(request, rows, {"status[0]": wanted[0], "dp": 2, "context": "view"})
        return Answer([self.showing.order(row, request.base) for row in found], headers=headers)

    def create_order(self, request: Request, parts: dict[str, str]) -> Answer:
        """Make an order."""
        row = self.ordering.create(request.params)
        place = f"{request.base}{PREFIX}/wc/v3/orders/{row['id']}"
        return Answer(self.showing.order(row, request.base), 201, {"Location": place})

    def get_order(self, request: Request, parts: dict[str, str]) -> Answer:
        """One order, also from the trash."""
        return Answer(self.showing.order(self.ordering.get(int(parts["id"])), request.base))

    def update_order(self, request: Request, parts: dict[str, str]) -> Answer:
        """Change an order."""
        row = self.ordering.get(int(parts["id"]))
        given = {name: value for name, value in request.params.items() if name in {**request.query, **request.body}}
        return Answer(self.showing.order(self.ordering.update(row, given), request.base))

    def delete_order(self, request: Request, parts: dict[str, str]) -> Answer:
        """Trash an order or delete it; the answer shows it as it was."""
        row = self.ordering.get(int(parts["id"]))
        shown = json.loads(json.dumps(self.showing.order(row, request.base)))
        if request.params.get("force"):
            self.ordering.delete(row)
        else:
            self.ordering.trash(row)
        return Answer(shown)

    def batch_orders(self, request: Request, parts: dict[str, str]) -> Answer:
        """Many orders in one call."""

        def update(item: Row) -> Row:
            row = self.ordering.rows.get(as_id(item))
            if row is None:
                raise RestError("woocommerce_rest_shop_order_invalid_id", "ID is invalid.", 400)
            return self.showing.order(self.ordering.update(row, item), request.base)

        def create(item: Row) -> Row:
            return self.showing.order(self.ordering.create(item), request.base)

        def delete(item: Row) -> Row:
            row = self.ordering.get(as_id(item))
            shown = self.showing.order(row, request.base)
            self.ordering.delete(row)
            return shown

        return run_batch(request.body, create=create, update=update, delete=delete)

    def order_statuses(self, request: Request, parts: dict[str, str]) -> Answer:
        """The statuses, plugins' own included."""
        return Answer([{"slug": key, "name": name} for key, name in self.shop.statuses.items()])

    # --- notes and refunds ---

    def list_notes(self, request: Request, parts: dict[str, str]) -> Answer:
        """The notes of an order, newest first."""
        order, kind = self._order_of(parts), request.params.get("type") or "any"
        rows = self.ordering.notes(order["id"])
        rows = [row for row in rows if kind == "any" or row["customer_note"] == (kind == "customer")]
        return Answer([self.showing.note(row, request.base) for row in rows])

    def create_note(self, request: Request, parts: dict[str, str]) -> Answer:
        """Add a note to an order."""
        order = self._order_of(parts)
        row = self.ordering.note(
            order["id"], request.params["note"], to_buyer=bool(request.params.get("customer_note"))
        )
        place = f"{request.base}{PREFIX}/wc/v3/orders/{order['id']}/notes/{row['id']}"
        return Answer(self.showing.note(row, request.base), 201, {"Location": place})

    def list_refunds(self, request: Request, parts: dict[str, str]) -> Answer:
        """The refunds of an order."""
        rows = ordered(self.ordering.refunds(self._order_of(parts)["id"]), request.params)
        found, headers = paged(request, rows, {})
        return Answer([self.showing.refund(row, request.base) for row in found], headers=headers)

    def create_refund(self, request: Request, parts: dict[str, str]) -> Answer:
        """Refund an order."""
        order = self._order_of(parts)
        row = self.ordering.refund(order, request.params)
        # A real store's Location holds the route's pattern instead of the order's number.
        place = rf"{request.base}{PREFIX}/wc/v3/orders/(?P<order_id>[\d]+)/refunds/{row['id']}"
        return Answer(self.showing.refund(row, request.base), 201, {"Location": place})

    def all_refunds(self, request: Request, parts: dict[str, str]) -> Answer:
        """All refunds of the shop."""
        found, headers = paged(request, ordered(list(self.shop["refunds"].values()), request.params), {})
        return Answer([self.showing.refund(row, request.base, with_parent=True) for row in found], headers=headers)

    def _order_of(self, parts: Mapping[str, str]) -> Row:
        row = self.ordering.rows.get(int(parts["order_id"]))
        if row is None:
            raise RestError("woocommerce_rest_order_invalid_id", "Invalid order ID.", 404)
        return row

    # --- coupons ---

    def list_coupons(self, request: Request, parts: dict[str, str]) -> Answer:
        """The coupons."""
        found, headers = paged(request, sorted(self.shop["coupons"].values(), key=lambda row: -row["id"]), {})
        return Answer([self._coupon(row, request) for row in found], headers=headers)

    def create_coupon(self, request: Request, parts: dict[str, str]) -> Answer:
        """Make a coupon."""
        number, now = self.shop.next_id("post"), self.shop.now()
        row = {
            "id": number,
            "code": str(request.params.get("code", "")).lower(),
            "amount": str(request.params.get("amount") or "0"),
            "discount_type": request.params.get("discount_type") or "fixed_cart",
            "created": now,
            "modified": now,
        }
        self.shop["coupons"][number] = row
        self.shop.touch()
        place = f"{request.base}{PREFIX}/wc/v3/coupons/{number}"
        return Answer(self._coupon(row, request), 201, {"Location": place})

    def _coupon(self, row: Row, request: Request) -> Row:
        place, local = f"{request.base}{PREFIX}/wc/v3/coupons", self.shop.local
        lists = ("product_ids", "excluded_product_ids", "product_categories", "excluded_product_categories")
        nothing = ("usage_limit", "usage_limit_per_user", "limit_usage_to_x_items", "date_expires", "date_expires_gmt")
        return {
            "id": row["id"],
            "code": row["code"],
            "amount": fixed(Decimal(row["amount"])),
            "status": "publish",
            "date_created": local(row["created"]),
            "date_created_gmt": row["created"],
            "date_modified": local(row["modified"]),
            "date_modified_gmt": row["modified"],
            "discount_type": row["discount_type"],
            "description": "",
            "usage_count": 0,
            "individual_use": False,
            **{name: [] for name in (*lists, "email_restrictions", "used_by", "meta_data")},
            **dict.fromkeys(nothing),
            "free_shipping": False,
            "exclude_sale_items": False,
            "minimum_amount": "0.00",
            "maximum_amount": "0.00",
            "_links": {"self": [own_link(f"{place}/{row['id']}")], "collection": [{"href": place}]},
        }


def belongs(row: Row, name: str, number: int) -> bool:
    if name == "customer":
        return bool(row["customer_id"] == number)
    return any(number in {line["product_id"], line["variation_id"]} for line in row["line_items"])
