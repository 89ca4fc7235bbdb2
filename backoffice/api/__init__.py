"""The frame of the REST API: keys, scopes, throttle, idempotency, paging, errors. Endpoints: each app's api.py."""
