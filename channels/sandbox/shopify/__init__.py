"""A Shopify shop to try everything on, without an account."""

from channels.sandbox.shopify.cost import Bucket
from channels.sandbox.shopify.shop import ShopifySandbox
from channels.sandbox.shopify.store import Refused

__all__ = ["Bucket", "Refused", "ShopifySandbox"]
