"""What the books keep: currencies and rates, the chart, requests to post, vouchers and open items."""

from finance.models.books import LedgerAccount, OpenItem, Period, Voucher, VoucherLine
from finance.models.currencies import Currency, ExchangeRate
from finance.models.requests import PostingRequest

__all__ = [
    "Currency",
    "ExchangeRate",
    "LedgerAccount",
    "OpenItem",
    "Period",
    "PostingRequest",
    "Voucher",
    "VoucherLine",
]
