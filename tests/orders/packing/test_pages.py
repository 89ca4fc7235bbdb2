"""The pages of the floor: what each role may, what a scan answers, whose warehouses are shown."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.models import AuditEntry
from inventory.models import Access, ShelfPlace, StockDocument
from orders import floor_cards
from orders.desk import actions
from orders.fulfil import waves
from orders.models import Handover, Order, PackingSetting, PackScan, Shipment, Wave, WaveOrder, WaveTemplate
from tests.inventory import factories as stock
from tests.orders.factories import line, order
from tests.orders.packing.floor import floor_with_orders, key

pytestmark = pytest.mark.django_db


def url(name, *arguments):
    return reverse(f"admin:orders_wave_{name}", args=arguments)


def person(people, role, floor, *places):
    access = Access.objects.create(user=people[role], all_shops=True)
    access.warehouses.add(*(places or [floor.place]))
    return people.client(role)


def scans(client, address, *items):
    """Send scans as the pages do; returns the answers."""
    body = json.dumps({"scans": [{"key": key(), **one} for one in items]})
    answer = client.post(address, body, content_type="application/json")
    assert answer.status_code == 200
    return answer.json()["answers"]


def said(page):
    return [str(one) for one in page.context["messages"]]


@pytest.fixture
def floor(db):
    return floor_with_orders(2)


@pytest.fixture
def client(people, floor):
    """The warehouse clerk of the floor's own warehouse."""
    return person(people, "warehouse_clerk", floor)


def test_a_wave_is_made_after_a_look_at_what_fits(client, floor):
    page = client.get(url("new"), {"warehouse": floor.place.pk, "lines": "multi", "most": 1, "mode": "batch",
                                   "least_priority": 0})  # fmt: skip
    assert (page.context["preview"]["fitting"], page.context["preview"]["next"]) == (2, 1)
    fields = {"warehouse": floor.place.pk, "lines": "multi", "most": 1, "mode": "batch", "least_priority": 0}
    page = client.post(url("new"), fields, follow=True)
    wave = Wave.objects.get()
    assert (wave.mode, wave.orders.count(), said(page)) == ("batch", 1, ["1 order is in the wave."])
    assert page.redirect_chain[-1][0] == url("change", wave.pk)


def test_a_saved_template_makes_a_wave_with_one_press(client, floor):
    made = WaveTemplate.objects.create(name="all", warehouse=floor.place)
    assert "2 orders fit." in client.get(url("new")).content.decode()
    client.post(url("new"), {"template": made.pk})
    assert Wave.objects.get().template == made
    page = client.post(url("new"), {"template": made.pk}, follow=True)
    assert said(page)[-1] == "No order fits: nothing reserved in this warehouse waits for a wave."


def test_orders_chosen_in_the_list_go_into_a_wave_and_each_is_told(people, floor):
    clerk = person(people, "order_clerk", floor)
    floor.wave(2)
    chosen = {"action": "put_into_wave", "_selected_action": list(Order.objects.values_list("pk", flat=True))}
    ask = clerk.post(reverse("admin:orders_order_changelist"), chosen)
    assert "Put orders into a wave" in ask.content.decode()
    assert Wave.objects.count() == 1
    done = {**chosen, "confirmed": "1", "warehouse": floor.place.pk, "mode": "single"}
    page = clerk.post(reverse("admin:orders_order_changelist"), done, follow=True)
    assert said(page)[0] == "1 order is in the wave."
    assert "Order #1002 is in wave" in said(page)[1]
    assert list(Wave.objects.order_by("-pk")[0].orders.values_list("order__number", flat=True)) == ["#1001"]


def test_who_may_not_make_waves_is_not_offered_it(people, floor):
    service = person(people, "customer_service", floor)
    assert "put_into_wave" not in service.get(reverse("admin:orders_order_changelist")).content.decode()
    clerk = person(people, "order_clerk", floor)
    assert "put_into_wave" in clerk.get(reverse("admin:orders_order_changelist")).content.decode()
    wave = floor.wave(1)
    assert clerk.post(url("do", wave.pk), {"do": "start"}).status_code == 403
    assert clerk.get(url("pick", wave.pk)).status_code == 403
    assert clerk.get(url("change", wave.pk)).status_code == 200


