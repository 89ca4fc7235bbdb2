"""Where returned goods lie when they cannot be sold. Where they come back to, `orders.fulfil.routing` says."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from inventory.models import Access, Warehouse
from orders.models import ReturnPlace

MARK = "-Q"  # ends the code of a shelf for goods not for sale


@transaction.atomic
def quarantine_of(warehouse_id: int) -> int:
    """Return the shelf beside a warehouse for goods that are not sold, made when it is first needed.

    It is a warehouse no shop sells from (read only as well, should one be linked). Whoever sees its warehouse sees it.
    """
    place, _made = ReturnPlace.objects.get_or_create(warehouse_id=warehouse_id)
    place = ReturnPlace.objects.select_for_update().select_related("warehouse").get(pk=place.pk)
    if place.quarantine_id is None:
        place.quarantine = _made_beside(place.warehouse)
        place.save(update_fields=["quarantine"])
    return int(place.quarantine_id or 0)


def _made_beside(main: Warehouse) -> Warehouse:
    code, number = f"{main.code[:36]}{MARK}", 1
    while Warehouse.objects.filter(code=code).exists():
        number += 1
        code = f"{main.code[:34]}{MARK}{number}"
    with translation.override(settings.LANGUAGE_CODE):  # the house's own language, whoever was first to need it
        name = _("%s · not for sale") % main.name[:80]
    made = Warehouse.objects.create(
        code=code,
        name=name,
        name_en=f"{main.name_en[:80]} · not for sale" if main.name_en else "",
        kind=main.kind,
        country=main.country,
        region=main.region,
        time_zone=main.time_zone,
        read_only=True,
    )
    for access in Access.objects.filter(warehouses=main):
        access.warehouses.add(made)
    return made
