"""The form for orders and quotes: each fault at its field, one order however often it is sent, masked buyers."""

import io
import re
from decimal import Decimal

import openpyxl
import pytest
from django.http import QueryDict
from django.urls import reverse

from backoffice.models import AuditEntry
from inventory.models import Access
from orders.admin.changes import basket_form
from orders.models import NumberRange, Order, Quote
from tests.inventory import factories as stock
from tests.orders.changes.looking import client_of
from tests.orders.factories import LYON, line, order

pytestmark = pytest.mark.django_db


def typed(seller, **fields):
    """A form that makes an order of 27.00."""
    return {
        "shop": seller.shop.pk, "currency": "EUR", "line_code": ["MUG", "cup", ""], "line_quantity": ["2", "1", ""],
        "line_price": ["10", "7.50", ""], "line_discount": ["", "0.50", ""], "line_number": ["", "", ""],
        "buyer_name": "Ana", "email": "ana@example.com", "phone": "", "address_name": "Ana", "address_line1": "12 Rue",
        "address_city": "Lyon", "address_postcode": "69001", "address_country": "FR", "payment": "paid",
        "taxes_included": "1", "once": "f00d", **fields,
    }  # fmt: skip


def enter(client, seller, **fields):
    return client.post(reverse("admin:orders_ownorder_add"), typed(seller, **fields), follow=True).content.decode()


def entered() -> Order:
    return Order.objects.get(kind="manual")


def test_an_order_is_entered_once_however_often_it_is_sent(people, seller):
    client = client_of(people, "customer_service")
    assert client.get(reverse("admin:orders_ownorder_add")).status_code == 200
    enter(client, seller)
    page = enter(client, seller)
    assert (entered().total, entered().state) == (27, "approved")
    assert "This was entered already" in page
    assert "An order of our own" in page


def form(seller, **fields) -> QueryDict:
    """What the browser sends."""
    data = QueryDict(mutable=True)
    for name, value in typed(seller, **fields).items():
        data.setlist(name, value if isinstance(value, list) else [str(value)])
    return data


@pytest.mark.parametrize(
    ("fields", "field", "told"),
    [
        ({"line_code": ["nope", "cup", ""]}, "lines.0.code", "No SKU code or barcode is like this."),
        ({"line_quantity": ["0", "1", ""]}, "lines.0.quantity", "The quantity must be above zero."),
        ({"line_quantity": ["1.0005", "1", ""]}, "lines.0.quantity", "At most 3 decimal places."),
        ({"line_price": ["10", "x", ""]}, "lines.1.price", "This is no number."),
        ({"line_price": ["Infinity", "1", ""]}, "lines.0.price", "This is no number that can be right."),
        ({"line_discount": ["21", "", ""]}, "lines.0.discount", "The discount is more than the goods cost."),
        ({"discount": "27.01"}, "discount", "The discount is more than the goods cost."),
        ({"line_code": [""], "line_quantity": [""]}, "lines", "Type at least one line of goods."),
        ({"address_postcode": "1"}, "address_postcode", "That is no postcode of this country."),
        ({"address_city": ""}, "address_city", "This is needed for this country."),
        ({"address_country": ""}, "address_country", "This is needed for this country."),
        ({"address_phone": "12"}, "address_phone", "Nobody can dial this number from this country."),
        ({"email": "ana"}, "email", "This is no e-mail address."),
        ({"currency": "ZZZ"}, "currency", "The books do not know this currency."),
        ({"tax_percent": "101"}, "tax_percent", "This is no number that can be right."),
        ({"ship_by": "soon"}, "ship_by", "This is no time."),
        ({"note": "x" * 2001}, "note", "At most 2000 characters."),
    ],
)
def test_each_fault_stands_at_its_field(seller, fields, field, told):
    found = basket_form.read(form(seller, **fields), seller.shop)
    assert (found.errors, found.basket) == ({field: told}, None)


def test_a_form_with_a_fault_comes_back_as_it_was_and_nothing_is_entered(clerk, seller):
    page = enter(clerk, seller, address_city="", buyer_note="<script>\0")
    assert "This is needed for this country." in page
    assert 'value="Ana"' in page
    assert "&lt;script&gt;" in page
    assert not Order.objects.filter(kind="manual").exists()


