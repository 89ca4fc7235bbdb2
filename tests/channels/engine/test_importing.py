"""Matches by file: through the same function as the page, undone to what was."""

from decimal import Decimal

import pytest

from backoffice.imports import applying, reading
from channels import matching
from channels.models import Listing, ListingMatch
from inventory.models import Access
from tests.backoffice.sheets.kit import xlsx
from tests.channels.engine.test_matching import match_of, sync
from tests.inventory import factories as stock

pytestmark = pytest.mark.django_db
LISTINGS = "channels.listings"
HEADER = ("our SKU", "shop", "platform's id", "SKU on the platform", "pieces per unit sold")


@pytest.fixture
def clerk(people):
    Access.objects.create(user=people["ops_admin"], all_shops=True, all_warehouses=True)
    return people["ops_admin"]


def look(user, *rows):
    return reading.preview(kind=LISTINGS, user=user, file=xlsx((HEADER, *rows)))


def said(run):
    return {row.row: row.problems[0][2] for row in run.rows.filter(outcome="bad")}


def test_a_file_matches_listings_and_undo_gives_back_what_was(connect, clerk):
    made = connect()
    first, second = stock.sku("ONE"), stock.sku("TWO")
    made.front.offer("A", "ONE", 3)
    made.front.offer("B", "there", 3)
    sync(made)
    run = look(clerk, ("TWO", None, "A", None, 2), ("ONE", made.account.shop.code, None, "THERE", None))
    assert (run.change_count, run.new_count, run.bad_count) == (1, 1, 0)
    assert run.rows.get(row=2).changes == {"sku": ["ONE", "TWO"], "pieces": ["1", "2"]}
    assert match_of("A").sku == first
    run = applying.apply(run_id=run.pk, user=clerk)
    assert (match_of("A").sku, match_of("A").quantity_per, match_of("B").sku) == (second, Decimal(2), first)
    applying.undo(run_id=run.pk, user=clerk)
    assert (match_of("A").sku, match_of("A").quantity_per, match_of("B")) == (first, Decimal(1), None)
    assert ListingMatch.objects.filter(listing__external_id="A").count() == 3  # what was stays on record


def test_a_match_that_a_person_changed_since_stays(connect, clerk):
    made = connect()
    stock.sku("ONE")
    third = stock.sku("THREE")
    made.front.offer("A", "x", 3)
    made.front.offer("B", "y", 3)
    sync(made)
    run = applying.apply(run_id=look(clerk, ("ONE", None, "A", None, 1), ("ONE", None, "B", None, 1)).pk, user=clerk)
    matching.choose(listing=Listing.objects.get(external_id="A"), sku=third, actor="clerk")
    run = applying.undo(run_id=run.pk, user=clerk)
    assert (run.undone_count, run.kept_count, match_of("A").sku, match_of("B")) == (1, 1, third, None)
    assert run.rows.get(row=2).note == "Changed since: the listing has another match now."


def test_a_row_that_means_no_listing_or_several_says_so(connect, clerk):
    made = connect()
    stock.sku("ONE")
    made.front.offer("A", "same", 3)
    made.front.offer("B", "same", 3)
    sync(made)
    run = look(
        clerk, ("ONE", None, "nowhere", None, 1), ("ONE", None, None, "same", 1), ("ONE", "moon", "A", None, 1),
        ("ONE", None, None, None, 1), ("nobody", None, "A", None, 1), ("ONE", None, "A", None, 0),
    )  # fmt: skip
    assert said(run) == {
        2: "There is no such listing: read the shop's listings first.",
        3: "2 listings are meant by it: name the shop, or the platform's id",
        4: "“moon” is not a shop of yours",
        5: "Give the platform's id, or the SKU on the platform.",
        6: "“nobody” is not a SKU",
        7: "More than zero, please.",
    }
    assert not ListingMatch.objects.exists()


def test_listings_of_other_shops_are_not_there(connect, people):
    made = connect()
    stock.sku("ONE")
    made.front.offer("A", "x", 3)
    sync(made)
    Access.objects.create(user=people["order_clerk"]).shops.add(stock.shop(stock.warehouse()))
    run = look(people["order_clerk"], ("ONE", None, "A", None, 1))
    assert said(run) == {2: "There is no such listing: read the shop's listings first."}


def test_listings_go_out_and_come_in_unchanged(connect, people, clerk):
    from django.core.files.uploadedfile import SimpleUploadedFile

    made = connect()
    stock.sku("ONE")
    made.front.offer("A", "ONE", 3)
    made.front.offer("B", "nobody", 3)
    sync(made)
    data = b"".join(people.client("ops_admin").get("/admin/imports/channels.listings/export/").streaming_content)
    run = reading.preview(kind=LISTINGS, user=clerk, file=SimpleUploadedFile("out.xlsx", data))
    assert (run.new_count, run.change_count, run.same_count, run.bad_count) == (0, 0, 2, 0)
