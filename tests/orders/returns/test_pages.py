"""The pages of returns: who sees what, that a button works once, that nobody reaches other people's rows."""

import datetime as dt
import io
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from backoffice import clock
from backoffice.attachments import pictures
from backoffice.models import AuditEntry
from inventory.models import Access
from orders.models import (
    Order,
    Return,
    ReturnDecision,
    ReturnPhoto,
    ReturnPlace,
    ReturnReason,
    ReturnRefund,
    StrayParcel,
)
from orders.returns import refunding, slip, strays
from tests.orders.factories import later, line, order, refund
from tests.orders.returns.conftest import ANN

pytestmark = pytest.mark.django_db
D = Decimal


def see(people, role, seller=None, *, places=True):
    """A client of the role who sees the seller's shop and warehouse, or everything."""
    access = Access.objects.create(user=people[role], all_shops=seller is None, all_warehouses=seller is None)
    if seller is not None:
        access.shops.add(seller.shop)
        access.warehouses.add(*(seller.places if places is True else places or ()))
    return people.client(role)


@pytest.fixture
def back(seller):
    """Two mugs on an approved return."""
    seller.sent()
    seller.found = seller.rma()
    return seller


@pytest.fixture
def clerk(people, back):
    return see(people, "order_clerk", back)


def url(name, *args):
    return reverse(f"admin:orders_return_{name}", args=args)


def do(client, found, what, **fields):
    """Press a button of the page and follow; returns the page that comes then."""
    return client.post(url("do", found.pk), {"do": what, **fields}, follow=True).content.decode()


def picture(kind="JPEG", **options) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, kind, **options)
    return out.getvalue()


def upload(data=None, name="a.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, picture() if data is None else data, content_type="image/jpeg")


def test_a_return_is_opened_on_the_orders_page_once(clerk, back):
    back.sent(2)
    page = clerk.get(reverse("admin:orders_order_change", args=[back.order(2).pk])).content.decode()
    assert "Open a return" in page
    fields = {"do": "open_return", "once": "abc", f"return_{back.lines(2)[0].pk}": "1", "wants": "exchange",
              "why": ReturnReason.objects.first().pk, "approved": "1"}  # fmt: skip
    for _ in range(2):
        answer = clerk.post(reverse("admin:orders_order_do", args=[back.order(2).pk]), fields)
    made = Return.objects.get(order=back.order(2))
    assert answer.headers["Location"] == url("change", made.pk)
    assert (made.state, made.wants, [row.quantity for row in made.lines.all()]) == ("approved", "exchange", [1])


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "Choose what comes back"), ({"wants": "x"}, "Choose what comes back"), ({"why": "9999"}, "Choose a reason"),
     ({"why": "x"}, "Choose a reason"), ({"quantity": "1e9"}, "only 2 can still come back"),
     ({"quantity": "many"}, "no quantity")],
)  # fmt: skip
def test_nonsense_in_the_form_opens_nothing(clerk, back, fields, said):
    back.sent(2)
    fields = {f"return_{back.lines(2)[0].pk}" if key == "quantity" else key: one for key, one in fields.items()}
    values = {"do": "open_return", "wants": "refund", **fields}
    page = clerk.post(reverse("admin:orders_order_do", args=[back.order(2).pk]), values, follow=True)
    assert said in page.content.decode()
    assert not Return.objects.filter(order=back.order(2)).exists()


def test_the_list_finds_and_narrows(clerk, people, back, later):
    back.sent(2)
    other = back.rma(2, approve=False)
    answers = {
        "": {back.found, other}, "?q=R" + str(10_000 + other.pk): {other}, "?q=%231001": {back.found},
        "?waits=decision": {other}, "?waits=overdue": set(), "?state__exact=approved": {back.found},
        f"?shop={back.shop.pk}": {back.found, other}, "?why=1": set(), "?place=999": set(),
    }  # fmt: skip
    for query, wanted in answers.items():
        answer = clerk.get(url("changelist") + query)
        shown = answer.context["cl"].result_list
        assert set(shown) == wanted, query
    later(days=20)
    again = people.client("order_clerk")  # nobody stays logged in for that long
    assert set(again.get(url("changelist") + "?waits=overdue").context["cl"].result_list) == {back.found}


