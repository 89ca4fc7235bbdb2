"""Quantities in templates."""

from __future__ import annotations

from django import template

from inventory import readable

register = template.Library()
register.filter("pieces", readable.pieces)
register.filter("signed", readable.signed)
register.filter("money", readable.money)
