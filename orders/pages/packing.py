"""Waves, packing and hand-over: lines of the sidebar, rights, whose rows they are, the cards, the chores."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.chores import register_chore
from backoffice.home import register_card
from backoffice.roles import register_role_permissions
from backoffice.site import register_sidebar
from inventory import access
from inventory.access import visible
from orders import floor_cards
from orders.admin import floor_status, status
from orders.admin.parts import register_bulk, register_part
from orders.desk import mergeable
from orders.fulfil import leaving, wave_together, waves
from orders.fulfil.routing import moving
from orders.models import Handover, Label, PackingSetting, PackScan, Wave, WaveOrder, WaveTemplate
from orders.pages.lines import register_lists

TEMPLATES = ["view_wavetemplate", "add_wavetemplate", "change_wavetemplate", "delete_wavetemplate"]
SETTINGS = ["view_packingsetting", "add_packingsetting", "change_packingsetting"]
LOGS = ["view_packscan", "view_handover"]
FLOOR = ["view_wave", "make_wave", "work_wave", *LOGS]
ROLES = {
    "owner": [*FLOOR, *TEMPLATES, *SETTINGS],
    "ops_admin": [*FLOOR, *TEMPLATES, *SETTINGS],
    "order_clerk": ["view_wave", "make_wave", "view_wavetemplate", "view_handover"],
    "warehouse_clerk": [*FLOOR, "view_wavetemplate", "view_packingsetting"],
    "auditor": ["view_wave", "view_wavetemplate", "view_packingsetting", *LOGS],
}
WATCH_SECONDS, AUTO_SECONDS = 120, 60


def register() -> None:
    """Register them; called once by AppConfig.ready()."""
    from orders.admin.floor.making import put_into_wave

    register_role_permissions("orders", ROLES)
    for rows in (Wave, WaveOrder, WaveTemplate, PackingSetting):
        access.register(rows, shop=None, warehouse="warehouse")
    access.register(PackScan, shop=None, warehouse="wave__warehouse", empty=True)
    access.register(Handover, shop="shipment__order__shop")
    register_card("floor", floor_cards.floor, order=35, permission="orders.view_wave")
    register_part("packing", "side", "admin/orders/wave/on_order.html", floor_cards.on_order, order=20)
    register_bulk(put_into_wave)
    mergeable.register_busy("wave", wave_together.busy)
    moving.register_blocker(wave_together.busy)
    status.register_status(floor_status.of)
    register_chore("waves.watch", WATCH_SECONDS, waves.look_at_all)
    register_chore("waves.auto", AUTO_SECONDS, waves.make_due)
    _sidebar()


def _sidebar() -> None:
    lines: Any = ((_("Pack"), "pack", "package_2", None), (_("Hand-over"), "out", "outbound", _not_left))
    for place, (title, name, icon, badge) in enumerate(lines):
        register_sidebar(
            "floor", title, f"admin:orders_wave_{name}", icon=icon, permission="orders.work_wave", order=21 + place,
            badge=badge,
        )  # fmt: skip
    register_lists(("floor", _("Waves"), "wave", "waves"), order=20)
    register_lists(
        ("floor", _("Scans"), "packscan", "barcode_scanner"),
        ("floor", _("Handed-over parcels"), "handover", "outbox"),
        ("order_settings", _("Wave templates"), "wavetemplate", "dynamic_form"),
        ("order_settings", _("Packing rules"), "packingsetting", "scale"),
        order=70,
    )


def _not_left(request: HttpRequest) -> QuerySet[Label]:
    """Printed labels that stay in the house too long."""
    return leaving.not_left(visible(request.user, Label.objects.all()))
