"""Stocktakes: opened with a snapshot, counted by sheets and phones, reviewed, posted once through the ledger."""
