"""WooCommerce, REST API wc/v3. docs/platforms/woocommerce.md says how to connect a store."""

from channels.connectors.woocommerce.connector import WooCommerceConnector

__all__ = ["WooCommerceConnector"]
