"""The fault plan: which calls it meets, how often, and each kind over a real socket."""

import json
import time

import pytest

from backoffice.practice.faults import Fault, FaultPlan
from channels.connectors.base import ConnectorError


def test_a_fault_meets_its_route_and_method_and_is_used_up():
    plan = FaultPlan(Fault(kind="html", path="/orders$", method="get", count=2, skip=1))
    met = [plan.pick(*call) is not None for call in [("GET", "/orders")] * 4 + [("POST", "/orders"), ("GET", "/x")]]
    assert met == [False, True, True, False, False, False]


def test_one_seed_gives_one_sequence():
    runs = []
    for _ in range(2):
        plan = FaultPlan(Fault(kind="html", probability=0.5, count=None), seed=7)
        runs.append([plan.pick("GET", "/") is not None for _ in range(20)])
    assert runs[0] == runs[1]
    assert 0 < sum(runs[0]) < 20


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown fault 'nope'"):
        FaultPlan().add("nope")


def test_faults_are_set_listed_and_lifted_over_http(client, site):
    control = f"{site}/_sandbox/faults"
    client.request("POST", control, json=[{"kind": "status", "status": 429, "headers": {"Retry-After": "3"}}])
    answer = client.request("GET", f"{site}/a")
    assert (answer.status, answer.headers["retry-after"]) == (429, "3")
    assert json.loads(client.request("GET", control).body)[0]["hits"] == 1
    assert json.loads(client.request("DELETE", control).body) == []


def test_a_wrong_fault_over_http_is_answered_with_the_reason(client, site):
    answer = client.request("POST", f"{site}/_sandbox/faults", json={"kind": "nope"})
    assert answer.status == 400
    assert "unknown fault" in json.loads(answer.body)["error"]


@pytest.mark.parametrize(("kind", "applied"), [("drop_before", 0), ("drop_after", 1), ("timeout_before", 0)])
def test_a_cut_connection_leaves_the_call_applied_or_not(kind, applied, client, site, plan, echo):
    plan.add(kind, seconds=0.01)
    with pytest.raises(ConnectorError) as caught:
        client.request("POST", f"{site}/a", json={})
    assert (caught.value.code, caught.value.unknown, len(echo.calls)) == ("dropped", True, applied)


def test_ignore_answers_as_done_and_changes_nothing(client, site, plan, echo):
    plan.add("ignore", body='{"update": []}')
    assert client.request("POST", f"{site}/a").body == b'{"update": []}'
    assert echo.calls == []


def test_slow_gives_the_true_answer_late(client, site, plan):
    plan.add("slow", seconds=0.2)
    started = time.perf_counter()
    assert client.request("GET", f"{site}/a").status == 200
    assert time.perf_counter() - started >= 0.2


def test_truncated_and_mislabelled_answers(client, site, plan):
    plan.add("truncate")
    plan.add("wrong_type")
    with pytest.raises(ValueError):
        json.loads(client.request("GET", f"{site}/a").body)
    assert client.request("GET", f"{site}/a").headers["content-type"].startswith("text/html")
