"""What must not be readable in a dump is not, and a lost key is said in so many words."""

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection, models

from backoffice import secrets
from backoffice.secrets import EncryptedJSONField, UnreadableSecret, keyed_hash

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class Vault(models.Model):
    content = EncryptedJSONField(null=True)

    class Meta:
        app_label = "backoffice"
        managed = False
        db_table = "test_vault"


@pytest.fixture
def vault(db, settings):
    settings.FIELD_KEYS = [OLD]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_vault (id BIGINT PRIMARY KEY, content TEXT)")
    return Vault.objects.create(id=1, content={"token": "shpat_canary"})


def stored():
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM test_vault")
        return cursor.fetchone()[0]


def test_the_database_sees_ciphertext_and_the_program_the_value(vault):
    assert "canary" not in stored()
    assert Vault.objects.get().content == {"token": "shpat_canary"}


def test_equal_values_give_different_ciphertexts(vault):
    first = stored()
    vault.save()
    assert stored() != first


def test_only_null_can_be_asked_for(vault):
    assert Vault.objects.filter(content__isnull=False).count() == 1
    for lookup in ("content", "content__startswith", "content__contains", "content__gt", "content__token"):
        with pytest.raises(FieldError):
            Vault.objects.filter(**{lookup: "s"}).exists()


def test_dumping_and_loading_does_not_encrypt_twice(vault):
    from django.core import serializers

    text = serializers.serialize("json", Vault.objects.all())
    assert "canary" not in text
    for one in serializers.deserialize("json", text):
        one.save()
    assert Vault.objects.get().content == {"token": "shpat_canary"}


def test_a_lost_key_is_a_named_error_and_a_deferred_column_does_not_ask(vault, settings):
    settings.FIELD_KEYS = [NEW]
    with pytest.raises(UnreadableSecret, match="cannot be read"):
        Vault.objects.get()
    assert Vault.objects.defer("content").get().pk == 1


def test_after_rotation_the_old_key_may_go(vault, settings):
    settings.FIELD_KEYS = [NEW, OLD]
    assert secrets.rotate(Vault._meta.get_field("content")) == (1, 0)
    settings.FIELD_KEYS = [NEW]
    assert Vault.objects.get().content == {"token": "shpat_canary"}


def test_rotation_counts_what_no_key_opens(vault, settings):
    settings.FIELD_KEYS = [NEW]
    before = stored()
    assert secrets.rotate(Vault._meta.get_field("content")) == (0, 1)
    assert stored() == before


@pytest.mark.parametrize(
    ("keys", "problem"),
    [([], "FIELD_KEYS is empty"), ([OLD, "short"], "Key 2 of FIELD_KEYS"), (["密" * 44], "Key 1"), ([OLD, NEW], "")],
)
def test_keys_are_judged_in_a_sentence(keys, problem):
    assert secrets.key_problem(keys).startswith(problem)
    assert bool(secrets.key_problem(keys)) == bool(problem)


def test_a_keyed_hash_knows_the_same_phone_however_it_is_written():
    assert keyed_hash("＋86 138", purpose="phone") == keyed_hash(" +86  138 ", purpose="phone")
    assert keyed_hash("+86 138", purpose="phone") != keyed_hash("+86 138", purpose="buyer")
    assert keyed_hash("  ") == ""
    assert len(keyed_hash("x")) == 64
