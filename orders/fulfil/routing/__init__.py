"""From which warehouses orders are sent, and where returns go back to.

`planning` decides and is pure; `reading` brings it the facts, `attaching` puts it into review and approval, `moving`
takes orders to other warehouses. This is the door for rules and for the other parts of fulfilment.
"""

from orders.fulfil.routing.planning import plan_page
from orders.fulfil.routing.returning import (
    GoesBack,
    return_address_of,
    return_place_of,
    return_warehouse,
    return_warehouse_of,
)
from orders.fulfil.routing.wishes import prefer

__all__ = [
    "GoesBack",
    "plan_page",
    "prefer",
    "return_address_of",
    "return_place_of",
    "return_warehouse",
    "return_warehouse_of",
]
