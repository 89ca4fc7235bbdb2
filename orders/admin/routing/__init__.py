"""Routing in the admin: policies, rate tables, return rules, what was planned, and the card of an order."""

from orders.admin.routing import card, logs, many, policies, rates, returns

__all__ = ["card", "logs", "many", "policies", "rates", "returns"]
