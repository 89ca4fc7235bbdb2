"""A key for tests and a client that carries it."""

import json

import pytest
from django.test import Client

from backoffice.api import keys
from inventory.models import Access


class ApiClient:
    """Speaks JSON with a key; answers carry `.json()`."""

    def __init__(self, token):
        self.client = Client(headers={"authorization": f"Bearer {token}"} if token else {})

    def get(self, path, **params):
        return self.client.get(f"/api/v1/{path}", params)

    def post(self, path, body, key="first"):
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=headers)


@pytest.fixture
def api(db):
    """Return a client with the scopes given, seeing all shops and warehouses unless told otherwise."""

    def make(*scopes, everything=True, **options):
        key, token = keys.create(name="erp", scopes=scopes, **options)
        if everything:
            Access.objects.create(api_key=key, all_shops=True, all_warehouses=True)
        client = ApiClient(token)
        client.key, client.token = key, token
        return client

    return make
