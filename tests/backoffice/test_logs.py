"""No secret in a log, and no line that somebody else wrote."""

import json
import logging

import pytest
import structlog

from backoffice import logs


@pytest.fixture
def written():
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    def make(as_json=False):
        handler = Keep()
        config = logs.dict_config("INFO", as_json)["formatters"]["yiku"]
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=config["processors"], foreign_pre_chain=config["foreign_pre_chain"]
            )
        )
        logger = logging.getLogger("yiku.test")
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel("INFO")
        return lines

    yield make
    logging.getLogger("yiku.test").handlers = []


@pytest.mark.parametrize(
    "text",
    [
        "GET /x?access_token=canary12345&a=1",
        "Authorization: Bearer canary12345canary",
        'body {"client_secret": "canary12345"}',
        "password=canary12345",
        "token shpat_canary12345",
        "consumer_key=ck_canary12345 refused",
        "postgresql://yiku:canary12345@db/yiku",
        "signature='canary12345'",
    ],
)
def test_secrets_are_blotted_out_of_text(written, text):
    lines = written()
    logging.getLogger("yiku.test").warning("failed: %s", text)
    assert "canary" not in lines[0]
    assert logs.REDACTED in lines[0]


def test_secrets_are_blotted_out_of_fields_at_any_depth(written):
    lines = written()
    structlog.get_logger("yiku.test").info("call", token="canary", data={"rows": [{"api_key": "canary", "n": 1}]})
    assert "canary" not in lines[0]
    assert "'n': 1" in lines[0]


def test_nobody_writes_a_line_of_his_own(written):
    lines = written()
    evil = "wang\r\n2026-01-01 INFO root: forged\x1b[2J\u2028x\u202e"
    structlog.get_logger("yiku.test").warning("login_failed", user=evil)
    logging.getLogger("yiku.test").warning("login of %s", evil)
    for line in lines:
        assert "\n" not in line
        assert "\x1b" not in line
        assert "\\r\\n" in line
        assert "\\u202e" in line


def test_a_traceback_is_set_in_and_redacted(written):
    lines = written()
    try:
        raise RuntimeError("token=canary12345\nforged")
    except RuntimeError:
        structlog.get_logger("yiku.test").exception("work_failed")
    head, *rest = lines[0].split("\n")
    assert "work_failed" in head
    assert all(line.startswith("    | ") for line in rest)
    assert "canary" not in lines[0]


def test_json_for_a_collector(written):
    lines = written(as_json=True)
    structlog.get_logger("yiku.test").info("订单", number=7, password="canary")
    found = json.loads(lines[0])
    assert (found["event"], found["number"], found["password"]) == ("订单", 7, logs.REDACTED)
