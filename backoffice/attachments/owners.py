"""Which documents have attachments: the floor that owns a kind says how one is found and who may do what.

Whose papers a row holds is told as the audit trail tells it (`inventory.stockdocument:42`): no key points up a floor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.db.models import Model
from django.http import Http404, HttpRequest


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """A kind of document. `find` refuses (Http404, PermissionDenied) what the person may not see."""

    find: Callable[[HttpRequest, int], Model]
    url: Callable[[Any], str]  # the page its attachments stand on
    adds: tuple[str, ...]  # one of these rights is needed to add
    right: str  # who has it removes any attachment at any time
    sealed: Callable[[Any], bool]  # booked: without the right nothing is removed any more
    prices: str = ""  # without this right what shows prices is not seen; "": nothing of it does
    history: Callable[[Any], Model] = lambda row: row  # in whose history it stands: a receipt's in its document's


_owners: dict[str, Owner] = {}


def register(kind: str, owner: Owner) -> None:
    """Say that documents of a kind (`inventory.transfer`) have attachments, in AppConfig.ready()."""
    _owners[kind] = owner


def of_kind(kind: str) -> Owner:
    """Return the rules of a kind. Raises Http404 for one that has no attachments."""
    if kind not in _owners:
        raise Http404
    return _owners[kind]


def of_row(row: Model) -> Owner:
    """Return the rules of a document; LookupError for one that nobody registered."""
    return _owners[row._meta.label_lower]


def may_add(user: Any, owner: Owner) -> bool:
    """True for who may change such a document; that it is seen is known."""
    return any(user.has_perm(one) for one in owner.adds)


def sees(user: Any, owner: Owner, *, priced: bool) -> bool:
    """True for who may see an attachment of a document that is seen."""
    return not priced or not owner.prices or user.has_perm(owner.prices)


def may_remove(user: Any, owner: Owner, row: Model, *, by: str, me: str) -> bool:
    """True for who has the right, and before the document is booked for who added it."""
    if user.has_perm(owner.right):
        return True
    return bool(me) and by == me and may_add(user, owner) and not owner.sealed(row)
