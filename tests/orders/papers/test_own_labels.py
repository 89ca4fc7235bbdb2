"""Labels a carrier drew itself stand in the file of many orders; a broken one is a page that says so."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pypdf import PdfReader

from backoffice.spreadsheets import uploads
from inventory.models import Access
from orders.fulfil import labels
from orders.fulfil.papers import own_labels, printing
from orders.models import Label, PaperPrint
from tests.orders.papers.factories import ACTOR, approved, offline, practice, seller, wish

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(people):
    user = people["warehouse_clerk"]
    Access.objects.create(user=user, all_shops=True, all_warehouses=True)
    return user


@pytest.fixture
def three(open_way):
    """Orders 1 and 3 with labels the practice carrier drew, order 2 with one that we draw."""
    made, called, own = seller(), practice(open_way.url), offline()
    orders = [approved(made, number) for number in (1, 2, 3)]
    for order, service in zip(orders, (called, own, called), strict=True):
        labels.buy(wish=wish(order, service, f"k{order.pk}"), actor=ACTOR)
    return orders


def printed(clerk, orders, *kinds):
    run = printing.begin(user=clerk, order_ids=[one.pk for one in orders], kinds=kinds)
    file = PdfReader(uploads.path_of(printing.file_of(run)))
    assert run.pages == len(file.pages)
    return run, [page.extract_text() for page in file.pages]


def test_the_carriers_own_labels_stand_in_the_order_of_the_list(clerk, three):
    first, second, third = three
    run, pages = printed(clerk, [third, second, first], "slip", "label")
    assert [one["pages"] for one in run.outcomes] == [2, 2, 2]
    assert ["PRACTICE POST" in page for page in pages] == [False, True, False, False, False, True]
    for place, order in ((1, third), (5, first)):
        assert Label.objects.get(order=order).tracking_number in pages[place]
    assert set(Label.objects.values_list("state", flat=True)) == {"printed"}


def test_a_broken_label_is_a_page_that_says_so_and_loses_no_other(clerk, three):
    first, second, third = three
    Label.objects.filter(order=first).update(pdf=b"%PDF-1.4 half of it")
    run, pages = printed(clerk, three, "label")
    assert [one["code"] for one in run.outcomes] == ["label_file", "", ""]
    assert first.number in run.outcomes[0]["problem"]
    assert "no whole PDF" in run.outcomes[0]["problem"]
    assert ["PRACTICE POST" in page for page in pages] == [False, False, True]
    assert Label.objects.get(order=first).state == "bought"
    assert sorted(PaperPrint.objects.values_list("order", flat=True)) == [second.pk, third.pk]


def test_the_page_in_place_of_a_broken_label_names_order_parcel_and_reason(clerk, three):
    Label.objects.filter(order=three[2]).update(pdf=b"%PDF-1.4 half of it")
    sheet = printing.Sheet()
    printing.print_orders(sheet=sheet, user=clerk, order_ids=[three[0].pk, three[2].pk], kinds=["label"])
    said = " ".join(text for page, text in sheet.said if page == 2)
    assert f"Order {three[2].number}" in said
    assert Label.objects.get(order=three[2]).tracking_number in said
    assert "it is no whole PDF. Open it from the order's page" in said


def test_of_two_parcels_the_good_label_counts(clerk, three):
    first = three[0]
    labels.buy(wish=wish(first, Label.objects.get(order=first).service, "again", more=True), actor=ACTOR)
    Label.objects.filter(order=first, parcel=1).update(pdf=b"no")
    run, pages = printed(clerk, [first], "label")
    assert (run.outcomes[0]["code"], len(pages)) == ("label_file", 2)
    assert list(Label.objects.filter(order=first).order_by("parcel").values_list("state", flat=True)) == [
        "bought", "printed",
    ]  # fmt: skip
    assert PaperPrint.objects.count() == 1


def test_more_than_the_bound_goes_into_another_run(clerk, three, monkeypatch):
    size = len(Label.objects.get(order=three[0]).pdf)
    monkeypatch.setattr(own_labels, "MOST_BYTES", size + size // 2)
    run, pages = printed(clerk, three, "label")
    assert [one["code"] for one in run.outcomes] == ["", "", "label_no_room"]
    assert len(pages) == 3
    assert Label.objects.get(order=three[2]).state == "bought"


def test_labels_of_other_warehouses_are_not_put_in(people, three):
    user = people["warehouse_clerk"]
    Access.objects.create(user=user, all_shops=True, all_warehouses=False)
    run = printing.begin(user=user, order_ids=[three[0].pk], kinds=["label"])
    assert (run.outcomes[0]["code"], run.pages) == ("no_label", 0)


def test_files_are_read_in_constant_queries(clerk, three):
    counts = []
    for some in (three[:1], three):
        sheet = printing.Sheet()
        with CaptureQueriesContext(connection) as caught:
            printing.print_orders(sheet=sheet, user=clerk, order_ids=[one.pk for one in some], kinds=["label"])
        counts.append(len(caught))
        assert PdfReader(io.BytesIO(sheet.content())).pages
    assert counts[0] == counts[1]
