"""Random options for all commands, of those that `rune COMMAND --help` lists: values inside and
outside their ranges, no numbers, empty, very long, with control characters; on small texts of all
scripts.

After each: status 0, 1 or 2 within the time limit, where not 0 one line of error, and nothing on
stderr that a terminal would obey.
"""
import itertools
import re

import place
from commands import model, put

FULL = 3000
COMMANDS = ['train', 'sample', 'eval', 'inspect', 'info', 'bench']
NUMBERS = ['0', '1', '2', '3', '7', '1.5', '0.5', '1e-3', '1e0', '1k', '0.999', '-0']
NO_NUMBERS = ['', ' ', '-1', 'nan', 'inf', '-inf', '1e400', '-1e400', '1e-400', '1e18', '1e15', '0x',
              '0x10', '1,2', '١', '1e', '--', '9' * 400, 'x' * 100_000, 'a\x1b[31mb', '\x07', '\x9b1m',
              '\u202e7', '1 ', '1\n', '%s%n', '1M']
TEXTS = ['', 'a', 'The ', 'Ж', '\U0001F469\u200D\U0001F680', 'e\u0301', '\x1b]0;title\x07', '\x00'[:0],
         '\u009b2J', '\u202e', 'x' * 20_000, '\n', '%n%s']
VALUES = {
    'LIST': ['0:1', '0:0,0:4', 'h', 'h,c,i,f,g,o', 'csv', 'png', 'page,npy', '0:1=1.5', '9:9', '0:1=nan',
             'train', 'fp32', '1,2', ',', ':'],
    'CHOICE': ['lstm', 'adam', 'sgd', 'rmsprop', 'cosine', 'step', 'constant', 'codepoint', 'grapheme',
               'byte', 'nfc', 'nfkc', 'none', 'fp32', 'bf16', 'skip', 'replace', 'error', 'all', 'best',
               'mean', 'zero', 'fp16'],
    'FILE': ['short.txt', 'missing.txt', '.', '-', '', 'model/log.csv', 'esc\x1b[31m.txt',
             'model/best.safetensors', 'name\u202e.txt'],
    'REGEX': ['a=[aeiou]', 'a=(', '=', 'a', 'a=', 'a=(a+)+$', '\x1b[31m=a', 'a=\\p{L}+', 'b=(?R)',
              'c=\x00'[:2], 'd=' + '(' * 500, 'e=.{60000}'],
    'FROM': ['0', '0:10', '5:1', '1e9', '299:1', '10:0', ':', '-1'],
}
# So that each is quick, whatever else was drawn; those of them that were drawn stand as they are.
SMALL = {
    'train': {'max-steps': '3', 'hidden-size': '4', 'num-layers': '1', 'batch-size': '2',
              'seq-length': '6', 'threads': '1'},
    'sample': {'length': '20', 'threads': '1'},
    'eval': {'threads': '1'}, 'inspect': {'threads': '1', 'ablate': 'none', 'format': 'csv'}, 'info': {},
    'bench': {'seconds': '0.01', 'hidden-size': '8', 'num-layers': '1', 'seq-length': '4',
              'batch-size': '2', 'vocab-size': '5', 'threads': '1'},
}
# What may be long but is fine: a thousand layers, or a batch of a thousand, is asked for and made.
SLOW = {'hidden-size', 'num-layers', 'batch-size', 'seq-length', 'threads', 'count', 'length', 'lines',
        'max-steps', 'max-epochs', 'max-minutes', 'seconds', 'vocab-size'}
HUGE = {'1e15', '1e18', '1M', '1k', '9' * 400}


def attacks(soak, full):
    options = {name: known_options(soak, name) for name in COMMANDS}
    for index in range(FULL) if full else itertools.count():
        name = COMMANDS[index % len(COMMANDS)]
        yield name, lambda where, n=name: attack(where, n, options[n])


def known_options(soak, name):
    """(name, what its value is called, or None where it takes none)."""
    result = soak.place('options-help', name).run(name, '--help')
    found = re.findall(r'^ +(?:-\w, )?--([\w-]+)(?:=(\S+))?', result.out.decode(), re.M)
    return [(option, value or None) for option, value in found if option != 'help']


def value_for(random, option, kind):
    if random.random() < 0.25:
        return random.choice(NO_NUMBERS)
    if kind.startswith('LIST'):
        return random.choice(VALUES['LIST'] + NUMBERS)
    if '=' in kind:
        return random.choice(VALUES['REGEX'])
    for name in ('FROM', 'FILE'):
        if kind.startswith(name):
            return random.choice(VALUES[name])
    if kind in ('MODEL', 'RUN'):
        return random.choice(['model', 'missing', 'out', 'short.txt', '', 'a\x1b[31m', '\u202e',
                              'x' * 300])
    if kind == 'DIR':
        return random.choice(['out', 'short.txt/out', '', 'a\x1b[31m', 'x' * 300])
    if kind == 'TEXT':
        return random.choice(TEXTS)
    if kind in ('UNIT', 'FORM', 'CELL', 'NAME', 'WHAT', 'WHICH', 'AT'):
        return random.choice(VALUES['CHOICE'])
    return random.choice(NUMBERS)


def attack(where, name, options):
    r = where.random
    put(model(where.soak), where, 'short.txt')
    arguments, drawn = [], set()
    for option, kind in r.sample(options, min(len(options), r.choice([1, 1, 2, 3, 6]))):
        value = value_for(r, option, kind) if kind else None
        if option in SLOW and (value in HUGE or value and value.endswith(('k', 'M'))):
            continue
        drawn.add(option)
        if kind and '\0' not in value:
            arguments += [f'--{option}={value}'] if r.random() < 0.5 else [f'--{option}', value]
        elif not kind:
            arguments.append(f'--{option}')
    arguments += [f'--{option}={value}' for option, value in SMALL[name].items()
                  if option not in drawn]
    source = r.choice(sorted(path.name for path in place.TEXTS.glob('*.txt')))
    where.text('text.txt', source=source)
    if name == 'train' and 'resume' not in drawn:
        arguments.append('text.txt')
    if name in ('sample', 'eval', 'inspect', 'info'):
        models = ['model'] * 5 + ['short.txt', 'model/last.safetensors', 'none\x1b']
        arguments.insert(0, r.choice(models))
    if name in ('eval', 'inspect'):
        arguments.insert(1, r.choice(['short.txt', 'short.txt', 'text.txt', '-']))
    if name == 'train' and not drawn & {'output', 'resume'}:
        arguments += ['-o', 'new']
    if r.random() < 0.1:
        odd = r.choice(['--no\x1b[31m', '-\x9b', '', '--', '-Z'])
        arguments.insert(r.randrange(len(arguments) + 1), odd)
    result = where.run(name, *arguments, stdin=r.choice([None, 'short.txt']))
    problems = place.check_ending(result)
    shown = ' '.join(argument if len(argument) < 40 else argument[:20] + '…'
                     for argument in arguments)
    return [f'rune {name} {shown!r}: {problem}' for problem in problems]
