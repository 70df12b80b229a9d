"""Runs that are killed or asked to stop: new ones, ones that replace an older run (--force), ones
that are gone on with (--resume); within their first 100 ms, at any moment, within a save (before
one of its system calls, by strace), or by SIGINT, SIGTERM, SIGHUP and a second SIGINT.

After each: the model files that are there are whole; the user's own files are as they were; of an
older run and the new one at least one can be gone on with, and the older one is untouched until
the new one is saved. Then the run is interrupted again, up to twice, and goes on, on other
numbers of threads, and in the end equals the run that nothing disturbed, byte for byte, with
nothing left over.
"""
import itertools
import shutil
import signal

import place

STARTS = ['a new run', '--force', '--resume']
MOMENTS = ['killed in the first 100 ms', 'killed in a save', 'killed at any moment',
           'asked to stop']
FULL = 1080   # attacks, of which a fourth is of each moment; most go on to further kills
PLANS = 40    # random ones, of which each attack takes one
SAVE_CALLS = ('openat write writev pwrite64 fsync fdatasync fchmod rename renameat renameat2 '
              'linkat unlink unlinkat ftruncate fallocate close mkdir mkdirat rmdir').split()


def attacks(soak, full):
    soak.need_strace()
    for index in range(FULL) if full else itertools.count():
        start = STARTS[index % len(STARTS)]
        moment = MOMENTS[index // len(STARTS) % len(MOMENTS)]
        plan = index // (len(STARTS) * len(MOMENTS)) % PLANS
        yield f'{start}, {moment}', \
            lambda where, p=plan, s=start, m=moment: attack(where, p, s, m)


def attack(where, number, start, moment):
    plan = plan_of(where.soak, number)
    run = where.path / 'run'
    place.put_own_files(run)
    old, more = None, []
    if start == '--force':
        shutil.copytree(old_run(where.soak), run, dirs_exist_ok=True)
        old, more = {name: (run / name).read_bytes() for name in place.MODELS}, ['--force']
    if start == '--resume':
        plan.train(where, 'run', stops=[(where.random.uniform(0, plan.seconds), signal.SIGINT)])
    problems = []
    for _ in range(1 + where.random.choice([0, 1, 2])):
        resumes = new_run_is_there(run, old)
        arguments = (['train', '--resume', 'run', '--quiet'] if resumes else
                     plan.arguments('run', *more))
        stdin = plan.place.path / plan.stdin if plan.stdin and not resumes else None
        threads = ['--threads', where.random.choice([1, 2, 3])]
        problems += interrupt(where, plan, [*arguments, *threads], stdin, moment)
        problems += place.check_models(run) + check_old(run, old)
        if problems:
            return problems
        moment = where.random.choice(MOMENTS)
    return problems + end(where, plan, run, old, more)


def plan_of(soak, number):
    return soak.once(('kills', number), lambda: place.random_plan(soak.place('kills-plan', number)))


def old_run(soak):
    return soak.once('kills-old', lambda: place.tiny_plan(soak.place('kills-old'), seed=7)).whole


def interrupt(where, plan, arguments, stdin, moment):
    if moment == 'killed in a save':
        name, count = where.random.choice(save_calls(where.soak, plan))
        when = where.random.randint(1, count)
        before = ['strace', '-f', '-o', 'strace.txt', '-e', f'trace={name}',
                  '-e', f'inject={name}:signal=KILL:when={when}']
        result = where.run(*arguments, stdin=stdin, before=before)
    else:
        result = where.run(*arguments, stdin=stdin, stops=stops(where.random, plan, moment))
    signals = {-signal.SIGKILL, 128 + signal.SIGKILL}
    if moment == 'asked to stop':
        signals = {-signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP}
    return [] if result.status in signals else place.check_ending(result, statuses=(0,))


def stops(random, plan, moment):
    """Moments and signals."""
    if moment == 'killed in the first 100 ms':
        return [(random.uniform(0, 0.1), signal.SIGKILL)]
    at = random.uniform(0, plan.seconds)
    if moment == 'killed at any moment':
        return [(at, signal.SIGKILL)]
    first = random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    second = [(at + random.uniform(0, 0.02), signal.SIGINT)]
    return [(at, first)] + (second if random.random() < 0.3 else [])


def save_calls(soak, plan):
    """System calls of the plan's undisturbed run, and how often each is made."""
    def count():
        where = soak.place('kills-calls', plan.place.path.name)
        before = ['strace', '-f', '-o', 'strace.txt', '-e', 'trace=' + ','.join(SAVE_CALLS)]
        plan.train(where, 'run', before=before)
        lines = (where.path / 'strace.txt').read_text(errors='replace').splitlines()
        names = [line.split('(')[0].split()[-1] for line in lines if '(' in line]
        return [(name, names.count(name)) for name in SAVE_CALLS if name in names]
    return soak.once(('kills-calls', plan.place.path), count)


def new_run_is_there(run, old):
    last = run / 'last.safetensors'
    return last.exists() and (old is None or last.read_bytes() != old['last.safetensors'])


def check_old(run, old):
    """With --force: the older run stands untouched, or the new one can be gone on with."""
    if old is None or new_run_is_there(run, old):
        return []
    if not (run / 'last.safetensors').exists():
        return ['neither the old run nor the new one can be gone on with']
    return [f'{name} of the old run is lost, and the new run is not there' for name in place.MODELS
            if not (run / name).exists() or (run / name).read_bytes() != old[name]]


def end(where, plan, run, old, more):
    """The run goes on to its end."""
    threads = where.random.choice([1, 2, 3])
    if old is None or new_run_is_there(run, old):
        problems = place.go_on(where, plan, run, threads)
    else:
        result = where.run('train', '--resume', 'run', '--quiet')
        problems = place.check_ending(result, statuses=(0,)) + check_old(run, old)
        result = plan.train(where, 'run', *more)
        problems += place.check_ending(result, statuses=(0,))
        problems += place.check_same_run(run, plan.whole)
    return problems + place.check_own_files(run)
