"""A listing is ours by SKU, else by barcode; two claims wait for a person; a match moves stock and orders."""

from decimal import Decimal

import pytest

from backoffice.errors import YikuError
from channels import listings, matching, pull, upkeep
from channels.matcher import ListingMatcher
from channels.models import Listing, ListingClaim, ListingMatch, ListingTerm, PushJob
from inventory.models import Barcode, Pack
from orders.models import Order, OrderLine
from tests.channels.engine.conftest import settle_down
from tests.inventory import factories as stock


def sync(made):
    """Read the listings."""
    listings.sync(made.account.pk)


def match_of(listing="A"):
    """The match that stands."""
    return ListingMatch.objects.filter(listing__external_id=listing, valid_to=None).first()


def test_a_listing_is_matched_by_its_sku_however_it_is_written(connect):
    made = connect()
    sku = stock.sku("Tea-01")
    made.front.offer("A", "ＴＥＡ-01\u200b ", 3)
    sync(made)
    assert (match_of().sku, match_of().how) == (sku, "sku")


def test_a_listing_without_sku_is_matched_by_barcode_with_its_pack(connect):
    made = connect()
    sku = stock.sku()
    case = Pack.objects.create(sku=sku, name="case", quantity=Decimal(12))
    Barcode.objects.create(sku=sku, code="4006381333931", pack=case)
    stock.stock(sku, made.place, 30)
    made.front.offer("A", "", 0, barcode="4006381333931")
    sync(made)
    assert (match_of().sku, match_of().quantity_per, match_of().how) == (sku, Decimal(12), "barcode")
    settle_down(made)
    assert made.front.stock["A"] == 2


def test_two_claims_wait_for_a_person_with_both_shown(connect):
    made = connect()
    one, other = stock.sku("ONE"), stock.sku("OTHER")
    Barcode.objects.create(sku=other, code="4006381333931")
    made.front.offer("A", "ONE", 3, barcode="4006381333931")
    sync(made)
    sync(made)
    assert match_of() is None
    assert sorted(ListingClaim.objects.values_list("sku", "how")) == [(one.pk, "sku"), (other.pk, "barcode")]
    assert [m.reason for m in ListingMatcher(made.account.pk).match([("A", "ONE", "4006381333931")])] == ["conflict"]


def test_a_choice_ends_the_claims_and_writes_the_figure(connect):
    made = connect()
    stock.sku("ONE")
    other = stock.sku("OTHER")
    Barcode.objects.create(sku=other, code="4006381333931")
    stock.stock(other, made.place, 8)
    made.front.offer("A", "ONE", 3, barcode="4006381333931")
    sync(made)
    matching.choose(listing=Listing.objects.get(), sku=other, quantity_per=Decimal(2), actor="clerk")
    settle_down(made)
    assert ListingClaim.objects.count() == 0
    assert made.front.stock["A"] == 4


def test_a_new_match_keeps_the_old_one_on_record(shop):
    other = stock.sku()
    stock.stock(other, shop.place, 3)
    matching.choose(listing=Listing.objects.get(), sku=other, actor="clerk")
    old, new = ListingMatch.objects.order_by("pk")
    assert (old.sku, old.valid_to, new.sku) == (shop.sku, new.valid_from, other)
    settle_down(shop)
    assert shop.front.stock["A"] == 3


def test_a_pack_of_nothing_is_refused_and_nothing_changes(shop):
    with pytest.raises(YikuError):
        matching.choose(listing=Listing.objects.get(), sku=shop.sku, quantity_per=Decimal(0), actor="clerk")
    assert ListingMatch.objects.count() == 1


def test_an_unmatched_line_waits_and_goes_on_when_its_sku_is_made(connect):
    made = connect()
    made.front.offer("A", "LATER", 5)
    sync(made)
    made.front.buy(("A", 2))
    pull.run(made.account.pk)
    assert OrderLine.objects.get().sku is None
    sku = stock.sku("LATER")
    stock.stock(sku, made.place, 5)
    upkeep.run(made.account.pk)
    assert OrderLine.objects.get().sku == sku
    assert Order.objects.get().state == Order.State.APPROVED
    assert stock.buckets(sku, made.place) == (5, 0, 2)


def test_a_line_without_a_listing_is_matched_by_its_code(connect):
    made = connect()
    sku = stock.sku("CODE")
    found = ListingMatcher(made.account.pk).match([("", "code", ""), ("", "", ""), ("", "nobody", "")])
    assert [(one.sku_id, one.reason) for one in found] == [(sku.pk, ""), (None, "no_code"), (None, "unmatched")]


def test_the_number_of_queries_does_not_grow_with_the_lines(connect, django_assert_max_num_queries):
    made = connect()
    lines = [(f"L{n}", f"C{n}", f"B{n}") for n in range(200)]
    with django_assert_max_num_queries(4):
        ListingMatcher(made.account.pk).match(lines)


def test_one_sku_may_have_many_listings(shop):
    shop.front.offer("B", shop.sku.code, 0)
    sync(shop)
    settle_down(shop)
    assert shop.front.stock == {"A": 10, "B": 10}


def test_a_listing_that_vanished_is_marked_and_no_longer_written(shop):
    shop.front.skus.pop("A")
    sync(shop)
    assert Listing.objects.get().status == "deleted"
    stock.stock(shop.sku, shop.place, -1)
    from channels.push import jobs

    jobs.touch_account(shop.account.pk, cause="test")
    settle_down(shop)
    assert shop.front.called("push_stock") == 0
    assert PushJob.objects.get().code == "listing_gone"


def test_terms_of_a_listing_begin_by_the_clock(shop, later):
    from backoffice import clock

    upkeep.run(shop.account.pk)
    ListingTerm.objects.create(listing=Listing.objects.get(), cap=Decimal(4), valid_from=clock.now())
    later(seconds=61)
    upkeep.run(shop.account.pk)
    settle_down(shop)
    assert shop.front.stock["A"] == 4
