"""Documents become vouchers: a request in the document's own transaction, one balanced voucher by a worker later.

The books never block a parcel: a request needs no rate, no known currency and no open month to be written. What is
missing shows on the request, and the posting goes on by itself or after a person's retry. This package is the only
writer of requests, vouchers and open items.
"""

from finance.posting.months import close_month, closed_months
from finance.posting.requesting import (
    booked_sales,
    open_items,
    request_costs,
    request_refund,
    request_refunds,
    request_reversal,
    request_sale,
    request_sales,
)
from finance.posting.worker import PostResult, has_work, post_due, retry

__all__ = [
    "PostResult",
    "booked_sales",
    "close_month",
    "closed_months",
    "has_work",
    "open_items",
    "post_due",
    "request_costs",
    "request_refund",
    "request_refunds",
    "request_reversal",
    "request_sale",
    "request_sales",
    "retry",
]
