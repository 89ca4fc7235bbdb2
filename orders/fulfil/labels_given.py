"""Where a packed parcel gets its carrier and tracking number from, when nobody types them.

The part that buys labels registers itself; packing knows nothing of carriers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from orders.models import Order


@dataclasses.dataclass(frozen=True, slots=True)
class LabelFacts:
    """What the label of one parcel says."""

    carrier: str
    tracking: str
    tracking_url: str = ""
    label_id: str = ""


# (order, number of the parcel on the packing table, warehouse it is packed in)
LabelSource = Callable[[Order, int, int], LabelFacts | None]
_source: list[LabelSource] = []


def register_label_source(fn: LabelSource | None) -> None:
    """Say who knows the label of a parcel; a second registration replaces the first, None takes it away.

    It is asked outside any transaction and may be asked again for the same parcel: it answers the same then. None says
    that there is no label; a YikuError is shown to the packer, and nothing is packed.
    """
    _source[:] = [fn] if fn is not None else []


def label_of(order: Order, parcel: int, warehouse_id: int) -> LabelFacts | None:
    """Return the label of a parcel, if somebody has one."""
    return _source[0](order, parcel, warehouse_id) if _source else None
