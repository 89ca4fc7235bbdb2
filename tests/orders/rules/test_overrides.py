"""Standing exceptions: who is let pass, for what, and for how long."""

import dataclasses

import pytest
from django.urls import reverse

from backoffice import clock
from backoffice.errors import YikuError
from backoffice.models import AuditEntry
from inventory.models import Access
from orders.contracts import Buyer
from orders.desk import actions, overrides
from orders.models import Override
from tests.orders.factories import LYON, Seller, line, order
from tests.orders.rules.build import publish, rule

pytestmark = pytest.mark.django_db
WANG = {"buyer": Buyer(name="Wang", email="wang@example.com"), "buyer_note": "gift wrap"}
ELSEWHERE = dataclasses.replace(LYON, line1="1 Place Bellecour", phone="+33611111111")


def grant(seller, number=1, scope="buyer", days=30):
    return overrides.grant(
        order_id=seller.order(number).pk, scope=scope, days=days, reason="known", actor="user:1 wang"
    )


def states(seller, *numbers):
    return [seller.order(number).state for number in numbers]


def test_the_same_of_the_same_buyer_passes_and_of_others_does_not():
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG"), **WANG))
    assert [one.code for one in grant(seller)] == ["keyword"]
    other = {**WANG, "buyer": Buyer(name="Li", email="li@example.com")}
    seller.take(order(2, line("MUG", 2), **WANG), order(3, line("MUG", 3), **other))
    assert states(seller, 1, 2, 3) == ["held", "approved", "held"]
    assert Override.objects.get().used == 1
    assert AuditEntry.objects.get(action="order.override").after["codes"] == ["keyword"]


def test_what_was_not_let_pass_still_holds():
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG"), **WANG))
    grant(seller)
    seller.take(order(2, line("MUG", 2), **WANG, shipping=dataclasses.replace(LYON, postcode="1")))
    assert seller.findings(2) == ["address"]


@pytest.mark.parametrize(
    ("scope", "passes"), [("buyer", [False, True]), ("address", [True, False]), ("shop", [True, True])]
)
def test_the_scope_says_who(scope, passes):
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG"), **WANG))
    grant(seller, scope=scope)
    same_place = {"buyer": Buyer(email="li@example.com"), "buyer_note": "gift"}
    seller.take(order(2, line("MUG", 2), **same_place), order(3, line("MUG", 3), **WANG, shipping=ELSEWHERE))
    assert [state == "approved" for state in states(seller, 2, 3)] == passes


def test_it_ends_by_itself_and_by_hand(later):
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG"), **WANG))
    (made,) = grant(seller, days=2)
    overrides.end(override=made, actor="user:1 wang")
    seller.take(order(2, line("MUG", 2), **WANG))
    grant(seller, number=2, days=2)
    seller.take(order(3, line("MUG", 3), **WANG))
    later(days=3)
    now = clock.now()
    seller.take(order(4, line("MUG", 4), **WANG, placed_at=now, updated_at=now))
    assert states(seller, 2, 3, 4) == ["held", "approved", "held"]


def test_a_rule_is_let_pass_like_a_check():
    made = rule("Hold all")
    publish()
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG")))
    (made_now,) = grant(seller, scope="shop")
    assert (made_now.code, made_now.name) == (f"rule:{made.pk}", "Hold all")
    seller.take(order(2, line("MUG", 2)))
    assert states(seller, 2) == ["approved"]


def test_what_cannot_be_sent_is_never_let_pass():
    seller = Seller(MUG=50)
    seller.take(order(1, line("NOBODY")))
    with pytest.raises(YikuError) as refused:
        grant(seller)
    assert refused.value.code == "nothing_to_pass"


@pytest.mark.parametrize("days", [0, 367])
def test_for_how_long_is_asked(days):
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG"), **WANG))
    with pytest.raises(YikuError) as refused:
        grant(seller, days=days)
    assert refused.value.code == "bad_period"
    assert not Override.objects.exists()


def test_a_held_order_is_reviewed_again_with_the_exception():
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG"), **WANG), order(2, line("MUG", 2), **WANG))
    grant(seller)
    assert actions.release_hold(order_ids=[seller.order(2).pk], actor="user:1 wang")[0].ok
    assert states(seller, 1, 2) == ["held", "approved"]


def test_a_clerk_approves_and_lets_pass_again_in_one_go(people):
    Access.objects.create(user=people["order_clerk"], all_shops=True, all_warehouses=True)
    client, seller = people.client("order_clerk"), Seller(MUG=50)
    seller.take(order(1, line("MUG"), **WANG))
    page = reverse("admin:orders_order_do", args=[seller.order(1).pk])
    client.post(page, {"do": "approve", "scope": "buyer", "days": "90", "reason": "always does"})
    made = Override.objects.get()
    assert (states(seller, 1), made.code, made.reason) == (["approved"], "keyword", "always does")
    listed = client.get(reverse("admin:orders_override_changelist")).content.decode()
    assert "A wish in the note" in listed
    client.post(reverse("admin:orders_override_changelist"), {"action": "end_now", "_selected_action": [made.pk]})
    made.refresh_from_db()
    assert made.until <= clock.now()
