"""The pages of the shops."""

from channels.admin import accounts, drift, error_queue, files, inbound, listings, parcels, publications

__all__ = ["accounts", "drift", "error_queue", "files", "inbound", "listings", "parcels", "publications"]
