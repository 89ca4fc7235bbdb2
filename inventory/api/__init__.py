"""Catalogue and stock over the REST API: SKUs, what stands where, what shops may show, adjustments."""
