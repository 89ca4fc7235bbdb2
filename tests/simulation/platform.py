"""A selling platform as plain dictionaries: the truth that the product is held against. It imports nothing of it.

It has what hurts in real ones: versions of an order that become visible late, clocks of whole seconds, stock that it
lowers itself at each sale and raises at a cancellation, answers that get lost before or after the deed.
"""

import copy
import datetime as dt

SECOND = dt.timedelta(seconds=1)


class Lost(Exception):
    """The call did not come back; `applied` says whether the platform did what it was asked."""

    def __init__(self, applied):
        super().__init__(f"lost {'after' if applied else 'before'} the deed")
        self.applied = applied


class Busy(Exception):
    """The platform asks us to wait so many seconds, or just fails."""

    def __init__(self, wait):
        super().__init__("busy")
        self.wait = wait


class Faults:
    """Draws a fault for a call, as often as the present weather says."""

    TABLE = {
        "orders": ("lost", "busy", "twice", "shuffled", "again", "loop", "empty"),
        "order": ("lost", "busy", "stale"),
        "listings": ("lost", "busy"),
        "read": ("lost", "busy"),
        "write": ("lost_before", "lost_after", "busy", "ignore", "reject", "partial"),
        "ship": ("lost_before", "lost_after", "busy"),
        "cancel": ("lost_before", "lost_after", "busy"),
    }

    def __init__(self, rng):
        self.rng, self.weather, self.seen = rng, 0.0, {}

    def draw(self, call):
        """Return the name of the fault that hits this call, or ""."""
        if self.rng.random() >= self.weather:
            return ""
        kind = self.rng.choice(self.TABLE[call])
        self.seen[call, kind] = self.seen.get((call, kind), 0) + 1
        return kind


