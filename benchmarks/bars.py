"""What each measure has to reach, as its ratio against the limit of the same run; more is better."""

BARS: dict[str, float | None] = {
    "hot_sku_single": 0.60,
    "hot_sku_pages": 1.20,  # twice the single bar, against the same limit
    "ingest": 0.35,
    "ingest_vs_rows": 1.0,  # the limit is twenty times row-at-a-time code
    "ingest_two_workers": 1.0,
    "ingest_same_pages": None,  # whether both finish, not how fast
    "count_import_10000": None,
    "count_import_100000": 0.45,
    "count_import_memory": 1.0,
    "stocktake_10000": None,
    "stocktake_100000_preview": 0.4,
    "stocktake_100000_posting": 0.4,
    "stocktake_memory": 1.0,
    "changelist": 1 / 1.5,
    "changelist_deep_vs_first": 1 / 1.2,
    "sale_to_shelf": 1.0,
    "replenish": 1.0,  # the limit is four times the bare query
    "review": 1.0,
    "routing": 1.0,
    "labels": 1.0,
    "audit": 1 / 3,
    "why": 1.0,
}


def bar_of(measure: str) -> float | None:
    """Return the bar of the longest name that the measure begins with; None when it has none."""
    fitting = [name for name in BARS if measure == name or measure.startswith(name + "_")]
    return BARS[max(fitting, key=len)] if fitting else None
