"""Who works in a warehouse picks and packs what lies in it; of other shops he sees no more than that."""

import pytest
from django.urls import reverse

from inventory.models import Access
from orders.models import Order, OrderContact, PaperPrint, Shipment
from tests.inventory import factories as stock
from tests.orders.packing.floor import floor_with_orders
from tests.orders.packing.test_pages import scans, url

pytestmark = pytest.mark.django_db
HIDDEN = {"buyer_name": "Quirina Vogel", "email": "quirina@canary.example", "phone": "+33698765432"}
PLACE = {"name": "Quirina Vogel", "line1": "77 Passage du Canari", "city": "Lyon", "postcode": "69001", "country": "FR"}


@pytest.fixture
def floor(db):
    """Orders of one shop, whose buyers can be told."""
    made = floor_with_orders(2)
    note = "Ring twice or call 0698 765 432"
    OrderContact.objects.update(**HIDDEN, shipping={**PLACE, "phone": HIDDEN["phone"]}, buyer_note=note)
    Order.objects.update(total="1234.56")
    return made


@pytest.fixture
def packer(people, floor):
    """Sees the floor's warehouse, and another shop than the orders are of."""
    access = Access.objects.create(user=people["warehouse_clerk"])
    access.warehouses.add(floor.place)
    access.shops.add(stock.shop(floor.place))
    return people.client("warehouse_clerk")


def test_the_whole_work_is_done_and_shows_number_goods_and_note_only(packer, floor):
    wave = floor.picked(1, 2)
    part = floor.part(1)
    assert packer.post(url("packing", part.pk), {"do": "open"}).status_code == 302
    seen = {}
    for address in (url("changelist"), url("change", wave.pk), url("list", wave.pk), url("pack"),
                    url("packing", part.pk)):  # fmt: skip
        answer = packer.get(address)
        assert answer.status_code == 200, address
        seen[address] = answer.content.decode()
    table = seen[url("packing", part.pk)]
    assert ("#1001" in table, "MUG" in table, "Ring twice" in table) == (True, True, True)
    told = [*HIDDEN.values(), "Vogel", PLACE["line1"], "0698 765 432", "1234.56", "1,234.56"]
    assert [(address, one) for address, text in seen.items() for one in told if one in text] == []
    scans(packer, url("packing_scan", part.pk), *({"text": code} for code in ("MUG", "MUG", "CUP")))
    packer.post(url("packing", part.pk), {"do": "finish", "carrier": "SF", "tracking": "SF1"})
    assert Shipment.objects.get().tracking_number == "SF1"


def test_everything_else_of_the_order_goes_by_its_shop(packer, floor):
    floor.picked(1)
    order = floor.order(1)
    packer.post(url("packing", floor.part(1).pk), {"do": "open"})
    for name in ("change", "versions"):
        assert packer.get(reverse(f"admin:orders_order_{name}", args=[order.pk])).status_code in (302, 403, 404)
    page = packer.get(reverse("admin:orders_order_changelist")).content.decode()
    assert "#1001" not in page
    asked = {"orders": "#1001", "kinds": ["invoice"], "print": "1"}
    assert "Not found, or not yours" in packer.post(reverse("admin:orders_printrun_ask"), asked).content.decode()


def test_slip_and_label_are_printed_for_the_order_on_the_own_table_only(packer, floor):
    floor.picked(1, 2)
    mine, others = floor.part(1), floor.part(2)
    packer.post(url("packing", mine.pk), {"do": "open"})
    floor.open(2)
    for part, printed in ((others, 0), (mine, 1)):
        packer.post(url("packing", part.pk), {"do": "print", "kinds": "slip"})
        assert PaperPrint.objects.filter(order=part.order_id).count() == printed
    packer.post(url("packing", mine.pk), {"do": "print", "kinds": "invoice"})
    assert set(PaperPrint.objects.values_list("kind", flat=True)) == {"slip"}