def test_a_parcel_on_its_way_shows_its_day_and_that_it_is_overdue(clerk, people, back, later):
    found = back.found
    day = timezone.localdate(clock.now()) + dt.timedelta(days=2)
    assert "a day within 120 days" in do(clerk, found, "on_its_way", tracking="SF-9", expected="2026-13-01")
    page = do(clerk, found, "on_its_way", carrier="SF", tracking="SF-9", expected=day.isoformat())
    assert f'name="expected" value="{day.isoformat()}"' in page
    assert "overdue for" not in page
    assert set(clerk.get(url("changelist") + "?waits=coming").context["cl"].result_list) == {found}
    later(days=5)
    again = people.client("order_clerk")
    page = again.get(url("change", found.pk)).content.decode()
    assert "overdue for 2 d" in page
    assert "ask the buyer or the carrier" in page


def test_the_page_leads_from_state_to_state(clerk, back):
    found = back.found
    assert "On its way" in do(clerk, found, "instruct")
    assert "SF-9" in do(clerk, found, "on_its_way", carrier="SF", tracking="SF-9")
    row = found.lines.get()
    clerk.post(url("receive", found.pk), {f"count_{row.pk}": "2", "once": "r"})
    fields = {f"seen_{row.pk}": "2", f"units_{row.pk}_restock": "1", f"units_{row.pk}_scrap": "1"}
    answer = clerk.post(url("inspect", found.pk), {**fields, f"reason_{row.pk}": "cracked", "once": "i"})
    assert answer.headers["Location"] == url("change", found.pk)
    found.refresh_from_db()
    assert (found.state, back.buckets("MUG")) == ("inspected", (9, 0, 0))
    Order.objects.update(base_total=D(150))
    page = do(clerk, found, "refund", once="m", **{f"amount_{row.pk}": "20"})
    assert "The platform is asked" in page
    assert ReturnRefund.objects.get().state == "wanted"


def test_a_double_click_on_each_form_does_its_work_once(clerk, back):
    row = back.found.lines.get()
    for _ in range(2):
        clerk.post(url("receive", back.found.pk), {f"count_{row.pk}": "1", "once": "r"})
    for _ in range(2):
        clerk.post(url("inspect", back.found.pk), {f"units_{row.pk}_repair": "1", f"reason_{row.pk}": "x", "once": "i"})
    decision = ReturnDecision.objects.get()
    for _ in range(2):
        clerk.post(url("apart"), {"decision": decision.pk, "verdict": "restock", "units": "1", "once": "f"})
    for _ in range(2):
        do(clerk, back.found, "refund", once="m", reason="part", **{f"amount_{row.pk}": "5"})
    row.refresh_from_db()
    assert (row.received_quantity, row.decided_quantity, ReturnDecision.objects.count()) == (1, 1, 2)
    assert (ReturnRefund.objects.get().amount, back.buckets("MUG")) == (5, (9, 0, 0))


def test_a_warehouse_clerk_receives_here_and_sees_no_prices(people, back):
    client = see(people, "warehouse_clerk", back)
    page = client.get(url("change", back.found.pk)).content.decode()
    assert "Receive" in page
    assert 'id="money"' not in page
    assert "20.00" not in page
    row = back.found.lines.get()
    assert client.post(url("receive", back.found.pk), {f"count_{row.pk}": "2", "once": "r"}).status_code == 302
    assert client.post(url("do", back.found.pk), {"do": "refund", f"amount_{row.pk}": "1"}).status_code == 403
    assert client.get(url("report")).status_code == 403
    assert "cost" not in client.get(url("change", back.found.pk)).content.decode().lower().split("</header>")[1]


def test_a_warehouse_clerk_of_another_place_sees_none_of_it(people, seller):
    seller.sent()
    found = seller.rma()
    from tests.inventory import factories as stock

    client = see(people, "warehouse_clerk", seller, places=[stock.warehouse()])
    assert list(client.get(url("changelist")).context["cl"].result_list) == []
    for name in ("change", "receive", "inspect", "slip"):
        assert client.get(url(name, found.pk)).status_code in (302, 404)
        assert client.get(url(name, found.pk)).headers.get("Location", "/admin/") == "/admin/"


def test_rows_of_other_shops_are_not_there(people, seller):
    seller.sent()
    found = seller.rma()
    Access.objects.create(user=people["order_clerk"])
    client = people.client("order_clerk")
    assert client.post(url("do", found.pk), {"do": "cancel", "reason": "x"}).status_code == 404
    assert client.get(url("slip", found.pk)).status_code == 404
    found.refresh_from_db()
    assert found.state == "approved"


