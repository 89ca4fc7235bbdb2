"""Reading answers: exact numbers, bounded depth, storable text, waiting times, messages without secrets."""

import datetime as dt
from decimal import Decimal

import pytest

from backoffice.calls.answers import load_json, parse_json, redact, retry_after, split_rows
from channels.connectors.base import ConnectorError, HttpResponse

NOW = dt.datetime(2026, 11, 21, 16, 0, tzinfo=dt.UTC)


def answer(body, kind="application/json; charset=UTF-8", status=200):
    return HttpResponse(status, {"content-type": kind}, body)


def code_of(response):
    with pytest.raises(ConnectorError) as caught:
        parse_json(response)
    assert not caught.value.permanent
    return caught.value.code


def test_numbers_with_a_point_stay_exact():
    assert parse_json(answer(b'{"price": 9.5833335, "n": 2, "e": 1e2}')) == {
        "price": Decimal("9.5833335"),
        "n": 2,
        "e": Decimal("1E+2"),
    }


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><p>Log in", b"\xef\xbb\xbf  <html>", b"<br />\n<b>Warning</b>{}"])
def test_a_web_page_is_not_json_whatever_its_type(body):
    assert code_of(answer(body)) == "not_json"


def test_a_web_page_is_known_by_its_type_too():
    assert code_of(answer(b'{"a": 1}', kind="text/html")) == "not_json"


CUT = [b"", b'{"a":', b'{"a": 1', b"[1,2", b'"abc', b"nul", b'"\x00"', b"\xff\xfe"]
NO_JSON = [b"{'a': 1}", b"NaN", b'{"a": Infinity}', b"[-Infinity]", b"9" * 5000, b"1e999999999"]
DEEP = [b"[" * 100 + b"]" * 100, b"[" * 200_000, b'{"a":' * 70 + b"1" + b"}" * 70]


@pytest.mark.parametrize("body", CUT + NO_JSON + DEEP)
def test_broken_deep_or_endless_json_is_a_passing_error(body):
    assert code_of(answer(body)) == "bad_json"


def test_depth_within_the_limit_passes():
    assert parse_json(answer(b"[" * 64 + b"]" * 64)) is not None


def test_nul_and_lone_surrogates_become_storable_text():
    value = load_json(b'{"k\\u0000": ["a\\u0000b", "\\ud800", "\\ud83d\\udd14", "\\\\u0000"]}')
    assert value == {"k�": ["a�b", "�", "🔔", "\\u0000"]}
    str(value).encode()


def test_a_byte_order_mark_is_passed_over():
    assert load_json(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("86401", 86_400.0),
        ("999999999999999999", 86_400.0),
        ("Sat, 21 Nov 2026 16:02:00 GMT", 120.0),
        ("Sat, 21 Nov 2026 17:02:00 +0100", 120.0),
        ("0", None),
        ("-5", None),
        ("Sat, 21 Nov 2026 15:00:00 GMT", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
    ],
)
def test_retry_after(text, seconds):
    assert retry_after({"retry-after": text}, now=NOW) == seconds


def test_retry_after_absent():
    assert retry_after({}, now=NOW) is None


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("GET https://shop.example/a?consumer_secret=cs_1 failed", "GET https://shop.example/a failed"),
        ("https://user:pw@shop.example/x#t", "https://shop.example/x"),
        ("Authorization: Basic Y2tfMTpjc18x", "Authorization: Basic …"),
        ("key ck_0123456789abcdef is unknown", "key … is unknown"),
        ("token shpat_0123456789", "token …"),
        ('{"access_token": "abc", "n": 1}', '{"access_token": "…", "n": 1}'),
        ("oauth_signature=abc%3D&page=2", "oauth_signature=…&page=2"),
        ("consumer_key=abc", "consumer_key=…"),
        ("a\x00b", "a�b"),
    ],
)
def test_messages_hold_no_secret(text, safe):
    assert redact(text) == safe


def test_messages_are_not_endless():
    assert len(redact("x" * 10_000)) == 300


def test_rows_keep_their_exact_text():
    body = b' [ {"price": 9.50, "a": [1,2]} , "x,]", [ ] ,1.10]\n'
    assert [text for _value, text in split_rows(answer(body))] == [
        b'{"price": 9.50, "a": [1,2]}',
        b'"x,]"',
        b"[ ]",
        b"1.10",
    ]
    assert [value for value, _text in split_rows(answer(body))] == [
        {"price": Decimal("9.50"), "a": [1, 2]},
        "x,]",
        [],
        Decimal("1.10"),
    ]


def test_rows_of_something_else_are_an_error():
    with pytest.raises(ConnectorError, match="a list was expected"):
        split_rows(answer(b'{"code": "x"}'))
    assert split_rows(answer(b"[]")) == []
