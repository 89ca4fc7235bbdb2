"""What does not heal between us and a platform is an incident once, counts, and goes with its cause."""

import datetime as dt

import pytest
from django.test import override_settings

from backoffice import clock
from backoffice.incidents import kinds
from backoffice.models import Incident
from channels import alarms, drift, error_queue
from channels.error_queue import Trouble
from channels.models import SyncError
from channels.webhooks import subscriptions


def states():
    return list(Incident.objects.order_by("pk").values_list("kind", "key", "state", "count"))


def test_a_listing_gone_over_there_is_one_incident_that_counts_and_closes_by_itself(shop):
    del shop.front.stock["A"]
    key = f"account:{shop.account.pk}"
    drift.run(shop.account.pk)
    drift.run(shop.account.pk)
    assert states() == [("drift", key, "open", 2)]
    row = Incident.objects.get()
    assert (row.shop_id, row.department, row.data["figures"], row.data["goods"]) == (
        shop.shop.pk,
        "desk",
        1,
        [shop.sku.code],
    )
    assert shop.sku.code in kinds.sentence_of("drift", row.data)
    shop.front.stock["A"] = 10
    drift.run(shop.account.pk)
    assert states() == [("drift", key, "gone", 2)]


def test_a_figure_that_is_being_corrected_is_no_incident_until_it_should_have_healed(shop):
    shop.front.stock["A"] = 50
    drift.run(shop.account.pk)
    assert states() == []
    now = clock.now() + dt.timedelta(minutes=40)
    with clock.moved_to(lambda: now):
        alarms.look_at_drift(shop.account.pk)
    assert [one[2] for one in states()] == ["open"]
    from tests.channels.engine.conftest import settle_down

    settle_down(shop)  # the correction goes through at last
    assert [one[2] for one in states()] == ["gone"]


@override_settings(INCIDENT_ERROR_MINUTES=120, INCIDENT_ERROR_ROWS=3)
def test_errors_are_an_incident_when_they_are_old_or_many_and_go_when_they_are_done(shop):
    account = shop.account
    error_queue.record(account.pk, Trouble(kind="order", reference="1", code="unreadable"))
    alarms.look_at_errors()
    assert states() == []
    SyncError.objects.update(first_seen_at=clock.now() - dt.timedelta(hours=3))
    alarms.look_at_errors()
    alarms.look_at_errors()
    assert states() == [("sync_failure", f"errors:{account.pk}:order", "open", 1)]
    error_queue.record_many(
        account.pk, [Trouble(kind="stock", reference=str(number), code="rejected") for number in range(3)]
    )
    alarms.look_at_errors()
    many = Incident.objects.get(key=f"errors:{account.pk}:stock")
    assert (many.severity, many.data["errors"], many.links.get().target) == (
        "high",
        3,
        f"channels.account:{account.pk}",
    )
    error_queue.resolve(account.pk, "order", ["1"])
    alarms.look_at_errors()
    assert [(key.rpartition(":")[2], state) for _kind, key, state, _count in states()] == [
        ("order", "gone"),
        ("stock", "open"),
    ]


@pytest.fixture
def public(settings):
    settings.PUBLIC_URL = "https://yiku.example"


def test_subscriptions_that_vanish_are_an_incident_until_they_stand_at_the_next_look(shop, public):
    account = shop.account
    assert subscriptions.check(account.pk) is True
    shop.front.webhooks.clear()
    subscriptions.check(account.pk)
    ((kind, key, state, count),) = states()
    assert (kind, key, state, count) == ("sync_failure", f"hooks:{account.pk}", "open", 1)
    alarms.look_at_errors()  # the error queue's own look leaves it alone
    assert [one[2] for one in states()] == ["open"]
    subscriptions.check(account.pk)
    assert [one[2] for one in states()] == ["gone"]
    shop.front.webhooks.clear()
    subscriptions.check(account.pk)
    assert [(one[2], one[3]) for one in states()] == [("reopened", 2)]
