"""Logs a person can read and nobody can forge: one line per event, secrets blotted out, control characters encoded."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any

import structlog

from backoffice.redaction import REDACTED, SECRET_NAME

# ESC, CR, LF and friends in a log-in name or a SKU must not start a line of their own or colour the terminal.
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
IN_TEXT = re.compile(
    r"(?i)((?:access_|refresh_)?token|password|passwd|secret|signature|api_?key|consumer_(?:key|secret)|hmac)"
    r"([\"']?\s*[=:]\s*[\"']?)([^\s\"&,;)}']+)"
)
BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
KNOWN_TOKEN = re.compile(r"\b(shp(?:at|ca|pa|ss|rt|ua)_|ck_|cs_|yk_)[A-Za-z0-9]{6,}")
ADDRESS_LOGIN = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")


def encoded(text: str) -> str:
    """Return text in which a control character is written as its escape (`\\n`, `\\x1b`)."""
    return CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def redacted_text(text: str) -> str:
    """Blot out what looks like a secret inside running text: `token=…`, `Bearer …`, known prefixes, log-ins in URLs."""
    text = IN_TEXT.sub(lambda found: f"{found[1]}{found[2]}{REDACTED}", text)
    text = BEARER.sub(lambda found: f"{found[1]} {REDACTED}", text)
    text = KNOWN_TOKEN.sub(lambda found: found[1] + REDACTED, text)
    return ADDRESS_LOGIN.sub(lambda found: f"{found[1]}{REDACTED}@", text)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, dict):
        return {key: REDACTED if SECRET_NAME.search(str(key)) else _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_clean(item) for item in value]
    return value


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: no secret passes, whatever it is called or wherever in the text it stands."""
    for key, value in list(event.items()):
        if key not in {"_record", "_from_structlog", "exc_info", "positional_args"}:
            event[key] = REDACTED if SECRET_NAME.search(key) and value else _clean(value)
    return event


class OneLine:
    """Renders an event as one line, or as JSON for a log collector (LOG_FORMAT=json)."""

    def __init__(self, as_json: bool) -> None:
        self._json = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else None

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
        if self._json:
            return str(self._json(logger, method, event))
        level = str(event.pop("level", "info")).upper()
        at, name, text = event.pop("timestamp", ""), event.pop("logger", ""), event.pop("event", "")
        trace = event.pop("exception", "")
        pairs = " ".join(f"{key}={encoded(str(value))}" for key, value in event.items() if not key.startswith("_"))
        line = encoded(f"{at} {level:<7} {name}: {text}") + (f" {pairs}" if pairs else "")
        # The lines of a traceback are ours; each is encoded by itself and set in, so that none can pass for an event.
        return line + "".join(f"\n    | {encoded(part)}" for part in str(trace).splitlines())


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact,
]


def configure_structlog() -> None:
    """Send structlog's events through the standard library's handlers."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def dict_config(level: str, as_json: bool) -> dict[str, Any]:
    """Return Django's LOGGING: everything, third parties included, through the same redaction to the console."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "yiku": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, OneLine(as_json)],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "yiku"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": logging.WARNING, "propagate": True},
            "django-q": {"handlers": [], "level": "WARNING", "propagate": True},
            "axes": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }
