"""What a file is refused for, each in a sentence that says what to do."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

SENTENCES: dict[str, Any] = {
    "photo_kind": _("Only JPEG and PNG pictures are taken."),
    "photo_large": _("A picture may have %(most)s MB at most."),
    "photo_broken": _("This picture cannot be read. Take it once more."),
}


class FileRefused(YikuError):
    """A refusal about a file; nothing was kept."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, SENTENCES[code], params=params)
