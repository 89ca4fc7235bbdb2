"""A small file between its preview and its confirmation: sealed in the page for one person and one hour.

Nothing lies on a disk, so nothing is left over, and another person's file cannot be confirmed.
"""

from __future__ import annotations

import base64
import binascii
import zlib

from django.core import signing
from django.utils.translation import gettext as _

MOST_BYTES = 1_000_000
SECONDS = 3600
SALT = "finance.rates"


class Unreadable(Exception):
    """The sealed file is another person's, too old or not ours."""


def seal_upload(data: bytes, user_id: str) -> str:
    """Return the file as text for a hidden field, signed together with the person."""
    packed = base64.b64encode(zlib.compress(data, 9)).decode()
    return signing.dumps([user_id, packed], salt=SALT)


def open_upload(text: str, user_id: str) -> bytes:
    """Return the file; raises Unreadable when it is not this person's own of the last hour."""
    try:
        owner, packed = signing.loads(text, salt=SALT, max_age=SECONDS)
        if owner != user_id:
            raise signing.BadSignature
        unpacker = zlib.decompressobj()
        return unpacker.decompress(base64.b64decode(packed), MOST_BYTES)
    except (signing.BadSignature, ValueError, TypeError, zlib.error, binascii.Error) as error:
        raise Unreadable(_("The preview has expired. Please choose the file again.")) from error
