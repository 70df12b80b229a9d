"""Each allocation that a command makes from main on fails once: alone, and with all that come after
it. Where there are thousands, as in pictures, the first of each chain of callers stands for it.

After each: status 0 with the right result, or 1 with one line of error, as with system calls.
"""
from commands import commands

MOST = 4000  # allocations of which each is tried


def attacks(soak, full):
    soak.preload()
    todo = []
    for command in commands(soak):
        numbers = soak.once(('allocations', command.name), lambda: count(soak, command))
        todo += [(command, variable, number) for number in numbers
                 for variable in ('SOAK_FAIL_AT', 'SOAK_FAIL_FROM')]
    soak.place('allocations-order').random.shuffle(todo)
    for command, variable, number in todo:
        yield command.name, lambda where, c=command, v=variable, n=number: attack(where, c, v, n)


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
