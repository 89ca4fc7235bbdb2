"""Follow a correction through layers: what is left of the goods themselves, wherever it is, and who took the rest."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from inventory.costing.reading import Part, Receipt, carrying_on, receipts
from inventory.costing.sharing import shared_out
from inventory.models import CostLayer, LayerUse


def follow(receipt: Receipt, amount: int) -> list[Part]:
    """Return where a correction (stored integer) of a receipt is now; nothing when no layer knows the receipt."""
    layers = list(CostLayer.objects.filter(origin=receipt.key).order_by("id"))
    taken = _taken(layers)
    entries = receipts(taken)
    on = {one.key: one for one in carrying_on(taken)}
    carried = []
    for layer in layers:
        before = on.get(layer.entry_key)
        if before is not None and before.source in taken:
            pieces = int(layer.opened_quantity * 1000)
            taken[before.source] -= pieces
            carried.append(_carried(entries[before.source], layer, pieces))
    parts = [_kept(layer) for layer in layers if layer.quantity]
    parts += [_gone(entries[key], pieces) for key, pieces in taken.items() if pieces > 0 and key in entries]
    shares = shared_out(amount, [one.pieces for one in parts])
    told = [dataclasses.replace(one, amount=share) for one, share in zip(parts, shares, strict=True)]
    by_piece = [dataclasses.replace(one, amount=round(amount * one.pieces / receipt.quantity)) for one in carried]
    return [*told, *by_piece] if told else []


def _taken(layers: list[CostLayer]) -> dict[str, int]:
    """Pieces that each entry took out of these layers and that were not put back into them."""
    taken: dict[str, int] = defaultdict(int)
    uses = LayerUse.objects.filter(layer__in=[one.pk for one in layers]).order_by("id")
    for key, source, quantity in uses.values_list("entry_key", "source", "quantity"):
        taken[source or key] += int(quantity * 1000)
    return dict(taken)


def _kept(layer: CostLayer) -> Part:
    return Part("kept", layer.sku_id, layer.warehouse_id, layer.entry_key, int(layer.quantity * 1000), 0)


def _gone(one: Receipt, pieces: int) -> Part:
    return Part(
        "gone", one.sku_id, one.warehouse_id, one.key, pieces, 0, one.reason, one.reference, one.occurred_at
    )  # fmt: skip


def _carried(one: Receipt, layer: CostLayer, pieces: int) -> Part:
    return Part(
        "carried", one.sku_id, one.warehouse_id, one.key, pieces, 0, one.reason, one.reference, one.occurred_at,
        layer.warehouse_id,
    )  # fmt: skip
