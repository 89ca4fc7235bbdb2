"""The running product for browser tests: web, dispatcher and two practice shops on the test's database."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.company import Company

CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def free_port() -> int:
    """A port nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url: str, seconds: float = 30) -> None:
    """Wait until something answers there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")


@pytest.fixture
def company(transactional_db):
    """Two practice shops on two platforms that sell the same tea from one warehouse."""
    with Company() as made:
        yield made


@pytest.fixture(scope="session")
def var_folder(tmp_path_factory):
    """A folder for the product's files, with the collected style sheets and scripts as in production."""
    folder = tmp_path_factory.mktemp("var")
    env = {**os.environ, "YIKU_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    collect = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(collect, env=env, check=True, capture_output=True)
    return folder


@pytest.fixture
def surroundings(child_env, var_folder, tmp_path):
    """What the product's processes are told; they keep their files in the test's folder."""
    (tmp_path / "static").symlink_to(var_folder / "static")  # only that: the rest remembers one database
    return {**child_env, "EGRESS_ALLOW": "127.0.0.1", "YIKU_VAR": str(tmp_path), "DEMO": "1", "PYTHONUNBUFFERED": "1"}


@contextmanager
def running(command, env, log):
    """Run a program of the product; it and its children are gone afterwards, and pytest shows its log on a failure."""
    with log.open("wb") as written:
        one = subprocess.Popen(command, env=env, stdout=written, stderr=written, start_new_session=True)
    try:
        yield one
    finally:
        os.killpg(one.pid, signal.SIGTERM)
        sys.stderr.write(log.read_text(errors="replace")[-4000:])
        try:
            one.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(one.pid, signal.SIGKILL)
            one.wait()


@pytest.fixture
def product(company, surroundings, tmp_path):
    """The address of the running product; what it asks of shops is done by whoever asks for `dispatching` too."""
    port = free_port()
    web = [sys.executable, "-m", "gunicorn", "--threads", "4", "-b", f"127.0.0.1:{port}", "backoffice.wsgi"]
    with running(web, surroundings, tmp_path / "web.log"):
        answers(f"http://127.0.0.1:{port}/admin/login/")
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def dispatching(product, surroundings, tmp_path):
    """Shops are polled and told beside the product."""
    with running([sys.executable, "manage.py", "dispatch", "--inline"], surroundings, tmp_path / "dispatch.log"):
        yield


@pytest.fixture
def page(product, monkeypatch):
    """A page of a real browser, in English; a JavaScript error or a dialog fails the test."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread; our queries may too
    with sync_playwright() as playwright:
        path = os.environ.get("YIKU_BROWSER") or "/usr/bin/chromium"
        options = {} if path == "playwright" else {"executable_path": path}
        browser = playwright.chromium.launch(args=CHROMIUM_FLAGS, **options)
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
        context.add_cookies([{"name": "django_language", "value": "en", "url": product}])
        made = context.new_page()
        faults = []
        made.on("pageerror", lambda error: faults.append(str(error)))
        made.on("dialog", lambda dialog: (faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        made.base = product
        yield made
        browser.close()
        assert faults == []
