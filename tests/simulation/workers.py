"""The product's workers in one thread: what the dispatcher does, piece by piece, in whatever order is wanted.

Accounts go by their names here: a database numbers its rows as it likes, a seed must tell the same story everywhere.
"""

from django.apps import apps

from backoffice import clock, outbox
from channels import chores, due, tasks, tracking
from channels.models import Account
from channels.push import jobs
from channels.webhooks import process


def pieces():
    """Return what is to do now as a list of (name, function), like one look of the dispatcher."""
    name = dict(Account.objects.values_list("pk", "name"))
    found = [(f"hooks {name[pk]}", lambda pk=pk: tasks.hooks(pk)) for pk in process.due_accounts()]
    found += [(f"news {one.name}", lambda one=one: outbox.work(one)) for one in outbox.consumers() if _waits(one)]
    found += [(f"push {name[pk]}", lambda pk=pk: tasks.push(pk)) for pk in jobs.due_accounts()]
    found += [(f"tracking {name[pk]}", lambda pk=pk: tracking.run(pk)) for pk in tracking.due_accounts()]
    claimed = sorted(due.claim(), key=lambda job: (job.account_id, job.kind))  # claimed in no order that one could name
    found += [
        (f"{job.kind} {name[job.account_id]}", lambda job=job: tasks.regular(job.kind, job.account_id))
        for job in claimed
    ]
    found += [
        (f"chore {chore.name}", lambda chore=chore: chores.run(chore))
        for chore in chores.due()
        if chore.name in ("posting", "demand", "reruns")
    ]
    return found


def look(rng, *, most=None):
    """Do what is due, in random order; `most` leaves the rest for later. Returns the names."""
    todo = pieces()
    rng.shuffle(todo)
    done = []
    for name, work in todo[:most]:
        work()
        done.append(name)
    return done


def _waits(consumer):
    model = apps.get_model(consumer.delivery)
    waiting = model.objects.filter(consumer=consumer.name, state__in=("due", "working"), not_before__lte=clock.now())
    return consumer.handler is not None and waiting.exists()
