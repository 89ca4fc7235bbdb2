"""Lists: paged by key without counting, deaf to questions about columns that no filter shows."""

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages

from backoffice import adminkit, keyset
from backoffice.adminkit import Outcome, YikuModelAdmin
from backoffice.models import AuditEntry, TaskAttempt, User
from backoffice.search import prefix_condition, search_form

pytestmark = pytest.mark.django_db
LIST = "/admin/backoffice/taskattempt/"
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def attempts():
    rows = [TaskAttempt(name=f"pull:{i:03}", started_at=NOON, outcome="ok") for i in range(120)]
    return TaskAttempt.objects.bulk_create(rows)


@pytest.fixture
def boss(people):
    return people.client("superuser")


def shown(reply):
    return [row.name for row in reply.context["cl"].result_list]


def test_paging_forth_and_back_shows_every_row_once(attempts, boss):
    seen, query = [], ""
    while True:
        reply = boss.get(LIST + query)
        seen += shown(reply)
        query = reply.context["cl"].next_query
        if not reply.context["cl"].has_next:
            break
    assert seen == [f"pull:{i:03}" for i in reversed(range(120))]
    back = boss.get(LIST + reply.context["cl"].previous_query)
    assert shown(back) == [f"pull:{i:03}" for i in range(69, 19, -1)]
    assert (back.context["cl"].has_previous, back.context["cl"].has_next) == (True, True)


def test_the_last_page_is_read_from_the_end(attempts, boss):
    reply = boss.get(LIST + "?key_end=1")
    assert shown(reply)[-1] == "pull:000"
    assert len(shown(reply)) == 50
    assert (reply.context["cl"].has_previous, reply.context["cl"].has_next) == (True, False)


def test_rows_that_arrive_meanwhile_shift_nothing(attempts, boss):
    first = boss.get(LIST)
    TaskAttempt.objects.bulk_create([TaskAttempt(name=f"new:{i}", started_at=NOON) for i in range(7)])
    second = boss.get(LIST + first.context["cl"].next_query)
    assert shown(second)[0] == "pull:069"


def test_no_page_counts_and_all_cost_the_same(attempts, boss):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    boss.get(LIST)
    costs = []
    for query in ("", "?key_end=1", boss.get(LIST).context["cl"].next_query):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            boss.get(LIST + query)
        costs.append(len(captured))
        own = [one["sql"] for one in captured if "backoffice_taskattempt" in one["sql"]]
        assert not [sql for sql in own if "COUNT(" in sql or "OFFSET" in sql]
    assert len(set(costs)) == 1


