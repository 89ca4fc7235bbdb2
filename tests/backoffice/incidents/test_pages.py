"""The desk in the browser: who sees what, the quick views, the buttons, many at once, at a constant cost."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice import incidents
from backoffice.models import AuditEntry, Incident, IncidentCause, IncidentRule, WorkTime
from inventory.models import Access
from tests.inventory import factories as stock

pytestmark = pytest.mark.django_db
LIST = reverse("admin:backoffice_incident_changelist")


def page(row):
    return reverse("admin:backoffice_incident_change", args=[row.pk])


def do(client, row, what, **more):
    return client.post(reverse("admin:backoffice_incident_do", args=[row.pk]), {"do": what, **more}, follow=True)


def leak(room="hall", **more):
    return incidents.report(kind="leak", key=room, data={"room": room}, **more)


@pytest.fixture
def clerk(desk, people):
    Access.objects.create(user=people["warehouse_clerk"], all_shops=True, all_warehouses=True)
    return people.client("warehouse_clerk")


def text(answer):
    return answer.content.decode()


def test_incidents_of_other_shops_and_warehouses_are_not_there(desk, people):
    mine, other = stock.shop(), stock.shop()
    place = stock.warehouse()
    Access.objects.create(user=people["order_clerk"]).shops.add(mine)
    client = people.client("order_clerk")
    seen, hidden = leak("mine", shop_id=mine.pk), leak("other", shop_id=other.pk)
    walled, common = leak("walled", warehouse_id=place.pk), leak("common")
    shown = text(client.get(LIST))
    assert [word in shown for word in ("Water in mine", "Water in other", "Water in walled", "Water in common")] == [
        True,
        False,
        False,
        True,
    ]
    assert [client.get(page(row)).status_code for row in (seen, hidden, walled, common)] == [200, 404, 404, 200]
    assert do(client, hidden, "take").status_code == 404
    assert Incident.objects.get(pk=hidden.pk).state == "open"


def test_the_quick_views_count_and_show_what_they_say(clerk, desk, people):
    leak("old")
    desk.move(hours=3)  # the clock to take it in hand is over
    fresh = leak("fresh")
    leak("buying", department="buying")
    Incident.objects.filter(pk=fresh.pk).update(person=people["warehouse_clerk"])
    leak("done")
    incidents.settle(kind="leak", key="done")
    shown = {}
    for view in ("", "mine", "department", "overdue", "today", "closed"):
        answer = clerk.get(LIST, {"view": view} if view else {})
        shown[view] = {room for room in ("old", "fresh", "buying", "done") if f"Water in {room}" in text(answer)}
    assert shown == {
        "": {"old", "fresh", "buying"},
        "mine": {"fresh"},
        "department": {"old", "fresh"},
        "overdue": {"old"},
        "today": {"old", "fresh", "buying"},
        "closed": {"done"},
    }
    tabs = {str(tab.label): tab.count for tab in clerk.get(LIST).context["incident_tabs"]}
    assert tabs == {"All open": 3, "Mine": 1, "My department": 2, "Overdue": 1, "New today": 3, "Closed": None}


def test_the_list_costs_the_same_for_three_and_for_forty(clerk):
    def cost():
        with CaptureQueriesContext(
            connection,
        ) as spent:
            assert clerk.get(LIST).status_code == 200
        return len(spent)

    for number in range(3):
        leak(str(number))
    few = cost()
    for number in range(3, 43):
        leak(str(number))
    assert cost() <= few
    assert few <= 17


def test_a_clerk_takes_it_notes_and_resolves_it(clerk, people):
    row = leak()
    assert "Take in hand" in text(clerk.get(page(row)))
    assert "It is in your hands" in text(do(clerk, row, "take"))
    do(clerk, row, "note", text="<script>alert(1)</script> the pipe")
    shown = text(clerk.get(page(row)))
    assert "&lt;script&gt;" in shown
    assert "<script>alert(1)" not in shown
    assert "Say what the cause was" in text(do(clerk, row, "resolve", text="mopped"))
    cause = IncidentCause.objects.get(kind="", code="our_mistake")
    assert "Resolved." in text(do(clerk, row, "resolve", text="mopped", cause=str(cause.pk)))
    row.refresh_from_db()
    assert (row.state, row.cause, row.done) == ("resolved", cause, "mopped")
    assert "Open again" in text(clerk.get(page(row)))
    do(clerk, row, "reopen", text="drips")
    row.refresh_from_db()
    assert row.state == "reopened"


def test_who_may_only_look_gets_no_buttons_and_no_deed(desk, people):
    Access.objects.create(user=people["auditor"], all_shops=True, all_warehouses=True)
    row, client = leak(), people.client("auditor")
    shown = text(client.get(page(row)))
    assert "Water in hall" in shown
    assert "Take in hand</button>" not in shown
    assert do(client, row, "take").status_code == 403
    assert Incident.objects.get().state == "open"


def test_many_are_assigned_and_resolved_with_the_refused_ones_told(clerk, people):
    rows = [leak(str(number)) for number in range(3)]
    ids = [str(row.pk) for row in rows]
    chosen = {"action": "give", "_selected_action": ids}
    assert "Department" in text(clerk.post(LIST, chosen))
    answer = clerk.post(LIST, {**chosen, "confirmed": "1", "department": "buying"}, follow=True)
    assert "3 incidents done." in text(answer)
    assert set(Incident.objects.values_list("department", flat=True)) == {"buying"}
    incidents.settle(kind="leak", key="1", actor="task:drift")
    cause = IncidentCause.objects.get(kind="", code="other")
    done = {"action": "close", "_selected_action": ids, "confirmed": "1", "cause": str(cause.pk), "text": "mopped"}
    answer = text(clerk.post(LIST + "?view=", done, follow=True))
    assert "is closed already" not in answer  # the list shows open ones only, so the closed one was not chosen
    assert Incident.objects.filter(state="resolved").count() == 2
    assert AuditEntry.objects.filter(action="incident.resolved").count() == 2


def test_a_bulk_question_without_an_answer_is_asked_again_and_nothing_happens(clerk):
    row = leak()
    chosen = {"action": "close", "_selected_action": [str(row.pk)], "confirmed": "1", "text": "mopped"}
    assert "Say what the cause was" in text(clerk.post(LIST, chosen))
    assert Incident.objects.get().state == "open"


def test_what_no_source_sees_is_reported_by_hand_once(clerk, people):
    url = reverse("admin:backoffice_incident_add")
    shop = stock.shop()
    assert "What happened" in text(clerk.get(url))
    form = {"text": "Forklift broken", "department": "warehouse", "severity": "high", "shop": shop.pk, "token": "t1"}
    clerk.post(url, form)
    clerk.post(url, form)
    row = Incident.objects.get()
    assert (row.kind, row.department, row.severity, row.shop_id, row.count) == (
        "custom",
        "warehouse",
        "high",
        shop.pk,
        2,
    )
    assert "Write what happened" in text(clerk.post(url, {"text": " "}))


def test_rules_are_written_and_tried_and_say_why_they_do_not_fit(desk, people):
    client = people.client("ops_admin")
    url = reverse("admin:backoffice_incidentrule_add")
    steps = {"steps-TOTAL_FORMS": "1", "steps-INITIAL_FORMS": "0", "steps-0-level": "1", "steps-0-department": "owner"}
    form = {"name": "Basement", "place": "10", "active": "on", "kind": "leak", "words": "basement", **steps}
    assert "Say what the rule changes" in text(client.post(url, form))
    assert client.post(url, {**form, "department": "buying", "acknowledge_minutes": "15"}).status_code == 302
    rule = IncidentRule.objects.get()
    assert (rule.department, rule.steps.get().department) == ("buying", "owner")
    trial = reverse("admin:backoffice_incidentrule_try")
    assert "none of the words" in text(client.get(trial, {"kind": "leak", "text": "roof"}))
    assert "takes it" in text(client.get(trial, {"kind": "leak", "text": "the basement"}))
    assert client.get(reverse("admin:backoffice_incidentrule_changelist")).status_code == 200
    assert not Incident.objects.exists()
    assert AuditEntry.objects.filter(action="incident.rule").count() == 1


def test_the_working_time_is_one_page_that_refuses_nonsense(desk, people):
    client = people.client("owner")
    assert "orking days" in text(client.get(reverse("admin:backoffice_worktime_changelist")))
    url = reverse("admin:backoffice_worktime_change", args=[1])
    form = {
        "days": ["0", "1"], "starts": "08:00", "ends": "17:00", "time_zone": "Europe/Berlin", "holidays": "DE",
        "days_off": "2026-12-24", "days_on": "", "reopen_days": "3", "quiet_from": "22:00", "quiet_to": "08:00",
        "quiet_channels": ["sms", "email"],
    }  # fmt: skip
    assert "is not a date" in text(client.post(url, {**form, "days_off": "Christmas"}))
    assert "Work ends after it begins" in text(client.post(url, {**form, "ends": "07:00"}))
    assert client.post(url, form).status_code == 302
    row = WorkTime.objects.get()
    assert (row.days, row.holidays, row.days_off, row.reopen_days, row.quiet_channels) == (
        [0, 1],
        "DE",
        ["2026-12-24"],
        3,
        ["sms", "email"],
    )


def test_a_cause_of_the_house_needs_a_name_and_a_built_in_one_may_be_renamed(desk, people):
    client = people.client("owner")
    add = reverse("admin:backoffice_incidentcause_add")
    assert "Name the cause" in text(client.post(add, {"kind": "leak", "name": "", "place": "1"}))
    assert client.post(add, {"kind": "leak", "name": "Old pipes", "place": "1", "active": "on"}).status_code == 302
    assert str(IncidentCause.objects.get(kind="leak")) == "Old pipes"
    built_in = IncidentCause.objects.get(code="our_mistake")
    assert str(built_in) == "Our own mistake"
    change = reverse("admin:backoffice_incidentcause_change", args=[built_in.pk])
    client.post(change, {"name": "自己的错", "place": "3", "active": "on"})
    built_in.refresh_from_db()
    assert (str(built_in), built_in.kind) == ("自己的错", "")


def test_the_home_card_counts_by_kind_with_the_overdue_first(clerk, desk):
    leak("old")
    desk.move(hours=3)
    leak("new")
    shown = text(clerk.get(reverse("admin:index")))
    assert "Leak" in shown
    assert "1 overdue" in shown
    assert "For me and my department" in shown


def test_it_is_found_by_its_number_and_by_what_it_is_about(clerk):
    row, other = leak("a", target="orders.order:42"), leak("b")
    for term in (f"#{row.pk}", "orders.order:42"):
        shown = text(clerk.get(LIST, {"q": term}))
        assert ("Water in a" in shown, "Water in b" in shown) == (True, False)
    assert clerk.get(LIST, {"q": "a\0b"}).status_code == 200
    assert other.is_open
