"""Real HTTP on loopback: a plain app, a faulty one, and servers with good and bad certificates."""

import datetime as dt
import ipaddress
import json
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backoffice.calls.http import make_client
from backoffice.practice.faults import FaultPlan, faulty
from backoffice.practice.server import running


class Echo:
    """Answers every call with what it saw; keeps what it was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, environ, start_response):
        seen = {
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ["QUERY_STRING"],
            "host": environ.get("HTTP_HOST", ""),
            "type": environ["CONTENT_TYPE"],
            "agent": environ.get("HTTP_USER_AGENT", ""),
            "cookie": environ.get("HTTP_COOKIE", ""),
            "body": environ["wsgi.input"].read().decode(),
            "port": environ.get("REMOTE_PORT", ""),
        }
        self.calls.append(seen)
        start_response("200 OK", [("Content-Type", "application/json"), ("Set-Cookie", "session=1")])
        return [json.dumps(seen).encode()]


@pytest.fixture
def echo():
    return Echo()


@pytest.fixture
def plan():
    return FaultPlan()


@pytest.fixture
def site(echo, plan):
    with running(faulty(echo, plan)) as url:
        yield url


@pytest.fixture
def client():
    return make_client(allow=["127.0.0.1"], total_timeout=3, read_timeout=2, max_bytes=1024 * 1024)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject, issuer, issuer_key, key, *, hosts, days, ca=False):
    now = dt.datetime.now(dt.UTC)
    names = [
        x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts
    ] or [x509.DNSName("unused.example")]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256())


class Authority:
    """A certificate authority of the test, and server contexts signed by it or not."""

    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = _certificate("Test CA", "Test CA", self.key, self.key, hosts=[], days=30, ca=True)
        self.file = str(folder / "ca.pem")
        with open(self.file, "wb") as file:
            file.write(self.root.public_bytes(serialization.Encoding.PEM))

    def context(self, name, *, hosts=("127.0.0.1",), days=30, self_signed=False):
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, issuer_key = (name, key) if self_signed else ("Test CA", self.key)
        certificate = _certificate(name, issuer, issuer_key, key, hosts=hosts, days=days)
        path = self.folder / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))
