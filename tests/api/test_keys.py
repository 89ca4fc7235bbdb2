"""Keys: hashed, scoped, expiring, revocable at once, throttled for all processes together."""

import datetime as dt

import pytest

from backoffice import clock
from backoffice.api import keys
from backoffice.models import ApiKey, AuditEntry
from tests.api.conftest import ApiClient

pytestmark = pytest.mark.django_db


def test_the_token_is_kept_nowhere():
    key, token = keys.create(name="erp", scopes=["stock:read"])
    stored = ApiKey.objects.values().get(pk=key.pk)
    assert token not in str(stored)
    assert token.split("_", 2)[2] not in str(stored)
    assert token not in str(list(AuditEntry.objects.values()))


def test_an_unknown_scope_is_refused():
    with pytest.raises(ValueError, match="stock:eat"):
        keys.create(name="erp", scopes=["stock:eat"])


@pytest.mark.parametrize("token", ["", "x", "yk_", "yk_aaaa_bbbb", "Bearer", "yk_é_ü"])
def test_a_wrong_token_is_refused_with_a_problem(token):
    answer = ApiClient(None).client.get("/api/v1/skus", headers={"authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_no_token_is_refused_and_a_token_in_the_address_does_not_count(api):
    client = api("catalogue:read")
    assert ApiClient(None).get("skus").status_code == 401
    assert ApiClient(None).get("skus", token=client.token, api_key=client.token).status_code == 401


def test_a_session_does_not_open_the_api(people):
    assert people.client("superuser").get("/api/v1/skus").status_code == 401


def test_a_revoked_key_is_dead_at_the_next_request(api):
    client = api("catalogue:read")
    assert client.get("skus").status_code == 200
    assert keys.revoke(key=client.key)
    assert client.get("skus").status_code == 401
    assert not keys.revoke(key=client.key)


def test_an_expired_key_is_refused(api):
    client = api("catalogue:read", expires_at=clock.now() + dt.timedelta(hours=1))
    assert client.get("skus").status_code == 200
    with clock.moved_to(lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)):
        assert client.get("skus").status_code == 401


@pytest.mark.parametrize(
    ("scope", "path"), [("catalogue:read", "stock"), ("stock:read", "skus"), ("stock:read", "orders")]
)
def test_another_scope_does_not_open_a_path(api, scope, path):
    answer = api(scope).get(path)
    assert answer.status_code == 403
    assert answer.json()["code"] == "permission_denied"


def test_a_read_scope_does_not_write(api):
    answer = api("stock:read").post("stock-adjustments", {})
    assert answer.status_code == 403


def test_requests_beyond_the_limit_wait(api):
    client = api("catalogue:read", per_minute=2)
    with clock.moved_to(lambda: dt.datetime(2026, 11, 11, 10, 0, 30, tzinfo=dt.UTC)):
        assert [client.get("skus").status_code for _ in range(3)] == [200, 200, 429]
        answer = client.get("skus")
    assert answer["Retry-After"] == "30"
    with clock.moved_to(lambda: dt.datetime(2026, 11, 11, 10, 1, 1, tzinfo=dt.UTC)):
        assert client.get("skus").status_code == 200


def test_an_unknown_address_is_a_problem(api):
    answer = api("catalogue:read").get("nothing/here")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_the_document_is_for_keys_and_keepers_only(api, people):
    assert api("catalogue:read").get("schema").status_code == 200
    assert ApiClient(None).get("schema").status_code in {401, 403}
    assert people.client("owner").get("/api/v1/schema").status_code == 200
    assert people.client("order_clerk").get("/api/v1/schema").status_code == 403
    assert people.client("order_clerk").get("/api/v1/docs").status_code == 403
