"""Rules that give gifts, plan parcels, send orders together and tell people: through the desk's own functions."""

import dataclasses

import pytest

from backoffice.models import StaffNotice
from orders.contracts import Buyer
from orders.desk import merging
from orders.desk.rules import deeds, words, works
from orders.desk.rules.conditions import Unusable
from orders.models import CarrierAccount, CarrierService, Gift, MergeMember, OrderPart, RuleWork
from tests.orders.factories import LYON, Seller, line, order
from tests.orders.papers.factories import offline
from tests.orders.rules.build import group, publish, row, rule

pytestmark = pytest.mark.django_db
ANA = {"buyer": Buyer(name="Ana Müller", email="ana@example.com")}


def outcomes():
    return sorted(RuleWork.objects.values_list("order__number", "kind", "state", "message"))


def test_a_gift_of_a_rule_is_reserved_with_the_order_and_given_once():
    rule("Card", group(row("pieces", "at_least", 3)), deeds=[{"do": "gift", "sku": "card", "quantity": "2"}])
    seller = Seller(MUG=9, CARD=3)
    publish()
    seller.take(order(1, line("MUG", "3")), order(2, line("MUG", "4")), order(3, line("MUG", "1")))
    works.run_due()
    gift = Gift.objects.get()
    assert (gift.order.number, gift.sku.code, gift.line.quantity, gift.rule) == ("#1001", "CARD", 2, "Card")
    assert seller.buckets("CARD")[2] == 2
    told = outcomes()
    assert [(one[0], one[2]) for one in told] == [("#1001", "done"), ("#1002", "refused")]
    assert "CARD" in told[1][3]  # one is left, two were wished: said, not half done


def test_a_gift_names_a_sku_that_exists_and_a_number_of_pieces():
    Seller(CARD=1)
    for sku, quantity in (("NOPE", "1"), ("CARD", "0"), ("CARD", "1.5"), ("CARD", "x"), ("CARD", "NaN"), ("", "1")):
        with pytest.raises(Unusable):
            deeds.read([{"do": "gift", "sku": sku, "quantity": quantity}])


def test_a_rule_notes_the_carrier_and_the_first_wish_stays():
    first, second = offline(), CarrierService.objects.create(account=CarrierAccount.objects.get(), code="x", name="X")
    rule("Far", group(row("pieces", "at_least", 2)), deeds=[{"do": "carrier", "service": str(second.pk)}])
    rule("All", deeds=[{"do": "carrier", "service": str(first.pk)}])
    seller = Seller(MUG=9)
    publish()
    seller.take(order(1, line("MUG", "3")), order(2, line("MUG")))
    works.run_due()
    assert [seller.order(n).carrier_service for n in (1, 2)] == [second, first]
    works.run_due()
    assert seller.order(1).carrier_service == second
    with pytest.raises(Unusable):
        deeds.read([{"do": "carrier", "service": "999999"}])


def test_orders_of_one_buyer_go_together_by_a_rule_and_one_alone_stays_alone():
    rule("Together", deeds=[{"do": "merge"}])
    publish()
    seller = Seller(MUG=9)
    seller.take(order(1, line("MUG"), **ANA), order(2, line("MUG", "2"), **ANA), order(3, line("MUG")))
    works.run_due()
    assert MergeMember.objects.filter(state="in").count() == 2
    assert merging.group_of(seller.order(1)) == merging.group_of(seller.order(2)) is not None
    assert merging.group_of(seller.order(3)) is None
    assert [one[2] for one in outcomes()] == ["done", "done", "done"]


def test_an_order_lying_in_two_warehouses_is_planned_as_two_parcels_by_a_rule():
    rule("By place", deeds=[{"do": "split", "by": "warehouse"}])
    publish()
    seller = Seller(warehouses=2, MUG=1)
    seller.add("CUP", 1, seller.places[1])
    seller.take(order(1, line("MUG"), line("CUP", number=2)))
    works.run_due()
    assert OrderPart.objects.filter(order=seller.order(1)).count() == 2


def test_a_department_is_told_once_with_the_number_and_the_words(people):
    people["customer_service"]
    rule("Call", deeds=[{"do": "notify", "department": "service", "words": "Call the buyer."}])
    publish()
    seller = Seller(MUG=9)
    seller.take(order(1, line("UNKNOWN"), shipping=dataclasses.replace(LYON, postcode="1")))
    works.run_due()
    works.run_due()
    assert list(StaffNotice.objects.values_list("subject", flat=True)) == ["#1001: Call the buyer."]


def test_each_thing_a_rule_can_do_is_told_in_words():
    Seller(CARD=1)
    told = [
        words.deed({"do": "gift", "sku": "CARD", "quantity": 2}),
        words.deed({"do": "split", "by": "warehouse"}),
        words.deed({"do": "notify", "department": "service", "words": "{0.__class__}"}),
    ]
    assert told == [
        "Gift: 2 × CARD",
        "Several parcels, by where the goods lie",
        "Tell Customer service: {0.__class__}",
    ]
