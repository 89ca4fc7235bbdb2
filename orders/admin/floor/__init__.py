"""The warehouse floor in the admin: waves, picking, packing, hand-over, their settings and logs."""

from orders.admin.floor import records, settings, waves

__all__ = ["records", "settings", "waves"]