def test_money_of_another_return_cannot_be_named(clerk, back):
    back.sent(2)
    other = back.rma(2)
    money = refunding.propose(return_id=other.pk, lines={other.lines.get().pk: D(20)}, limit=None, actor=ANN, key="k")
    assert "does not exist" in do(clerk, back.found, "withdraw", money=money.pk, reason="x")
    assert "does not exist" in do(clerk, back.found, "withdraw", money="x", reason="x")
    money.refresh_from_db()
    assert money.state == "wanted"


def test_a_role_above_its_limit_asks_and_the_bookkeeper_approves(people, back):
    Order.objects.update(base_total=D(5000))
    service, books = see(people, "customer_service", back), see(people, "bookkeeper", back)
    row = back.found.lines.get()
    assert "Above your limit" in do(service, back.found, "refund", once="m", **{f"amount_{row.pk}": "20"})
    money = ReturnRefund.objects.get()
    assert service.post(url("do", back.found.pk), {"do": "approve_money", "money": money.pk}).status_code == 403
    do(books, back.found, "approve_money", money=money.pk)
    money.refresh_from_db()
    assert (money.state, money.approved_by.split()[-1]) == ("wanted", "bookkeeper")
    assert books.post(url("do", back.found.pk), {"do": "refund"}).status_code == 403


@pytest.mark.parametrize("what", ["approve", "refuse", "cancel", "close", "settle", "instruct", "exchange", "refund"])
def test_who_only_looks_presses_nothing(people, back, what):
    client = see(people, "auditor", back)
    assert client.get(url("change", back.found.pk)).status_code == 200
    assert client.post(url("do", back.found.pk), {"do": what, "reason": "x"}).status_code == 403


def test_a_wish_with_script_and_odd_text_is_text(clerk, seller):
    seller.sent(3)
    text = "<script>alert(1)</script> %s %(x)s ‮evil 😀"
    found = seller.rma(3, units="1", text=text)
    page = clerk.get(url("change", found.pk)).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "😀" in clerk.get(url("receive", found.pk)).content.decode()


def test_the_arrival_page_leads_straight_to_the_return(clerk, back):
    answer = clerk.get(url("arrive") + f"?q={back.found.number}")
    assert answer.headers["Location"] == url("receive", back.found.pk)
    page = clerk.get(url("arrive") + "?q=nobody").content.decode()
    assert "Nobody knows this parcel" in page


def test_a_parcel_of_an_order_without_a_return_is_counted_blind(clerk, back):
    back.sent(2)
    page = clerk.get(url("arrive") + "?q=%231002").content.decode()
    assert url("blind", back.order(2).pk) in page
    fields = {f"count_{back.lines(2)[0].pk}": "1", "place": back.place.pk, "once": "b"}
    for _ in range(2):
        clerk.post(url("blind", back.order(2).pk), fields)
    made = Return.objects.get(order=back.order(2))
    assert (made.state, made.source) == ("received", "blind")


def test_wrong_goods_are_typed_or_scanned_and_said(clerk, back):
    row = back.found.lines.get()
    fields = {f"count_{row.pk}": "1", "wrong": "CUP * 2\n\nCUP", "once": "r"}
    page = clerk.post(url("receive", back.found.pk), fields, follow=True).content.decode()
    assert "CUP: 3 came that belong to none of the lines." in page
    assert "MUG: only 1 of 2 came." in page
    assert StrayParcel.objects.get().goods[0][1:] == ["CUP", "3"]


@pytest.mark.parametrize("wrong", ["NOPE", "CUP * x", "CUP * 0", "CUP * 99999999", "CUP*١"])
def test_wrong_goods_that_cannot_be_receive_nothing(clerk, back, wrong):
    row = back.found.lines.get()
    page = clerk.post(url("receive", back.found.pk), {f"count_{row.pk}": "1", "wrong": wrong}, follow=True)
    assert page.status_code == 200
    assert back.found.receipts.count() == 0


def test_an_unknown_parcel_waits_with_its_picture_and_is_matched(clerk, back):
    fields = {"place": back.place.pk, "tracking": "YT9", "note": "no letter", "once": "s", "photo": upload()}
    clerk.post(url("arrive"), fields)
    stray = StrayParcel.objects.get()
    token = stray.photos.get().token
    assert clerk.get(url("photo", token)).status_code == 200
    address = reverse("admin:orders_strayparcel_do", args=[stray.pk])
    assert "does not exist" in clerk.post(address, {"do": "match", "return": "R1"}, follow=True).content.decode()
    clerk.post(address, {"do": "match", "return": back.found.number})
    stray.refresh_from_db()
    assert (stray.state, stray.rma, back.found.photos.count()) == ("matched", back.found, 1)


