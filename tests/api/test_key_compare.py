"""A key is its whole token: the part that names it in lists opens nothing."""

import pytest

from backoffice.api import keys

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("secret", ["", "x", "A" * 43])
def test_the_prefix_of_a_key_with_another_secret_is_refused(secret):
    key, token = keys.create(name="k", scopes=["stock:read"])
    assert keys.find(token) == key
    assert keys.find(f"yk_{key.prefix}_{secret}") is None
