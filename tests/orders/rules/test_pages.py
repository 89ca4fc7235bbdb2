"""The pages of the rules: build, publish, roll back, test on the past, health; whose they are."""

import json

import pytest
from django.urls import reverse

from inventory.models import Access
from orders.admin.rules import pages
from orders.desk import actions
from orders.models import Backtest, Rule, RuleVersion
from tests.orders.factories import Seller, line, order
from tests.orders.rules.build import HOLD, group, publish, row, rule

pytestmark = pytest.mark.django_db
FRENCH = group(row("country", "one_of", ["FR"]))
LIST = "admin:orders_rule_changelist"


@pytest.fixture
def clerk(people):
    """An order clerk who sees all shops."""
    Access.objects.create(user=people["order_clerk"], all_shops=True, all_warehouses=True)
    return people.client("order_clerk")


def form(**fields) -> dict:
    conditions = {"join": "all", "groups": fields.pop("groups", [FRENCH])}
    sent = {"conditions": json.dumps(conditions), "deeds": json.dumps(fields.pop("deeds", [HOLD]))}
    return {"name": "Parcels to France", "place": "100", "enabled": "on", **sent, **fields}


def shown(answer) -> str:
    return answer.content.decode()


def test_a_clerk_builds_and_publishes_a_rule(clerk):
    page = clerk.post(reverse("admin:orders_rule_add"), form(), follow=True)
    assert "Parcels to France" in shown(page)
    assert "not published" in shown(page)
    made = Rule.objects.get()
    assert (made.conditions["groups"], made.deeds, made.updated_by) == ([FRENCH], [HOLD], "order_clerk")
    publishing = clerk.get(reverse("admin:orders_rule_publish"))
    assert "These rules have not been tested on past orders yet." in shown(publishing)
    digest = publishing.context["digest"]
    clerk.post(reverse("admin:orders_rule_publish"), {"digest": digest, "note": "Singles' Day"})
    assert RuleVersion.objects.get().note == "Singles' Day"
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    page = clerk.get(reverse("admin:orders_order_change", args=[seller.order(1).pk]))
    assert "Parcels to France" in shown(page)
    assert "Call the buyer." in shown(page)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": ""}, "This field is required."),
        ({"groups": [group(row("total", "at_least", "much"))]}, "“much” is no number."),
        ({"groups": [group(row("gone", "is", "x"))]}, "There is no field “gone” any more."),
        ({"deeds": []}, "Say what the rule does."),
        ({"countries": "FR, XX"}, "There is no country XX."),
        ({"categories": "Moons"}, "No product has the category Moons."),
        ({"since": "2026-11-20T10:00", "until": "2026-11-20T09:00"}, "It would end before it begins."),
        ({"conditions": "{"}, "The conditions cannot be read."),
        ({"place": "0"}, "greater than or equal to 1"),
        ({"shops": "99999"}, "not one of the available choices"),
    ],
)
def test_a_mistake_is_told_where_it_stands_and_nothing_is_saved(clerk, fields, text):
    page = clerk.post(reverse("admin:orders_rule_add"), form(**fields))
    told = shown(page) + json.dumps(page.context["problems"], ensure_ascii=False)
    assert text in told
    assert "Nothing was saved yet" in told
    assert not Rule.objects.exists()


def test_what_was_typed_is_not_lost_on_a_mistake(clerk):
    page = clerk.post(reverse("admin:orders_rule_add"), form(groups=[group(row("total", "at_least", "much"))]))
    assert page.context["saved"]["groups"] == [group(row("total", "at_least", "much"))]


def test_text_in_a_rule_is_never_markup(clerk):
    evil = "</script><script>alert(1)</script>"
    rule(evil, group(row("city", "is", evil)), deeds=[{**HOLD, "reason": evil}])
    for name in (LIST, "admin:orders_rule_publish"):
        assert "<script>alert" not in shown(clerk.get(reverse(name)))
    assert "<script>alert" not in shown(clerk.get(reverse("admin:orders_rule_change", args=[Rule.objects.get().pk])))


