"""The pages of the routing: policies, rates, returns, the card of an order and what its buttons do."""

from decimal import Decimal

import pytest
from django.test import TestCase
from django.urls import reverse

from backoffice import clock
from inventory.models import Access
from orders import tasks
from orders.desk import runs
from orders.fulfil.routing import many, moving, policies, reading
from orders.models import DeskRun, GoodsGone, RateRow, RateTable, ReturnPlace, ReturnRule, RoutingPlan, RoutingPolicy
from tests.inventory import factories as stock
from tests.orders.factories import Seller, line, order
from tests.orders.routing.build import policy, rates

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller():
    made = Seller(warehouses=2, MUG=5)
    made.add("MUG", 5, made.places[1])
    return made


def person(people, role, *places):
    access = Access.objects.create(user=people[role], all_shops=True, all_warehouses=not places)
    access.warehouses.add(*places)
    return people.client(role)


@pytest.fixture
def owner(people):
    return person(people, "owner")


def form(seller, **fields):
    """A policy as the form sends it."""
    return {
        "name": "Near", "active": "on", "shops": [seller.shop.pk], "criteria": ["nearest", "cheapest"],
        "criteria_step_nearest": "50", "criteria_step_cheapest": "", "priority": [seller.places[1].pk],
        "lists_warehouse": [seller.places[0].pk, ""], "lists_mode": ["never", "only"],
        "lists_places": ["RU、CN-广东", ""], "unknown_weight_g": "400", **fields,
    }  # fmt: skip