def test_an_unknown_parcel_is_put_aside_only_where_one_works(people, back):
    from tests.inventory import factories as stock

    foreign = stock.warehouse()
    client = see(people, "warehouse_clerk", back)
    page = client.post(url("arrive"), {"place": foreign.pk, "tracking": "1"}, follow=True)
    assert "No warehouse takes returns" in page.content.decode()
    assert not StrayParcel.objects.exists()
    strays.put_aside(warehouse_id=foreign.pk, actor=ANN, key="x")
    pk = StrayParcel.objects.get().pk
    assert client.post(reverse("admin:orders_strayparcel_do", args=[pk]), {"do": "apart"}).status_code == 404


def test_goods_of_an_unknown_parcel_are_booked_apart(clerk, back):
    stray = strays.put_aside(warehouse_id=back.place.pk, actor=ANN, key="x")
    address = reverse("admin:orders_strayparcel_do", args=[stray.pk])
    clerk.post(address, {"do": "apart", "sku_0": "mug", "goods_0": "2"})
    stray.refresh_from_db()
    assert (stray.state, stray.goods[0][1:]) == ("quarantined", ["MUG", "2"])


# --- pictures --------------------------------------------------------------------------------------------------------


def test_a_picture_is_kept_without_what_the_camera_wrote(clerk, back, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    exif = Image.Exif()
    exif[0x010F] = "SecretCam"
    data = picture(exif=exif.tobytes())
    assert b"SecretCam" in data
    do(clerk, back.found, "photo", photo=upload(data, "../../evil.php"))
    row = ReturnPhoto.objects.get()
    answer = clerk.get(url("photo", row.token))
    body = b"".join(answer.streaming_content)
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert b"SecretCam" not in body
    assert Image.open(io.BytesIO(body)).size == (40, 30)
    assert [path.name for path in (tmp_path / "returns").iterdir()] == [f"{row.token}.jpg"]
    assert len(row.token) > 40


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"<svg onload=alert(1)>", "Only JPEG and PNG"), (b"GIF89a....", "Only JPEG and PNG"), (b"x", "Only JPEG and PNG"),
     (b"\xff\xd8\xff" + b"junk" * 10, "cannot be read"), (b"\x89PNG\r\n\x1a\n" + b"junk" * 10, "cannot be read")],
)  # fmt: skip
def test_what_is_no_picture_is_not_kept(clerk, back, data, said):
    assert said in do(clerk, back.found, "photo", photo=upload(data, "a.jpg"))
    assert not ReturnPhoto.objects.exists()


