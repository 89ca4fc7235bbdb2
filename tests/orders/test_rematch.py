"""Lines that waited for their goods go on by themselves once these are known."""

from decimal import Decimal

import pytest

from backoffice import clock
from orders import feed, intake
from orders.contracts import PaymentStatus
from orders.match import Match
from tests.inventory import factories as stock
from tests.orders.factories import Seller, at, line, order

pytestmark = pytest.mark.django_db


class Listings:
    """A matcher that knows listings, as channels has one."""

    def __init__(self, **known):
        self.known = known

    def match(self, lines):
        return [self.known.get(listing, Match(None, reason="unmatched")) for listing, _code, _barcode in lines]


def test_an_order_goes_on_when_its_code_is_known():
    seller = Seller()
    seller.take(order(1, line("NEW", 2)), order(2, line("OTHER")))
    seller.add("NEW", 5)
    assert intake.rematch(shop_id=seller.shop.pk, sku_codes=["NEW"]) == [seller.order(1).pk]
    assert (seller.order(1).state, seller.order(2).state) == ("approved", "held")
    assert seller.buckets("NEW") == (5, 0, 2)
    assert seller.lines(1)[0].match_code == ""


def test_a_listing_may_stand_for_a_case():
    seller = Seller(MUG=50)
    waiting = Listings()
    seller.take(order(1, line("?", 2, listing_id="L1")), match=waiting)
    assert seller.findings(1) == ["unmatched"]
    waiting.known["L1"] = Match(seller.skus["MUG"].pk, Decimal(12))
    intake.rematch(shop_id=seller.shop.pk, listing_ids=["L1"], match=waiting)
    assert seller.buckets("MUG") == (50, 0, 24)
    assert seller.lines(1)[0].pack == 12


def test_a_conflict_waits_with_its_reason_until_a_person_decides():
    seller = Seller(MUG=5)
    seller.take(order(1, line("?", listing_id="L1")), match=Listings(L1=Match(None, reason="conflict")))
    assert seller.lines(1)[0].match_code == "conflict"
    assert intake.rematch(shop_id=seller.shop.pk, listing_ids=["L1"], match=Listings()) == []
    assert seller.order(1).state == "held"


def test_a_bundle_matched_later_freezes_its_parts():
    seller = Seller(CUP=5)
    seller.take(order(1, line("GIFT", 2)))
    stock.bundle((seller.skus["CUP"], 2), code="GIFT")
    intake.rematch(shop_id=seller.shop.pk, sku_codes=["GIFT"])
    assert (seller.order(1).state, seller.buckets("CUP")) == ("approved", (5, 0, 4))


def test_an_unpaid_order_books_what_it_turns_out_to_want():
    seller = Seller()
    seller.take(order(1, line("NEW"), payment=PaymentStatus.PENDING))
    seller.add("NEW", 5)
    intake.rematch(shop_id=seller.shop.pk, sku_codes=["NEW"])
    assert (seller.order(1).state, seller.buckets("NEW")) == ("unpaid", (5, 1, 0))


def test_what_is_done_or_of_another_shop_is_left_alone():
    seller, other = Seller(), Seller()
    seller.take(order(1, line("NEW")))
    other.take(order(1, line("NEW")))
    seller.add("NEW", 5)
    assert intake.rematch(shop_id=seller.shop.pk, sku_codes=["NEW"]) == [seller.order(1).pk]
    assert intake.rematch(shop_id=seller.shop.pk, sku_codes=["NEW"]) == []
    assert intake.rematch(shop_id=seller.shop.pk) == []
    assert other.order(1).state == "held"


def test_a_virtual_sku_matched_later_needs_no_stock():
    seller = Seller()
    seller.take(order(1, line("SERVICE")))
    stock.sku("SERVICE", kind="virtual")
    intake.rematch(shop_id=seller.shop.pk, sku_codes=["SERVICE"])
    assert seller.order(1).state == "approved"
    assert not seller.lines(1)[0].stocked


def test_the_feed_of_changes_tells_of_goods_that_were_matched():
    seller = Seller(MUG=5)
    with clock.moved_to(lambda: at(0)):
        seller.take(order(1, line("NEW", 1), payment=PaymentStatus.PENDING))
        assert feed.publish(holder="a") == 1
    with clock.moved_to(lambda: at(5)):
        seller.add("NEW", 3)
        assert intake.rematch(shop_id=seller.shop.pk, sku_codes=["NEW"])
        assert feed.publish(holder="a") == 1
