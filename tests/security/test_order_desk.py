"""S02, S06, S24, F32 on the order desk: other people's rows, buyers and costs in clear, figures that are none."""

import io
import json
from decimal import Decimal

import pytest
from django.urls import reverse
from PIL import Image, PngImagePlugin

from backoffice.attachments import pictures
from backoffice.models import AuditEntry
from inventory.models import Access
from orders.late import compensations
from orders.models import Compensation, PackScan, ReturnLine, SupplyDraft
from tests.inventory import factories as stock
from tests.orders.factories import Seller
from tests.orders.late.build import LI, ids, play_of, preset, short_seller, template
from tests.orders.packing.floor import floor_with_orders
from tests.orders.returns.conftest import Returns

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # rights and pages, not the engine
NAME = "Ana Müller"
NO_FIGURES = ("NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "-1", "9" * 40, "1e-30", "٣", "\x00", "{0.__class__}")


def other_shop(people, role):
    """A client of the role who sees a shop and a warehouse of somebody else only."""
    place = stock.warehouse()
    access = Access.objects.create(user=people[role])
    access.shops.add(stock.shop(place, currency="EUR"))
    access.warehouses.add(place)
    return people.client(role)


def text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def quiet(client):
    client.raise_request_exception = False
    return client


# --- late plays ------------------------------------------------------------------------------------------------------


def test_a_compensation_of_another_shop_is_not_decided_from_the_page_of_a_play(people):
    seller = short_seller(0, 100)
    play = play_of(seller)
    compensations.give(user=people["customer_service"], actor=LI, preset=preset(amount=Decimal(5000)),
                       order_ids=ids(seller, 1), play=play)  # fmt: skip
    asked = Compensation.objects.get()
    assert asked.state == "asked"
    stranger = other_shop(people, "ops_admin")
    for answer in ("yes", "no"):
        page = reverse("admin:orders_lateplay_do", args=[play.pk])
        assert stranger.post(page, {"do": f"decide:{answer}:{asked.pk}"}).status_code == 404
    asked.refresh_from_db()
    assert asked.state == "asked"


def test_a_play_of_orders_of_another_shop_is_neither_listed_nor_opened(people):
    from orders.late import plays

    seller = short_seller(0, 100)
    play, _new = plays.begin(actor=LI, once="x", order_ids=ids(seller, 1))
    play.sku = None
    play.title = "#1001"
    play.save()
    stranger = other_shop(people, "order_clerk")
    assert "#1001" not in text(stranger.get(reverse("admin:orders_lateplay_changelist")))
    assert stranger.get(reverse("admin:orders_lateplay_change", args=[play.pk])).status_code == 404
    assert stranger.post(reverse("admin:orders_lateplay_do", args=[play.pk]), {"do": "close"}).status_code == 404
    play.refresh_from_db()
    assert play.state == "open"


def test_warehouses_of_others_are_named_neither_in_filters_nor_among_the_drafts_of_a_play(people):
    seller = short_seller(0, 100)
    seller.place.name = "Hidden Hall"
    seller.place.save()
    play = play_of(seller)
    SupplyDraft.objects.create(kind="purchase", sku=seller.skus["MUG"], destination=seller.place, quantity=5, note="x",
                               supplier="Secret Supplies", play=play, once="d", created_by=LI)  # fmt: skip
    stranger = other_shop(people, "ops_admin")
    for name in ("lateplay_change", "label_changelist", "manifest_changelist", "wave_changelist"):
        page = text(stranger.get(reverse(f"admin:orders_{name}", args=[play.pk] if name == "lateplay_change" else [])))
        assert "Hidden Hall" not in page, name
        assert "Secret Supplies" not in page, name
    assert "Secret Supplies" in text(people.client("superuser").get(play_url(play)))


def play_url(play):
    return reverse("admin:orders_lateplay_change", args=[play.pk])


def test_the_preview_of_messages_uncovers_nobody(see):
    seller = short_seller(0, 100)
    play = play_of(seller)
    template()
    page = text(see("order_clerk").get(reverse("admin:orders_lateplay_change", args=[play.pk])))
    assert "Dear" in page
    assert NAME not in page


# --- returns ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def back(db):
    from orders.returns import limits

    limits.seed()
    seller = Returns(MUG=10)
    seller.sent()
    seller.found = seller.rma()
    return seller


@pytest.mark.parametrize("role", ["bookkeeper", "auditor", "warehouse_clerk"])
def test_no_search_for_returns_tells_who_bought(see, back, role):
    url = reverse("admin:orders_return_changelist")
    for term in ("ana", NAME, "buyer1@example.com", "+33612345678"):
        assert list(see(role).get(url, {"q": term}).context["cl"].result_list) == []
    assert len(see("customer_service").get(url, {"q": NAME}).context["cl"].result_list) == 1


@pytest.mark.parametrize("role", ["order_clerk", "customer_service"])
def test_what_goods_cost_is_shown_to_nobody_who_may_not_know_it(see, back, role):
    back.receive(back.found)
    back.decide(back.found, ("scrap", "2"))
    client = see(role)
    assert "8.00" not in text(client.get(reverse("admin:orders_return_change", args=[back.found.pk])))
    assert "8.00" not in text(client.get(reverse("admin:orders_return_report")))
    assert "8.00" in text(see("bookkeeper").get(reverse("admin:orders_return_change", args=[back.found.pk])))


@pytest.mark.parametrize("typed", NO_FIGURES)
def test_no_figure_breaks_the_forms_of_a_return(see, back, typed):
    client = quiet(see("ops_admin"))
    row = ReturnLine.objects.get()
    order_page = reverse("admin:orders_order_do", args=[back.order(1).pk])
    line = back.lines(1)[0].pk
    sent = [
        (order_page, {"do": "open_return", f"return_{line}": typed, "wants": "refund", "why": typed}),
        (order_page, {"do": "gift", "code": "MUG", "quantity": typed}),
        (order_page, {"do": "split_plan", f"later_{line}": typed, "ship_after": typed}),
        (order_page, {"do": "part_dates", "part": typed, "ship_after": typed}),
        (order_page, {"do": "ship", f"quantity_{line}": typed}),
        (order_page, {"do": "priority", "priority": typed}),
        (order_page, {"do": "label_buy", "weight": typed, "service": typed, "warehouse": typed, "length": typed}),
        (order_page, {"do": "goods_gone", "line": typed, "quantity": typed, "warehouse": typed}),
        (order_page, {"do": "reroute", "plan": typed}),
        (order_page, {"do": "prefer", "warehouse": typed}),
        (order_page, {"do": "write_buyer", "template": typed}),
        (reverse("admin:orders_return_receive", args=[back.found.pk]), {f"count_{row.pk}": typed}),
        (reverse("admin:orders_return_receive", args=[back.found.pk]), {"wrong": f"MUG*{typed}"}),
        (reverse("admin:orders_return_blind", args=[back.order(1).pk]),
         {f"count_{line}": typed, "place": back.place.pk}),
        (reverse("admin:orders_return_do", args=[back.found.pk]),
         {"do": "refund", f"amount_{row.pk}": typed, "shipping": typed, "extra": typed}),
        (reverse("admin:orders_return_do", args=[back.found.pk]), {"do": "exchange", "sku_0": "MUG", "goods_0": typed}),
        (reverse("admin:orders_ownorder_replace", args=[back.order(1).pk]),
         {"kind": "reissue", "reason": "x", f"quantity_{line}": typed}),
        (reverse("admin:orders_ownorder_replace", args=[back.order(1).pk]),
         {"kind": "exchange", "reason": "x", f"quantity_{line}": "1", "difference": typed}),
        (reverse("admin:orders_ownorder_replace", args=[back.order(1).pk]),
         {"kind": "exchange", "reason": "x", "more_code": "MUG", "more_quantity": typed}),
        (reverse("admin:orders_ownorder_preview"),
         {"shop": back.shop.pk, "line_code": "MUG", "line_quantity": typed, "line_price": typed, "discount": typed,
          "shipping": typed, "tax_percent": typed}),
    ]  # fmt: skip
    broken = []
    for url, fields in sent:
        answer = client.post(url, fields)
        if answer.status_code >= 500:
            broken.append(f"{url} {fields}: {answer.exc_info[1]!r:.200}")
    assert broken == []


@pytest.mark.parametrize("typed", NO_FIGURES)
def test_no_figure_breaks_the_inspection(see, back, typed):
    back.receive(back.found)
    client, row = quiet(see("ops_admin")), ReturnLine.objects.get()
    url = reverse("admin:orders_return_inspect", args=[back.found.pk])
    for fields in ({f"units_{row.pk}_scrap": typed}, {f"units_{row.pk}_restock": "1", f"seen_{row.pk}": typed}):
        answer = client.post(url, fields)
        assert answer.status_code < 500, answer.exc_info[1]


def test_a_picture_is_kept_without_what_the_camera_wrote_into_it():
    plain = Image.new("RGB", (40, 30), "red")
    out = io.BytesIO()
    plain.save(out, "JPEG", comment=b"at home, 48.85 2.35", xmp=b"<x:xmpmeta>48.85</x:xmpmeta>")
    data, _kind = pictures.cleaned(out.getvalue())
    assert b"48.85" not in data
    out, told = io.BytesIO(), PngImagePlugin.PngInfo()
    told.add_text("Comment", "48.85")
    plain.save(out, "PNG", pnginfo=told)
    assert b"48.85" not in pictures.cleaned(out.getvalue())[0]


# --- quotes ----------------------------------------------------------------------------------------------------------


def test_a_quotes_customer_is_uncovered_on_the_record_only(see):
    from tests.orders.changes.test_quotes import make

    quote = make(Seller(MUG=5))
    client = see("order_clerk")
    name = quote.basket["buyer_name"]
    sheet = text(client.get(reverse("admin:orders_quote_print", args=[quote.pk])))
    assert name in sheet
    told = AuditEntry.objects.filter(action="quote.reveal_buyer", target=f"orders.quote:{quote.pk}")
    assert told.count() == 1
    file = b"".join(client.get(reverse("admin:orders_quote_xlsx")).streaming_content)
    import openpyxl

    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(file)).active.values for cell in row]
    assert quote.number in cells
    assert name not in cells


