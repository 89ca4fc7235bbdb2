"""A mail server and a gateway on this machine: real sockets, no mocks of our own code."""

import http.server
import json
import socketserver
import threading

import pytest

from backoffice.env import MailServer


class MailHandler(socketserver.StreamRequestHandler):
    """Enough of SMTP to take a message, or to refuse as the test says."""

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        box = self.server.box
        box["connections"] += 1
        self.say("220 test")
        while line := self.rfile.readline():
            word = line.decode().strip()
            verb = word[:4].upper()
            box["commands"].append(word)
            if verb == "DATA":
                self.say("354 go on")
                self._data(box)
            elif verb == "QUIT":
                return self.say("221 bye")
            else:
                self.say(box["answers"].get(verb, "250 ok"))

    def _data(self, box):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        answer = box["answers"].get("AFTER", "250 taken")
        if answer.startswith("250"):
            box["messages"].append(b"".join(lines))
        self.say(answer)


class Gateway(http.server.BaseHTTPRequestHandler):
    """Notes each POST and answers what the test says."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.box["calls"].append((self.path, dict(self.headers), json.loads(body), body))
        status, text = self.server.box["answer"]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        """Quiet."""


def served(kind, handler, box):
    server = kind(("127.0.0.1", 0), handler)
    server.box = box
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


@pytest.fixture
def mail(settings):
    """A mail server; `mail["messages"]` is what it took, `mail["answers"]` what it says ("RCPT": "550 no")."""
    box = {"messages": [], "answers": {}, "commands": [], "connections": 0}
    server = served(socketserver.ThreadingTCPServer, MailHandler, box)
    settings.MAIL = MailServer("127.0.0.1", server.server_address[1])
    settings.EMAIL_FROM = "Yiku Shop <orders@shop.example>"
    yield box
    server.shutdown()
    server.server_close()


@pytest.fixture
def gateway(settings):
    """A gateway at an address of this machine that the operator allowed."""
    box = {"calls": [], "answer": (200, '{"errcode": 0}')}
    server = served(http.server.ThreadingHTTPServer, Gateway, box)
    box["address"] = f"http://127.0.0.1:{server.server_address[1]}"
    settings.EGRESS_ALLOW = [f"127.0.0.1:{server.server_address[1]}"]
    settings.SMS_URL = f"{box['address']}/send?app=1"
    settings.SMS_BODY = settings.SMS_OK = settings.SMS_TOKEN = settings.SMS_SECRET = ""
    yield box
    server.shutdown()
    server.server_close()


@pytest.fixture
def outbox(settings, tmp_path):
    """The folder of files, empty; neither mail server nor gateway."""
    settings.VAR_DIR, settings.MAIL, settings.SMS_URL = tmp_path, None, ""
    return tmp_path / "outbox"
