"""Runs over random options and texts that are stopped (SIGINT) after steps drawn at random, again
and again until they are done, on one to three threads: their models equal those of the run that
nothing disturbed byte for byte, and their logs but for the clock.
"""
import itertools
import signal

import place

FULL = 400
EVERY = 16  # looks at the clock between stops, at least; a step has some three


def attacks(soak, full):
    soak.preload()
    for _ in range(FULL) if full else itertools.count():
        yield 'stopped after given steps', attack


def attack(where):
    plan = place.random_plan(where, steps=(10, 50))
    run = where.path / 'run'
    steps = next(option for option in plan.options if option.startswith('--max-steps='))
    looks = 4 * int(steps.split('=')[1])
    problems = []
    for session in range(30):
        env = {'LD_PRELOAD': where.soak.preload(),
               'SOAK_STOP_AT': str(where.random.randint(EVERY, max(EVERY + 1, looks)))}
        threads = where.random.choice([1, 2, 3])
        if session == 0:
            result = plan.train(where, 'run', '--threads', threads, env=env)
        else:
            result = where.run('train', '--resume', 'run', '--quiet', '--threads', threads, env=env)
        if result.status != -signal.SIGINT:  # a run that is done ends as usual
            problems += place.check_ending(result, statuses=(0,))
        problems += place.check_models(run)
        if problems:
            return problems
    return place.go_on(where, plan, run)
