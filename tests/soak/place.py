"""Where an attack happens: a folder of its own, commands run in it, and what must hold after
each.
"""
import json
import math
import os
import random
import re
import shlex
import shutil
import signal
import struct
import subprocess
import time
import zlib
from pathlib import Path

TEXTS = Path(__file__).resolve().parents[2] / 'corpora' / 'texts'
LIMIT = 60  # seconds for any command, on a busy machine

# What a user may keep in the directory of a run, some of it named much like rune's own files.
OWN_FILES = ['best.safetensors.backup', 'best.safetensors.epoch1', 'last.safetensors.abc123',
             'log.csv.backup', 'loss.svg.123456', 'notes.txt', '.hidden']
CELLS = ['lstm', 'gru', 'rnn']
MODELS = ['best.safetensors', 'last.safetensors']
CLOCK_COLUMNS = (2, 7)  # of log.csv: seconds and chars_per_second


class Result:
    """How a command ended: its status (negative: the signal; None: not in time), stdout, stderr."""

    def __init__(self, line, status, out, err):
        self.line, self.status, self.out, self.err = line, status, out, err

    def __str__(self):
        return f'{self.line}\n  status {self.status}, stderr: {self.err[-400:]!r}'


class Place:
    """A folder for one attack. `random` is the attack's own, so that it can be made again."""

    def __init__(self, soak, path, seed):
        self.soak, self.path, self.random = soak, path, random.Random(seed)
        self.lines, self.attacks = [], 1
        path.mkdir(parents=True)
        (path / 'tmp').mkdir()

    def run(self, *arguments, stdin=None, before=(), env=None, stops=(), limit=LIMIT):
        """Runs rune with these arguments, behind `before` (strace). `stdin` is a path; `stops` are
        (seconds, signal) to send to it."""
        env = env or {}
        command = [*before, self.soak.rune, *map(str, arguments)]
        line = ' '.join([*(f'{key}={shlex.quote(value)}' for key, value in env.items()),
                         *map(shlex.quote, command)])
        line += f' <{shlex.quote(str(stdin))}' if stdin else ' </dev/null'
        line += ''.join(f'  # {signal.Signals(number).name} after {delay:.4f} s'
                        for delay, number in stops)
        self.lines.append(line)
        with open(self.path / stdin if stdin else os.devnull, 'rb') as source:
            process = subprocess.Popen(
                command, cwd=self.path, stdin=source, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True,
                env={**self.soak.environment, 'TMPDIR': str(self.path / 'tmp'), **env})
            try:
                begun = time.monotonic()
                for delay, number in stops:
                    time.sleep(max(0, begun + delay - time.monotonic()))
                    if process.poll() is None:
                        process.send_signal(number)
                out, err = process.communicate(timeout=limit)
                status = process.returncode
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
                status = None
        result = Result(line, status, out, err.decode(errors='surrogateescape'))
        self.lines.append(f'# status {status}' + ''.join(f'\n# {text!r}' for text in
                                                          result.err.splitlines()[-4:]))
        return result

    def text(self, name, length=None, source='english.txt', repeat=1):
        """Writes a text: the first `length` characters of one of corpora/texts, so many times."""
        whole = (TEXTS / source).read_text(encoding='utf-8')
        with open(self.path / name, 'w', encoding='utf-8', newline='') as file:
            file.write(whole[:length] * repeat)
        return name


# --- what must hold ------------------------------------------------------------------------------

# Control characters other than the line feed, DEL, C1, and what turns the direction of writing.
CONTROLS = re.compile('[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]')


