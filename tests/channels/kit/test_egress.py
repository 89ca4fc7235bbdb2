"""The server calls no address of its own network, however it is spelt (S30), and only trusts a valid certificate."""

import pytest

from backoffice.calls.egress import Guard, is_public
from backoffice.calls.http import make_client
from backoffice.practice.server import running
from channels.connectors.base import ConnectorError

REFUSED = [
    "ftp://shop.example/",
    "file:///etc/passwd",
    "gopher://shop.example/",
    "//shop.example/",
    "shop.example",
    "https://user@shop.example/",
    "https://user:pw@shop.example/",
    "https://shop.example@127.0.0.1/",
    "https://shop.example:8443/",
    "https://shop.example:22/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0x7f000001/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "http://shop.example/",
    "https://shop.example\\@127.0.0.1/",
    "https://127.0.0.1\t/",
    "https:// 127.0.0.1/",
    "https://①②⑦.⓪.⓪.①/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_we_must_not_call_is_refused_before_connecting(url):
    with pytest.raises(ConnectorError) as caught:
        make_client().request("GET", url)
    assert caught.value.code in {"egress", "egress_http"}
    assert caught.value.permanent


@pytest.mark.parametrize(
    "answers", [["10.1.2.3"], ["93.184.216.34", "127.0.0.1"], ["::1"], ["::ffff:10.0.0.1"], ["169.254.169.254"]]
)
def test_a_public_name_that_resolves_to_a_private_address_is_refused(answers):
    client = make_client(resolver=lambda host, port: answers)
    with pytest.raises(ConnectorError, match="not a public address"):
        client.request("GET", "https://shop.example/")


def test_the_connection_goes_to_the_address_that_was_checked(echo):
    with running(echo) as url:
        port = int(url.rpartition(":")[2])
        asked = []

        def rebinding(host, port):
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["10.9.9.9"]

        client = make_client(allow=[f"shop.test:{port}"], resolver=rebinding)
        client.request("GET", f"http://shop.test:{port}/a")
        client.request("GET", f"http://shop.test:{port}/b")
    assert asked == ["shop.test"]
    assert [call["host"] for call in echo.calls] == [f"shop.test:{port}"] * 2


def test_each_hop_of_a_redirect_is_checked_anew(authority, echo):
    def app(environ, start_response):
        start_response("302 Found", [("Location", "https://shop.test:1/secret")])
        return [b""]

    with running(app, tls=authority.context("shop.test", hosts=["shop.test"])) as url:
        port = int(url.rpartition(":")[2])
        client = make_client(
            allow=[f"shop.test:{port}"], resolver=lambda host, port: ["127.0.0.1"], ca_file=authority.file
        )
        with pytest.raises(ConnectorError, match="port 1 is not allowed"):
            client.request("GET", f"https://shop.test:{port}/")


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:{port}"])
def test_an_allowed_host_may_be_private_and_plain_http(entry, echo):
    with running(echo) as url:
        allow = [entry.format(port=url.rpartition(":")[2])]
        assert make_client(allow=allow).request("GET", url).status == 200


def test_allowing_one_port_allows_no_other(echo):
    with running(echo) as url, pytest.raises(ConnectorError):
        make_client(allow=["127.0.0.1:1"]).request("GET", url)
    assert echo.calls == []


def test_allow_entries_are_read_with_v6_and_without_port():
    assert Guard(["[::1]:8080"]).allowed == {("::1", 8080)}
    assert Guard(["[::1]", "::1", "Shop.Example."]).allowed == {("::1", None), ("shop.example", None)}


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_public_addresses_pass(address):
    assert is_public(address)


def test_a_valid_certificate_is_accepted_under_the_name_that_was_called(authority, echo):
    with running(echo, tls=authority.context("good", hosts=["shop.test"])) as url:
        port = url.rpartition(":")[2]
        client = make_client(
            allow=[f"shop.test:{port}"], resolver=lambda host, port: ["127.0.0.1"], ca_file=authority.file
        )
        assert client.request("GET", f"https://shop.test:{port}/").status == 200
    assert echo.calls[0]["host"] == f"shop.test:{port}"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("expired", {"days": -1}),
        ("selfsigned", {"self_signed": True}),
        ("wronghost", {"hosts": ["other.example"]}),
    ],
)
def test_a_bad_certificate_is_a_permanent_error_and_nothing_is_sent(name, options, authority, echo):
    with running(echo, tls=authority.context(name, **options)) as url:
        client = make_client(allow=["127.0.0.1"], ca_file=authority.file)
        with pytest.raises(ConnectorError) as caught:
            client.request("POST", url, json={"secret": 1})
    assert (caught.value.code, caught.value.permanent, caught.value.unknown) == ("tls", True, False)
    assert echo.calls == []


def test_plain_http_behind_an_https_address_is_a_passing_tls_error(echo):
    with running(echo) as url:
        client = make_client(allow=["127.0.0.1"])
        with pytest.raises(ConnectorError) as caught:
            client.request("GET", url.replace("http:", "https:"))
    assert (caught.value.code, caught.value.permanent) == ("tls", False)


def test_a_redirect_on_the_same_https_host_is_followed_twice_at_most(authority):
    def app(environ, start_response):
        step = int(environ["PATH_INFO"].strip("/") or 0)
        if step < int(environ["QUERY_STRING"] or 0):
            start_response("302 Found", [("Location", f"/{step + 1}?{environ['QUERY_STRING']}")])
            return [b""]
        start_response("200 OK", [])
        return [str(step).encode()]

    with running(app, tls=authority.context("hops")) as url:
        client = make_client(allow=["127.0.0.1"], ca_file=authority.file)
        assert client.request("GET", f"{url}/0?2").body == b"2"
        with pytest.raises(ConnectorError, match="without end"):
            client.request("GET", f"{url}/0?3")
        with pytest.raises(ConnectorError, match="redirect"):
            client.request("POST", f"{url}/0?1", json={})
