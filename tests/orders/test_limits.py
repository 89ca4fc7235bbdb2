"""Checks that compare an order with what the house knows: listed buyers, forbidden places, prices, signs of risk."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backoffice import clock
from backoffice.errors import YikuError
from inventory.models import Product, Sku
from orders.contracts import Address, Buyer, PaymentStatus
from orders.desk import listing_buyers, sentences
from orders.models import CheckSetting, DestinationBan, ListedBuyer, Order, PriceFloor, ReviewLog
from tests.finance import factories as books
from tests.inventory import factories as stock
from tests.orders.factories import LYON, NOW, Seller, at, later, line, order, refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    """A shop in euros, each worth two of our own."""
    books.rate("EUR", "2", NOW.date())
    return Seller(MUG=500, CUP=500)


@pytest.fixture
def other_seller(seller) -> Seller:
    """Another shop with the same goods and warehouse."""
    made = Seller()
    made.shop, made.skus = stock.shop(seller.place, currency="EUR"), seller.skus
    return made


@pytest.fixture
def query_texts():
    def asked(job) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            job()
        return [one["sql"] for one in seen]

    return asked


BLOCKED, TRUSTED = ListedBuyer.Side.BLOCKED, ListedBuyer.Side.TRUSTED


def findings(row: Order) -> list[dict]:
    return ReviewLog.objects.filter(order=row).latest("pk").findings


def held(seller, *incoming) -> dict[str, str]:
    """External id → why it is held; empty when it passed."""
    seller.take(*incoming)
    return dict(Order.objects.values_list("external_id", "hold_code"))


def set_check(code: str, **params) -> None:
    CheckSetting.objects.filter(code=code).update(params=params, enabled=True)


# --- listed buyers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "text"),
    [("buyer", " Buyer1@Example.com "), ("phone", "+33 6 12 34 56 78"), ("domain", "@example.com")],
)
def test_a_blocked_buyer_is_held_whatever_the_spelling(seller, by, text):
    listing_buyers.list_typed(side=BLOCKED, by=by, text=text, reason="returned bricks", actor="ann")
    assert held(seller, order(1, line("MUG"))) == {"o1": "blocked"}
    [found] = findings(Order.objects.get())
    assert sentences.sentence(found).endswith("is on the list of blocked buyers.")


def test_nothing_personal_is_kept_of_a_listed_buyer(seller):
    entry = listing_buyers.list_typed(side=BLOCKED, by="buyer", text="buyer1@example.com", reason="x", actor="ann")
    assert "buyer1" not in f"{entry.key}{entry.hint}{entry}"
    assert len(entry.key) == 32


def test_an_entry_that_has_ended_holds_nobody(seller):
    listing_buyers.list_typed(
        side=BLOCKED, by="domain", text="example.com", reason="x", actor="ann",
        until=clock.now() - dt.timedelta(seconds=1),
    )  # fmt: skip
    assert held(seller, order(1, line("MUG"))) == {"o1": ""}


def test_taken_off_the_list_a_buyer_passes_again(seller):
    entry = listing_buyers.list_typed(side=BLOCKED, by="domain", text="example.com", reason="x", actor="ann")
    assert listing_buyers.end(entries=[entry], actor="ben") == 1
    assert listing_buyers.end(entries=[ListedBuyer.objects.get()], actor="ben") == 0
    assert held(seller, order(1, line("MUG"))) == {"o1": ""}


def test_listing_again_renews_the_entry():
    for reason in ("first", "second"):
        listing_buyers.list_typed(side=BLOCKED, by="domain", text="example.com", reason=reason, actor="ann")
    assert list(ListedBuyer.objects.values_list("reason", flat=True)) == ["second"]


@pytest.mark.parametrize(
    ("by", "text"), [("phone", "12"), ("domain", "nodots"), ("buyer", ""), ("address", "12 Rue de la Paix")]
)
def test_what_cannot_be_known_again_is_refused(by, text):
    with pytest.raises(YikuError):
        listing_buyers.list_typed(side=BLOCKED, by=by, text=text, reason="x", actor="ann")
    assert not ListedBuyer.objects.exists()


def test_listing_needs_a_reason():
    with pytest.raises(YikuError):
        listing_buyers.list_typed(side=BLOCKED, by="domain", text="example.com", reason=" ", actor="ann")
    assert not ListedBuyer.objects.exists()


@pytest.mark.parametrize("by", ["buyer", "phone", "address"])
def test_listed_from_an_order_the_next_one_and_the_open_ones_are_held(seller, by):
    seller.take(order(1, line("MUG")))
    first = Order.objects.get()
    assert first.state == Order.State.APPROVED
    entry, told = listing_buyers.list_from_order(
        order_id=first.pk, side=BLOCKED, by=by, reason="fraud", actor="ann", hold=Order.objects.all()
    )
    assert [one.ok for one in told] == [True]
    again = dataclasses.replace(order(2, line("MUG", number=2)), buyer=Buyer(name="B", email="buyer1@example.com"))
    assert held(seller, again) == {"o1": "manual", "o2": "blocked"}
    assert listing_buyers.entries_of(first) == [entry]


def test_a_trusted_buyer_is_not_asked_twice_for_the_same_goods(seller):
    listing_buyers.list_typed(side=TRUSTED, by="buyer", text="ann@example.com", reason="resells", actor="ann")
    buyer = Buyer(name="Ann", email="ann@example.com")
    assert held(
        seller, order(1, line("MUG"), buyer=buyer), order(2, line("MUG"), buyer=buyer, minutes=5)
    ) == {"o1": "", "o2": ""}  # fmt: skip


# --- forbidden destinations ------------------------------------------------------------------------------------------


def ban(**fields) -> DestinationBan:
    return DestinationBan.objects.create(**{"countries": ["FR"], "reason": "Batteries.", **fields})


def test_goods_that_must_not_go_there_are_held_with_the_reason(seller):
    ban(sku=Sku.objects.get(code="MUG"))
    assert held(seller, order(1, line("MUG")), order(2, line("CUP"))) == {"o1": "destination", "o2": ""}
    [found] = findings(Order.objects.get(external_id="o1"))
    assert sentences.sentence(found) == "“MUG” must not be sent to FR: Batteries."


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"category": "lamps"}, "destination"),
        ({"category": "lamps", "brand": "Lumen"}, "destination"),
        ({"category": "lamps", "brand": "Other"}, ""),
        ({"hs_prefix": "8507.60"}, "destination"),
        ({"hs_prefix": "9999"}, ""),
        ({"category": "LAMPS ", "mode": "only", "countries": ["CN"]}, "destination"),
        ({"category": "lamps", "mode": "only", "countries": ["CN", "FR"]}, ""),
        ({"category": "lamps", "countries": ["US"]}, ""),
        ({"category": "lamps", "active": False}, ""),
    ],
)
def test_goods_are_named_by_category_brand_or_customs_code(seller, fields, why):
    mug = Sku.objects.get(code="MUG")
    Product.objects.filter(pk=mug.product_id).update(category="Lamps", brand="lumen")
    Sku.objects.filter(pk=mug.pk).update(hs_code="85076000")
    ban(**fields)
    assert held(seller, order(1, line("MUG"))) == {"o1": why}


# --- prices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("price", "why"), [("19.99", ""), ("20", ""), ("20.01", "price_floor")])
def test_below_its_least_price_an_order_is_held(seller, price, why):
    PriceFloor.objects.create(sku=seller.skus["MUG"], price=Decimal(price), updated_at=clock.now())
    assert held(seller, order(1, line("MUG", "3"))) == {"o1": why}


def test_a_shops_own_floor_goes_before_the_general_one(seller):
    mug = Sku.objects.get(code="MUG")
    PriceFloor.objects.create(sku=mug, price=Decimal(1_000_000), updated_at=clock.now())
    PriceFloor.objects.create(sku=mug, shop=seller.shop, price=Decimal("0.01"), updated_at=clock.now())
    assert held(seller, order(1, line("MUG"))) == {"o1": ""}


def test_below_cost_is_asked_only_when_wished(seller):
    cheap = line("MUG", unit_price=Decimal("0.01"), total=Decimal("0.01"))
    assert held(seller, order(1, cheap)) == {"o1": ""}
    set_check("price_floor", below_cost=True)
    assert held(seller, order(2, cheap), order(3, line("CUP", unit_price=Decimal(9999), total=Decimal(9999)))) == {
        "o1": "", "o2": "price_floor", "o3": "",
    }  # fmt: skip


@pytest.mark.parametrize(("off", "why"), [("79", ""), ("80", ""), ("81", "discount")])
def test_too_much_off_is_held(seller, off, why):
    left = Decimal(100) - Decimal(off)
    priced = line("MUG", unit_price=Decimal(100), discount=Decimal(off), total=left)
    assert held(seller, order(1, priced, discount_total=Decimal(off))) == {"o1": why}


# --- the same order in two shops -------------------------------------------------------------------------------------


def test_the_same_number_and_buyer_in_another_shop_is_held(seller, other_seller):
    seller.take(order(1, line("MUG"), number="TB-2026-1"))
    same = order(2, line("CUP"), number="#tb-2026-1", buyer=Buyer(name="x", email="buyer1@example.com"))
    other_seller.take(same)
    assert dict(Order.objects.values_list("external_id", "hold_code")) == {"o1": "", "o2": "same_number"}


def test_the_same_number_of_somebody_else_says_nothing(seller, other_seller):
    seller.take(order(1, line("MUG"), number="#1001"))
    elsewhere = dataclasses.replace(LYON, line1="8 Other Street", phone="+33698765432")
    other_seller.take(order(2, line("CUP"), number="#1001", shipping=elsewhere))
    assert dict(Order.objects.values_list("external_id", "hold_code")) == {"o1": "", "o2": ""}


# --- phones ----------------------------------------------------------------------------------------------------------

NO_PHONE = dataclasses.replace(LYON, phone="")


@pytest.mark.parametrize(("without", "why"), [(0, "phone"), (1, "phone"), (3, "")])
def test_no_phone_is_wrong_where_the_shops_buyers_nearly_always_give_one(seller, without, why):
    seller.take(*[order(nth, line("MUG"), shipping=NO_PHONE if nth < without else LYON) for nth in range(35)])
    assert held(seller, order(99, line("MUG"), shipping=NO_PHONE))["o99"] == why


def test_a_new_shop_learns_first(seller):
    assert held(seller, order(1, line("MUG"), shipping=NO_PHONE)) == {"o1": ""}


def test_in_china_no_courier_comes_without_a_phone(seller):
    home = Address(name="王芳", line1="青年路 98 号", city="昆明市", region="云南省", country="CN")
    assert held(seller, order(1, line("MUG"), shipping=home)) == {"o1": "phone"}
    assert held(seller, order(2, line("MUG"), shipping=dataclasses.replace(home, masked=True)))["o2"] == ""


# --- risk ------------------------------------------------------------------------------------------------------------

ABROAD = Address(name="A", line1="1 Main St", city="Austin", region="TX", postcode="78701", country="US")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"risk": "cancel"}, "risk"),
        ({"risk": "investigate"}, ""),
        ({"risk": "accept"}, ""),
        ({"risk": "investigate", "billing": ABROAD}, ""),
        ({"risk": "investigate", "billing": ABROAD, "buyer": Buyer(name="x", email="x@mailinator.com")}, "risk"),
        ({"billing": ABROAD}, ""),
    ],
)
def test_signs_add_up_to_a_hold(seller, fields, why):
    assert held(seller, order(1, line("MUG"), **fields)) == {"o1": why}


def test_the_signs_are_told(seller):
    seller.take(order(1, line("MUG"), risk="cancel", billing=ABROAD))
    [found] = findings(Order.objects.get())
    assert found["points"] == 80
    assert sentences.sentence(found) == (
        "80 of 100 points of risk: the platform advises against it, billed to another country."
    )


def test_earlier_orders_that_came_back_add_to_the_signs(seller):
    buyer = Buyer(name="x", email="same@example.com")
    earlier = [order(nth, line("MUG", str(nth)), buyer=buyer) for nth in (1, 2, 3)]
    seller.take(*earlier)
    seller.take(*[later(one, payment=PaymentStatus.REFUNDED, refunds=(refund(1, "10"),)) for one in earlier[:2]])
    seller.take(order(9, line("MUG", "11"), buyer=buyer, risk="investigate", placed_at=at(90)))
    [found] = [one for one in findings(Order.objects.get(external_id="o9")) if one["code"] == "risk"]
    assert found["signs"] == ["platform_medium", "pieces", "returns", "address_burst"]
    assert found["points"] == 85


def test_the_history_is_read_only_where_it_can_decide(seller, query_texts):
    plain = query_texts(lambda: seller.take(order(1, line("MUG"))))
    doubtful = query_texts(lambda: seller.take(order(2, line("MUG"), risk="investigate", minutes=1)))
    assert len(doubtful) - len(plain) == 2


def test_empty_lists_cost_one_question_a_page(seller, query_texts):
    asked = [one for one in query_texts(lambda: seller.take(order(1, line("MUG")))) if "listedbuyer" in one]
    assert len(asked) == 1


# --- edges -----------------------------------------------------------------------------------------------------------


def test_orders_nobody_shows_the_person_are_not_held_with_the_listing(seller, other_seller):
    buyer = Buyer(name="B", email="same@example.com")
    seller.take(order(1, line("MUG"), buyer=buyer))
    other_seller.take(order(2, line("CUP"), buyer=buyer))
    _entry, told = listing_buyers.list_from_order(
        order_id=seller.order(1).pk, side=BLOCKED, by="buyer", reason="x", actor="ann",
        hold=Order.objects.filter(shop=seller.shop),
    )  # fmt: skip
    assert [one.order_id for one in told] == [seller.order(1).pk]
    assert other_seller.order(2).state == Order.State.APPROVED


def test_nobody_stands_on_both_lists():
    for side in (TRUSTED, BLOCKED):
        listing_buyers.list_typed(side=side, by="domain", text="example.com", reason="x", actor="ann")
    trusted, blocked = ListedBuyer.objects.order_by("-side")
    assert (trusted.side, trusted.until is not None) == (TRUSTED, True)
    assert (blocked.side, blocked.until) == (BLOCKED, None)


def test_a_nul_in_number_or_mail_stops_no_page(seller):
    listing_buyers.list_typed(side=BLOCKED, by="domain", text="example.com", reason="x", actor="ann")
    odd = order(1, line("MUG"), number="#1\x001", buyer=Buyer(name="x", email="a@exa\x00mple.com"))
    assert held(seller, odd, order(2, line("CUP"))) == {"o1": "", "o2": "blocked"}  # another domain without the NUL


def test_goods_nobody_carries_need_no_phone(seller):
    stock.sku("GIFT-CARD", kind=Sku.Kind.VIRTUAL)
    home = Address(name="王芳", line1="青年路 98 号", city="昆明市", region="云南省", country="CN")
    assert held(seller, order(1, line("GIFT-CARD"), shipping=home)) == {"o1": ""}
