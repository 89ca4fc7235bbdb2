"""Start the house: `python -m backoffice.supervisor` (what `make run` does after setting up)."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from django.core.exceptions import ImproperlyConfigured

from backoffice.supervisor import keys, plan, ports
from backoffice.supervisor.children import how_it_ended
from backoffice.supervisor.logbook import Logbook

BASE = Path(__file__).resolve().parents[2]


def main() -> int:
    """Set up, run until stopped; returns the exit code."""
    log = Logbook()
    try:
        what = plan.from_environment(BASE)
    except ImproperlyConfigured as error:
        log.say(str(error))
        return 2
    os.umask(0o077)
    new = keys.ensure_keys(what.var)
    if new:
        log.say(f"New keys are in {what.var}: back them up with the database.")
    lock = _only_one(what.var)
    if lock is None:
        log.say(
            f"Yiku is running already with the data in {what.var}. Stop it first, or set YIKU_VAR to another folder."
        )
        return 2
    if "web" in what.roles and not ports.is_free(what.host, what.port):
        log.say(f"Port {what.port} is in use by another program. Choose another: make run PORT={what.port + 1}")
        return 2
    what.choose_ports()
    os.environ.update(what.environment())
    return _run(what, log)


def _only_one(folder: Path) -> IO[str] | None:
    """Hold the folder's lock until this process ends; None when another holds it."""
    file = (folder / "supervisor.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _run(what: plan.Plan, log: Logbook) -> int:
    import django

    django.setup()
    from django.core.management import get_commands

    from backoffice.supervisor.house import House
    from backoffice.supervisor.watch import Watch

    commands = set(get_commands())
    for name, arguments in preparations(what, commands):
        code = _manage(name, arguments, log)
        if code:
            log.say(f"“manage.py {name}” failed ({how_it_ended(code)}); nothing was started. The lines above say why.")
            return 1
    what.write_state()
    watch = Watch(what.host, what.port if "web" in what.roles else None, set(what.roles))
    house = House(what.programs(commands), what.base, log, watch)
    house.stop_on_signals()
    house.start()
    watch.start()
    _greet_when_ready(what, house, log)
    house.run()
    watch.stop()
    return 0


def preparations(what: plan.Plan, commands: set[str]) -> list[tuple[str, list[str]]]:
    """Return the management commands that come before the programs, in order; all may be repeated."""
    steps: list[tuple[str, list[str]]] = [("migrate", ["--noinput", "-v", "0"])]
    if "web" in what.roles:
        steps.append(("collectstatic", ["--noinput", "-v", "0"]))
    if what.demo and "demo_load" in commands:
        urls = [part for name in what.sandbox_ports for part in (f"--{name}-url", what.sandbox_url(name))]
        steps.append(("demo_load", urls))
    return steps


def _manage(name: str, arguments: list[str], log: Logbook) -> int:
    """Run one management command to its end, its lines in the log; returns its exit code."""
    log.say({"demo_load": "Loading the demo company (only the first time takes long) …"}.get(name, f"{name} …"))
    command = [sys.executable, "manage.py", name, *arguments]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=BASE, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            for raw in process.stdout or ():
                log.line(name, raw.decode(errors="replace").rstrip())
            return process.wait()
        except KeyboardInterrupt:
            return process.wait() or 130


def _greet_when_ready(what: plan.Plan, house: object, log: Logbook) -> None:
    from threading import Thread

    Thread(target=_greet, args=(what, house, log), daemon=True, name="greet").start()


def _greet(what: plan.Plan, house: object, log: Logbook) -> None:
    from backoffice.supervisor.watch import answer_of, until

    if "web" not in what.roles:
        return
    if until(lambda: answer_of(what.host, what.port) is not None, 60):
        log.say(greeting(what))


def greeting(what: plan.Plan) -> str:
    """Return the address and, in the demo, who can log in."""
    from django.conf import settings

    lines = ["", f"  Yiku is ready:  {what.address}"]
    if what.demo:
        from django.utils import translation

        from backoffice.demo_people import demo_people

        with translation.override("en"):
            people, password = demo_people()
        lines += [f"  {who:<18} user {name:<10} password {password}" for who, name in people]
        lines += [f"  {name:<18} {what.sandbox_url(name)}/" for name in what.sandbox_ports]
    elif settings.SECURE:
        lines += [
            "  It answers HTTPS only, through your proxy (docs/production.md).",
            "  SECURE=0 lets you look at it here first.",
        ]
    return "\n".join([*lines, "  Ctrl-C stops everything.", ""])


if __name__ == "__main__":
    sys.exit(main())
