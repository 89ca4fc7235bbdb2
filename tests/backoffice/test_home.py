"""The home page: cards by app, figures that are links, one broken card does not take the others away."""

import datetime as dt
import re

import pytest
from django.urls import reverse

from backoffice import home, roles, site
from backoffice.charts import Chart, Series, nice_top, short
from backoffice.home import Figure, HomeCard

pytestmark = pytest.mark.django_db


@pytest.fixture
def places(monkeypatch):
    found = {}
    monkeypatch.setattr(home, "_places", found)
    return found


def sales(request):
    chart = Chart(["Mon", "Tue"], [Series("Shop <A>", [3, 4], ["/mon", "/tue"])])
    return HomeCard("Sales", [Figure("Orders", 7, "/orders?state=held", "bad", share=0.25)], chart)


def test_a_figure_is_a_link_and_a_chart_point_too(people, places):
    home.register_card("sales", sales)
    page = people.client("owner").get(reverse("admin:index")).content.decode()
    assert 'href="/orders?state=held"' in page
    assert '<a href="/tue">' in page
    assert "Tue: 4" in page


def test_a_broken_card_says_so_and_the_others_stand(people, places):
    def broken(request):
        raise RuntimeError("password=hunter2")

    home.register_card("broken", broken, order=1)
    home.register_card("sales", sales, order=2)
    page = people.client("owner").get(reverse("home_cards")).content.decode()
    assert "cannot be read at the moment" in page
    assert "Sales" in page
    assert "hunter2" not in page


def test_a_card_is_shown_only_with_its_permission(people, places):
    home.register_card("sales", sales, permission="backoffice.view_auditentry")
    assert "Sales" in people.client("owner").get(reverse("home_cards")).content.decode()
    assert "Sales" not in people.client("buyer").get(reverse("home_cards")).content.decode()


def test_an_empty_card_has_a_sentence_and_an_incomplete_one_a_mark(people, places):
    at = dt.datetime(2026, 3, 1, 4, 5, tzinfo=dt.UTC)
    home.register_card("none", lambda request: HomeCard("Late", empty="Nothing is late.", as_of=at, complete=False))
    page = people.client("owner").get(reverse("home_cards")).content.decode()
    assert "Nothing is late." in page
    assert "still coming in" in page
    assert "complete as of 2026-03-01 12:05" in page


def test_the_fragment_needs_a_person(client):
    assert client.get(reverse("home_cards")).status_code == 302


def test_a_name_in_a_chart_is_escaped():
    chart = Chart(["<b>"], [Series("<i>", [1]), Series("x", [2])])
    assert "<b>" not in chart.svg()
    assert "<i>" not in chart.legend()


def test_axis_tops_are_round():
    assert [nice_top(value) for value in (0, 5, 9, 11, 41, 99, 101)] == [4, 5, 10, 20, 50, 100, 200]
    assert [short(value) for value in (0, 950, 1500, 20_000, 3_000_000)] == ["0", "950", "1.5k", "20k", "3M"]


def test_all_zero_and_negative_values_draw_an_axis_only():
    assert Chart(["a"], [Series("x", [0])]).is_empty
    assert "height=" not in Chart(["a"], [Series("x", [-3])]).svg()


def test_the_sidebar_shows_what_a_person_may(rf, people):
    request = rf.get("/admin/")
    request.user = people["auditor"]
    titles = [str(line["title"]) for group in site.navigation(request) for line in group["items"]]
    assert "Audit trail" in titles
    request.user = people["order_clerk"]
    assert [str(line["title"]) for group in site.navigation(request) for line in group["items"]][0] == "Home"
    assert "Audit trail" not in str(site.navigation(request))


def test_the_sidebar_lights_one_line_and_opens_its_section(people):
    told = people.client("superuser").get("/admin/backoffice/user/")
    page = told.content.decode()
    groups = told.context["sidebar_navigation"]
    lit = [(str(group["title"]), line["link"]) for group in groups for line in group["items"] if line["active"]]
    assert lit == [("Settings", "/admin/backoffice/user/")]
    assert [str(group["title"]) for group in groups if group["open"]] == ["", "Settings"]
    assert page.count("navigationOpen: true") == 1
    assert re.findall(r'<a href="([^"]+)" class="[^"]* active"', page) == ["/admin/backoffice/user/"]


def test_the_sidebar_costs_a_page_no_template_for_each_line(people):
    """It had an include for each of more than a hundred lines: a third of the time of every page."""
    told = people.client("superuser").get("/admin/backoffice/user/")
    lines = sum(len(group["items"]) for group in told.context["sidebar_navigation"])
    assert len(told.templates) < lines


def test_a_wrong_section_or_role_is_refused_at_start():
    with pytest.raises(ValueError, match="No sidebar section 'stocks'"):
        site.register_sidebar("stocks", "X", "/x")
    with pytest.raises(ValueError, match="No such role: clerk"):
        roles.register_role_permissions("backoffice", {"clerk": []})


def test_roles_follow_the_code_both_ways(people):
    from django.contrib.auth.models import Group, Permission

    auditor = Group.objects.get(name="auditor")
    extra = Permission.objects.get(codename="delete_user")
    auditor.permissions.add(extra)
    auditor.permissions.remove(Permission.objects.get(codename="view_auditentry"))
    roles.sync("backoffice")
    names = set(auditor.permissions.values_list("codename", flat=True))
    assert "view_auditentry" in names
    assert "delete_user" not in names