class Platform:
    """One shop over there. `now` tells the time; `during(call)` lets others act while a call is on its way."""

    def __init__(self, name, rng, now, *, compares, locations=("",)):
        self.name, self.rng, self.now = name, rng, now
        self.compares, self.locations = compares, locations
        self.faults = Faults(rng)
        self.listings = {}  # id → {"sku", "barcode", "title", "price", "stock": {location: figure}}
        self.orders = {}  # id → list of versions, oldest first, each with "visible_at"
        self.parcels = {}  # order id → list of {"key", "lines", "tracking"}
        self.asked = {}  # idempotency key → what was done, for writes that repeat
        self.during = lambda call: None
        self.calls = 0
        self._number, self._cursors = 1000, 0

    # --- what sellers and buyers do ------------------------------------------------------------------------------

    def list_item(self, listing, sku, *, barcode="", price="10.00", stock=0):
        """Offer something."""
        self.listings[listing] = {
            "sku": sku,
            "barcode": barcode,
            "title": f"Item {sku}",
            "price": price,
            "stock": dict.fromkeys(self.locations, stock),
        }

    def shown(self, listing):
        """What a buyer may buy of a listing."""
        return sum(self.listings[listing]["stock"].values())

    def buy(self, wanted, *, country="CN", paid=True, note="", delay=0):
        """Place an order for {listing: pieces} if the shop shows enough; returns its id or None."""
        if any(self.shown(listing) < pieces for listing, pieces in wanted.items()):
            return None
        self._number += 1
        order = f"{self.name}-{self._number}"
        lines = [
            {
                "id": f"{order}/{place}",
                "listing": listing,
                "sku": self.listings[listing]["sku"],
                "barcode": self.listings[listing]["barcode"],
                "ordered": pieces,
                "quantity": pieces,
                "price": self.listings[listing]["price"],
            }
            for place, (listing, pieces) in enumerate(wanted.items(), start=1)
        ]
        for line in lines:
            self._take(line["listing"], line["ordered"])
        document = {
            "id": order,
            "placed": self._stamp(),
            "status": "open",
            "paid": paid,
            "note": note,
            "country": country,
            "phone": "13800001234",
            "street": f"文三路 {self._number} 号",
            "lines": lines,
            "refunds": [],
        }
        self._publish(order, document, delay)
        return order

    def latest(self, order):
        """The newest version of an order, visible or not."""
        return self.orders[order][-1]

    def change(self, order, delay=0, **fields):
        """Change fields of an order (paid, note, street)."""
        self._publish(order, {**copy.deepcopy(self.latest(order)), **fields}, delay)

    def edit(self, order, line, pieces, delay=0):
        """Set the wanted pieces of a line; the shop's own figure moves with it."""
        document = copy.deepcopy(self.latest(order))
        row = next(row for row in document["lines"] if row["id"] == line)
        more = pieces - row["quantity"]
        if more > self.shown(row["listing"]):
            return False
        self._take(row["listing"], more)
        row["quantity"] = pieces
        row["ordered"] += max(more, 0)  # what is wanted again after it was paid back is bought once more
        self._pay_back(document, row, -more)
        self._publish(order, document, delay)
        return True

    def cancel(self, order, delay=0, *, restock=True):
        """The buyer or the platform cancels everything that has not left; refused once it shipped something itself."""
        if any(one["key"].startswith("there") for one in self.parcels.get(order, ())):
            return
        document = copy.deepcopy(self.latest(order))
        sent = self.sent(order)
        for row in document["lines"]:
            left = row["quantity"] - sent.get(row["id"], 0)
            if restock:
                self._take(row["listing"], -left)
            row["quantity"] -= left
            self._pay_back(document, row, left)
        document["status"] = "cancelled"
        self._publish(order, document, delay)

    def refund(self, order, line, pieces, *, restock, delay=0):
        """Money back for goods that have left; `restock` says they came home."""
        document = copy.deepcopy(self.latest(order))
        row = next(row for row in document["lines"] if row["id"] == line)
        self._note_refund(document, row, pieces, restock=restock, left=True)
        self._publish(order, document, delay)

    def returned(self, order):
        """Pieces per line whose money went back after they had left."""
        total = {}
        for row in self.latest(order)["refunds"]:
            if row["left"]:
                total[row["line"]] = total.get(row["line"], 0) + row["pieces"]
        return total

    def _pay_back(self, document, row, pieces):
        """Pieces that were paid and are not wanted any more: their money goes back, nothing comes home."""
        if document["paid"] and pieces > 0:
            self._note_refund(document, row, pieces, restock=False, left=False)

    def _note_refund(self, document, row, pieces, *, restock, left):
        document["refunds"].append(
            {
                "id": f"{document['id']}/r{len(document['refunds']) + 1}",
                "at": self._stamp().isoformat(),
                "line": row["id"],
                "pieces": pieces,
                "price": row["price"],
                "restock": restock,
                "left": left,
            }
        )

    def ship_there(self, order, tracking):
        """Somebody sends all that is left with the platform's own labels."""
        sent = self.sent(order)
        left = [(row["id"], row["quantity"] - sent.get(row["id"], 0)) for row in self.latest(order)["lines"]]
        self._parcel(order, [(line, pieces) for line, pieces in left if pieces > 0], tracking, f"there {tracking}")

    def _parcel(self, order, lines, tracking, key):
        parcels = self.parcels.setdefault(order, [])
        parcels.append({"id": f"{order}/p{len(parcels) + 1}", "key": key, "lines": list(lines), "tracking": tracking})
        self._publish(order, copy.deepcopy(self.latest(order)), 0)

    def sent(self, order):
        """Pieces per line that the platform knows to have left."""
        total = {}
        for parcel in self.parcels.get(order, ()):
            for line, pieces in parcel["lines"]:
                total[line] = total.get(line, 0) + pieces
        return total

    def set_stock(self, listing, location, figure):
        """Somebody changes the figure over there."""
        self.listings[listing]["stock"][location] = figure

    def _take(self, listing, pieces):
        """Lower the figures, the place with most first; a negative number gives back."""
        stock = self.listings[listing]["stock"]
        while pieces > 0:
            place = max(stock, key=lambda name: stock[name])
            step = min(pieces, max(stock[place], 1))
            stock[place] -= step
            pieces -= step
        if pieces < 0:
            stock[next(iter(stock))] -= pieces

    def _publish(self, order, document, delay):
        versions = self.orders.setdefault(order, [])
        before = versions[-1]["visible_at"] if versions else self.now()
        document["updated"] = self._stamp()
        document["parcels"] = copy.deepcopy(self.parcels.get(order, []))
        document["visible_at"] = max(self.now() + dt.timedelta(seconds=delay), before)
        versions.append(document)

    def _stamp(self):
        """The platform's clock shows whole seconds."""
        return self.now().replace(microsecond=0)

    # --- what its API does ---------------------------------------------------------------------------------------

    def api_orders(self, since, cursor, size):
        """A page of (documents, next cursor), oldest first; a cursor says where its page begins and is never the same.

        Faults: an empty page, the same page again, rows twice or out of order, a cursor that leads back to itself.
        """
        fault = self._enter("orders")
        after = tuple(cursor.split("|")[:2]) if cursor else ("", "")
        rows = sorted((row for row in self._visible() if row["updated"] >= since), key=_key)
        rows = [row for row in rows if _key(row) > after]
        page, rest = rows[:size], rows[size:]
        following = self._cursor(*_key(page[-1])) if rest else None
        if fault == "empty":
            page, following = [], self._cursor(*after)
        if fault == "again" and page:
            following = self._cursor(*after)
        if fault == "loop" and cursor:
            following = cursor
        if fault == "twice":
            page = page + page
        if fault == "shuffled":
            self.rng.shuffle(page)
        return copy.deepcopy(page), following

    def _cursor(self, updated, order):
        self._cursors += 1
        return f"{updated}|{order}|{self._cursors}"

    def api_order(self, order):
        """The order as it stands, now and then an old copy; None when there is none yet."""
        fault = self._enter("order")
        if order not in self.orders:
            return None
        versions = self.orders[order]
        return copy.deepcopy(versions[0] if fault == "stale" else versions[-1])

    def api_listings(self):
        """All listings."""
        self._enter("listings")
        return copy.deepcopy(self.listings)

    def api_read(self, keys):
        """The figures of (listing, location), None for what is not there."""
        self._enter("read")
        return [self.listings.get(listing, {"stock": {}})["stock"].get(location) for listing, location in keys]

    def api_write(self, rows):
        """Write [(listing, location, figure, expected, key)]; returns per row (status, figure shown afterwards)."""
        fault = self._enter("write")
        if fault == "lost_before":
            raise Lost(applied=False)
        answers = [self._write(row, fault) for row in rows]
        if fault == "lost_after":
            raise Lost(applied=True)
        return answers

    def _write(self, row, fault):
        listing, location, figure, expected, key = row
        stock = self.listings.get(listing, {"stock": {}})["stock"]
        if location not in stock:
            return "gone", None
        if fault == "reject" or (fault == "partial" and self.rng.random() < 0.5):
            return "rejected", stock[location]
        if key in self.asked and self.compares:
            return self.asked[key]
        if self.compares and expected is not None and stock[location] != expected:
            return "stale", stock[location]
        if fault != "ignore":
            stock[location] = figure
        answer = ("applied" if stock[location] == figure else "ignored"), stock[location]
        self.asked[key] = answer
        return answer

    def api_ship(self, order, lines, tracking, key):
        """Record a parcel; the same key or tracking number again is the same parcel."""
        fault = self._enter("ship")
        if fault == "lost_before":
            raise Lost(applied=False)
        known = [one for one in self.parcels.get(order, ()) if one["key"] == key]
        if not known:
            left = {
                row["id"]: row["quantity"] - self.sent(order).get(row["id"], 0) for row in self.latest(order)["lines"]
            }
            if any(pieces > left.get(line, 0) for line, pieces in lines):
                return None, False
            self._parcel(order, lines, tracking, key)
        if fault == "lost_after":
            raise Lost(applied=True)
        return (known or self.parcels[order])[-1]["id"], bool(known)

    def api_cancel(self, order):
        """Cancel without giving stock back here; done already is fine."""
        fault = self._enter("cancel")
        if fault == "lost_before":
            raise Lost(applied=False)
        if self.latest(order)["status"] == "open":
            self.cancel(order, restock=False)
        if fault == "lost_after":
            raise Lost(applied=True)

    def _visible(self):
        now = self.now()
        for versions in self.orders.values():
            seen = [version for version in versions if version["visible_at"] <= now]
            if seen:
                yield seen[-1]

    def _enter(self, call):
        """Every call: others act meanwhile, then the weather strikes."""
        self.calls += 1
        self.during(call)
        fault = self.faults.draw(call)
        if fault == "lost":
            raise Lost(applied=False)
        if fault == "busy":
            raise Busy(self.rng.choice((None, 1.0, 5.0)))
        return fault


def _key(row):
    return row["updated"].isoformat(), row["id"]