def test_a_chinese_address_needs_a_phone_and_full_width_figures_are_figures(clerk, seller):
    china = {"address_country": "CN", "address_region": "浙江省", "address_city": "杭州市", "address_postcode": ""}
    assert "This is needed for this country." in enter(clerk, seller, **china)
    enter(clerk, seller, **china, phone="13800004101", line_quantity=["３", "1", ""])
    assert entered().total == 37


def test_without_a_price_the_usual_one_is_taken(clerk, seller):
    enter(clerk, seller, line_price=["", "", ""], line_discount=["", "", ""])
    assert entered().total == 30


def test_a_held_order_is_changed_on_the_same_form(clerk, seller):
    enter(clerk, seller, buyer_note="urgent")
    address = reverse("admin:orders_ownorder_change", args=[entered().pk])
    page = clerk.get(address).content.decode()
    assert 'name="line_code" value="MUG"' in page
    assert AuditEntry.objects.filter(action="order.reveal_buyer").count() == 1
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]
    changed = typed(seller, seen=seen, line_number=["1", "2", ""], line_quantity=["5", "1", ""])
    assert "is changed and checked again" in clerk.post(address, changed, follow=True).content.decode()
    assert (entered().total, entered().state) == (57, "approved")
    clerk.post(address, typed(seller, seen=seen, line_number=["1", "2", ""], line_quantity=["9", "1", ""]))
    assert entered().total == 57


def test_only_shops_the_person_sees(people, seller):
    access = Access.objects.create(user=people["customer_service"], all_warehouses=True)
    access.shops.add(stock.shop(seller.place, currency="EUR"))
    client = people.client("customer_service")
    for name in ("add", "preview"):
        assert client.post(reverse(f"admin:orders_ownorder_{name}"), typed(seller)).status_code == 404
    shop = {"shop": seller.shop.pk, "q": "MUG"}
    assert client.get(reverse("admin:orders_ownorder_skus"), shop).status_code == 404
    assert client.get(reverse("admin:orders_ownorder_buyers"), {"q": "ana"}).json() == {"rows": []}
    assert client.post(reverse("admin:orders_ownorder_buyer"), {"order": seller.order(1).pk}).status_code == 404
    assert not Order.objects.filter(kind="manual").exists()


def test_the_sums_follow_while_typing(clerk, seller):
    address = reverse("admin:orders_ownorder_preview")
    answer = clerk.post(address, typed(seller, address_city="", shipping="5")).json()
    assert answer["sums"][-1] == ["Total", "32.00 EUR"]
    assert answer["titles"] == {"MUG": "MUG", "cup": "CUP"}
    assert clerk.post(address, typed(seller, line_price=["x", "", ""])).json()["sums"] == []
    assert not Order.objects.filter(kind="manual").exists()


def test_goods_are_found_by_code_barcode_and_name_with_price_and_stock(clerk, seller):
    sku = seller.skus["MUG"]
    sku.name = "Blue mug"
    sku.save()
    sku.barcodes.create(code="4006381333931")
    sku.barcodes.create(code="4006381333948")
    for text in ("mu", "4006381333931", "blue"):
        (row,) = clerk.get(reverse("admin:orders_ownorder_skus"), {"q": text, "shop": seller.shop.pk}).json()["rows"]
        assert row == {"code": "MUG", "title": "Blue mug", "price": "10", "free": "48"}
    assert clerk.get(reverse("admin:orders_ownorder_skus"), {"q": "\0"}).json() == {"rows": []}


def test_an_earlier_buyer_is_found_masked_and_uncovered_on_the_record(people, clerk, seller):
    found = clerk.get(reverse("admin:orders_ownorder_buyers"), {"q": "ana"}).json()["rows"]
    assert len(found) == 2
    assert "Müller" not in str(found)
    buyer = clerk.post(reverse("admin:orders_ownorder_buyer"), {"order": found[0]["order"]}).json()
    assert (buyer["buyer_name"], buyer["address_line1"]) == ("Ana Müller", LYON.line1)
    assert AuditEntry.objects.filter(action="order.reveal_buyer").count() == 1
    keeper = client_of(people, "bookkeeper")
    assert keeper.get(reverse("admin:orders_ownorder_buyers"), {"q": "ana"}).status_code == 403