def test_a_picture_that_unpacks_to_far_more_than_it_says_is_refused(clerk, back, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    assert "may have" in do(clerk, back.found, "photo", photo=upload())
    monkeypatch.setattr(pictures, "MOST_MEGABYTES", 0)
    assert "may have" in do(clerk, back.found, "photo", photo=upload())
    assert not ReturnPhoto.objects.exists()


def test_pictures_of_others_are_not_there(clerk, people, back):
    do(clerk, back.found, "photo", photo=upload())
    token = ReturnPhoto.objects.get().token
    Access.objects.create(user=people["customer_service"])
    assert people.client("customer_service").get(url("photo", token)).status_code == 404
    assert people.client("buyer").get(url("photo", token)).status_code == 403
    assert clerk.get(url("photo", "nothing")).status_code == 404


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_without_pillow_pictures_are_cleaned_by_cutting(monkeypatch, kind):
    exif = Image.Exif()
    exif[0x010F] = "SecretCam"
    data = picture(kind, exif=exif.tobytes())
    monkeypatch.setattr(pictures, "Image", None)
    cleaned, _kind = pictures.cleaned(data)
    assert b"SecretCam" in data
    assert b"SecretCam" not in cleaned
    monkeypatch.undo()
    assert Image.open(io.BytesIO(cleaned)).size == (40, 30)


# --- the rest --------------------------------------------------------------------------------------------------------


def test_the_slip_says_where_to_and_carries_the_number(clerk, back):
    page = clerk.get(url("slip", back.found.pk)).content.decode()
    assert "The address is missing" in page
    ReturnPlace.objects.create(warehouse=back.place, recipient="退货组 Returns", line1="Hafenstr. 1", city="Hamburg")
    page = clerk.get(url("slip", back.found.pk)).content.decode()
    assert "Hafenstr. 1" in page
    assert page.count("<svg") == 2
    assert back.found.number in page


def test_the_slip_is_a_file_too_and_each_printing_is_on_the_record(clerk, back):
    ReturnPlace.objects.create(warehouse=back.place, recipient="退货组 Returns", line1="Hafenstr. 1", city="Hamburg")
    assert url("slip_pdf", back.found.pk) in clerk.get(url("change", back.found.pk)).content.decode()
    for time in (1, 2):
        answer = clerk.get(url("slip_pdf", back.found.pk))
        assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
        assert answer["Content-Disposition"].startswith("inline")
        entry = AuditEntry.objects.filter(action="papers.print").latest("pk")
        assert (entry.target, entry.after) == (back.found.reference, {"paper": "return_slip", "time": time})


def test_what_stands_on_the_slip_as_a_file(back):
    ReturnPlace.objects.create(warehouse=back.place, recipient="退货组 Returns", line1="Hafenstr. 1", note="Ring twice")
    facts = slip.paper_of(back.found, customer={"name": "A**"})
    assert (facts.number, facts.order, facts.customer.name) == (back.found.number, back.found.order.number, "A**")
    assert (facts.back_to.name, facts.back_to.line1, facts.instructions) == (
        "退货组 Returns", "Hafenstr. 1", "Ring twice",
    )  # fmt: skip
    assert [(one.sku, one.quantity) for one in facts.lines] == [("MUG", 2)]


def test_without_a_font_the_slip_is_refused_in_a_sentence(clerk, back, settings):
    settings.PDF_FONT = "/nowhere/font.ttc"
    answer = clerk.get(url("slip_pdf", back.found.pk), follow=True)
    assert "No font for Chinese is installed" in answer.content.decode()
    assert not AuditEntry.objects.filter(action="papers.print").exists()


def test_the_home_page_says_what_waits(clerk, people, back, later):
    later(days=20)
    page = people.client("order_clerk").get(reverse("admin:index")).content.decode()
    assert "?waits=overdue" in page


def test_the_report_counts_by_reason_sku_and_shop(people, back):
    back.sent(2)
    other = back.rma(2, units="1", reason_id=ReturnReason.objects.first().pk)
    for found in (back.found, other):
        back.receive(found)
    back.decide(back.found, ("restock", 1), ("scrap", 1))
    back.take(later(order(2, line("MUG", 2)), refunds=(refund(1, "10", ("1", "1")),)))
    client = see(people, "owner")
    page = client.get(url("report") + "?days=90").content.decode()
    assert all(part in page for part in ("MUG", back.shop.name, "By reason", "By SKU"))
    book = client.get(url("report_xlsx") + "?days=90")
    from openpyxl import load_workbook

    rows = list(load_workbook(io.BytesIO(b"".join(book.streaming_content))).active.iter_rows(values_only=True))
    by_sku = next(row for row in rows if row[0] == "By SKU")
    assert by_sku[1:6] == ("MUG · MUG", 2, 3, 1, 4)
    by_shop = next(row for row in rows if row[0] == "By shop")
    assert by_shop[2:4] == (2, 3)


def test_settings_are_kept_by_who_rules(people, back):
    client = see(people, "owner")
    client.post(
        reverse("admin:orders_returnreason_add"), {"name": "过敏", "name_en": "Allergy", "place": 5, "active": "on"}
    )
    assert ReturnReason.objects.filter(name_en="Allergy", active=True).exists()
    client.post(reverse("admin:orders_returnpolicy_add"), {"shop": back.shop.pk, "days": 10, "inspect": "on"})
    assert back.shop.return_policy.inspect
    assert see(people, "order_clerk").post(reverse("admin:orders_returnreason_add"), {"name": "x"}).status_code == 403


def test_a_page_of_returns_costs_the_same_for_one_and_for_many(clerk, back, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    clerk.get(url("changelist"))
    with CaptureQueriesContext(connection) as one:
        clerk.get(url("changelist"))
    for number in range(2, 6):
        back.sent(number, line("MUG", 1))
        back.rma(number, units="1")
    with django_assert_max_num_queries(len(one)):
        clerk.get(url("changelist"))
