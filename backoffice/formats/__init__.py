"""How dates are written: short and sortable, 24 hours; Django's own are too wide for a table."""
