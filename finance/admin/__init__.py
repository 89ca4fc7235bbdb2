"""The pages of the books: vouchers and journal, rates, requests to post, the chart and the months."""

from finance.admin import books, chart, rates, requests

__all__ = ["books", "chart", "rates", "requests"]
