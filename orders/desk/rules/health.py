"""What the rules in force did lately: fired, overridden, never fired, broken, against each other; and what to build."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from typing import Any

from backoffice import clock
from inventory.access import visible
from orders.desk.checks import ALWAYS
from orders.desk.rules import publishing
from orders.desk.rules.book import Book, book_of
from orders.desk.rules.deeds import APPROVE, HOLD
from orders.models import ReviewLog

DAYS = 30
OFTEN = 5  # approvals over the same finding before a rule is proposed
MOST_REVIEWS = 200_000
Person = ReviewLog.PersonVerdict


@dataclasses.dataclass(slots=True)
class Ail:
    """One rule and what became of it."""

    id: int
    name: str
    dry: bool
    fired: int = 0
    held: int = 0
    overridden: int = 0
    agreed: int = 0  # a person cancelled, corrected or held what it had held

    @property
    def overridden_percent(self) -> int:
        """Share of decided holds that a person let go."""
        decided = self.overridden + self.agreed
        return round(100 * self.overridden / decided) if decided else 0


def of(principal: Any) -> dict[str, Any]:
    """Return the figures of the last DAYS days, of the orders the person may see."""
    current = publishing.in_force()
    book = book_of(current.content) if current else Book(())
    ails = {rule.id: Ail(rule.id, rule.name, rule.dry) for rule in book.rules}
    waved: Counter[tuple[str, int, str]] = Counter()
    both: Counter[tuple[int, int]] = Counter()
    since = clock.now() - dt.timedelta(days=DAYS)
    rows = visible(principal, ReviewLog.objects.filter(at__gte=since)).order_by("-pk")
    for facts, findings, person in rows.values_list("facts", "findings", "person_verdict")[:MOST_REVIEWS].iterator():
        said = facts.get("rules") or {}
        _count(ails, said, findings, person)
        both.update(_against(book, said.get("matched", [])))
        if person == Person.APPROVED:
            country = str(facts.get("country", ""))
            waved.update((str(one["code"]), int(facts["shop"]), country) for one in findings if _soft(str(one["code"])))
    return {
        "rules": list(ails.values()),
        "never": [one for one in ails.values() if not one.fired],
        "broken": book.broken,
        "conflicts": [(ails[a], ails[b], count) for (a, b), count in both.most_common(10)],
        "proposals": [(*key, count) for key, count in waved.most_common(10) if count >= OFTEN],
        "days": DAYS,
    }


def _soft(code: str) -> bool:
    return code not in ALWAYS


def _count(ails: dict[int, Ail], said: dict[str, Any], findings: list[Any], person: str) -> None:
    for key in (*said.get("matched", ()), *said.get("tried", ())):
        if key in ails:
            ails[key].fired += 1
    held = [int(one["code"][5:]) for one in findings if str(one.get("code")).startswith("rule:")]
    for key in held:
        if key in ails:
            ails[key].held += 1
            ails[key].overridden += person == Person.APPROVED
            ails[key].agreed += person in (Person.CANCELLED, Person.FIXED, Person.HELD)


def _against(book: Book, matched: list[int]) -> set[tuple[int, int]]:
    """Return the pairs of rules of which one lets an order pass and the other holds it."""
    known = {rule.id: rule for rule in book.rules}
    rules = [known[key] for key in matched if key in known]
    passing = [rule.id for rule in rules if rule.does(APPROVE)]
    return {(one, rule.id) for one in passing for rule in rules if rule.does(HOLD)}
