"""Orders over the REST API: read them, follow their changes, send orders and shipments in."""