def check_ending(result, statuses=(0, 1, 2)):
    """The contract of every command: a known status, and where it is not 0 one line of error, behind
    the notes and the files that were written."""
    status, problems = result.status, []
    if status is None:
        return [f'did not end within {LIMIT} s']
    if status < 0 or status > 128:
        number = -status if status < 0 else status - 128
        return [f'ended by {signal.Signals(number).name}: {result.err[-300:]!r}']
    if status not in statuses:
        problems.append(f'status {status}: {result.err[-300:]!r}')
    lines = result.err.splitlines()
    errors = [line for line in lines if line.startswith('rune ') or line.startswith('rune: ')]
    if status != 0 and (len(errors) != 1 or lines[-1] != errors[0]):
        problems.append(f'status {status} without one line of error at the end: '
                        f'{result.err[-300:]!r}')
    if re.search(r'\*\*|WARNING|CRITICAL|[Aa]ssert|Sanitizer|runtime error', result.err):
        problems.append(f'a library speaks on stderr: {result.err[-300:]!r}')
    if status == 0 and errors:
        problems.append(f'status 0 and an error: {errors[-1]!r}')
    if CONTROLS.search(result.err):
        problems.append(f'control characters on stderr: {result.err[-300:]!r}')
    if re.search('[\udc80-\udcff]', result.err):
        problems.append(f'stderr is not UTF-8: {result.err[-300:]!r}')
    return problems


def read_model(path):
    """Reads a safetensors file by its specification alone: the metadata, the entries and the bytes
    of the arrays. ValueError says what is wrong with it."""
    data = Path(path).read_bytes()
    if len(data) < 8:
        raise ValueError(f'{len(data)} bytes')
    length, = struct.unpack('<Q', data[:8])
    if length > len(data) - 8:
        raise ValueError('its header is cut off')
    header = json.loads(data[8:8 + length])
    arrays = data[8 + length:]
    metadata = header.pop('__metadata__', {})
    at = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]['data_offsets']):
        begin, end = entry['data_offsets']
        size = {'F32': 4, 'U64': 8}[entry['dtype']] * math.prod(entry['shape'])
        if begin != at or end - begin != size:
            raise ValueError(f'{name} does not lie where its shape says')
        at = end
    if at != len(arrays):
        raise ValueError(f'{len(arrays)} bytes of arrays, of which {at} are named')
    checksum = metadata.get('data_crc32')
    if checksum is not None and not is_checksum(checksum, arrays):
        raise ValueError('its checksum is wrong')
    return metadata, header, arrays


def is_checksum(text, arrays):
    crc = zlib.crc32(arrays)
    return text in (str(crc), f'{crc:08x}')


def check_models(run):
    """Model files that are there are whole."""
    problems = []
    for name in MODELS:
        if (run / name).exists():
            try:
                read_model(run / name)
            except (ValueError, KeyError) as error:
                problems.append(f'{name} is not whole: {error}')
    return problems


def put_own_files(run):
    run.mkdir(parents=True, exist_ok=True)
    for name in OWN_FILES:
        (run / name).write_text(f'mine: {name}\n')


def check_own_files(run):
    lost = [name for name in OWN_FILES
            if not (run / name).exists() or (run / name).read_text() != f'mine: {name}\n']
    return [f"the user's own files are lost: {', '.join(lost)}"] if lost else []


def log_rows(path):
    """log.csv without what the clock says."""
    with open(path, encoding='utf-8') as file:
        return [[cell for k, cell in enumerate(line.rstrip('\n').split(','))
                 if k not in CLOCK_COLUMNS] for line in file]


def check_same_run(run, whole):
    """A run that was disturbed equals one that was not: models byte for byte, the log but for the
    clock, and nothing is left over."""
    problems = []
    for name in MODELS:
        if not (run / name).exists():
            problems.append(f'{name} is missing')
        elif (run / name).read_bytes() != (whole / name).read_bytes():
            problems.append(f'{name} differs from the undisturbed run')
    if not (run / 'log.csv').exists():
        problems.append('log.csv is missing')
    elif log_rows(run / 'log.csv') != log_rows(whole / 'log.csv'):
        problems.append('log.csv differs from the undisturbed run')
    left = {path.name for path in run.iterdir()} - {path.name for path in whole.iterdir()}
    if left - set(OWN_FILES):
        problems.append(f'left over: {sorted(left - set(OWN_FILES))}')
    return problems


# --- runs ----------------------------------------------------------------------------------------

class Diverges(Exception):
    """A run whose options are such that it ends early."""