def test_equal_values_at_the_edge_of_a_page_lose_no_row(boss, monkeypatch):
    monkeypatch.setattr(admin.site._registry[TaskAttempt], "ordering", ("-started_at",))
    times = [NOON + dt.timedelta(microseconds=i // 40) for i in range(120)]
    TaskAttempt.objects.bulk_create([TaskAttempt(name=f"{i:03}", started_at=at) for i, at in enumerate(times)])
    first = boss.get(LIST)
    second = boss.get(LIST + first.context["cl"].next_query)
    third = boss.get(LIST + second.context["cl"].next_query)
    assert shown(first) + shown(second) + shown(third) == [f"{i:03}" for i in reversed(range(120))]


@pytest.mark.parametrize("edge", ["x", "bnVsbA", "WzEsMl0", "W251bGxd", "W3t9XQ", "WyJhIl0"])
def test_a_forged_edge_leads_back_to_the_list(attempts, boss, edge):
    reply = boss.get(f"{LIST}?key_after={edge}")
    assert reply.status_code == 302
    assert reply["Location"].endswith("?e=1")


@pytest.mark.parametrize(
    "query",
    [
        "password__startswith=p",
        "email__regex=.",
        "groups__permissions__codename=x",
        "groups__name__startswith=o",
        "is_active__foo=1",
        "last_login__gt=2020-01-01",
        "id__gt=0",
        "logentry__id=1",
    ],
)
def test_a_hidden_column_cannot_be_asked_for(people, query):
    reply = people.client("owner").get(f"/admin/backoffice/user/?{query}")
    assert reply.status_code == 400


def test_what_the_filters_offer_can_be_asked_for(people):
    client = people.client("owner")
    for query in ("is_active__exact=1", "groups__id__exact=1", "is_active__isnull=True"):
        assert client.get(f"/admin/backoffice/user/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["o=5.1", "o=99", "o=password", "o=-6"])
def test_an_order_the_list_does_not_offer_changes_nothing(people, query):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = people.client("owner")
    with CaptureQueriesContext(connection) as captured:
        client.get(f"/admin/backoffice/user/?{query}")
    [rows] = [one["sql"] for one in captured if "LIMIT 51" in one["sql"]]
    assert rows.split("ORDER BY")[1].split("LIMIT")[0].strip() == (
        '"backoffice_user"."username" ASC, "backoffice_user"."id" ASC'
    )


def test_a_strange_to_field_and_autocomplete_are_refused(people):
    client = people.client("owner")
    assert client.get("/admin/backoffice/user/?_to_field=password").status_code == 400
    query = "app_label=backoffice&model_name=user&field_name=groups&term=o"
    assert people.client("buyer").get(f"/admin/autocomplete/?{query}").status_code == 403


def test_a_search_finds_by_the_beginning_whatever_the_width_and_case(attempts, boss):
    assert shown(boss.get(LIST + "?q=ＰＵＬＬ:00")) == [f"pull:00{i}" for i in reversed(range(10))]
    assert shown(boss.get(LIST + "?q=00")) == []
    assert len(shown(boss.get(LIST + "?q=%20"))) == 50


def test_signs_of_like_are_letters_in_a_search():
    User.objects.create(username="a_b")
    User.objects.create(username="axb")
    found = User.objects.filter(prefix_condition(["username"], search_form("a_")))
    assert [user.username for user in found] == ["a_b"]


@pytest.mark.parametrize("text", ["'; DROP TABLE backoffice_user; --", "\x00", "%", "\\", "{{7*7}}", "%n%s", "💣" * 50])
def test_a_search_takes_any_text(attempts, boss, text):
    assert boss.get(LIST, {"q": text}).status_code == 200


def test_a_filter_starts_at_the_first_page(attempts, boss):
    changelist = boss.get(LIST + "?key_end=1&outcome__exact=ok").context["cl"]
    assert "key_" not in changelist.get_query_string({"outcome__exact": "failed"})
    assert "outcome__exact=ok" in changelist.previous_query


def test_nothing_is_deleted_by_default():
    class Plain(YikuModelAdmin):
        pass

    assert not Plain(User, admin.site).has_delete_permission(None)


def test_each_row_is_told_and_a_long_list_is_cut(rf, people):
    request = rf.get("/")
    from django.contrib.messages.storage.fallback import FallbackStorage

    request.session, request._messages = {}, None
    request._messages = FallbackStorage(request)
    outcomes = [Outcome("#1"), Outcome("<b>#2", "“x” is short", "/o/2")] + [Outcome(f"#{i}", "no") for i in range(30)]
    adminkit.report_outcomes(request, outcomes, "%(count)d approved.")
    good, bad = [str(message) for message in get_messages(request)]
    assert good == "1 approved."
    assert "31 rows were refused:" in bad
    assert '<a class="underline" href="/o/2">&lt;b&gt;#2</a>: “x” is short' in bad
    assert "and 11 more." in bad


def test_a_condition_lets_the_index_start_at_the_right_place():
    condition = keyset.beyond([("-at", NOON), ("-pk", 7)])
    sql = str(AuditEntry.objects.filter(condition).query)
    assert '"at" <= ' in sql
    assert '"id" < 7' in sql