def test_on_off_copy_and_away(clerk):
    made = rule("A", FRENCH)
    do = reverse("admin:orders_rule_do", args=[made.pk])
    clerk.post(do, {"do": "off"})
    assert not Rule.objects.get().enabled
    clerk.post(do, {"do": "copy"})
    assert list(Rule.objects.values_list("name", "enabled")) == [("A", False), ("Copy of A", False)]
    clerk.post(do, {"do": "remove"})
    assert Rule.objects.get().name == "Copy of A"
    again = reverse("admin:orders_rule_do", args=[Rule.objects.get().pk])
    assert clerk.post(again, {"do": "explode"}).status_code == 404


def test_rules_that_would_hold_everything_are_told_before_publishing(clerk):
    seller = Seller(MUG=50)
    seller.take(*(order(number, line("MUG")) for number in range(1, 5)))
    rule("All")
    clerk.post(reverse("admin:orders_rule_tests"), {"days": "90"})
    page = shown(clerk.get(reverse("admin:orders_rule_publish")))
    assert "These rules would hold more than half of all orders." in page


def test_a_test_is_shown_to_who_started_it_and_given_as_a_workbook(clerk, people):
    seller = Seller(MUG=50)
    seller.take(order(1, line("MUG")))
    rule("All")
    page = clerk.post(reverse("admin:orders_rule_tests"), {"days": "30"}, follow=True)
    assert page.context["found"]["newly_held"] == 1
    assert seller.order(1).number in shown(page)
    row_ = Backtest.objects.get()
    book = clerk.get(reverse("admin:orders_rule_test_xlsx", args=[row_.pk]))
    assert book.headers["Content-Disposition"].startswith("attachment")
    Access.objects.create(user=people["owner"], all_shops=True, all_warehouses=True)
    for name in ("test", "test_xlsx"):
        answer = people.client("owner").get(reverse(f"admin:orders_rule_{name}", args=[row_.pk]))
        assert answer.status_code == 404


def test_back_to_an_older_version(clerk):
    made = rule("A", FRENCH)
    old = publish()
    Rule.objects.filter(pk=made.pk).update(name="B")
    publish()
    address = reverse("admin:orders_rule_version", args=[old.pk])
    assert "Back to this version" in shown(clerk.get(address))
    clerk.post(address, {"note": "B was worse"})
    assert Rule.objects.get().name == "A"
    assert RuleVersion.objects.order_by("-pk").values_list("note", flat=True)[0] == "B was worse"
    assert f"version {old.pk} again" in shown(clerk.get(reverse("admin:orders_rule_versions")))


def test_who_sees_one_shop_makes_rules_for_it_alone(people):
    mine, other = Seller(MUG=5), Seller(CUP=5)
    Access.objects.create(user=people["order_clerk"], all_warehouses=True).shops.add(mine.shop)
    client = people.client("order_clerk")
    page = client.post(reverse("admin:orders_rule_add"), form())
    assert "Choose among your own shops" in shown(page)
    assert "not one of the available choices" in shown(
        client.post(reverse("admin:orders_rule_add"), form(shops=str(other.shop.pk)))
    )
    client.post(reverse("admin:orders_rule_add"), form(shops=str(mine.shop.pk)))
    assert Rule.objects.get().shops == [mine.shop.pk]
    assert other.shop.name not in shown(client.get(reverse("admin:orders_rule_add")))
    all_shops = rule("For all", FRENCH)
    change = reverse("admin:orders_rule_change", args=[all_shops.pk])
    assert client.post(change, form(shops=str(mine.shop.pk))).status_code == 403
    assert client.post(reverse("admin:orders_rule_do", args=[all_shops.pk]), {"do": "off"}).status_code == 403
    assert client.post(reverse("admin:orders_rule_publish"), {}).status_code == 403
    all_shops.delete()
    assert client.post(reverse("admin:orders_rule_publish"), {}).status_code == 302
    assert RuleVersion.objects.count() == 1


