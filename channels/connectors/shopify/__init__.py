"""Shopify by its Admin GraphQL API."""

from channels.connectors.shopify.connector import ShopifyConnector

__all__ = ["ShopifyConnector"]
