"""What may be called is a row: shared by all processes, kept to before every request."""

import pytest

from channels import budget
from channels.connectors.base import ConnectorError, HttpResponse
from channels.models import CallBudget


class Wire:
    """An HTTP client that answers what it is told and counts."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), 0

    def request(self, method, url, **options):
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return HttpResponse(status, headers, b"{}")


@pytest.fixture
def client(connect):
    """A client of one account: `client(wire, rate…)`."""
    account = connect().account
    budget._handfuls.left.clear()

    def make(wire, **options):
        budget._handfuls.left.clear()
        return budget.BudgetedClient(wire, account.pk, options)

    make.account = account
    return make


def get(client):
    """One call."""
    return client.request("GET", "https://x/")


def test_calls_within_the_budget_go_through(client):
    wire = Wire()
    for _ in range(10):
        get(client(wire, calls_per_second=100, call_burst=50))
    assert wire.calls == 10


def test_beyond_the_budget_a_call_is_put_off_and_not_made(client):
    wire = Wire()
    slow = client(wire, calls_per_second=0.1, call_burst=2)
    get(slow), get(slow)
    with pytest.raises(ConnectorError) as refused:
        get(slow)
    assert (refused.value.code, wire.calls) == ("put_off", 2)
    assert 5 < refused.value.retry_after <= 10


def test_the_bucket_is_shared_by_processes(client):
    wire = Wire()
    one, other = (client(wire, calls_per_second=0.1, call_burst=2) for _ in range(2))
    get(one)
    budget._handfuls.left.clear()
    get(other)
    budget._handfuls.left.clear()
    with pytest.raises(ConnectorError):
        get(other)


def test_of_two_processes_that_read_the_same_figure_one_takes(client):
    row = budget._row(client.account.pk)
    assert budget._swap(row, 3.0)
    assert not budget._swap(row, 3.0), "it must read again what the other left"


def test_the_bucket_fills_again_with_time(client, later):
    wire = Wire()
    slow = client(wire, calls_per_second=0.1, call_burst=1)
    get(slow)
    later(seconds=11)
    get(slow)
    assert wire.calls == 2


def test_a_clock_that_steps_back_does_not_empty_it(client, later):
    wire = Wire()
    get(client(wire, calls_per_second=10, call_burst=10))
    later(seconds=-600)
    budget._handfuls.left.clear()
    get(client(wire, calls_per_second=10, call_burst=10))
    assert wire.calls == 2


@pytest.mark.parametrize(
    ("header", "least"), [("120", 119), ("86400", 86000), ("Wed, 21 Oct 2099 07:28:00 GMT", 86000)]
)
def test_nobody_calls_before_the_moment_the_platform_names(client, header, least):
    wire = Wire((429, {"retry-after": header}))
    get(client(wire))
    with pytest.raises(ConnectorError) as refused:
        get(client(wire))
    assert wire.calls == 1
    assert refused.value.retry_after >= least


@pytest.mark.parametrize("header", ["0", "-5", "soon", ""])
def test_an_empty_wait_is_no_wait(client, header):
    wire = Wire((429, {"retry-after": header}))
    get(client(wire))
    get(client(wire))
    assert wire.calls == 2


def test_a_longer_wait_is_not_shortened(client):
    budget.put_off(client.account.pk, 600)
    budget.put_off(client.account.pk, 5)
    with pytest.raises(ConnectorError) as refused:
        get(client(Wire()))
    assert refused.value.retry_after > 500


def test_the_breaker_opens_after_failures_in_a_row_and_closes_by_itself(client, later):
    wire = Wire(*[503] * budget.BREAKER_AFTER)
    for _ in range(budget.BREAKER_AFTER):
        get(client(wire))
    with pytest.raises(ConnectorError):
        get(client(wire))
    assert wire.calls == budget.BREAKER_AFTER
    later(seconds=60)
    get(client(wire))
    assert CallBudget.objects.get(account=client.account).failures == 0


def test_network_faults_open_the_breaker_and_refusals_do_not(client):
    wire = Wire(*[ConnectorError("egress", permanent=True)] * 10, *[ConnectorError("timeout")] * 10)
    for _ in range(10):
        with pytest.raises(ConnectorError, match="egress"):
            get(client(wire))
    for _ in range(budget.BREAKER_AFTER):
        with pytest.raises(ConnectorError, match="timeout"):
            get(client(wire))
    with pytest.raises(ConnectorError, match="put_off"):
        get(client(wire))


def test_one_answer_between_failures_keeps_it_closed(client):
    wire = Wire(*[500, 500, 500, 500, 200] * 3)
    for _ in range(15):
        get(client(wire))
    assert wire.calls == 15
