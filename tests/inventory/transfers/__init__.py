"""Transfers and assemblies."""
