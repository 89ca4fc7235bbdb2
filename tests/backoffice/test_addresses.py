"""Reading changes nothing, other methods are refused, nothing of the inside is served."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.matrix.addresses import every

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # what a page does is decided above the engine
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
KEPT_BY_READING = ("django_session", "backoffice_apiusage")  # the session's own clock, the throttle's count


def test_reading_a_page_changes_nothing(people):
    client = people.client("superuser")
    client.get("/admin/")
    wrong = []
    for one in every():
        with CaptureQueriesContext(connection) as captured:
            client.get(one.url())
        for query in captured:
            changed = query["sql"].lstrip().upper().startswith(WRITES)
            if changed and not any(table in query["sql"] for table in KEPT_BY_READING):
                wrong.append(f"{one.name}: {query['sql'][:120]}")
    assert not wrong, "\n".join(wrong)


def test_a_page_takes_no_method_it_is_not_written_for(people):
    client = people.client("superuser")
    pages = [one.url() for one in every() if not one.route.startswith("api/")]
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"):
        assert {client.generic(method, page).status_code for page in pages} == {405}


def test_whoever_may_not_see_a_list_cannot_tell_which_rows_exist(people):
    client = people.client("buyer")
    for pk in (people["buyer"].pk, 987654321):
        assert client.get(f"/admin/backoffice/user/{pk}/history/").status_code == 403
        assert client.get(f"/admin/backoffice/user/{pk}/change/").status_code == 403


@pytest.mark.parametrize(
    "address", ["/.git/config", "/.env", "/metrics", "/debug", "/static/../backoffice/settings.py", "/media/", "/var/"]
)
def test_nothing_of_the_inside_is_served(client, address):
    assert client.get(address).status_code == 404