def test_waves_and_tables_of_other_warehouses_are_not_there(people, floor):
    wave = floor.picked(1)
    other = person(people, "warehouse_clerk", floor, stock.warehouse())
    part = floor.part(1)
    assert wave.code not in other.get(url("changelist")).content.decode()
    for address in (url("change", wave.pk), url("list", wave.pk), url("pick", wave.pk), url("packing", part.pk)):
        assert other.get(address).status_code == 404, address
    for address in (url("do", wave.pk), url("packing", part.pk)):
        assert other.post(address, {"do": "start"}).status_code == 404, address
    for address in (url("picked", wave.pk), url("packing_scan", part.pk)):
        body = json.dumps({"scans": [{"key": "k", "text": "MUG"}]})
        assert other.post(address, body, content_type="application/json").status_code == 404
    assert "Nothing known has the code" in other.post(url("pack"), {"code": part.code}).content.decode()
    part.refresh_from_db()
    assert (part.packer, PackScan.objects.count()) == ("", 0)


def test_a_wave_is_picked_on_the_phone(client, floor):
    floor.bin("MUG", "<b>A-1</b>")
    wave = floor.wave(1, 2)
    assert client.get(url("pick", wave.pk)).status_code == 302  # nobody picks it yet
    page = client.post(url("do", wave.pk), {"do": "start"}, follow=True)
    rows = page.context["rows"]
    assert page.context["mine"]
    assert "&lt;b&gt;A-1&lt;/b&gt;" in page.content.decode()
    address = url("picked", wave.pk)
    wrong, right = scans(
        client, address, {"kind": "wrong", "text": "x"}, {"kind": "picked", "row": rows[0].key, "quantity": "4"}
    )
    assert (wrong["code"], right["ok"]) == ("unknown_code", True)
    (short,) = scans(client, address, {"kind": "short", "row": rows[1].key, "found": "1"})
    assert short["message"] == "Noted: 1 of CUP were not there. Dropped out: #1002."
    assert StockDocument.objects.get().created_by.username == "warehouse_clerk"
    page = client.get(url("change", wave.pk))
    assert (page.context["progress"].picked_share, page.context["progress"].dropped) == (100, 1)
    assert [(one.who, one.right, one.wrong) for one in page.context["work"]] == [("warehouse_clerk", 2, 1)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"scans": 1}',
        b'{"scans": [{"text": "MUG"}]}',
        b'{"scans": [7]}',
        b"\xff\xfe",
        b'{"scans": [{"key": ""}]}',
    ],
)
def test_a_body_that_holds_no_scans_is_refused(client, floor, body):
    floor.picked(1)
    part = floor.part(1)
    assert client.post(url("packing_scan", part.pk), body, content_type="application/json").status_code == 400
    assert PackScan.objects.count() == 0


def test_nonsense_in_a_scan_is_an_answer_not_a_fault(client, floor):
    wave = floor.wave(1)
    client.post(url("do", wave.pk), {"do": "start"})
    row = waves.pick_rows(wave)[0].key
    items = [{"kind": "picked", "row": row, "quantity": quantity} for quantity in ("NaN", "1e99", None)]
    items += [{"kind": "short", "row": row, "found": found} for found in ("two", "0.0001", "-1", [])]
    items += [{"kind": "picked", "row": text, "quantity": "1"} for text in ("", "0:", "x:y", "0:99999999999999999999")]
    answers = scans(client, url("picked", wave.pk), *items[3:])
    assert {one["code"] for one in answers} == {"bad_found", "no_such_row"}
    assert scans(client, url("picked", wave.pk), *items[:3])[0]["ok"]  # how many is the server's to say
    assert StockDocument.objects.count() == 0


def test_an_order_is_packed_at_the_table(client, floor):
    floor.picked(1, 2)
    part = floor.part(1)
    found = client.post(url("pack"), {"code": part.code.lower()})
    assert found.headers["Location"] == url("packing", part.pk)
    answers = scans(
        client, url("packing_scan", part.pk), {"text": "MUG"}, {"text": "TEA"}, {"goods": str(floor.goods(1, "CUP").pk)}
    )
    assert [one["ok"] for one in answers] == [True, False, True]
    page = client.post(url("packing", part.pk), {"do": "finish", "carrier": "SF", "tracking": "SF1"})
    assert "Not complete yet: MUG 1." in page.content.decode()
    assert 'value="SF1"' in page.content.decode()  # what was typed stays
    scans(client, url("packing_scan", part.pk), {"text": "MUG"})
    page = client.post(url("packing", part.pk), {"do": "finish", "carrier": "SF", "tracking": "SF1"}, follow=True)
    assert said(page) == ["Order #1001 is packed."]
    assert Shipment.objects.get().tracking_number == "SF1"
    again = client.post(url("packing", part.pk), {"do": "finish"})  # the back button, the second click
    assert "Order #1001 was packed by warehouse_clerk" in again.content.decode()
    assert Shipment.objects.count() == 1
    order_page = client.get(reverse("admin:orders_order_change", args=[part.order_id])).content.decode()
    assert "On the warehouse floor" in order_page


