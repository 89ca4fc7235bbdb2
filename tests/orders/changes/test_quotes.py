"""Quotes: offered until a day, changed while open, and turned into an order once."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice import clock
from backoffice.models import AuditEntry
from orders.desk import quotes
from orders.errors import OrderError
from orders.fulfil.papers import quoting
from orders.models import Order, Quote
from tests.orders.changes.looking import client_of
from tests.orders.changes.test_own_orders import basket, goods
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db
WHO = "user:1 li"


@pytest.fixture
def seller():
    return Seller(MUG=20)


def day(days=7) -> dt.date:
    return timezone.localdate(clock.now()) + dt.timedelta(days=days)


def make(seller, *lines, key="q", days=7, **fields) -> Quote:
    found = basket(*(lines or (goods(seller, usual=Decimal(10)),)), **fields)
    return quotes.make(shop_id=seller.shop.pk, basket=found, valid_until=day(days), text="Dear Ana", key=key, actor=WHO)


def test_a_quote_has_a_number_a_total_and_takes_no_stock(seller):
    quote = make(seller, goods(seller, quantity="3"), shipping=Decimal(5))
    assert (quote.number, quote.total, quote.state) == (f"Q-{seller.shop.code}-00001", 35, "draft")
    assert seller.buckets("MUG") == (20, 0, 0)
    assert make(seller) == quote


def test_it_becomes_an_order_once_and_the_second_click_is_told_which(seller):
    quote = make(seller, goods(seller, quantity="3"))
    taken = quotes.order(quote_id=quote.pk, actor=WHO)
    found = Order.objects.get(pk=taken.order_id)
    assert (found.total, found.state, found.kind) == (30, "approved", "manual")
    quote.refresh_from_db()
    assert (quote.state, quote.order) == ("accepted", found)
    with pytest.raises(OrderError) as refused:
        quotes.order(quote_id=quote.pk, actor=WHO)
    assert refused.value.code == "quote_ordered"
    assert found.number in str(refused.value)
    assert Order.objects.count() == 1


def test_after_its_day_it_needs_a_new_one(seller):
    quote = make(seller, days=-1)
    with pytest.raises(OrderError) as refused:
        quotes.order(quote_id=quote.pk, actor=WHO)
    assert (refused.value.code, Order.objects.count()) == ("quote_expired", 0)
    assert quotes.expire() == 1
    quote.refresh_from_db()
    assert quote.state == "expired"
    quotes.change(
        quote_id=quote.pk, basket=quotes.basket_of(quote), valid_until=day(), text="", seen_revision=0, actor=WHO
    )
    assert quotes.order(quote_id=quote.pk, actor=WHO).made


def test_its_last_day_counts(seller):
    assert quotes.expire() == 0
    assert quotes.order(quote_id=make(seller, days=0).pk, actor=WHO).made


def test_sent_and_refused(seller):
    quote = make(seller)
    assert quotes.mark(quote_id=quote.pk, state="sent", actor=WHO).sent_at is not None
    assert quotes.mark(quote_id=quote.pk, state="refused", actor=WHO).decided_at is not None
    with pytest.raises(OrderError) as refused:
        quotes.order(quote_id=quote.pk, actor=WHO)
    assert refused.value.code == "quote_state"


def test_a_change_makes_it_a_draft_again_and_the_second_to_change_is_told(seller):
    quote = make(seller)
    quotes.mark(quote_id=quote.pk, state="sent", actor=WHO)
    fields = {"quote_id": quote.pk, "valid_until": day(9), "text": "new", "actor": "user:2 wu"}
    changed = quotes.change(basket=basket(goods(seller, quantity="2")), seen_revision=1, **fields)
    assert (changed.state, changed.total, changed.text) == ("draft", 20, "new")
    with pytest.raises(OrderError) as refused:
        quotes.change(basket=basket(goods(seller, quantity="9")), seen_revision=1, **fields)
    assert refused.value.code == "changed_meanwhile"
    assert Quote.objects.get().total == 20


def test_a_copy_is_a_new_draft(seller):
    quote = make(seller, goods(seller, quantity="4"))
    quotes.order(quote_id=quote.pk, actor=WHO)
    copy = quotes.duplicate(quote_id=quote.pk, valid_until=day(30), key="copy", actor=WHO)
    assert (copy.state, copy.total, copy.order, copy.number[-5:]) == ("draft", 40, None, "00002")


def test_prices_that_changed_since_are_told_before(seller):
    quote = make(seller, goods(seller, price="9", usual=Decimal(10)))
    assert quotes.price_changes(quote) == []
    seller.take(order(1, line("MUG", unit_price=Decimal("12"), total=Decimal("12"))))
    (changed,) = quotes.price_changes(quote)
    assert (changed.code, changed.quoted, changed.then, changed.now) == ("MUG", 9, 10, 12)


def test_without_an_address_it_does_not_become_an_order(seller):
    quote = make(seller, address={"country": "FR"})
    with pytest.raises(OrderError) as refused:
        quotes.order(quote_id=quote.pk, actor=WHO)
    assert (refused.value.code, Order.objects.count(), Quote.objects.get().state) == ("quote_buyer", 0, "draft")


def test_as_a_paper_it_adds_up_as_its_form_does(seller):
    quote = make(seller, goods(seller, quantity="3"), shipping=Decimal(5), discount=Decimal(4), buyer_name="Ana")
    facts = quoting.facts_of(quote, name="A**", address={"line1": "1 Way", "city": "Lyon"})
    assert (facts.goods, facts.discount, facts.shipping, facts.total) == (30, 4, 5, quote.total)
    assert facts.total == facts.goods - facts.discount + facts.shipping
    assert [(one.sku, one.quantity, one.unit_price, one.total) for one in facts.lines] == [("MUG", 3, 10, 30)]
    assert (facts.customer.name, facts.customer.line1, facts.note) == ("A**", "1 Way", "Dear Ana")


def test_the_file_opens_in_the_browser_and_each_printing_is_on_the_record(people, seller):
    quote, client = make(seller), client_of(people, "order_clerk")
    address = reverse("admin:orders_quote_pdf", args=[quote.pk])
    assert address in client.get(reverse("admin:orders_quote_change", args=[quote.pk])).content.decode()
    answer = client.get(address)
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
    assert answer["Content-Disposition"] == f'inline; filename="quote-{quote.pk}.pdf"'
    entry = AuditEntry.objects.get(action="papers.print")
    assert (entry.target, entry.after) == (f"orders.quote:{quote.pk}", {"paper": "quote", "time": 1})


def test_without_a_font_the_file_is_refused_in_a_sentence(people, seller, settings):
    settings.PDF_FONT = "/nowhere/font.ttc"
    quote, client = make(seller), client_of(people, "order_clerk")
    answer = client.get(reverse("admin:orders_quote_pdf", args=[quote.pk]), follow=True)
    assert "No font for Chinese is installed" in answer.content.decode()
    assert not AuditEntry.objects.filter(action="papers.print").exists()
