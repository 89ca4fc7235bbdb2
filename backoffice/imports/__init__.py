"""Imports by file and exports of the same lists: one way for all. Apps bring their kinds; see docs/imports.md."""
