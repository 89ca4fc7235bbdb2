"""What the list of attachments on a page shows: one statement for all documents of the page."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest

from backoffice import actors, audit
from backoffice.attachments import documents, keeping, owners, pictures
from backoffice.models import Attachment

ACCEPT = "image/jpeg,image/png,image/webp,application/pdf"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One attachment as a person reads it."""

    row: Attachment
    by: str
    gone_by: str
    may_remove: bool

    @property
    def picture(self) -> bool:
        """True for what a browser draws."""
        return self.row.kind != "pdf"


@dataclasses.dataclass(frozen=True, slots=True)
class Box:
    """The attachments of one document, and what this person may do with them."""

    kind: str
    pk: int
    lines: list[Line]
    gone: list[Line]
    may_add: bool
    asks_prices: bool
    limits: dict[str, Any]


def box(request: HttpRequest, document: Model) -> Box:
    """Return the list of one document."""
    return boxes(request, [document])[audit.target_text(document)]


def boxes(request: HttpRequest, rows: Sequence[Model]) -> dict[str, Box]:
    """Return the lists of several documents that stand on one page, by the name the audit trail gives them."""
    found: dict[str, list[Attachment]] = {audit.target_text(row): [] for row in rows}
    for one in Attachment.objects.filter(owner__in=found).order_by("pk"):
        found[one.owner].append(one)
    return {audit.target_text(row): _box(request, row, found[audit.target_text(row)]) for row in rows}


def _box(request: HttpRequest, document: Model, kept: list[Attachment]) -> Box:
    owner, user, me = owners.of_row(document), request.user, audit.current_actor().name
    seen = [one for one in kept if owners.sees(user, owner, priced=one.priced)]
    lines = [
        Line(
            one, actors.named(one.by), actors.named(one.removed_by),
            owners.may_remove(user, owner, document, by=one.by, me=me),
        )
        for one in seen
    ]  # fmt: skip
    return Box(
        kind=document._meta.label_lower, pk=document.pk, lines=[one for one in lines if one.row.removed_at is None],
        gone=[one for one in lines if one.row.removed_at is not None], may_add=owners.may_add(user, owner),
        asks_prices=bool(owner.prices) and user.has_perm(owner.prices), limits=limits(),
    )  # fmt: skip


def limits() -> dict[str, Any]:
    """Return what the form says of number and size."""
    return {
        "accept": ACCEPT, "most": keeping.MOST, "picture": pictures.MOST_MEGABYTES, "pdf": documents.PDF_MEGABYTES,
        "once": settings.MOST_BODY_BYTES // 2**20,
    }  # fmt: skip
