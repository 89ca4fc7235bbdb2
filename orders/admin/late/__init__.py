"""Late orders in the admin: the board, plays, supplies, compensations, reports and settings."""

from orders.admin.late import board, play, records, settings

__all__ = ["board", "play", "records", "settings"]
