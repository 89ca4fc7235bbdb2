"""Lots and serials: optional per SKU, kept in step with the balances by the ledger, first expired first out."""
