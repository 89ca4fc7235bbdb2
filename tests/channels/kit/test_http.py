"""The way out: what a call sends, what comes back, and that a broken server neither hangs nor fills us."""

import json
import time

import pytest

from backoffice.calls.http import make_client, parse_json
from backoffice.practice.server import running
from channels.connectors.base import ConnectorError


def failure(client, method, url, **options):
    with pytest.raises(ConnectorError) as caught:
        client.request(method, url, **options)
    error = caught.value
    return error.code, error.permanent, error.unknown


def test_a_call_sends_json_params_and_headers_and_gives_the_whole_answer(client, site, echo):
    answer = client.request("post", f"{site}/a?x=1", params={"q": "é b"}, json={"n": 1}, headers={"X-Test": "yes"})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert echo.calls[0]["query"] == "x=1&q=%C3%A9%20b"
    assert (echo.calls[0]["body"], echo.calls[0]["type"]) == ('{"n": 1}', "application/json")
    assert answer.sent_at <= answer.received_at


def test_the_url_kept_with_an_answer_has_no_query(client, site):
    assert client.request("GET", f"{site}/a", params={"token": "s3cret"}).url == f"{site}/a"


def test_no_status_raises(client, site, plan):
    plan.add("status", status=500, body="boom")
    answer = client.request("GET", f"{site}/a")
    assert (answer.status, answer.body) == (500, b"boom")


def test_cookies_are_not_kept_between_calls(client, site, echo):
    client.request("GET", f"{site}/a")
    client.request("GET", f"{site}/b")
    assert [call["cookie"] for call in echo.calls] == ["", ""]


def test_connections_are_kept_alive(client, echo):
    with running(echo) as url:
        client.request("GET", f"{url}/a")
        started = time.perf_counter()
        for _ in range(100):
            client.request("GET", f"{url}/a")
        assert time.perf_counter() - started < 2
        pool = client._pools.connection_from_url(url)
        assert pool.num_connections == 1


def test_a_server_restarted_between_two_calls_is_reached_again(client, echo):
    with running(echo) as url:
        client.request("GET", f"{url}/a")
    port = int(url.rpartition(":")[2])
    with running(echo, port=port):
        assert client.request("POST", f"{url}/b", json={}).status == 200


def test_gzip_is_unpacked(client):
    import gzip

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Encoding", "gzip")])
        return [gzip.compress(b'{"a":') + gzip.compress(b" 1}")]

    with running(app) as url:
        assert parse_json(client.request("GET", url)) == {"a": 1}


def test_a_body_beyond_the_limit_is_refused_whether_announced_or_not(client, site, plan):
    plan.add("huge", size=2 * 1024 * 1024)
    assert failure(client, "GET", f"{site}/a") == ("too_large", False, False)
    plan.add("huge", size=1024**3)
    started = time.perf_counter()
    assert failure(client, "GET", f"{site}/a") == ("too_large", False, False)
    assert time.perf_counter() - started < 1


def test_an_announced_length_beyond_the_limit_is_refused_unread(client):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", str(10**12))])
        return [b"x"]

    with running(app) as url:
        assert failure(client, "GET", url) == ("too_large", False, False)


def test_a_gzip_bomb_is_stopped_at_the_limit(client, site, plan):
    plan.add("gzip_bomb", size=50 * 1024 * 1024)
    assert failure(client, "GET", f"{site}/a") == ("too_large", False, False)


def test_a_gzip_lie_is_an_error_and_not_data(client, site, plan):
    plan.add("gzip_lie", count=2)
    assert failure(client, "GET", f"{site}/a") == ("bad_encoding", False, False)
    assert failure(client, "POST", f"{site}/a", json={}) == ("bad_encoding", False, True)


def test_gzip_cut_off_is_an_error(client):
    import gzip

    def app(environ, start_response):
        start_response("200 OK", [("Content-Encoding", "gzip")])
        return [gzip.compress(b'{"a": 1}' * 100)[:-9]]

    with running(app) as url:
        assert failure(client, "GET", url) == ("bad_encoding", False, False)


