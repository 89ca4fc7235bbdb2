"""S73: a buyer is erased in one step everywhere; numbers and amounts stay, the record names nobody."""

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from backoffice import clock
from backoffice.incidents import desk
from backoffice.messages import queueing
from backoffice.models import AuditEntry, IncidentEntry, OutgoingMessage
from channels.models import InboundPayload
from orders import contracts, erasing
from orders.desk import marking
from orders.errors import OrderError
from orders.fulfil.papers import printing
from orders.models import (
    Company,
    Invoice,
    Label,
    Order,
    OrderContact,
    OrderVersion,
    Quote,
    Return,
    ReturnPhoto,
    StaffNote,
)
from orders.returns import photos
from tests.orders.factories import line, order
from tests.orders.papers.factories import offline
from tests.security.house import BUYER

pytestmark = pytest.mark.django_db
WORDS = (*BUYER.values(), "Canaryvogel", "698765432", "ring twice")


def held_by_the_database() -> set[str]:
    """Every column of every table that holds a word of the buyer, bytes and JSON included."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # names from the database itself
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    text = (
                        bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)
                    )
                    if any(word.casefold() in text.casefold() for word in WORDS):
                        found.add(f"{table}.{name}")
    return found


@pytest.fixture
def over(desk, people):
    """Everything about the buyer is over, and he stands in every kind of text."""
    Company.objects.update_or_create(pk=1, defaults={"name": "Yiku"})
    orders = list(Order.objects.order_by("pk"))
    printing.begin(user=people["superuser"], order_ids=[orders[0].pk], kinds=["invoice"])
    marking.add_note(order_ids=[orders[0].pk], text=f"{BUYER['name']} called from {BUYER['phone']}", actor="user:1 li")
    Return.objects.update(text=f"I moved to {BUYER['line1']}", note="quirina@canary.example wrote", state="closed")
    Quote.objects.filter(order=None).update(state="refused")
    Order.objects.update(hold_note="Frau Canaryvogel is away")
    InboundPayload.objects.create(
        account=desk.account, kind="order", external_id=orders[0].external_id, sha256="1" * 64,
        body=str(BUYER), received_at=clock.now(),
    )  # fmt: skip
    Order.objects.update(state="shipped", hold_code="", held_since=None)
    return desk


def test_after_erasing_the_buyer_is_found_in_no_column_of_no_table(people, over):
    before = held_by_the_database()
    assert {one.partition(".")[0] for one in before} >= {
        "orders_ordercontact", "orders_orderversion", "orders_invoice", "orders_quote", "orders_staffnote",
        "orders_return", "orders_order", "backoffice_outgoingmessage", "channels_inboundpayload",
    }  # fmt: skip
    client, page = people.client("superuser"), reverse("admin:orders_order_erase", args=[over.order.pk])
    shown = client.get(page)
    counts = {name: rows for name, _label, rows in shown.context["places"]}
    assert held_by_the_database() == before  # a look changes nothing
    known = ",".join(str(one.pk) for one in shown.context["orders"])
    assert client.post(page, {"orders": known}).status_code == 302
    assert held_by_the_database() == set()
    entries = AuditEntry.objects.filter(action="person.erase")
    assert entries.count() == len(shown.context["orders"]) > 5
    assert entries.first().after == counts
    assert client.get(page).context["places"] == []


def test_numbers_and_amounts_stay_and_the_pages_open(people, over):
    invoice, total, versions = Invoice.objects.get(), Quote.objects.get().total, OrderVersion.objects.count()
    found = list(Order.objects.order_by("pk"))
    erasing.erase(orders=found, actor="user:1 li")
    kept = Invoice.objects.get()
    assert (kept.text, kept.facts["total"], kept.facts["customer"]["country"]) == (
        invoice.text, invoice.facts["total"], "FR",
    )  # fmt: skip
    assert (Quote.objects.get().total, OrderVersion.objects.count()) == (total, versions)
    client = people.client("superuser")
    for name, row in (("orders_order", found[0]), ("orders_quote", Quote.objects.get()), ("orders_invoice", kept)):
        assert client.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200
    assert client.get(reverse("admin:orders_order_versions", args=[found[0].pk])).status_code == 200


def test_photos_of_returns_and_the_carriers_own_file_go_with_the_buyer(over, django_capture_on_commit_callbacks):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    back = Return.objects.first()
    kept = photos.keep(SimpleUploadedFile("label.png", buffer.getvalue()), actor="user:1 li", rma=back)
    service = offline()
    label = Label.objects.create(
        order=back.order, account=service.account, service=service, warehouse=over.seller.place, idempotency_key="k",
        weight_g=1, asked_at=clock.now(), pdf=b"%PDF-1.4 whose", request={"to": 1}, data={"to": 1},
    )  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(orders=list(Order.objects.all()), actor="user:1 li")
    label.refresh_from_db()
    assert (label.pdf, label.request, label.data) == (None, {}, {})
    assert (ReturnPhoto.objects.count(), photos.path_of(kept).exists()) == (0, False)


def test_invoices_keep_the_buyer_where_the_law_asks_for_it(over):
    Company.objects.update(keep_on_invoices=True)
    erasing.erase(orders=list(Order.objects.all()), actor="user:1 li")
    assert held_by_the_database() == {"orders_invoice.facts"}


def test_a_buyer_with_an_open_order_is_not_erased(people, over):
    Order.objects.filter(pk=over.order.pk).update(state="approved")
    before = held_by_the_database()
    with pytest.raises(OrderError, match="To be shipped"):
        erasing.erase(orders=list(Order.objects.all()), actor="user:1 li")
    assert (held_by_the_database(), AuditEntry.objects.filter(action="person.erase").count()) == (before, 0)


def test_an_order_that_came_meanwhile_is_shown_first(people, over):
    page = reverse("admin:orders_order_erase", args=[over.order.pk])
    before = held_by_the_database()
    people.client("superuser").post(page, {"orders": str(over.order.pk)})
    assert held_by_the_database() == before


def test_old_buyers_are_erased_by_themselves_once_a_policy_says_so(over):
    assert erasing.erase_old() == 0  # no policy
    Company.objects.update(erase_after_months=6)
    assert erasing.erase_old() == 0  # young
    Order.objects.update(placed_at=timezone.now() - dt.timedelta(days=200))
    number = Order.objects.count()
    assert erasing.erase_old() == number
    assert erasing.erase_old() == 0
    assert not OrderContact.objects.filter(erased_at=None).exists()
    assert OutgoingMessage.objects.exclude(reference="").filter(erased_at=None).count() == 0


def test_what_only_grows_is_rewritten_once_and_only_to_erase(over):
    note = StaffNote.objects.first()
    for news in ({"text": "x"}, {"erased_at": None, "text": "x"}, {"author": "x", "erased_at": clock.now()}):
        with pytest.raises(DatabaseError), transaction.atomic():
            StaffNote.objects.filter(pk=note.pk).update(**news)
    StaffNote.objects.filter(pk=note.pk).update(text="•••", erased_at=clock.now())
    with pytest.raises(DatabaseError), transaction.atomic():
        StaffNote.objects.filter(pk=note.pk).update(text="again", erased_at=clock.now())
    assert StaffNote.objects.get(pk=note.pk).text == "•••"


def test_numbers_and_amounts_survive_a_house_number_and_a_name_that_is_a_word(over):
    contact = OrderContact.objects.get(order=over.order)
    OrderContact.objects.filter(pk=contact.pk).update(
        buyer_name="Anna Price", shipping={**contact.shipping, "name": "Anna Price", "line2": "12"}
    )
    Order.objects.filter(pk=over.order.pk).update(
        external_id="Price-90121", number="#90121", hold_note="Anna Price, 12 cups"
    )
    before = {one.pk: contracts.from_json(one.content) for one in over.order.versions.all()}
    erasing.erase(orders=[over.order], actor="user:1 li")
    found = Order.objects.get(pk=over.order.pk)
    assert (found.external_id, found.number, found.hold_note) == ("Price-90121", "#90121", "•••, 12 cups")
    for one in found.versions.all():
        was, now = before[one.pk], contracts.from_json(one.content)
        assert now.buyer == contracts.Buyer()
        assert (now.external_id, now.total, now.lines) == (was.external_id, was.total, was.lines)


def test_what_a_platform_delivers_again_is_erased_again(over):
    Company.objects.update(erase_after_months=6)
    Order.objects.update(placed_at=timezone.now() - dt.timedelta(days=200))
    sent, unsent = over.seller.order(1), over.seller.order(3)
    assert erasing.erase_old() > 2
    held = {"state": "held", "hold_code": "manual", "held_since": clock.now(), "approved_at": None}
    Order.objects.filter(pk=unsent.pk).update(**held)
    buyer = contracts.Buyer(name=BUYER["name"], email=BUYER["email"], phone=BUYER["phone"])
    news = [order(1, line("TEA", 2), minutes=200, buyer=buyer), order(3, line("CUP"), minutes=200, buyer=buyer)]
    assert over.seller.take(*news) == ["waiting", "updated"]  # what has left changes by a person alone
    contact = OrderContact.objects.get(order=unsent)
    assert (contact.buyer_name, contact.erased_at) == (BUYER["name"], None)
    Order.objects.filter(pk=unsent.pk).update(state="shipped", hold_code="", held_since=None)
    Order.objects.update(placed_at=timezone.now() - dt.timedelta(days=200))
    assert erasing.erase_old() == 2
    assert OrderContact.objects.get(order=unsent).buyer_name == ""
    assert BUYER["name"] not in "".join(OrderVersion.objects.filter(order=sent).values_list("content", flat=True))
    assert erasing.erase_old() == 0


def test_a_message_about_an_order_that_is_still_open_goes_out(over):
    old, still_open = Order.objects.order_by("pk")[:2]
    to = OrderContact.objects.get(order=old).email
    message = OutgoingMessage.objects.exclude(to="").first()
    values = {"state": "queued", "to": to, "to_key": queueing.recipient_key(to)}
    OutgoingMessage.objects.filter(pk=message.pk).update(reference=f"orders.order:{still_open.pk}", **values)
    erasing.erase(orders=[old], actor="system")
    message.refresh_from_db()
    assert (message.state, message.to) == ("queued", to)
    erasing.erase(orders=[still_open], actor="system")
    message.refresh_from_db()
    assert (message.state, message.to) == ("cancelled", "")


def test_a_return_under_way_keeps_its_buyer(over):
    back = Return.objects.first()
    Return.objects.filter(pk=back.pk).update(state="approved")
    Company.objects.update(erase_after_months=6)
    Order.objects.update(placed_at=timezone.now() - dt.timedelta(days=200))
    with pytest.raises(OrderError, match=back.number):
        erasing.erase(orders=[back.order], actor="user:1 li")
    erasing.erase_old()
    assert list(OrderContact.objects.filter(erased_at=None).values_list("order", flat=True)) == [back.order_id]


def test_an_open_quote_keeps_its_buyer_until_it_is_over(over):
    quote = Quote.objects.first()
    Quote.objects.filter(pk=quote.pk).update(state="sent", order=None)
    erasing.erase(orders=list(Order.objects.all()), actor="user:1 li")
    assert Quote.objects.get(pk=quote.pk).basket == quote.basket


def test_an_order_that_cannot_be_erased_holds_up_no_other(over):
    Company.objects.update(erase_after_months=6)
    Order.objects.update(placed_at=timezone.now() - dt.timedelta(days=200))
    first = Order.objects.order_by("placed_at", "pk").first()
    OrderContact.objects.filter(order=first).update(shipping=["no address"])
    with pytest.raises(AttributeError):
        erasing.erase_old()
    assert list(OrderContact.objects.filter(erased_at=None).values_list("order", flat=True)) == [first.pk]


def test_an_incident_about_two_buyers_loses_each_of_them(over):
    """The history only grows: it may be rewritten once for each person, and only by erasing."""
    first, second = Order.objects.order_by("pk")[:2]
    for one, name in ((first, "Wendelin Quastel"), (second, "Zephyrine Obst")):
        Order.objects.filter(pk=one.pk).update(buyer_key=name)
        OrderContact.objects.filter(order=one).update(buyer_name=name, email="", phone="", shipping={}, billing={})
    about = [f"orders.order:{one.pk}" for one in (first, second)]
    found = desk.report_by_hand(text="mixed up", links=about, actor="user:1 li")
    desk.note(incident=found, text="Wendelin Quastel got the cups of Zephyrine Obst", actor="user:1 li")
    entry = IncidentEntry.objects.get(incident=found, what="note")
    erasing.erase(orders=[first], actor="user:1 li")
    entry.refresh_from_db()
    assert entry.text == "••• got the cups of Zephyrine Obst"
    erased = entry.erased_at
    with clock.moved_to(lambda: erased - dt.timedelta(hours=1)):  # somebody set the clock back
        erasing.erase(orders=[second], actor="user:1 li")
    entry.refresh_from_db()
    assert entry.text == "••• got the cups of •••"
    assert entry.erased_at > erased
    for news in ({"text": "x"}, {"text": "x", "erased_at": entry.erased_at}, {"text": "x", "erased_at": None}):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            IncidentEntry.objects.filter(pk=entry.pk).update(**news)