def test_every_code_of_an_order_opens_it_and_an_item_of_a_batch_its_next_order(client, floor):
    floor.barcode("CUP", "4006381333931")
    wave = floor.picked(1, 2, mode="batch")
    one, two = floor.part(1), floor.part(2)
    assert client.post(url("pack"), {"code": "1002"}).headers["Location"] == url("packing", two.pk)
    assert client.post(url("pack"), {"code": wave.code}).headers["Location"].endswith(f"?wave={wave.pk}")
    WaveOrder.objects.filter(pk=two.pk).update(packer="")
    found = client.post(url("pack"), {"code": "4006381333931", "wave": wave.pk}).headers["Location"]
    assert found == url("packing", one.pk)
    assert client.get(found).context["first_scan"] == "4006381333931"
    assert client.get(found).context["first_scan"] == ""  # once
    for nonsense in ("W1-99999", "W99999999999999999999", "\0", "<script>", "P1"):
        assert client.post(url("pack"), {"code": nonsense, "wave": wave.pk}).status_code == 200


def test_a_link_opens_no_order_and_scans_nothing(client, floor):
    floor.picked(1, mode="batch")
    part = floor.part(1)
    for address in (url("pack") + f"?code={part.code}", url("packing", part.pk), url("packing", part.pk) + "?scan=MUG"):
        assert client.get(address).status_code == 200
    part.refresh_from_db()
    assert (part.packer, part.wave.state) == ("", "picked")
    assert "Pack this order" in client.get(url("packing", part.pk)).content.decode()
    assert client.post(url("packing", part.pk), {"do": "open"}).status_code == 302
    part.refresh_from_db()
    assert part.packer.endswith("warehouse_clerk")
    assert client.get(url("packing", part.pk) + "?scan=MUG").context["first_scan"] == ""


def test_a_second_packer_sees_who_is_at_it_and_may_take_over(people, client, floor):
    floor.picked(1)
    part = floor.part(1)
    floor.open(1)
    page = client.get(url("packing", part.pk))
    assert "wu has been packing order #1001" in page.content.decode()
    client.post(url("packing", part.pk), {"do": "take_over"})
    part.refresh_from_db()
    assert part.packer.endswith("warehouse_clerk")


def test_a_cancelled_order_is_a_red_page_with_what_goes_back(client, floor):
    floor.bin("MUG", "A-7")
    wave = floor.picked(1)
    part = floor.part(1)
    client.post(url("packing", part.pk), {"do": "open"})
    scans(client, url("packing_scan", part.pk), {"text": "MUG"})
    actions.cancel(order_ids=[part.order_id], actor="user:1 li", reason="late")
    (answer,) = scans(client, url("packing_scan", part.pk), {"text": "MUG"})
    assert answer["code"] == "dropped"
    page = client.get(url("packing", part.pk)).content.decode()
    assert "it was cancelled" in page
    assert "yp-redpage" in page
    assert "A-7" in page
    assert "Put these goods back" in client.get(url("pack")).content.decode()
    client.post(url("packing", part.pk), {"do": "put_back"})
    part.refresh_from_db()
    assert part.put_back is False
    assert client.get(url("change", wave.pk)).context["progress"].put_back == 0


def test_a_parcel_beyond_its_weight_asks_why_on_the_page(client, floor):
    PackingSetting.objects.create(warehouse=floor.place, packaging_g=100, tolerance_g=10)
    for code in ("MUG", "CUP"):
        floor.skus[code].weight_g = 100
        floor.skus[code].save()
    floor.picked(1)
    part = floor.part(1)
    client.post(url("packing", part.pk), {"do": "open"})
    goods = [{"goods": str(one.pk), "whole": True} for one in part.goods.all()]
    scans(client, url("packing_scan", part.pk), *goods)
    page = client.post(url("packing", part.pk), {"do": "finish", "weight": "0,9 kg"})
    assert page.context["ask_why"]
    assert "expected are 400 g" in page.content.decode()
    client.post(url("packing", part.pk), {"do": "finish", "weight": "0,9 kg", "reason": "thick box"})
    assert floor.order(1).state == "shipped"


