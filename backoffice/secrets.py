"""Secrets at rest: an encrypted JSON column, its key rotation, and keyed hashes that outlive personal data.

FIELD_KEYS holds Fernet keys, the newest first; old ones stay until `manage.py rotate_field_keys` has run. HASH_KEY is
never rotated: a hash made today must match the same phone number next year.
"""

from __future__ import annotations

import hmac
import json
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from backoffice.errors import YikuError

MARK = "fernet:"  # tells ciphertext from clear text, so that loaddata does not encrypt twice


class UnreadableSecret(YikuError):
    """None of the keys opens this secret: the key it was written with is gone."""

    def __init__(self) -> None:
        super().__init__(
            "unreadable_secret",
            _("A stored secret cannot be read with the present keys. Put the old key back or enter the secret again."),
        )


def key_problem(keys: Sequence[str]) -> str:
    """Return what is wrong with the keys in one sentence, or an empty string."""
    if not keys:
        return "FIELD_KEYS is empty: give at least one Fernet key (make one with `manage.py new_field_key`)."
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            return f"Key {number} of FIELD_KEYS is not a Fernet key (32 bytes in URL-safe base64)."
    return ""


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _keys() -> MultiFernet:
    return _box(tuple(settings.FIELD_KEYS))


def encrypt(value: Any) -> str:
    """Return the ciphertext of a JSON value; equal values give different ciphertexts."""
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return MARK + _keys().encrypt(text.encode()).decode()


def decrypt(text: str) -> Any:
    """Return the value of a ciphertext. Raises UnreadableSecret."""
    try:
        return json.loads(_keys().decrypt(text.removeprefix(MARK).encode()))
    except (InvalidToken, ValueError):
        raise UnreadableSecret from None


class EncryptedJSONField(models.TextField):
    """A JSON value that the database sees only as ciphertext.

    It can be asked for NULL and nothing else, so it is no oracle. A row whose key is lost raises UnreadableSecret:
    lists should `.defer()` the column. Dumps carry the ciphertext.
    """

    description = _("Encrypted JSON")

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return encrypt(value)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Decrypt what the database returned."""
        return None if value is None else decrypt(value)

    def to_python(self, value: Any) -> Any:
        return decrypt(value) if isinstance(value, str) and value.startswith(MARK) else value

    def value_to_string(self, obj: models.Model) -> str:
        return encrypt(self.value_from_object(obj))


def encrypted_fields() -> Iterator[EncryptedJSONField]:
    """Every encrypted column of the installation."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedJSONField):
                yield field


def rotate(field: EncryptedJSONField) -> tuple[int, int]:
    """Encrypt every value of the column with the newest key; returns (rotated, unreadable). Safe to repeat."""
    rotated = unreadable = 0
    with connection.cursor() as cursor:
        for pk, old in _ciphertexts(field):
            try:
                new = MARK + _keys().rotate(old.removeprefix(MARK).encode()).decode()
            except InvalidToken:
                unreadable += 1
                continue
            # Only where it still holds what we read: a secret entered meanwhile is newer than ours.
            cursor.execute(
                _sql(field, "UPDATE {table} SET {column} = %s WHERE {pk} = %s AND {column} = %s"), [new, pk, old]
            )
            rotated += cursor.rowcount
    return rotated, unreadable


def _ciphertexts(field: EncryptedJSONField) -> list[tuple[Any, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_sql(field, "SELECT {pk}, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {pk}"))
        return cursor.fetchall()


def _sql(field: EncryptedJSONField, text: str) -> str:
    quote = connection.ops.quote_name
    meta = field.model._meta
    return text.format(table=quote(meta.db_table), column=quote(str(field.column)), pk=quote(str(meta.pk.column)))


def keyed_hash(value: str, *, purpose: str = "") -> str:
    """Return 64 hex digits that tell equal values without telling the value; case, width and spaces do not count.

    `purpose` ("phone", "address") keeps equal texts of different kinds apart. Empty text gives an empty string.
    """
    plain = " ".join((value if value.isascii() else unicodedata.normalize("NFKC", value)).casefold().split())
    if not plain:
        return ""
    return hmac.digest(settings.HASH_KEY.encode(), f"{purpose}\0{plain}".encode(), "sha256").hex()