def test_the_fields_a_country_needs(clerk):
    def needed(code):
        return clerk.get(reverse("admin:orders_ownorder_country"), {"code": code}).json()["needed"]

    assert set(needed("fr")) == {"name", "line1", "city", "postcode"}
    assert "phone" in needed("CN")
    assert needed("??") == ["name"]


# --- quotes ----------------------------------------------------------------------------------------------------------


def quote_of(client, seller, **fields) -> Quote:
    values = typed(seller, valid_until="2099-12-31", text="<i>Dear</i>", **fields)
    client.post(reverse("admin:orders_quote_add"), values)
    return Quote.objects.latest("pk")


def url(name: str, quote: Quote) -> str:
    return reverse(f"admin:orders_quote_{name}", args=[quote.pk])


def test_a_quote_is_made_printed_copied_and_becomes_an_order_once(clerk, seller):
    quote = quote_of(clerk, seller)
    page = clerk.get(url("print", quote)).content.decode()
    assert "&lt;i&gt;Dear&lt;/i&gt;" in page
    assert "27.00 EUR" in page
    for _twice in range(2):
        clerk.post(url("do", quote), {"do": "copy", "once": "c"})
    assert Quote.objects.count() == 2
    clerk.post(url("order", quote))
    page = clerk.post(url("order", quote), follow=True).content.decode()
    assert f"became order {entered().number} already" in page
    assert "It became order" in clerk.get(url("change", quote)).content.decode()


def test_prices_that_changed_are_shown_before_it_becomes_an_order(clerk, seller):
    quote = quote_of(clerk, seller)
    seller.take(order(5, line("MUG", unit_price=Decimal("12.34"), total=Decimal("12.34"))))
    page = clerk.get(url("order", quote)).content.decode()
    assert "These usual prices have changed since" in page
    assert "12.34 EUR" in page


def test_a_quote_may_wait_for_its_address_an_order_not(clerk, seller):
    quote = quote_of(clerk, seller, address_line1="", address_city="")
    assert "has no complete address yet" in clerk.post(url("order", quote), follow=True).content.decode()
    assert not Order.objects.filter(kind="manual").exists()


def test_a_day_that_is_over_is_refused_at_its_field(clerk, seller):
    for day in ("2020-01-01", "x", "2020-13-40"):
        page = clerk.post(reverse("admin:orders_quote_add"), typed(seller, valid_until=day)).content.decode()
        assert "Choose today or a later day." in page
    assert not Quote.objects.exists()


def test_quotes_go_out_to_excel_with_customers_masked(clerk, people, seller):
    quote = quote_of(clerk, seller)

    def rows(client):
        answer = client.get(reverse("admin:orders_quote_xlsx"))
        return list(openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active.values)[1:]

    assert [(row[4], row[5], row[9]) for row in rows(clerk)] == [("A••", "MUG", 20), ("A••", "CUP", 7)]
    keeper = client_of(people, "bookkeeper")
    assert rows(keeper)[0][4] == "A••"
    page = keeper.get(url("change", quote)).content.decode()
    assert "12 Rue" not in page
    assert "Keep the quote" not in page


def test_number_ranges_and_circles_are_kept_by_the_owner(people, seller):
    owner = client_of(people, "owner")
    fields = {"shop": seller.shop.pk, "of": "manual", "prefix": "TEL-", "next": "100", "digits": "4"}
    owner.post(reverse("admin:orders_numberrange_add"), fields)
    assert str(NumberRange.objects.get()) == "TEL-0100"
    owner.post(reverse("admin:orders_mergecircle_add"), {"name": "both", "shops": [seller.shop.pk], "active": "on"})
    assert AuditEntry.objects.filter(action="merge_circle.change").count() == 1
