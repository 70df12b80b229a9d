"""Each allocation that a command makes from main on fails once: alone, and with all that come
after it. Where there are thousands, as in pictures, the first of each chain of callers stands for
it.

After each: status 0 with the right result, or 1 with one line of error, as with system calls.
"""
from commands import in_turn

MOST = 4000  # allocations of which each is tried


def attacks(soak, full):
    soak.preload()
    for command, variable, number in in_turn(soak, 'allocations', failures_of):
        yield command.name, lambda where, c=command, v=variable, n=number: attack(where, c, v, n)


def failures_of(soak, command):
    return [(variable, number) for number in count(soak, command)
            for variable in ('SOAK_FAIL_AT', 'SOAK_FAIL_FROM')]


def attack(where, command, variable, number):
    env = {'LD_PRELOAD': where.soak.preload(), variable: str(number)}
    return [f'{variable}={number}: {problem}' for problem in command.attack(where, env=env)]


def count(soak, command):
    where = soak.place('allocations', 'count', command.name.replace(' ', '_'))
    command.prepare(where)
    where.run(*command.arguments, stdin=command.stdin,
              env={'LD_PRELOAD': soak.preload(), 'SOAK_COUNT_TO': 'counts'})
    (total, _), *firsts = [map(int, line.split()) for line in open(where.path / 'counts')]
    return range(1, total + 1) if total <= MOST else sorted(n for first in firsts for n in first)