# --- the floor -------------------------------------------------------------------------------------------------------

SCANS = (
    b'{"scans": [{"key": "a\\ud800", "text": "MUG\\ud800", "row": "\\ud800", "kind": "\\ud800"}]}',
    b'{"scans": [{"key": "b\\u0000", "text": "M\\u0000UG", "row": "\\u0000"}]}',
    b'{"scans": [{"key": "c", "text": {"$gt": ""}, "row": [1], "goods": {}, "quantity": []}]}',
    b'{"scans": [{"key": "d", "text": "MUG", "quantity": 1e400, "row": null}]}',
    b'{"scans": [{"key": "e", "text": "MUG", "quantity": NaN, "kind": "short", "found": "NaN"}]}',
    b'{"scans": [{"key": "f", "text": "W99999999999999999-99999", "goods": ' + b"9" * 60 + b"}]}",
    b'{"scans": [{"key": "g", "text": "MUG", "kind": "out", "goods": "9999999999999999999"}]}',
    b'{"scans": ' + b"9" * 5_000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 30_000,
    b"\xff\xfe\x00",
    b"{}",
    b"",
)


@pytest.mark.parametrize("body", SCANS, ids=range(len(SCANS)))
def test_no_body_of_scans_breaks_the_floor(see, body):
    floor = floor_with_orders(1)
    wave = floor.picked(1)
    client = quiet(see("warehouse_clerk"))
    floor.open(1)
    for url in (
        reverse("admin:orders_wave_picked", args=[wave.pk]),
        reverse("admin:orders_wave_packing_scan", args=[floor.part(1).pk]),
        reverse("admin:orders_wave_out_scan"),
    ):
        answer = client.post(url, body, content_type="application/json")
        assert answer.status_code < 500, (url, answer.exc_info[1])
        json.loads(answer.content)
    assert PackScan.objects.filter(right=True, stage="pack").count() == 0


