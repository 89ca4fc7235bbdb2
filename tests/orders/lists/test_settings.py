"""What the owner sets about goods that are missing or still to come, and the demo's own rows."""

import pytest
from django.urls import reverse

from fixtures import demo
from inventory.models import ExpectedArrival
from orders import demo_lists
from orders.desk import backorders
from orders.models import CheckSetting, PromiseChange, SavedView
from tests.orders.factories import Seller, line, order

pytestmark = pytest.mark.django_db


def test_the_owner_says_in_words_who_is_served_first_and_what_is_split(desk):
    client = desk("owner")
    short = CheckSetting.objects.get(code="short_stock")
    page = client.get(reverse("admin:orders_checksetting_change", args=[short.pk])).content.decode()
    assert "who is served first when goods come" in page
    sent = {"enabled": "on", "department": "buying", "param_first": "value"}
    client.post(reverse("admin:orders_checksetting_change", args=[short.pk]), sent)
    short.refresh_from_db()
    assert short.params == {"first": "value", "automatic": False}
    assert (backorders.rule_now(), backorders.automatic()) == ("value", False)
    presale = CheckSetting.objects.get(code="presale")
    sent = {"enabled": "on", "department": "buying", "param_mixed": "nonsense"}
    client.post(reverse("admin:orders_checksetting_change", args=[presale.pk]), sent)
    presale.refresh_from_db()
    assert presale.params == {}
    client.post(reverse("admin:orders_checksetting_change", args=[presale.pk]), {**sent, "param_mixed": "split"})
    presale.refresh_from_db()
    assert presale.params == {"mixed": "split"}


def test_a_rule_nobody_knows_serves_who_ordered_first(db):
    CheckSetting.objects.filter(code="short_stock").update(params={"first": "nonsense"})
    assert backorders.rule_now() == "ordered"


def test_the_demo_has_views_deliveries_and_promises(people):
    people["order_clerk"].username = "clerk"
    people["order_clerk"].save()
    seller = Seller(MUG=0, CUP=0)
    seller.take(*(order(n, line("MUG"), line("CUP", 1, 2)) for n in range(3)))
    demo_lists.load(demo.small().company)
    demo_lists.load(demo.small().company)
    assert SavedView.objects.count() == 2
    demo_lists.finish()
    demo_lists.finish()
    assert ExpectedArrival.objects.count() == 2
    # One of the two deliveries is overdue, so nothing can be promised by it: the demo shows that too.
    assert PromiseChange.objects.count() == 0
