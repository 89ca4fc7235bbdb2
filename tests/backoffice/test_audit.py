"""The trail names who, what and from where, and holds no secret."""

import pytest
from django.contrib.auth.models import AnonymousUser

from backoffice import audit, clock
from backoffice.models import AuditEntry, User

pytestmark = pytest.mark.django_db


def test_an_entry_names_actor_target_and_change():
    user = User.objects.create(username="wang")
    with audit.acting_as(audit.user_actor(user, "10.0.0.7")):
        audit.record(action="order.approve", target=user, before={"state": "held"}, after={"state": "approved"})
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.address) == (f"user:{user.pk} wang", "10.0.0.7")
    assert (entry.target, entry.action) == (f"backoffice.user:{user.pk}", "order.approve")
    assert (entry.before, entry.after) == ({"state": "held"}, {"state": "approved"})
    assert (clock.now() - entry.at).total_seconds() < 5


def test_the_actor_ends_with_its_block():
    with audit.acting_as("task:push"), audit.acting_as("api:3 erp"):
        assert audit.current_actor().name == "api:3 erp"
    assert audit.current_actor() == audit.SYSTEM


def test_secrets_are_blotted_out_at_any_depth():
    audit.record(
        action="account.change",
        target="channels.account:1",
        after={"name": "shop", "credentials": {"x": "canary"}, "rows": [{"access_token": "canary", "n": 1}]},
    )
    after = AuditEntry.objects.get().after
    assert "canary" not in str(after)
    assert (after["name"], after["rows"][0]["n"]) == ("shop", 1)


def test_many_are_one_statement(django_assert_num_queries):
    entries = [audit.Entry("stock.count", f"inventory.sku:{i}", after={"quantity": i}) for i in range(500)]
    with django_assert_num_queries(1):
        assert audit.record_many(entries) == 500
    assert AuditEntry.objects.count() == 500


def test_text_that_is_too_long_or_holds_a_nul_is_kept_in_part():
    audit.record(action="a" * 99, target="t" * 999, summary="\0" + "s" * 999, after={"note": "x\0y"})
    entry = AuditEntry.objects.get()
    assert (len(entry.action), len(entry.target), entry.after) == (60, 120, {"note": "xy"})


def test_a_request_names_the_person(rf):
    request = rf.get("/")
    request.user = AnonymousUser()
    audit.record(action="login.fail", target="backoffice.user:0", request=request)
    assert AuditEntry.objects.get().actor == "anonymous"