# --- saved views -----------------------------------------------------------------------------------------------------

QUERIES = (
    "ship_by_from_0=nonsense&ship_by_to_0=2026-13-45", "state__exact=%00", "hold_department__exact=x&o=99.-99.x",
    "placed_at_from_0=0001-01-01&placed_at_to_0=9999-12-31", "country=%F0%9F%98%80", "shop=" + "9" * 30, "per=x",
    "tag=%ED%A0%80", "q=%00", "state__in=a,b", "payment__isnull=x", "contact__email__startswith=a",
    "shop__account__hook_token__startswith=a", "key_after=AAAA", "o=1&o=2&shop=1&shop=2", "p=x", "all=", "_facts=1",
)  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_no_saved_view_breaks_the_list_its_counts_or_its_export(see, query):
    Seller(MUG=1)
    client = quiet(see("order_clerk"))
    saved = client.post(reverse("admin:orders_order_views_do"), {"do": "save", "name": "x", "query": query})
    assert saved.status_code == 302
    for answer in (
        client.get(saved["Location"]),
        client.get(reverse("admin:orders_order_changelist")),
        client.get(reverse("admin:orders_order_views")),
        client.get(reverse("admin:orders_order_views_counts"), {"keys": "v1,v2,v3,v4,v5,v6,all,late"}),
        client.post(reverse("admin:orders_order_export"), {"query": query}),
    ):
        assert answer.status_code < 500, answer.exc_info[1]


def test_what_was_searched_for_is_not_kept_in_the_audit_trail(see):
    client = see("order_clerk")
    query = "q=%2B33612345678&state__exact=held"
    client.post(reverse("admin:orders_order_views_do"), {"do": "save", "name": "x", "query": query})
    client.post(reverse("admin:orders_order_export"), {"query": query})
    kept = json.dumps(list(AuditEntry.objects.values_list("after", "before", "summary")))
    assert "held" in kept
    assert "33612345678" not in kept