def test_an_encoding_not_asked_for_is_refused(client):
    def app(environ, start_response):
        start_response("200 OK", [("Content-Encoding", "br")])
        return [b"x"]

    with running(app) as url:
        assert failure(client, "GET", url)[0] == "bad_encoding"


def test_a_trickle_ends_at_the_deadline(site, plan):
    client = make_client(allow=["127.0.0.1"], total_timeout=0.6, read_timeout=0.5)
    plan.add("trickle", seconds=0.05)
    started = time.perf_counter()
    assert failure(client, "GET", f"{site}/a") == ("timeout", False, False)
    assert time.perf_counter() - started < 1.2


def test_headers_that_trickle_end_at_the_deadline_too():
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def drip():
        connection, _ = listener.accept()
        try:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
                connection.send(bytes([byte]))
                time.sleep(0.02)
        except OSError:
            connection.close()

    threading.Thread(target=drip, daemon=True).start()
    client = make_client(allow=["127.0.0.1"], total_timeout=0.5)
    started = time.perf_counter()
    assert failure(client, "POST", f"http://127.0.0.1:{listener.getsockname()[1]}/") == ("timeout", False, True)
    assert time.perf_counter() - started < 1.2
    listener.close()


def test_a_time_out_after_sending_a_write_is_unknown_and_of_a_read_is_not(client, site, plan):
    plan.add("timeout_after", count=2, seconds=5)
    assert failure(client, "POST", f"{site}/a", json={}, timeout=0.3) == ("timeout", False, True)
    assert failure(client, "GET", f"{site}/a", timeout=0.3) == ("timeout", False, False)


def test_a_connection_dropped_after_a_write_is_unknown(client, site, plan, echo):
    plan.add("drop_after")
    assert failure(client, "POST", f"{site}/a", json={}) == ("dropped", False, True)
    assert len(echo.calls) == 1


def test_a_refused_connection_was_certainly_not_applied(client, echo):
    with running(echo) as url:
        pass
    assert failure(client, "POST", url, json={}) == ("connect", False, False)


def test_a_name_without_an_answer_is_passing():
    def nobody(host, port):
        raise OSError("no such name")

    client = make_client(resolver=nobody)
    assert failure(client, "POST", "https://shop.example/", json={}) == ("dns", False, False)


def test_a_resolver_that_hangs_does_not_hang_the_call():
    client = make_client(resolver=lambda host, port: time.sleep(5) or [], total_timeout=0.3)
    started = time.perf_counter()
    assert failure(client, "GET", "https://shop.example/")[0] == "dns"
    assert time.perf_counter() - started < 1


def test_redirects_without_end_are_an_error(client, site, plan):
    plan.add("redirect", count=None)
    assert failure(client, "GET", f"{site}/a") == ("redirect", False, False)


def test_a_redirect_to_another_host_is_not_followed_and_names_the_host(client):
    def app(environ, start_response):
        start_response("301 Moved", [("Location", "https://user:pw@www.shop.example/x?token=1")])
        return [b""]

    with running(app) as url, pytest.raises(ConnectorError) as caught:
        client.request("GET", url)
    assert caught.value.permanent
    assert caught.value.message.endswith("sends callers to https://www.shop.example")


def test_a_broken_status_line_is_a_dropped_connection(client):
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def talk():
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.sendall(b"SSH-2.0-OpenSSH_9.0\r\n\r\n")
        connection.close()

    threading.Thread(target=talk, daemon=True).start()
    assert failure(client, "GET", f"http://127.0.0.1:{listener.getsockname()[1]}/")[0] == "dropped"
    listener.close()


def test_threads_share_one_client_without_mixing_their_deadlines(site, plan):
    from concurrent.futures import ThreadPoolExecutor

    client = make_client(allow=["127.0.0.1"], total_timeout=10)
    plan.add("timeout_before", path="/slow", count=None, seconds=3)

    def call(number):
        if number % 4 == 0:
            return failure(client, "GET", f"{site}/slow", timeout=0.3)[0]
        return json.loads(client.request("GET", f"{site}/n{number}").body)["path"]

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(call, range(24)))
    assert got == ["timeout" if n % 4 == 0 else f"/n{n}" for n in range(24)]
