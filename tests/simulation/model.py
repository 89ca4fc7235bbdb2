"""What must be true, worked out from what happened with plain dictionaries; nothing of the product is asked or used.

The model follows the goods (what came, was counted, left and came home), the wishes of the buyers, and what each shop
must therefore show. Only where one of several warehouses was chosen does it take the product's word, and checks that
the choice was allowed.
"""

from collections import defaultdict
from math import floor


class Model:
    """Goods, orders and figures by names. Quantities are whole pieces."""

    def __init__(self, shops, parts, packs):
        self.shops = shops  # shop → tuple of warehouses it sells from
        self.parts = parts  # bundle → {part: pieces}
        self.packs = packs  # (shop, listing) → (SKU or None, pieces in a unit)
        self.on_hand = defaultdict(int)  # (sku, warehouse) → pieces
        self.policy = {}  # (shop or None, sku or None) → {"buffer", "cap", "share", "stop_below", "paused"}
        self.orders = {}  # (shop, order) → {"lines": {id: (listing, wanted)}, "cancelled", "ours"}
        self.shipped = defaultdict(int)  # (shop, order, line) → units

    # --- goods ---------------------------------------------------------------------------------------------------

    def came(self, sku, warehouse, pieces):
        """Goods came in (or, below zero, went)."""
        self.on_hand[sku, warehouse] += pieces

    def counted(self, sku, warehouse, pieces):
        """A count found so many."""
        self.on_hand[sku, warehouse] = pieces

    def left(self, shop, order, line, units, goods, *, strict=True):
        """Units of a line were sent; `goods` is [(sku, warehouse, pieces)] as the parcel says.

        A parcel sent on the platform (not strict) may have left without goods on our shelves.
        """
        made_of, found = self.pieces(shop, self.orders[shop, order]["lines"][line][0], units), sum_by_sku(goods)
        assert found == made_of if strict else all(found[sku] <= made_of[sku] for sku in found), (order, line, goods)
        for sku, warehouse, pieces in goods:
            assert warehouse in self.shops[shop], f"{order} was sent from {warehouse}"
            self.came(sku, warehouse, -pieces)
        self.shipped[shop, order, line] += units

    def pieces(self, shop, listing, units):
        """The stocked pieces that units of a listing are made of."""
        sku, per = self.packs[shop, listing]
        if sku is None or sku.startswith("V"):
            return {}
        made_of = self.parts.get(sku, {sku: 1})
        return {part: count * units * per for part, count in made_of.items() if units}

    # --- wishes --------------------------------------------------------------------------------------------------

    def heard(self, shop, document):
        """The product has been given this version of an order (the newest so far)."""
        known = self._known(shop, document["id"])
        known["lines"] = {row["id"]: (row["listing"], row["quantity"]) for row in document["lines"]}
        known["cancelled"] = document["status"] == "cancelled"

    def cancelled_by_us(self, shop, order):
        """A clerk cancelled it."""
        self._known(shop, order)["ours"] = True

    def told_by_parcel(self, shop, order, line, listing, wanted):
        """A parcel left before the model heard of its order: what it held stands in for that until the next quiet."""
        self._known(shop, order)["lines"].setdefault(line, (listing, wanted))

    def _known(self, shop, order):
        return self.orders.setdefault((shop, order), {"lines": {}, "cancelled": False, "ours": False})

    def committed(self):
        """Pieces by SKU that buyers are still to get."""
        total = defaultdict(int)
        for (shop, order), known in self.orders.items():
            if known["ours"]:
                continue
            for line, (listing, wanted) in known["lines"].items():
                left = max(0, wanted - self.shipped[shop, order, line])
                for sku, pieces in self.pieces(shop, listing, left).items():
                    total[sku] += pieces
        return total

    def total(self, sku):
        """Pieces of a SKU in all places."""
        return sum(pieces for (code, _place), pieces in self.on_hand.items() if code == sku)

    # --- figures -------------------------------------------------------------------------------------------------

    def figure(self, shop, sku, promised):
        """Pieces of a SKU that a shop may show; `promised` is {(sku, warehouse): pieces} wanted or reserved there."""
        policy = self.policy_of(shop, sku)
        if self.paused(shop, sku):
            return 0
        free = self._free(shop, sku, promised)
        shown = max(free - policy["buffer"], min(free, 0))
        shown = shown * policy["share"] if shown > 0 else shown
        if shown < policy["stop_below"]:
            return 0
        if policy["cap"] is not None:
            shown = min(shown, policy["cap"])
        return max(0, floor(shown))

    def shares(self, shop, listing, promised, locations, places):
        """What each location of a listing must show, or None where nothing is published.

        One location shows the whole shop; of several, each shows its own warehouse, filled in the shop's order.
        """
        sku, per = self.packs[shop, listing]
        if sku is None or sku.startswith("V"):
            return None
        total = self.figure(shop, sku, promised)
        if len(locations) == 1:
            return {locations[0]: total // per}
        made_of, rest, shown = self.parts.get(sku, {sku: 1}), total, {}
        for location, place in zip(locations, places, strict=True):
            there = min(
                max(0, self.on_hand[part, place] - promised[part, place]) // count for part, count in made_of.items()
            )
            shown[location] = min(there, rest)
            rest -= shown[location]
        shown[locations[0]] += rest
        return {location: pieces // per for location, pieces in shown.items()}

    def policy_of(self, shop, sku):
        """The most specific policy."""
        keys = [(shop, sku), (None, sku), (shop, None), (None, None)]
        plain = {"buffer": 0, "share": 1, "cap": None, "stop_below": 0, "paused": False}
        return next((self.policy[key] for key in keys if key in self.policy), plain)

    def paused(self, shop, sku):
        """Any pause that touches the SKU or, for a bundle, one of its parts."""
        touched = {None, sku, *self.parts.get(sku, ())}
        return any(
            row["paused"] for (where, what), row in self.policy.items() if where in (None, shop) and what in touched
        )

    def _free(self, shop, sku, promised):
        made_of = self.parts.get(sku, {sku: 1})
        places = self.shops[shop]
        free = {
            (part, place): self.on_hand[part, place] - promised.get((part, place), 0)
            for part in made_of
            for place in places
        }
        in_all = {part: sum(free[part, place] for place in places) for part in made_of}
        if sku not in self.parts:
            return in_all[sku]
        together = sum(min(max(free[part, place], 0) // per for part, per in made_of.items()) for place in places)
        return max(0, min(together, *(in_all[part] // per for part, per in made_of.items())))


def sum_by_sku(goods):
    """Add up [(sku, warehouse, pieces)] by SKU."""
    total = defaultdict(int)
    for sku, _warehouse, pieces in goods:
        total[sku] += pieces
    return dict(total)
