"""A WooCommerce store to try everything on: its REST API wc/v3 as a real store answers it, and a page to buy from.

Held to recorded exchanges of a real store (WooCommerce 11.0.1) and to its published route index, never to our
connector. `WooCommerceSandbox` is the shop, `python -m channels.sandbox.woocommerce` runs it.
"""

from channels.sandbox.woocommerce.app import WooCommerceSandbox

__all__ = ["WooCommerceSandbox"]