class Plan:
    """What a run is made of: texts, options, and how it ends when nothing disturbs it."""

    def __init__(self, place, options, files, stdin=None):
        self.place, self.options, self.files, self.stdin = place, options, files, stdin
        self.texts = [name if name == '-' else str(place.path / name) for name in files]
        self.whole = place.path / 'whole'

    def arguments(self, run, *more):
        return ['train', *self.texts, '-o', str(run), '--quiet', *self.options, *more]

    def train(self, place, run, *more, **how):
        stdin = self.place.path / self.stdin if self.stdin else None
        return place.run(*self.arguments(run, *more), stdin=stdin, **how)

    def make(self):
        begun = time.monotonic()
        result = self.train(self.place, 'whole')
        self.seconds = time.monotonic() - begun
        if 'training diverges' in result.err:
            raise Diverges
        if result.status != 0:
            raise RuntimeError(f'an undisturbed run fails: {result}')
        return self


def tiny_plan(place, steps=6, **changes):
    """The smallest run that has all there is: dropout, validations, a best model before the last."""
    place.text('text.txt', 2000, repeat=6)
    options = {'hidden-size': 5, 'num-layers': 1, 'batch-size': 3, 'seq-length': 8, 'threads': 1,
               'max-steps': steps, 'validate-every': 3, 'patience': 0, 'warmup': 2, 'dropout': 0.2,
               'learning-rate': 0.01, **changes}
    return Plan(place, [f'--{key}={value}' for key, value in options.items()], ['text.txt']).make()


def random_plan(place, steps=(20, 60)):
    """A run of random options and texts, with a seed of its own, that can be gone through."""
    while True:
        try:
            return draw_plan(place, steps).make()
        except Diverges:
            shutil.rmtree(place.path / 'whole')


def draw_plan(place, steps):
    r = place.random
    options = {
        'hidden-size': r.choice([3, 8, 16, 21]), 'num-layers': r.choice([1, 1, 2, 3]),
        'batch-size': r.choice([1, 3, 8]), 'seq-length': r.choice([5, 16, 33]),
        'dropout': r.choice([0, 0.3]), 'optimizer': r.choice(['adam', 'rmsprop', 'sgd']),
        'schedule': r.choice(['cosine', 'step', 'constant']), 'warmup': r.choice([0, 3, 100]),
        'learning-rate': r.choice([0.001, 0.01]), 'weight-decay': r.choice([0, 0.01]),
        'clip-norm': r.choice([0.5, 1]), 'clip-value': r.choice([0, 0.1]),
        'precision': r.choice(['fp32', 'bf16']), 'unit': r.choice(['codepoint', 'grapheme', 'byte']),
        'min-count': r.choice([1, 1, 3]), 'val-fraction': r.choice([0.1, 0.1, 0]),
        'validate-every': r.choice([1, 4, 7, 50]), 'save-every': r.choice([2, 0, 0.0005]),
        'patience': 0, 'seed': r.randrange(100, 1 << 30), 'max-steps': r.randint(*steps)}
    if options['unit'] != 'byte':
        options['normalize'] = r.choice(['none', 'nfc', 'nfkc'])
    files, stdin = [], None
    for k in range(r.choice([1, 1, 2, 3])):
        source = r.choice(sorted(path.name for path in TEXTS.glob('*.txt')))
        files.append(place.text(f'text{k}.txt', source=source, repeat=r.choice([1, 5])))
    if r.random() < 0.2:
        stdin, files = files[0], ['-']
    options['cell'] = r.choice(CELLS)
    return Plan(place, [f'--{key}={value}' for key, value in options.items()], files, stdin)


def go_on(place, plan, run, threads=1):
    """Takes a disturbed run to its end, by --resume or, where there is nothing to go on from, by the
    same command again, and compares. The second value tells which."""
    if (run / 'last.safetensors').exists():
        result = place.run('train', '--resume', run, '--quiet', '--threads', threads)
        how = '--resume'
    else:
        result = plan.train(place, run)
        how = 'beginning anew'
    problems = check_ending(result)
    if result.status != 0:
        return [*problems, f'{how} fails: {result.err[-300:]!r}']
    return [*problems, *check_same_run(run, plan.whole)]