def test_a_policy_is_built_without_code_and_each_saving_is_a_version(owner, seller):
    owner.post(reverse("admin:orders_routingpolicy_add"), form(seller))
    row = RoutingPolicy.objects.get()
    assert row.criteria == [{"by": "nearest", "step": "50"}, {"by": "cheapest"}]
    assert row.lists == [{"warehouse": seller.places[0].pk, "mode": "never", "places": ["RU", "CN-广东"]}]
    assert (row.priority, row.shops.get().shop) == ([seller.places[1].pk], seller.shop)
    page = reverse("admin:orders_routingpolicy_change", args=[row.pk])
    owner.post(page, form(seller, criteria=["cheapest", "nearest"]))
    owner.post(page, form(seller, criteria=["cheapest", "nearest"]))
    row.refresh_from_db()
    assert [one["by"] for one in row.criteria] == ["cheapest", "nearest"]
    assert (row.versions.count(), row.version) == (2, row.versions.first())
    assert policies.load().of(seller.shop.pk).version == row.version_id
    assert "what counts, in this order" in owner.get(page).content.decode()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"criteria": []}, "Choose at least one criterion."),
        ({"criteria": ["nearest", "nearest"]}, "Choose each criterion once."),
        ({"criteria_step_nearest": "x"}, "is no figure"),
        ({"lists_places": ["Atlantis", ""]}, "Row 1: “Atlantis” is no place."),
        ({"lists_places": ["XX", ""]}, "is no place"),
        ({"lists_places": ["", ""]}, "Row 1: name at least one place"),
        ({"lists_mode": ["perhaps", "only"]}, "choose a warehouse, and whether only or never"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_a_policy_that_says_nothing_sure_is_refused_where_it_is_wrong(owner, seller, fields, told):
    page = owner.post(reverse("admin:orders_routingpolicy_add"), form(seller, **fields)).content.decode()
    assert told in page
    assert not RoutingPolicy.objects.exists()


def test_a_shop_has_one_policy_and_the_others_one_together(owner, seller):
    policy("nearest", shops=[seller.shop], name="First", general=True)
    page = owner.post(reverse("admin:orders_routingpolicy_add"), form(seller, general="on")).content.decode()
    assert "has the policy “First”" in page
    assert "“First” is the policy for all other shops already." in page
    with pytest.raises(policies.PolicyError):
        policy("nearest", shops=[seller.shop], name="Second")


def test_rates_come_out_of_excel_with_the_faults_of_each_row(owner, seller):
    table = rates("Post", "EUR", ("DE", "", 0, "5", "0"))
    address = reverse("admin:orders_ratetable_sheet", args=[table.pk])
    wrong = owner.post(address, {"text": "FR\t\t69\t2000\t4.5\nXX\t\t\t\t3\nFR\t\t69\t2000\t9\nFR\t\t\t\tcheap"})
    told = wrong.content.decode()
    assert "there is no country “XX”" in told
    assert "stand in row 1 already" in told
    assert [one["row"] for one in wrong.context["faults"]] == [2, 3, 4]
    assert "Keep these rates" not in told
    good = owner.post(address, {"text": "国家\t邮编\t重量上限\t首重\t续重\nfr\t69\t2000\t4.5\t1\n*\t\t\t20\t3"})
    assert RateRow.objects.count() == 1
    token = good.context["upload"]
    owner.post(address, {"upload": token})
    found = RateRow.objects.order_by("country").values_list("country", "postcode", "up_to_g", "base", "per_kg")
    assert list(found) == [
        ("*", "", 0, Decimal(20), Decimal(3)),
        ("DE", "", 0, Decimal(5), Decimal(0)),
        ("FR", "69", 2000, Decimal("4.5"), Decimal(1)),
    ]
    again = owner.post(address, {"upload": token}, follow=True).content.decode()
    assert "no longer there" in again


def test_rows_out_of_excel_may_replace_all_that_were_there(owner):
    table = rates("Post", "CNY", ("DE", "", 0, "5", "0"), ("FR", "", 0, "6", "0"))
    reading.prices_of(table.updated_at.date())
    address = reverse("admin:orders_ratetable_sheet", args=[table.pk])
    shown = owner.post(address, {"text": "DE,,,,7\nFR,,,,3,1000,2,500", "replace": "on"})
    assert [(one["base"], one["per_kg"]) for one in shown.context["rows"]] == [("7", "0"), ("3", "2")]
    owner.post(address, {"upload": shown.context["upload"], "replace": "1"})
    rows = RateRow.objects.order_by("country").values_list("country", "base", "first_g", "per_kg", "step_g")
    assert list(rows) == [("DE", Decimal(7), 0, Decimal(0), 0), ("FR", Decimal(3), 1000, Decimal(2), 500)]
    from orders.fulfil.routing import geography

    prices = reading.prices_of(table.updated_at.date())
    assert prices.of(1, geography.destination("DE"), 100)[0] == Decimal(7)
    assert prices.of(1, geography.destination("FR"), 1501)[0] == Decimal(5)
    assert prices.of(1, geography.destination("GB"), 100) is None
    file = owner.get(reverse("admin:orders_ratetable_xlsx", args=[table.pk]))
    assert b"".join(file.streaming_content)[:2] == b"PK"


def test_a_row_is_added_by_form_and_the_routing_reads_it(owner):
    owner.post(reverse("admin:orders_ratetable_add"), {"name": "T", "currency": "CNY", "active": "on"})
    table = RateTable.objects.get()
    fields = {
        "table": table.pk,
        "country": "fr",
        "up_to_g": "0",
        "base": "5",
        "first_g": "0",
        "per_kg": "0",
        "step_g": "0",
    }
    owner.post(reverse("admin:orders_raterow_add"), fields)
    assert RateRow.objects.get().country == "FR"
    bad = owner.post(reverse("admin:orders_raterow_add"), {**fields, "country": "XX"}).content.decode()
    assert "there is no country “XX”" in bad
    assert RateRow.objects.count() == 1
    assert RateTable.objects.get().updated_at > table.updated_at


def test_a_return_rule_is_kept_once_a_place(owner, seller):
    fields = {"country": "fr", "warehouse": seller.place.pk, "active": "on"}
    owner.post(reverse("admin:orders_returnrule_add"), fields)
    assert ReturnRule.objects.get().country == "FR"
    page = owner.post(reverse("admin:orders_returnrule_add"), fields).content.decode()
    assert "There is a rule for this shop and place already" in page
    page = owner.post(reverse("admin:orders_returnrule_add"), {**fields, "country": "", "region": "x"}).content.decode()
    assert "A region needs its country." in page
    assert ReturnRule.objects.count() == 1


def test_a_return_rule_shows_the_address_written_at_its_warehouse_and_leads_there(owner, seller):
    owner.post(reverse("admin:orders_returnrule_add"), {"country": "fr", "warehouse": seller.place.pk, "active": "on"})
    change = reverse("admin:orders_returnrule_change", args=[ReturnRule.objects.get().pk])
    add = reverse("admin:orders_returnplace_add")
    assert f"{add}?warehouse={seller.place.pk}" in owner.get(change).content.decode()
    place = ReturnPlace.objects.create(warehouse=seller.place, line1="1 Way", city="Lyon")
    page = owner.get(change).content.decode()
    assert reverse("admin:orders_returnplace_change", args=[place.pk]) in page
    assert "1 Way, Lyon" in page
    assert "1 Way, Lyon" in owner.get(reverse("admin:orders_returnrule_changelist")).content.decode()


def test_goods_and_a_place_are_tried_and_nothing_is_kept(owner, seller):
    seller.places[1].country = "FR"
    seller.places[1].save()
    policy("nearest", shops=[seller.shop], name="Near")
    rates("Post", "CNY", ("FR", "", 0, "7", "0"))
    fields = {"shop": seller.shop.pk, "country": "fr", "goods": "mug 2"}
    page = owner.post(reverse("admin:orders_routingpolicy_try"), fields)
    found = page.context["found"]
    assert (found["parcels"][0]["place"], found["policy"], found["missing"]) == (seller.places[1].name, "Near", "")
    assert found["alternatives"][0]["why"] == "6,000 km instead of 0 km"
    page = owner.post(reverse("admin:orders_routingpolicy_try"), {**fields, "goods": "mug 6"})
    assert page.context["found"]["missing"] == "6 × MUG"
    wrong = owner.post(reverse("admin:orders_routingpolicy_try"), {**fields, "goods": "mug x\nnope 1"}).content.decode()
    assert "is no number of pieces" in wrong
    assert "there is no SKU “nope”" in wrong
    assert not RoutingPlan.objects.exists()
    assert seller.buckets("MUG") == (5, 0, 0)


# --- the card --------------------------------------------------------------------------------------------------------


def look(client, seller, number=1):
    return client.get(reverse("admin:orders_order_change", args=[seller.order(number).pk])).content.decode()


def press(client, seller, number=1, **fields):
    address = reverse("admin:orders_order_do", args=[seller.order(number).pk])
    return client.post(address, fields, follow=True)


def test_the_card_shows_the_plan_and_the_others_and_sends_from_another(people, seller):
    policy("priority", shops=[seller.shop], name="Mine")
    seller.take(order(1, line("MUG")))
    clerk = person(people, "order_clerk")
    page = look(clerk, seller)
    assert "comes later among the preferred warehouses" in page
    assert "Send from here" in page
    told = press(clerk, seller, do="reroute", to=str(seller.places[1].pk)).content.decode()
    assert "Re-routed: the goods are reserved at the new place." in told
    assert seller.buckets("MUG", seller.places[1]) == (5, 0, 1)
    assert "Earlier plans" in told
    again = press(clerk, seller, do="reroute", to=str(seller.places[1].pk)).content.decode()
    assert "comes from there already" in again


def test_a_warehouse_that_was_made_up_is_refused(people, seller):
    seller.take(order(1, line("MUG")))
    clerk = person(people, "order_clerk")
    for to in ("x", "999999", "1" * 30, ","):
        press(clerk, seller, do="reroute", to=to)
    assert seller.buckets("MUG") == (5, 0, 1)


def test_goods_that_are_not_there_are_reported_on_the_card_and_closed_in_the_list(people, seller):
    seller.take(order(1, line("MUG")))
    clerk = person(people, "warehouse_clerk", seller.places[0])
    assert "Not there…" in look(clerk, seller)
    row = seller.lines(1)[0]
    press(clerk, seller, do="goods_gone", line=row.pk, site=seller.places[1].pk)
    assert not GoodsGone.objects.exists()
    press(clerk, seller, do="goods_gone", line=row.pk, site=seller.places[0].pk)
    report = GoodsGone.objects.get()
    assert report.closed_at is None
    assert seller.order(1).hold_code == "not_found"
    assert "reported as not found" in look(clerk, seller)
    address = reverse("admin:orders_goodsgone_changelist")
    clerk.post(address, {"action": "looked_into", "_selected_action": [report.pk]})
    report.refresh_from_db()
    assert report.closed_at is not None


def test_staff_of_one_warehouse_see_its_plans_only_and_move_nothing(people, seller):
    policy("priority", shops=[seller.shop])
    seller.take(order(1, line("MUG")))
    other = person(people, "warehouse_clerk", seller.places[1])
    assert 'id="routing"' not in look(other, seller)
    assert press(other, seller, do="reroute", to="").status_code == 403
    access = Access.objects.get(user=people["warehouse_clerk"])
    access.warehouses.set([seller.places[0]])
    page = look(other, seller)
    assert 'id="routing"' in page
    assert "Send from here" not in page
    card = page[page.index('id="routing"') :]
    assert seller.places[1].name not in card[: card.index("</section>")]
    assert "another warehouse" in card


def test_a_held_order_gets_a_wish(people, seller):
    seller.take(order(1, line("MUG"), buyer_note="urgent"))
    clerk = person(people, "order_clerk")
    press(clerk, seller, do="prefer", to=str(stock.warehouse().pk))
    assert seller.order(1).routing_warehouse_id is None
    press(clerk, seller, do="prefer", to=str(seller.places[1].pk))
    press(clerk, seller, do="approve")
    assert seller.buckets("MUG", seller.places[1]) == (5, 0, 1)


def test_many_are_rerouted_from_the_list_each_with_its_outcome(people, seller):
    seller.take(order(1, line("MUG", 3)), order(2, line("MUG", 2)), order(3, line("MUG"), buyer_note="urgent"))
    clerk = person(people, "order_clerk")
    address = reverse("admin:orders_order_changelist")
    ids = [seller.order(n).pk for n in (1, 2, 3)]
    asked = {"action": "reroute_many", "_selected_action": ids}
    assert seller.places[1].code in clerk.post(address, asked).content.decode()
    to = str(seller.places[1].pk)
    told = clerk.post(address, {**asked, "confirmed": "1", "to": to}, follow=True).content.decode()
    assert "2 orders re-routed." in told
    assert "1 row was refused" in told
    assert seller.buckets("MUG", seller.places[1])[2] == 5


def many_of(seller, clerk):
    """Re-route orders 1 to 3, one of them held, as a run for the workers: returns it and its page."""
    ids = [seller.order(n).pk for n in (1, 2, 3)]
    asked = {"action": "reroute_many", "_selected_action": ids, "confirmed": "1", "to": str(seller.places[1].pk)}
    answer = clerk.post(reverse("admin:orders_order_changelist"), asked)
    run = DeskRun.objects.get()
    assert answer.headers["Location"] == reverse("admin:orders_order_run", args=[run.pk])
    return run, answer.headers["Location"]


def test_very_many_are_rerouted_by_a_worker_under_a_bar(people, seller, monkeypatch):
    handed = []
    monkeypatch.setattr(many, "NOW", 2)
    monkeypatch.setattr(many, "PAGE", 2)
    monkeypatch.setattr(runs.longwork, "workers_alive", lambda: True)
    monkeypatch.setattr(runs.longwork, "enqueue", lambda *arguments: handed.append(arguments))
    seller.take(order(1, line("MUG", 3)), order(2, line("MUG", 2)), order(3, line("MUG"), buyer_note="urgent"))
    clerk = person(people, "order_clerk")
    with TestCase.captureOnCommitCallbacks(execute=True):
        run, address = many_of(seller, clerk)
    assert handed == [("orders.tasks.desk_run", run.pk)]
    assert "yk-progress" in clerk.get(address).content.decode()
    assert seller.buckets("MUG", seller.places[1])[2] == 0
    assert tasks.desk_run(run.pk) == "ok"
    assert tasks.desk_run(run.pk) == "done already"
    assert seller.buckets("MUG", seller.places[1])[2] == 5
    page = clerk.get(address).content.decode()
    assert "2 orders re-routed." in page
    assert seller.order(3).number in page
    run.refresh_from_db()
    assert (run.progress.state, run.progress.done) == ("done", 3)
    assert person(people, "ops_admin").get(address).status_code == 404


def test_a_run_that_was_cut_off_goes_on_after_what_is_done(people, seller, monkeypatch):
    monkeypatch.setattr(many, "NOW", 2)
    monkeypatch.setattr(many, "PAGE", 1)
    seller.take(order(1, line("MUG", 3)), order(2, line("MUG", 2)), order(3, line("MUG"), buyer_note="urgent"))
    clerk, whole, asked = person(people, "order_clerk"), moving.reroute, []

    def cut(**given):
        asked.extend(given["order_ids"])
        if len(asked) == 2:
            raise RuntimeError("the power failed")
        return whole(**given)

    monkeypatch.setattr(many.moving, "reroute", cut)
    run, address = many_of(seller, clerk)
    assert [one["ok"] for one in run.result["outcomes"]] == [False]  # the list shows the newest first
    assert "This work stopped" in clerk.get(address).content.decode()
    assert tasks.desk_run(run.pk) == "ok"
    assert asked == [seller.order(n).pk for n in (3, 2, 2, 1)]
    run.refresh_from_db()
    assert [one["ok"] for one in run.result["outcomes"]] == [False, True, True]


def test_the_lists_of_plans_and_missing_goods_open(people, seller):
    policy("priority", shops=[seller.shop])
    seller.take(order(1, line("MUG")))
    auditor = person(people, "auditor")
    page = auditor.get(reverse("admin:orders_routingplan_changelist")).content.decode()
    assert seller.places[0].name in page
    one = reverse("admin:orders_routingplan_change", args=[RoutingPlan.objects.get().pk])
    assert "comes later among the preferred" in auditor.get(one).content.decode()
    assert auditor.get(reverse("admin:orders_goodsgone_changelist")).status_code == 200


def test_a_count_of_a_month_is_no_page_of_moved_orders(people):
    run = DeskRun.objects.create(owner=people["superuser"], kind=DeskRun.Kind.MONTH, started_at=clock.now())
    page = reverse("admin:orders_order_run", args=[run.pk])
    assert people.client("superuser").get(page).status_code == 404
