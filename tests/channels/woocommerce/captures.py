"""The recorded exchanges of a real store: reading them, and an HTTP client that plays them back."""

import base64
import json
import re
from functools import cache
from pathlib import Path

from channels.connectors.base import HttpResponse

FOLDER = Path(__file__).parents[3] / "fixtures" / "woocommerce" / "captures"
SCRUBBED = re.compile(r"\d+-")


@cache
def _texts():
    return {path.stem.partition("-")[0]: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}


def capture(number):
    """Return exchange `number` ("17" is 17-order-create-0.json)."""
    return json.loads(_texts()[number])


def all_captures():
    """Return every exchange by its number, in the order recorded."""
    return {number: capture(number) for number in sorted(_texts())}


def body_of(number):
    """Return the answered body as bytes, numbers as recorded."""
    return json.dumps(capture(number)["body"], ensure_ascii=False).encode()


def hooks():
    """Return the recorded webhook calls: (headers, raw body)."""
    rows = [json.loads(line) for line in (FOLDER / "webhooks.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(row["headers"], base64.b64decode(row["body_b64"])) for row in rows]


class Replay:
    """Answers calls with recorded exchanges: (method, regular expression on the path below wc/v3, number)."""

    def __init__(self, *exchanges):
        self.exchanges = list(exchanges)
        self.calls = []

    def request(self, method, url, *, headers=None, params=None, json=None, data=None, timeout=None):
        path = url.partition("/wp-json/")[2].removeprefix("wc/v3/")
        self.calls.append(
            {"method": method, "path": path, "params": dict(params or {}), "json": json, "headers": headers}
        )
        for place, (wanted, pattern, number) in enumerate(self.exchanges):
            if wanted == method and re.fullmatch(pattern, path):
                if len([row for row in self.exchanges if row[:2] == (wanted, pattern)]) > 1:
                    del self.exchanges[place]
                return self._answer(number, url)
        raise AssertionError(f"no exchange for {method} {path}")

    def _answer(self, number, url):
        if isinstance(number, HttpResponse):
            return number
        recorded = capture(number)
        headers = {name.lower(): value for name, value in recorded["headers"].items()}
        return HttpResponse(recorded["status"], headers, body_of(number), url)
