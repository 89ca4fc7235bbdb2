"""Real threads on a real database: start together, collect what each returned or raised."""

import threading
import time

from django.db import connection, transaction


def together(*jobs):
    """Run each job in a thread of its own, all released at the same moment; returns results and exceptions."""
    gate, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(place, job):
        try:
            connection.ensure_connection()
            gate.wait(30)
            results[place] = job()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def errors(results):
    """The exceptions among the results."""
    return [one for one in results if isinstance(one, Exception)]


def slowly(job, begun):
    """A job whose transaction stays open for a while after its work."""

    def run():
        with transaction.atomic():
            done = job()
            begun.set()
            time.sleep(0.5)
        return done

    return run


def after(begun, job):
    """A job that starts when the other has done its work and not committed it."""

    def run():
        begun.wait(30)
        return job()

    return run
