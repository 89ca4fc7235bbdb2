"""A bar moves, belongs to who waits for it, and ends in every case."""

import pytest
from django.urls import reverse

from backoffice import progress
from backoffice.errors import YikuError
from backoffice.models import Progress

pytestmark = pytest.mark.django_db


def shown(client, pk, **query):
    return client.get(reverse("progress", args=[pk]), query)


def test_the_owner_sees_it_move_and_nobody_else_sees_it(people):
    meter = progress.start("inventory.count", people["owner"], total=10)
    meter.say("Reading")
    meter.step(3)
    meter.total(12)
    reply = shown(people.client("owner"), meter.row.pk)
    assert reply.json() == {"state": "running", "done": 3, "total": 12, "message": "Reading", "result": {}}
    assert shown(people.client("buyer"), meter.row.pk).status_code == 404
    assert shown(people.client("owner"), 987654321).status_code == 404


def test_many_small_steps_are_few_writes(people, django_assert_max_num_queries):
    meter = progress.start("x", people["owner"], total=1000)
    with django_assert_max_num_queries(3):
        for _ in range(1000):
            meter.step()
    meter.finish({"rows": 1000})
    row = Progress.objects.get()
    assert (row.state, row.done, row.result) == ("done", 1000, {"rows": 1000})


def test_a_domain_error_ends_it_with_its_sentence():
    meter = progress.start("x")
    with pytest.raises(YikuError), progress.followed(meter):
        raise YikuError("short", "Only %(left)s left.", params={"left": 3})
    row = Progress.objects.get()
    assert (row.state, row.message) == ("failed", "Only 3 left.")


def test_any_other_error_ends_it_without_its_text():
    meter = progress.start("x")
    with pytest.raises(KeyError), progress.followed(meter):
        raise KeyError("token=canary")
    row = Progress.objects.get()
    assert (row.state, row.message) == ("failed", "")


def test_what_ends_well_is_done():
    with progress.followed(progress.start("x")) as meter:
        progress.resume(meter.row.pk).step(5)
    assert Progress.objects.get().state == "done"


def test_the_bar_as_a_piece_of_page_is_escaped(people):
    meter = progress.start("x", people["owner"])
    meter.say("<script>alert(1)</script>")
    page = shown(people.client("owner"), meter.row.pk, html="").content.decode()
    assert "<script>" not in page
    assert 'data-state="running"' in page