def test_health_tells_what_fired_was_overridden_and_never_matched(clerk):
    rule("Gifts", group(row("buyer_note", "has_word", ["stairs"])))
    rule("Never", group(row("country", "one_of", ["AQ"])))
    passing = rule("Passes", group(row("buyer_note", "has_word", ["stairs"])), deeds=[{"do": "approve"}], place=200)
    publish()
    seller = Seller(MUG=50)
    seller.take(*(order(number, line("MUG", number), buyer_note="stairs") for number in range(1, 7)))
    for number in range(1, 7):
        actions.approve(order_ids=[seller.order(number).pk], actor="user:1 wang")
    context = clerk.get(reverse("admin:orders_rule_health")).context
    ails = {one.name: (one.fired, one.held, one.overridden) for one in context["rules"]}
    assert ails == {"Gifts": (6, 6, 6), "Never": (0, 0, 0), "Passes": (6, 0, 0)}
    assert [(one.name, other.name, count) for one, other, count in context["conflicts"]] == [("Passes", "Gifts", 6)]
    assert [(one["title"], one["country"], one["count"]) for one in context["proposals"]] == [("Gifts", "FR", 6)]
    assert passing.pk


def test_a_published_rule_whose_field_is_gone_is_named(clerk, monkeypatch):
    rule("A", FRENCH)
    made = publish()
    broken = [{**made.content[0], "conditions": {"groups": [group(row("moon", "is", "x"))]}}]
    RuleVersion.objects.create(content=broken, digest="x", published_at=made.published_at)
    assert "There is no field “moon” any more." in shown(clerk.get(reverse("admin:orders_rule_health")))
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    assert seller.order(1).state == "approved"


def test_pages_ask_a_fixed_number_of_questions(clerk, django_assert_max_num_queries):
    for number in range(30):
        rule(f"R{number}", FRENCH, shops=[1], countries=["FR"])
    publish()
    with django_assert_max_num_queries(15):
        clerk.get(reverse(LIST))
    assert pages.SHOWN == 50


def test_an_orders_page_says_which_condition_of_which_rule_failed(clerk, people):
    rule("Far away", group(row("country", "one_of", ["US"]), row("pieces", "at_least", 1)))
    rule("Ana", group(row("buyer", "contains", "ana"), row("buyer_orders", "at_least", 0, days=30)))
    publish()
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    address = reverse("admin:orders_order_change", args=[seller.order(1).pk])
    first, second = clerk.get(address).context["tried"]["rules"]
    assert (first["name"], first["matched"]) == ("Far away", False)
    assert [(one["holds"], one["found"]) for one in first["groups"][0]["rows"]] == [(False, "France"), (True, "1")]
    assert (second["name"], second["matched"]) == ("Ana", True)
    assert [(one["holds"], one["found"]) for one in second["groups"][0]["rows"]] == [(True, ""), (True, "0")]
    Access.objects.create(user=people["warehouse_clerk"], all_shops=True, all_warehouses=True)
    assert people.client("warehouse_clerk").get(address).context["tried"] is None


def test_the_list_of_held_orders_names_the_rule(clerk):
    rule("Large to France", FRENCH)
    publish()
    seller = Seller(MUG=5)
    seller.take(order(1, line("MUG")))
    assert "Large to France" in shown(clerk.get(reverse("admin:orders_order_changelist")))
    assert "Large to France" in shown(clerk.get(reverse("admin:orders_reviewlog_changelist")))


def test_what_is_let_go_again_and_again_becomes_a_rule_in_two_clicks(clerk):
    seller = Seller(MUG=50)
    seller.take(*(order(number, line("MUG", number), buyer_note="gift") for number in range(1, 6)))
    for number in range(1, 6):
        actions.approve(order_ids=[seller.order(number).pk], actor="user:1 wang")
    (proposal,) = clerk.get(reverse("admin:orders_rule_health")).context["proposals"]
    page = clerk.get(proposal["link"])
    assert page.context["saved"]["deeds"] == [{"do": "approve", "over": ["keyword"]}]
    assert page.context["form"].initial["shops"] == [str(seller.shop.pk)]
    assert page.context["form"].initial["countries"] == "FR"