def test_what_is_not_in_the_tote_is_said_at_the_table(client, floor):
    floor.picked(1)
    part = floor.part(1)
    client.post(url("packing", part.pk), {"do": "open"})
    page = client.post(url("packing", part.pk), {"do": "missing", "goods": floor.goods(1, "CUP").pk}, follow=True)
    assert "goods were not there" in page.content.decode()
    assert floor.order(1).hold_code == "not_found"


def test_parcels_are_scanned_out_and_those_still_here_can_be_had_as_excel(client, floor):
    floor.picked(1, 2)
    for number in (1, 2):
        floor.pack(number, "MUG", "MUG", "CUP", tracking=f"SF{number}")
    answers = scans(client, url("out_scan"), {"text": "SF1"}, {"text": "SF1"}, {"text": "=1+1"})
    assert [one["code"] for one in answers] == ["handed_over", "parcel_gone", "parcel_unknown"]
    page = client.get(url("out"))
    assert (page.context["gone_today"], page.context["here_count"], page.context["late_count"]) == (1, 1, 0)
    file = client.get(url("out_xlsx"))
    assert b"".join(file.streaming_content)[:2] == b"PK"
    assert AuditEntry.objects.filter(action="export.parcels").count() == 1
    logs = client.get(reverse("admin:orders_packscan_changelist"), {"right__exact": "0"}).content.decode()
    assert "has been handed over by" in logs
    assert Handover.objects.count() == 1


def test_the_home_card_counts_what_waits_on_the_floor(people, floor, rf, later):
    wave = floor.picked(1)
    floor.wave(2)
    floor.pack(1, "MUG", "MUG", "CUP")
    later(hours=30)
    Access.objects.create(user=people["warehouse_clerk"], all_shops=True, all_warehouses=True)
    request = rf.get("/")
    request.user = people["warehouse_clerk"]
    figures = {one.label: one.value for one in floor_cards.floor(request).figures}
    assert figures == {"Waves to be picked": "1", "Packed, not handed over in time": "1"}
    Access.objects.all().delete()
    assert floor_cards.floor(request).figures == []
    wave.refresh_from_db()
    assert wave.state == "done"


def test_bins_are_pasted_all_or_none(people, floor):
    admin = person(people, "warehouse_clerk", floor)
    address = reverse("admin:inventory_shelfplace_paste")
    code = floor.place.code
    bad = f"MUG\t{code}\tA-1\nNOPE\t{code}\tA-2\nCUP\tXX\tA-3\nCUP\t{code}\t\nCUP\t{code}\tA-4\tnine"
    page = admin.post(address, {"text": bad}).content.decode()
    for fault in ("Row 2: there is no SKU “NOPE”.", "Row 3: there is no warehouse “XX”.", "Row 4:", "Row 5:"):
        assert fault in page
    assert ShelfPlace.objects.count() == 0
    admin.post(address, {"text": f"MUG\t{code}\tA-1\t5\ncup,{code},B-2"})
    admin.post(address, {"text": f"MUG\t{code}\tA-9"})
    rows = ShelfPlace.objects.order_by("bin").values_list("sku__code", "bin", "sort_order", "updated_by")
    assert list(rows) == [("MUG", "A-9", 0, "warehouse_clerk"), ("CUP", "B-2", 0, "warehouse_clerk")]


def test_a_template_names_countries_that_exist(people, floor):
    admin = person(people, "ops_admin", floor)
    fields = {"name": "EU", "warehouse": floor.place.pk, "lines": "any", "mode": "cluster", "most": 20,
              "least_priority": 0, "every_minutes": 60, "countries": "de，fr"}  # fmt: skip
    address = reverse("admin:orders_wavetemplate_add")
    assert "There is no country XX." in admin.post(address, {**fields, "countries": "XX"}).content.decode()
    assert WaveTemplate.objects.count() == 0
    admin.post(address, fields)
    assert WaveTemplate.objects.get().countries == ["DE", "FR"]


def test_the_pages_of_a_long_wave_take_as_many_queries_as_those_of_a_short_one(client, floor):
    floor.add("POT", 9000)
    floor.take(*(order(n, line("POT", 2)) for n in range(11, 112)))
    long, short = floor.wave(*range(11, 111)), floor.wave(111)
    for wave in (long, short):
        client.post(url("do", wave.pk), {"do": "start"})
    client.get(url("change", short.pk))
    for name in ("change", "pick", "list"):
        counts = []
        for wave in (short, long):
            with CaptureQueriesContext(connection) as asked:
                assert client.get(url(name, wave.pk)).status_code == 200
            counts.append(len(asked))
        assert counts[0] == counts[1] <= 42, (name, counts)
