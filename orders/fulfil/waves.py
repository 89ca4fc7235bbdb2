"""Waves: the door for pages, papers and tasks; the rooms behind it are `wave_*`, `pick_lists` and `shortages`.

A wave belongs to a warehouse and holds the parts of approved orders that are reserved there. Orders that are
cancelled, held or changed meanwhile drop out and are shown as such.
"""

from orders.fulfil.pick_lists import PickRow, Share, pick_rows
from orders.fulfil.wave_making import Made, Preview, make, make_by_template, make_due, preview
from orders.fulfil.wave_parts import waiting
from orders.fulfil.wave_picking import cancel, confirm, picked_on_paper, put_back, short_pick, start, wrong
from orders.fulfil.wave_watch import look, look_at_all

__all__ = [
    "Made",
    "PickRow",
    "Preview",
    "Share",
    "cancel",
    "confirm",
    "look",
    "look_at_all",
    "make",
    "make_by_template",
    "make_due",
    "pick_rows",
    "picked_on_paper",
    "preview",
    "put_back",
    "short_pick",
    "start",
    "waiting",
    "wrong",
]
