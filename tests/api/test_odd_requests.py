"""Requests that no sensible program sends: each gets a problem that says what is wrong, never a 500."""

import base64

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["orders", "stock", "skus"])
@pytest.mark.parametrize("text", ["p=abc", "p=", "p=1.5", "p=" + "9" * 5000, "p=٣", "p=a%00b", "r=1&p=-1"])
def test_a_cursor_that_no_page_gave_is_not_found(api, path, text):
    client = api("orders:read", "stock:read", "catalogue:read")
    answer = client.get(path, cursor=base64.b64encode(text.encode()).decode())
    assert answer.status_code == 404


@pytest.mark.parametrize("depth", [33, 200, 900, 990, 100_000])
@pytest.mark.parametrize("close", ["]", ""])
def test_a_body_nested_too_deeply_cannot_be_read(api, depth, close):
    text = '{"lines":' + "[" * depth + close * depth + "}"
    answer = api("orders:write").client.post(
        "/api/v1/orders", text, content_type="application/json", headers={"Idempotency-Key": "x"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")


def test_a_body_as_deep_as_ours_may_be_is_read(api):
    text = '{"lines":' + "[" * 31 + "]" * 31 + "}"
    answer = api("orders:write").client.post(
        "/api/v1/orders", text, content_type="application/json", headers={"Idempotency-Key": "x"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("orders", "updated_after"),
        ("orders/changes", "cursor"),
        ("skus", "sku"),
        ("stock", "q"),
        ("availability", "limit"),
    ],
)
def test_a_parameter_that_nobody_reads_is_named(api, path, wrong):
    client = api("orders:read", "stock:read", "catalogue:read")
    answer = client.get(path, **{wrong: "1"})
    assert answer.status_code == 400
    assert wrong in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("path", ["orders", "skus", "stock"])
def test_lists_take_the_parameters_of_their_pages(api, path):
    client = api("orders:read", "stock:read", "catalogue:read")
    assert client.get(path, limit="1", format="json").status_code == 200
