"""`manage.py sandbox`: the demo company's two shops on practice platforms, on this machine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

HOST = "127.0.0.1"
PLATFORMS = ("shopify", "woocommerce")
READY_SECONDS = 30.0


class Command(BaseCommand):
    """Run the Shopify and the WooCommerce sandbox, each in a process of its own, until stopped."""

    help = "Run the two sandbox shops with the demo company's goods; Ctrl-C or SIGTERM stops both."

    def add_arguments(self, parser: CommandParser) -> None:
        """Ports, buyers, and where the shops keep what happened in them."""
        for platform in PLATFORMS:
            parser.add_argument(f"--{platform}-port", type=int, default=0, help="0: the last one used, or a free one")
        parser.add_argument("--orders-per-minute", type=float, default=0.0, help="buyers in each shop (default none)")
        parser.add_argument("--state", type=Path, default=Path(settings.VAR_DIR) / "sandbox", help="folder")
        parser.add_argument("--connect", action="store_true", help="tell the demo accounts where the shops listen")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start both, say where they are, watch them, stop both."""
        state: Path = options["state"]
        state.mkdir(parents=True, exist_ok=True)
        ports = _ports(state, {name: options[f"{name}_port"] for name in PLATFORMS})
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _interrupt)
        children: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name in PLATFORMS:
                children[name] = _start(name, ports[name], state, options["orders_per_minute"])
            urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
            for name, url in urls.items():
                _wait(name, url, children[name])
                self.stdout.write(f"{name}: {url}/")
            if options["connect"]:
                import_string("channels.demo.connect")(urls)
            self.stdout.flush()
            _watch(children)
        except KeyboardInterrupt:
            pass
        finally:
            _stop(children)


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _ports(state: Path, wanted: dict[str, int]) -> dict[str, int]:
    """Keep to the ports of the last run where they are free: the accounts know these addresses."""
    file = state / "ports.json"
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        if port and not _free(port):
            raise CommandError(f"Port {port} is in use: choose another with --{name}-port, or leave it out.")
        last = int(known.get(name, 0))
        chosen[name] = port or (last if last and last not in chosen.values() and _free(last) else _any_port())
    file.write_text(json.dumps(chosen))
    return chosen


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _start(name: str, port: int, state: Path, orders_per_minute: float) -> subprocess.Popen[bytes]:
    seed = state / f"{name}_seed.json"
    seed.write_text(json.dumps(import_string(f"fixtures.sandboxes.{name}_seed")(), ensure_ascii=False))
    secrets = import_string("fixtures.company.full")().sandbox[name]["credentials"]
    # Tied to us: when this process is killed, the shop ends too instead of holding its port.
    command = [sys.executable, "-m", "backoffice.tether", str(os.getpid()), sys.executable]
    command += ["-m", f"channels.sandbox.{name}", "--host", HOST, "--port", str(port)]
    command += ["--seed", str(seed), "--state", str(state / f"{name}.json")]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if name == "shopify":
        environment |= {
            "SANDBOX_SHOPIFY_TOKEN": secrets["access_token"],
            "SANDBOX_SHOPIFY_CLIENT_ID": secrets["client_id"],
            "SANDBOX_SHOPIFY_SECRET": secrets["client_secret"],
        }
        command += ["--orders-per-second", str(orders_per_minute / 60)]
    else:
        command += ["--key", secrets["consumer_key"], "--secret", secrets["consumer_secret"]]
        command += ["--orders-per-minute", str(orders_per_minute)]
    # A group of its own: Ctrl-C in the terminal reaches us, and we end the shops in order.
    return subprocess.Popen(command, env=environment, start_new_session=True, cwd=settings.BASE_DIR)


def _wait(name: str, url: str, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise CommandError(f"The {name} sandbox ended at once (code {child.returncode}).")
        try:
            urllib.request.urlopen(f"{url}/_sandbox/state", timeout=2).close()  # noqa: S310 — our own address
            return
        except OSError:
            time.sleep(0.1)
    raise CommandError(f"The {name} sandbox does not answer at {url}.")


def _watch(children: dict[str, subprocess.Popen[bytes]]) -> None:
    while True:
        for name, child in children.items():
            if child.poll() is not None:
                raise CommandError(f"The {name} sandbox ended (code {child.returncode}).")
        time.sleep(0.5)


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    for child in children.values():
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
