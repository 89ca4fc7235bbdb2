"""Costs that come after the goods: shared over receipts, followed to what is there and what is gone, booked, undone."""
