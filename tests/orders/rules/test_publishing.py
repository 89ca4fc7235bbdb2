"""Publishing, differences between versions, rolling back; versions never change."""

import pytest
from django.db import DatabaseError, transaction

from backoffice import locks
from backoffice.errors import YikuError
from backoffice.models import AuditEntry, User
from orders.desk.rules import publishing
from orders.models import Rule, RuleVersion
from tests.orders.rules.build import HOLD, group, publish, row, rule

pytestmark = pytest.mark.django_db
FRENCH = group(row("country", "one_of", ["FR"]))


def kinds() -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.kind, one.name, one.fields) for one in publishing.waiting()]


def test_what_waits_is_new_changed_or_gone():
    first, second = rule("A", FRENCH), rule("B", FRENCH)
    assert kinds() == [("new", "A", ()), ("new", "B", ())]
    publish(note="start")
    assert kinds() == []
    Rule.objects.filter(pk=first.pk).update(name="A2", place=5)
    Rule.objects.filter(pk=second.pk).update(enabled=False)
    assert kinds() == [("changed", "A2", ("name", "place")), ("gone", "B", ())]


def test_a_version_says_who_when_and_why_and_never_changes():
    rule("A", FRENCH)
    made = publish(note=" start ")
    assert (made.published_by.username, made.note, made.content[0]["name"]) == ("publisher", "start", "A")
    assert AuditEntry.objects.get(action="rules.publish").after["rules"] == 1
    with pytest.raises(DatabaseError), transaction.atomic():
        RuleVersion.objects.update(note="another")


def test_nothing_new_is_refused():
    rule("A", FRENCH)
    publish()
    with pytest.raises(YikuError) as refused:
        publish()
    assert refused.value.code == "nothing_new"


def test_a_broken_rule_keeps_all_of_them_back():
    rule("A", FRENCH)
    rule("B", group(row("moon", "is", "x")))
    with pytest.raises(YikuError, match="“B” cannot run: There is no field “moon” any more"):
        publish()
    assert RuleVersion.objects.count() == 0


def test_what_somebody_changed_meanwhile_is_looked_at_again():
    rule("A", FRENCH)
    seen = publishing.digest_of(publishing.draft())
    rule("B", FRENCH)
    with pytest.raises(YikuError) as refused:
        publish(expected=seen)
    assert refused.value.code == "moved_on"


def test_two_people_do_not_publish_at_the_same_moment():
    rule("A", FRENCH)
    held = locks.acquire(publishing.LEASE, "somebody", 30.0)
    with pytest.raises(YikuError) as refused:
        publish()
    assert refused.value.code == "busy"
    locks.release(held)
    publish()


def test_five_hundred_rules_are_enough():
    for number in range(501):
        rule(f"R{number}", FRENCH)
    with pytest.raises(YikuError) as refused:
        publish()
    assert refused.value.code == "too_many"


def test_rolling_back_restores_the_desk_and_deletes_nothing():
    first = rule("A", FRENCH)
    old = publish()
    Rule.objects.filter(pk=first.pk).update(name="A2", dry=True)
    second = rule("B", FRENCH)
    publish()
    user = User.objects.get(username="publisher")
    made = publishing.roll_back(version=old, user=user, note="worse")
    assert (made.content, made.rolled_back_to) == (old.content, old)
    assert list(Rule.objects.values_list("name", "enabled", "dry")) == [("A", True, False), ("B", False, False)]
    assert kinds() == []
    assert Rule.objects.filter(pk=second.pk).exists()


def test_rolling_back_brings_a_removed_rule_again():
    made = rule("A", FRENCH, deeds=[{**HOLD, "hours": 3}], shops=[1], since=None)
    old = publish()
    Rule.objects.all().delete()
    rule("C", FRENCH)
    publish()
    publishing.roll_back(version=old, user=User.objects.get(username="publisher"))
    again = Rule.objects.get(name="A")
    assert (again.pk, again.shops, again.deeds) == (made.pk, [1], [{**HOLD, "hours": 3}])
