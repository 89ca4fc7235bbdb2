"""From the desk into force: publish what stands there, compare versions, roll one back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from backoffice import audit, clock, locks
from backoffice.errors import YikuError
from backoffice.models import User
from orders.desk.rules import book
from orders.desk.rules.conditions import Unusable
from orders.models import Rule, RuleVersion

MOST_RULES = 500
Document = dict[str, Any]
LEASE = "orders.rules"
FIELDS = (
    "name", "place", "dry", "stop", "since", "until", "shops", "countries", "categories", "conditions", "deeds",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One rule that differs between two versions. `fields` names what differs in a rule that both have."""

    kind: str  # new | changed | gone
    name: str
    before: Document | None
    after: Document | None
    fields: tuple[str, ...] = ()


def draft() -> list[Document]:
    """Return the rules of the desk that are on, as they would be published."""
    return [rule.document() for rule in Rule.objects.filter(enabled=True)]


def in_force() -> RuleVersion | None:
    """Return the version orders are judged by."""
    return RuleVersion.objects.order_by("-pk").first()


def difference(before: Sequence[Document], after: Sequence[Document]) -> list[Change]:
    """Return what `after` changes, in the order of its rules; what is gone stands at the end."""
    old, new = {one["id"]: one for one in before}, {one["id"]: one for one in after}
    found = []
    for key, document in new.items():
        if key not in old:
            found.append(Change("new", document["name"], None, document))
        elif old[key] != document:
            fields = tuple(name for name in FIELDS if old[key].get(name) != document.get(name))
            found.append(Change("changed", document["name"], old[key], document, fields))
    found += [Change("gone", document["name"], document, None) for key, document in old.items() if key not in new]
    return found


def waiting() -> list[Change]:
    """Return what the desk would change if it were published now."""
    current = in_force()
    return difference(current.content if current else [], draft())


def publish(*, user: User, note: str = "", expected: str = "") -> RuleVersion:
    """Put the rules of the desk in force. `expected` is the digest of what the person saw when deciding.

    Raises YikuError: nothing_new, broken (naming the first rule that cannot run), too_many, moved_on, busy.
    """
    with _alone(), transaction.atomic():
        documents = draft()
        if expected and digest_of(documents) != expected:
            raise YikuError("moved_on", _("Somebody changed a rule meanwhile: look at the changes once more."))
        return _put(documents, user, note)


def roll_back(*, version: RuleVersion, user: User, note: str = "") -> RuleVersion:
    """Put an older version in force again, and the rules of the desk back to what they were in it.

    Rules the older version did not have are switched off, not deleted. Raises YikuError: nothing_new, broken, busy.
    """
    with _alone(), transaction.atomic():
        made = _put(version.content, user, note, back_to=version)
        keep = {int(document["id"]): document for document in version.content}
        Rule.objects.exclude(pk__in=keep).filter(enabled=True).update(enabled=False)
        for key, document in keep.items():
            _restore(key, document, user)
    return made


def digest_of(documents: Sequence[Document]) -> str:
    """Return what tells two sets of rules apart."""
    return hashlib.sha256(json.dumps(documents, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class _alone:
    """Two people do not publish at the same moment."""

    def __enter__(self) -> None:
        self._held = locks.acquire(LEASE, "desk", 30.0)
        if self._held is None:
            raise YikuError("busy", _("A colleague is publishing rules just now. Try again in a moment."))

    def __exit__(self, *_error: object) -> None:
        if self._held is not None:
            locks.release(self._held)


def _put(documents: Sequence[Document], user: User, note: str, back_to: RuleVersion | None = None) -> RuleVersion:
    current = in_force()
    if documents == (current.content if current else []):
        raise YikuError("nothing_new", _("These rules are in force already."))
    if len(documents) > MOST_RULES:
        raise YikuError("too_many", _("At most %(most)d rules can be in force.") % {"most": MOST_RULES})
    check(documents)
    made = RuleVersion.objects.create(
        content=list(documents), digest=digest_of(documents), published_at=clock.now(), published_by=user,
        note=note.strip()[:300], rolled_back_to=back_to,
    )  # fmt: skip
    after = {"rules": len(documents), "note": made.note, "back_to": back_to.pk if back_to else None}
    audit.record(action="rules.publish", target=made, actor=audit.user_actor(user).name, after=after)
    return made


def check(documents: Sequence[Mapping[str, Any]]) -> None:
    """Raise YikuError (broken) naming the first rule that cannot run."""
    for document in documents:
        try:
            book.read(document)
        except Unusable as error:
            raise YikuError(
                "broken", _("“%(rule)s” cannot run: %(why)s") % {"rule": document["name"], "why": error}
            ) from error


def _restore(key: int, document: Document, user: User) -> None:
    values = {name: document.get(name) for name in FIELDS if name not in ("since", "until")}
    values |= {name: parse_datetime(document[name]) if document.get(name) else None for name in ("since", "until")}
    now = clock.now()
    values |= {"enabled": True, "updated_at": now, "updated_by": user.get_username()}
    Rule.objects.update_or_create(pk=key, defaults=values, create_defaults={**values, "created_at": now})
