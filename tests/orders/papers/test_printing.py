"""Papers of many orders in one file: in the order asked, counted, on the record; what cannot be printed is told."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from backoffice.models import AuditEntry, Progress
from backoffice.papers.sheet import Sheet
from backoffice.spreadsheets import uploads
from backoffice.spreadsheets.uploads import UploadGone
from inventory.models import Access
from orders.desk import actions
from orders.fulfil import labels
from orders.fulfil.papers import gather, invoices, printing, single
from orders.fulfil.papers.errors import PaperError
from orders.fulfil.papers.facts import (
    AddressFacts,
    PaperLine,
    PickListFacts,
    PickRow,
    QuoteFacts,
    ReturnFacts,
    SlipFacts,
)
from orders.models import Company, Invoice, Label, PaperPrint, PrintRun, ShopPapers
from tests.orders.factories import LYON, line, order
from tests.orders.papers.factories import ACTOR, approved, offline, practice, seller, wish

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(people):
    user = people["warehouse_clerk"]
    Access.objects.create(user=user, all_shops=True, all_warehouses=True)
    return user


def draw(user, ids, *kinds):
    """Print on a sheet whose texts can be read."""
    sheet = Sheet(compress=False)
    told = printing.print_orders(sheet=sheet, user=user, order_ids=ids, kinds=kinds)
    return sheet, told


def words(sheet, page=None) -> str:
    return "\n".join(text for at, text in sheet.said if page in (None, at))


def labelled(made, service, number, **fields):
    one = approved(made, number, **fields)
    labels.buy(wish=wish(one, service, f"k{number}"), actor=ACTOR)
    return one


def test_slips_and_labels_come_in_the_order_asked_each_on_its_own_page(clerk):
    made, service = seller(), offline()
    ids = [labelled(made, service, number).pk for number in (1, 2, 3)]
    sheet, told = draw(clerk, [ids[2], ids[0], ids[1]], "slip", "label")
    assert [one.pages for one in told] == [2, 2, 2]
    numbers = [next(n for n in ("#1001", "#1002", "#1003") if n in words(sheet, page)) for page in range(1, 7)]
    assert numbers == ["#1003", "#1003", "#1001", "#1001", "#1002", "#1002"]
    assert "ZT00000003" in words(sheet, 2)
    assert "Ana Müller" in words(sheet, 2)
    assert "一库杭州仓 0571-88880000" in words(sheet, 2)


def test_each_print_is_counted_and_on_the_record_and_marks_the_label(clerk):
    one = labelled(seller(), offline(), 1)
    for _time in range(2):
        draw(clerk, [one.pk], "slip", "label")
    assert printing.counts(one.pk) == {"slip": 2, "label": 2}
    label = Label.objects.get()
    assert (label.state, label.printed_at is not None) == ("printed", True)
    entries = AuditEntry.objects.filter(action="papers.print").order_by("pk")
    assert [(one.after["paper"], one.after["time"]) for one in entries] == [
        ("slip", 1), ("label", 1), ("slip", 2), ("label", 2),
    ]  # fmt: skip


def test_what_cannot_be_printed_says_why_and_the_rest_is_printed(clerk):
    made, service = seller(), offline()
    good = labelled(made, service, 1)
    made.take(
        order(2, line("CUP"), shipping=dataclasses.replace(LYON, name="A**", masked=True)),
        order(3, line("CUP")),
        order(4, line("CUP"), shipping=None),
    )
    ids = [made.order(number).pk for number in (2, 1, 3, 4)]
    sheet, told = draw(clerk, [*ids, 999_999], "label")
    assert [one.code for one in told] == ["masked_address", "", "no_label", "no_address", "no_such_order"]
    assert "e-waybill" in told[0].problem
    assert sheet.pages == 1
    assert PaperPrint.objects.get().order_id == good.pk


def test_orders_of_other_shops_do_not_exist_and_labels_of_other_warehouses_are_not_printed(people):
    made, service = seller(), offline()
    one = labelled(made, service, 1)
    user = people["warehouse_clerk"]
    access = Access.objects.create(user=user, all_shops=False, all_warehouses=True)
    assert draw(user, [one.pk], "slip")[1][0].code == "no_such_order"
    access.all_shops, access.all_warehouses = True, False
    access.save()
    assert draw(user, [one.pk], "label")[1][0].code == "no_label"
    assert not PaperPrint.objects.exists()


def test_a_page_of_orders_is_read_in_constant_queries(clerk):
    made, service = seller(), offline()
    ids = [labelled(made, service, number).pk for number in range(1, 7)]
    counts = []
    for some in (ids[:2], ids):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            draw(clerk, some, "slip", "label")
        counts.append(len(caught))
    assert counts[0] == counts[1] <= 24


def test_the_run_keeps_its_file_for_its_owner_only_and_not_for_ever(clerk, people, later):
    one = labelled(seller(), offline(), 1)
    run = printing.begin(user=clerk, order_ids=[one.pk], kinds=["slip", "label"])
    assert (run.pages, run.outcomes[0]["problem"]) == (2, "")
    upload = printing.file_of(run)
    assert uploads.path_of(upload).read_bytes().startswith(b"%PDF")
    with pytest.raises(UploadGone):
        uploads.find(run.upload, owner=people["order_clerk"], purpose=printing.PURPOSE)
    later(hours=1)
    with pytest.raises(UploadGone):
        printing.file_of(run)
    uploads.clean_up()
    assert not uploads.path_of(upload).exists()


def test_a_long_run_goes_to_a_worker_and_is_done_once(clerk, monkeypatch):
    asked = []
    monkeypatch.setattr(printing, "NOW", 0)
    monkeypatch.setattr(printing.longwork, "workers_alive", lambda: True)
    monkeypatch.setattr(printing.longwork, "enqueue", lambda *arguments: asked.append(arguments))
    one = labelled(seller(), offline(), 1)
    run = printing.begin(user=clerk, order_ids=[one.pk], kinds=["slip"])
    assert run.ended_at is None
    assert asked == [("orders.tasks.print_papers", run.pk)]
    assert printing.work(run.pk) == "ok"
    assert printing.work(run.pk) == "done already"
    assert PaperPrint.objects.count() == 1
    assert Progress.objects.get(pk=run.progress_id).state == "done"


def test_too_many_orders_are_refused_before_anything(clerk):
    with pytest.raises(PaperError):
        printing.begin(user=clerk, order_ids=list(range(1, 2_002)), kinds=["slip"])
    assert not PrintRun.objects.exists()


def test_labels_are_bought_for_those_without_and_printed_in_one_go(clerk):
    made, service = seller(), offline()
    ids = [labelled(made, service, 1).pk, *(approved(made, number).pk for number in (2, 3))]
    actions.hold(order_ids=[ids[2]], actor=ACTOR, reason="x")
    run = printing.begin(user=clerk, order_ids=ids, kinds=["label"], buy="cheapest")
    assert [bool(one["problem"]) for one in run.outcomes] == [False, False, True]
    assert "Held" in run.outcomes[2]["problem"]
    assert (run.pages, Label.objects.count()) == (2, 2)
    assert Label.objects.get(order=ids[1]).weight_g == 250


# --- documents -------------------------------------------------------------------------------------------------------


def test_the_language_and_size_are_the_shops_choice(clerk):
    made = seller()
    one = approved(made, 1)
    own = ShopPapers.objects.create(shop=made.shop, language="zh", slip_size="label", slip_note="谢谢 {{7*7}}")
    sheet, _told = draw(clerk, [one.pk], "slip")
    assert (sheet.width, sheet.height) == (100, 150)
    assert "谢谢 {{7*7}}" in words(sheet)
    assert "Packing slip" not in words(sheet)
    own.language, own.slip_size = "both", "a4"
    own.save()
    sheet, _told = draw(clerk, [one.pk], "slip")
    assert sheet.width == 210
    assert any(text.endswith("/ Packing slip") for _page, text in sheet.said)


def test_an_order_with_400_lines_flows_over_pages_with_heads():
    lines = [PaperLine(sku=f"S-{n:03}", title="茶杯", quantity=Decimal(1)) for n in range(1, 401)]
    facts = SlipFacts(
        number="#1", shop="店", placed_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), lines=lines, language="en",
        recipient=AddressFacts(name="A" * 3_000, line1="街" * 3_000),
    )  # fmt: skip
    for small in (False, True):
        sheet = Sheet(compress=False)
        printing.slip.draw(sheet, dataclasses.replace(facts, small=small))
        texts = [text for _page, text in sheet.said]
        assert [text for text in texts if text.startswith("S-")] == [f"S-{n:03}" for n in range(1, 401)]
        assert texts.count("SKU") == sheet.pages > 5
        assert sum(text.endswith("…") for text in texts) >= 2


def test_the_gifts_of_a_hostile_buyer_are_letters(clerk):
    made = seller()
    note = "<script>alert(1)</script> {{7*7}} %n 🎄 שלום"
    made.take(order(1, line("CUP", title="{% debug %} ${x}"), buyer_note=note))
    sheet, _told = draw(clerk, [made.order(1).pk], "slip")
    assert "<script>alert(1)</script> {{7*7}} %n [U+1F384] שלום" in words(sheet)
    assert "{% debug %} ${x}" in words(sheet)


@pytest.mark.parametrize("draw_one", [single.quote_pdf, single.return_slip_pdf, single.pick_list_pdf])
def test_other_parts_draw_from_plain_facts(draw_one):
    who, day = AddressFacts(name="Ana", line1="Rue", city="Lyon", country="FR"), dt.date(2026, 11, 30)
    lines = [PaperLine(sku="CUP", title="茶杯", quantity=Decimal(2), total=Decimal(20))]
    facts = {
        single.quote_pdf: QuoteFacts(
            number="Q-1", made_on=day, valid_until=day, company=gather.company_facts(Company()), customer=who,
            lines=lines, currency="EUR", goods=Decimal(20), discount=Decimal(0), shipping=Decimal(5), tax=Decimal(0),
            total=Decimal(25),
        ),
        single.return_slip_pdf: ReturnFacts(
            number="R-1", order="#1", made_on=day, customer=who, back_to=who, lines=lines, reason="尺码",
        ),
        single.pick_list_pdf: PickListFacts(
            number="W-1", warehouse="HZ",
            rows=[PickRow(bin="A-01", sku="CUP", title="茶杯", quantity=Decimal(2), totes={"1": Decimal(2)})],
        ),
    }[draw_one]  # fmt: skip
    assert draw_one(facts).startswith(b"%PDF")


# --- invoices --------------------------------------------------------------------------------------------------------


def test_invoices_are_numbered_without_a_gap_and_printed_again_as_a_copy(clerk):
    made = seller()
    ids = [approved(made, number).pk for number in (1, 2)]
    first, _told = draw(clerk, ids, "invoice")
    again, _told = draw(clerk, ids, "invoice")
    year = Invoice.objects.first().year
    assert sorted(Invoice.objects.values_list("text", flat=True)) == [f"INV-{year}-000001", f"INV-{year}-000002"]
    assert "Invoice (copy)" not in words(first)
    assert words(again).count("Invoice (copy)") == 2


def test_an_invoice_stays_as_it_was_issued(clerk):
    one = approved(seller(), 1)
    invoices.issue(order_id=one.pk, actor=ACTOR)
    Company.objects.update(name="新公司")
    sheet, _told = draw(clerk, [one.pk], "invoice")
    assert "杭州一库" in words(sheet)
    assert "新公司" not in words(sheet)
    assert "10.00" in words(sheet)


def test_a_number_is_used_once(clerk):
    made = seller()
    first, _made = invoices.issue(order_id=approved(made, 1).pk, actor=ACTOR)
    other = approved(made, 2)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.create(
            order=other, company=first.company, year=first.year, number=first.number, text="x",
            issued_at=first.issued_at,
        )  # fmt: skip


def test_a_fault_after_the_number_leaves_no_gap(clerk, monkeypatch):
    one = approved(seller(), 1)
    with monkeypatch.context() as patch:
        patch.setattr(invoices, "to_json", lambda facts: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            invoices.issue(order_id=one.pk, actor=ACTOR)
    assert invoices.issue(order_id=one.pk, actor=ACTOR)[0].number == 1


def test_no_invoice_without_a_company_or_for_a_cancelled_order(clerk):
    one = approved(seller(), 1)
    Company.objects.update(name="")
    assert draw(clerk, [one.pk], "invoice")[1][0].code == "no_company"
    actions.cancel(order_ids=[one.pk], actor=ACTOR, reason="x")
    assert draw(clerk, [one.pk], "invoice")[1][0].code == "not_to_invoice"
    assert not Invoice.objects.exists()


def test_the_taxes_of_an_invoice_add_up_by_rate(clerk):
    made = seller(CUP=9, TEA=9)
    lines = (
        line("CUP", tax=Decimal("1.67"), tax_rate=Decimal("0.2")),
        line("TEA", number=2, tax=Decimal("0.52"), tax_rate=Decimal("0.055")),
    )
    taxed = {"taxes_included": True, "tax_total": Decimal("2.19")}
    made.take(order(1, *lines, **taxed))
    facts = invoices.from_json(invoices.issue(order_id=made.order(1).pk, actor=ACTOR)[0].facts)
    assert [(rate, net, tax) for rate, net, tax in facts.taxes] == [
        ("20 %", Decimal("8.3300"), Decimal("1.6700")), ("5.5 %", Decimal("9.4800"), Decimal("0.5200")),
    ]  # fmt: skip
    assert facts.total == Decimal(20)


def test_a_carrier_that_throttles_gets_its_second(clerk, open_way, monkeypatch):
    made, service, waited = seller(), practice(open_way.url), []
    monkeypatch.setattr(printing.time, "sleep", waited.append)
    open_way.faults.add("status", "/v1/shipments$", status=429, headers={"Retry-After": "2"})
    run = printing.begin(user=clerk, order_ids=[approved(made, 1).pk], kinds=["label"], buy=str(service.pk))
    assert run.outcomes[0]["problem"] == ""
    assert len(waited) == 1
    assert 0 < waited[0] <= 2
