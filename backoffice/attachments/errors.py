"""What a file is refused for, each in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "photo_kind": _("Only JPEG and PNG pictures are taken."),
    "photo_large": _("A picture may have %(most)s MB at most."),
    "photo_broken": _("This picture cannot be read. Take it once more."),
    "paper_kind": _("“%(name)s”: only pictures (JPEG, PNG, WebP) and PDF are taken, whatever the file is called."),
    "paper_empty": _("“%(name)s” is empty."),
    "paper_large": _("“%(name)s”: a picture may have %(picture)s MB at most, a PDF %(pdf)s MB."),
    "paper_pixels": _("“%(name)s”: the picture has more than %(most)s million pixels. Send a smaller one."),
    "paper_broken": _("“%(name)s” cannot be read to its end. Send it once more, or take a new picture."),
    "paper_many": _("“%(name)s”: at most %(most)s files fit here. Remove one that is not needed."),
    "paper_twice": _("“%(name)s” is attached already, as “%(known)s”. Nothing was added twice."),
    "paper_nowhere": _("“%(name)s” was not added: the document was dropped meanwhile."),
    "paper_gone": _("“%(name)s” is removed already: %(who)s, %(when)s."),
    "paper_why": _("Say why “%(name)s” is removed: colleagues will read it."),
    "paper_locked": _(
        "“%(name)s”: only who added it may remove it, and once the document is booked only who may undo it."
    ),
}


class FileRefused(YikuError):
    """A refusal about a file; nothing was kept."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
