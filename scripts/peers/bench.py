"""Compares rune with oneDNN's LSTM, with PyTorch and with the limits of this machine, and prints
Markdown tables; or measures rune alone, over sizes of the model and the batch (growth.py).

Every contestant is measured in every round, alone on the machine. Those that are compared run one
after the other, every second round runs backwards, and a ratio is taken within a round, so that a
machine whose speed drifts does no harm. One measurement is one process.
"""
import argparse
import contextlib
import ctypes
import fcntl
import glob
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, Optional

import growth

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get('BUILD', 'build')
RUNE = BUILD / 'src' / 'rune'
ONEDNN = BUILD / 'onednn'
LIMITS = BUILD / 'limits'
PYTORCH = ROOT / 'scripts' / 'peers' / 'pytorch.py'

NUM_LAYERS, SEQ_LENGTH, VOCAB_SIZE = 2, 50, 65


UNITS = {'chars_per_second': 'chars/s', 'gflops': 'GFLOP/s', 'gbytes_per_second': 'GB/s'}


class Contestant(NamedTuple):
    """What one measurement runs. It has as many threads as asked for, unless `threads` says otherwise.
    `figure` is the key of what it gives."""
    program: str
    title: str
    work: str = 'train'
    hidden_size: int = 512
    batch_size: int = 50
    precision: str = 'fp32'
    threads: Optional[int] = None
    extra: tuple = ()
    figure: str = 'chars_per_second'


def rune(**how):
    return Contestant('rune', 'rune', **how)


def onednn(title='oneDNN, layers alone', **how):
    return Contestant('onednn', title, **how)


def pytorch(title='PyTorch, best settings', **how):
    return Contestant('pytorch', title, **how)


def limit(work, figure):
    return Contestant('limits', 'the machine', work, figure=figure)


# In the order of a round.
CONTESTANTS = {
    'onednn repack': onednn('oneDNN, layers alone; each step packs weights, clears gradients',
                            extra=('repack',)),
    'onednn': onednn(),
    'sgemm': limit('sgemm', 'gflops'),
    'rune': rune(),
    'rune 1 thread': rune(threads=1),
    'pytorch': pytorch(),
    'pytorch plain': Contestant('pytorch plain', 'PyTorch, as it comes'),
    'pytorch bf16': pytorch('PyTorch, best settings, autocast', precision='bf16'),
    'rune bf16': rune(precision='bf16'),
    'onednn bf16': onednn(precision='bf16'),
    'onednn 128': onednn(hidden_size=128),
    'rune 128': rune(hidden_size=128),
    'pytorch 128': pytorch(hidden_size=128),
    'onednn eval': onednn(work='eval', batch_size=64),
    'rune eval': rune(work='eval', batch_size=64),
    'pytorch eval': pytorch(work='eval', batch_size=64),
    'rune sample 64': rune(work='sample', batch_size=64),
    'read': limit('read', 'gbytes_per_second'),
    'rune sample exact': rune(work='sample', batch_size=1),
    'rune sample': rune(work='sample', batch_size=1, precision='int8'),
    'pytorch sample': pytorch('PyTorch, plain loop', work='sample', batch_size=1),
    'pytorch sample fast': pytorch('PyTorch, cells written out, TorchScript', work='sample',
                                   batch_size=1, extra=('fast',)),
}


class Row(NamedTuple):
    """A ratio of two contestants, in the figure that `theirs` gives."""
    what: str
    against: str
    ours: str
    theirs: str
    at_least: Optional[float] = None


ROWS = [
    Row('training 2×512, whole step', 'oneDNN, forward and backward of the two layers alone', 'rune',
        'onednn', at_least=1.0),
    Row('training 2×512, whole step', 'the same; each step packs weights, clears gradients', 'rune',
        'onednn repack'),
    Row('training 2×512 in bf16, whole step',
        'oneDNN in float32, forward and backward of the two layers alone', 'rune bf16', 'onednn',
        at_least=1.7),
    Row('training 2×512 in bf16, whole step',
        'oneDNN in bf16, forward and backward of the two layers alone', 'rune bf16', 'onednn bf16'),
    Row('training 2×128, whole step', 'oneDNN, forward and backward of the two layers alone',
        'rune 128', 'onednn 128', at_least=1.1),
    Row('training 2×512', 'PyTorch, best settings', 'rune', 'pytorch', at_least=1.7),
    Row('training 2×512', 'PyTorch, as Debian installs it', 'rune', 'pytorch plain'),
    Row('training 2×512 in bf16', 'PyTorch, best settings, autocast to bf16', 'rune bf16',
        'pytorch bf16'),
    Row('training 2×128', 'PyTorch, best settings', 'rune 128', 'pytorch 128'),
    Row('training 2×512, floating-point operations', 'sgemm of OpenBLAS, measured', 'rune',
        'sgemm', at_least=0.82),
    Row('sampling one stream 2×512{}', 'PyTorch, plain loop, fp32', 'rune sample', 'pytorch sample',
        at_least=8),
    Row('sampling one stream 2×512{}', 'PyTorch, cells written out, TorchScript, fp32', 'rune sample',
        'pytorch sample fast'),
    Row('sampling one stream 2×512, exact fp32', 'reading all weights once a character',
        'rune sample exact', 'read', at_least=0.6),
    Row('sampling 64 streams at once 2×512', 'training 2×512', 'rune sample 64', 'rune', at_least=2.2),
    Row('evaluation in 64 streams 2×512', 'training 2×512', 'rune eval', 'rune', at_least=2.6),
    Row('evaluation in 64 streams 2×512', 'oneDNN, forward of the two layers alone', 'rune eval',
        'onednn eval'),
    Row('training 2×512, {} threads', '1 thread', 'rune', 'rune 1 thread', at_least=1.85),
]

NOTES = """\
2×512 means two LSTM layers of 512 units. There are 65 symbols, chunks of 50 characters, 50 streams in training, and
float32, unless a row says otherwise. A ratio compares speeds within a round. The tables give the median of the
rounds, and the smallest and largest.

rune's training step is a whole one: packing the new weights, both layers, logits, softmax and loss, all gradients,
clipping by norm, Adam. **oneDNN's is the LSTM primitive alone**, forward and backward: no logits, loss, clipping or
optimizer, and in evaluation no logits and loss. Its weights stay packed from step to step and its gradients are
never cleared; one row shows it with both. It takes a dense first input of 65 numbers (in bf16 padded to 96, which is
faster), where rune takes a row of weights. PyTorch's step is a whole one: nn.LSTM, nn.Linear, cross_entropy,
clip_grad_norm_, Adam, and the state carried. Its plain sampling loop is nn.LSTM, softmax and multinomial under
no_grad."""

OPERATIONS = """\
Floating-point operations are counted as 6 for each parameter and character, without the product of the first
layer's one-hot input."""


NO_RUNE = 'rune itself must run; there is nothing to compare'


def say(line):
    print(line, file=sys.stderr, flush=True)


def fail(line):
    say(f'bench: {line}')
    sys.exit(1)


# The machine.


def first_match(pattern, text, otherwise=''):
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1).strip() if match else otherwise


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ''


CPUINFO = Path('/proc/cpuinfo').read_text() if sys.platform == 'linux' else ''
CPU_FLAGS = set(first_match(r'^(?:flags|Features)\s*:(.*)', CPUINFO).split())
HAS_BF16 = not CPU_FLAGS.isdisjoint({'avx512_bf16', 'amx_bf16', 'bf16'})


def caches():
    found = []
    for index in sorted(Path('/sys/devices/system/cpu/cpu0/cache').glob('index*')):
        level, kind, size = ((index / name).read_text().strip() for name in ('level', 'type', 'size'))
        if kind != 'Instruction':
            shared = (index / 'shared_cpu_list').read_text().strip() != '0'
            kib = int(size.rstrip('K'))
            found.append(f'L{level} {f"{kib // 1024} MiB" if kib >= 1024 else f"{kib} KiB"}'
                         f'{" shared" if shared else ""}')
    return ', '.join(found)


def busy_cores(seconds=1.0):
    """How many cores other programs keep busy now."""
    def read():
        times = [int(word) for word in Path('/proc/stat').read_text().split('\n', 1)[0].split()[1:9]]
        return sum(times) - times[3] - times[4]

    before = read()
    time.sleep(seconds)
    return (read() - before) / (os.sysconf('SC_CLK_TCK') * seconds)


def machine(threads, engines):
    system = first_match(r'^PRETTY_NAME="?([^"\n]*)', Path('/etc/os-release').read_text())
    packages = output_of('dpkg-query', '-W', '-f', '${Package} ${Version}\n', 'libopenblas0-pthread',
                         'libdnnl-dev', 'python3-torch').split('\n')
    packages.append(f'cc {output_of("cc", "-dumpfullversion")}')
    model = first_match(r'^model name\s*:(.*)', CPUINFO, platform.machine())
    return (f'{model}, {threads} of {len(os.sched_getaffinity(0))} cores, {caches()}; {system}, '
            f'{", ".join(packages)}; {output_of(str(RUNE), "--version")}, kernels {engines}')


# Settings.

TUNING = ('OMP_', 'GOMP_', 'KMP_', 'OPENBLAS_', 'GOTO_', 'DNNL_', 'ONEDNN_', 'ATEN_', 'MKL_', 'MALLOC_')
for tuning in [name for name in os.environ if name.startswith(TUNING)]:
    del os.environ[tuning]


def better_core(library):
    """What OPENBLAS_CORETYPE should be where OpenBLAS does not know this CPU and chooses slow kernels,
    or None."""
    blas = ctypes.CDLL(library)
    blas.openblas_get_corename.restype = ctypes.c_char_p
    core = blas.openblas_get_corename().decode()
    if {'avx512f', 'avx512bw', 'avx512vl'} <= CPU_FLAGS:
        return None if core in ('SkylakeX', 'Cooperlake', 'SapphireRapids') else 'SKYLAKEX'
    if {'avx2', 'fma'} <= CPU_FLAGS:
        return None if core in ('Haswell', 'Zen') else 'HASWELL'
    return None


def best_for_limits():
    """Good kernels of OpenBLAS, and none of its own threads, which limits.c would have to wait for."""
    try:
        core = better_core('libopenblas.so.0')
    except OSError:
        core = None
    return {'OPENBLAS_NUM_THREADS': '1', **({'OPENBLAS_CORETYPE': core} if core else {})}


def best_for_pytorch(threads):
    """OpenBLAS with the same thread library as PyTorch, good kernels, and memory that is kept after each
    product instead of given back to the system."""
    settings = {'OMP_NUM_THREADS': str(threads), 'MALLOC_MMAP_THRESHOLD_': '4294967296',
                'MALLOC_TRIM_THRESHOLD_': '4294967296'}
    libraries = glob.glob('/usr/lib/*/openblas-openmp/libopenblas.so.0')
    if libraries:
        settings['LD_LIBRARY_PATH'] = os.path.dirname(libraries[0])
        core = better_core(libraries[0])
        if core:
            settings['OPENBLAS_CORETYPE'] = core
    if {'avx512f', 'avx512bw', 'avx512vl', 'avx512dq'} <= CPU_FLAGS:
        settings['ATEN_CPU_CAPABILITY'] = 'avx512'
    return settings


def settings_of(threads):
    return {'rune': {}, 'onednn': {'OMP_PROC_BIND': 'true'}, 'limits': best_for_limits(),
            'pytorch': best_for_pytorch(threads), 'pytorch plain': {}}


# Measuring.


def rune_bench(options):
    return [RUNE, 'bench', '--json'] + [word for name, value in options.items()
                                        for word in (f'--{name}', value)]


def weight_bytes():
    """Of the model that one stream is sampled from. rune tells, however short it measures."""
    result = run(command_of(CONTESTANTS['rune sample exact'], 1, 0.001), 60, {})
    return result[0]['weight_bytes'] if result else fail(NO_RUNE)


def command_of(one, threads, seconds):
    if one.program == 'limits':
        return [LIMITS, one.work, threads, seconds] + [weight_bytes()] * (one.work == 'read')
    if one.program == 'rune':
        return rune_bench({'work': one.work, 'num-layers': NUM_LAYERS, 'hidden-size': one.hidden_size,
                           'batch-size': one.batch_size, 'seq-length': SEQ_LENGTH,
                           'vocab-size': VOCAB_SIZE, 'threads': threads, 'precision': one.precision,
                           'seconds': seconds})
    program = [ONEDNN] if one.program == 'onednn' else ['/usr/bin/python3', PYTORCH]
    return program + [one.work, one.precision, NUM_LAYERS, one.hidden_size, one.batch_size, SEQ_LENGTH,
                      VOCAB_SIZE, threads, seconds, *one.extra]


def run(command, timeout, settings):
    """The JSON that a command prints; or None, after a message that says why."""
    command = [str(word) for word in command]
    try:
        done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True,
                              timeout=timeout)
        problem = (done.stderr.strip().split('\n')[-1] or f'ended with status {done.returncode}'
                   if done.returncode else '')
        result = None if problem else json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        problem = 'takes too long'
    except OSError as error:
        problem = error.strerror
    except ValueError:
        problem = 'prints no JSON'
    if problem:
        say(f'bench: {" ".join(command)}: {problem}')
        return None
    return result


def measure(contestants, options):
    """For each contestant a list of objects, one a round. A peer that fails is not measured again."""
    settings = settings_of(options.threads)
    results = {name: [] for name in contestants}
    for round_ in range(options.rounds):
        order = [name for name in contestants if name in results]
        for name in order if round_ % 2 == 0 else order[::-1]:
            one = contestants[name]
            command = command_of(one, one.threads or options.threads, options.seconds)
            result = run(command, 60 + 20 * options.seconds, settings[one.program])
            if isinstance(result, list):
                result = result[0]
            if result is None and one.program == 'rune':
                fail(NO_RUNE)
            if result is None or result['precision'] != one.precision != 'int8':
                say(f'bench: going on without {name}')
                del results[name]
                continue
            results[name].append(result)
            say(f'round {round_ + 1} of {options.rounds}  {name:20} '
                f'{result[one.figure]:12,.0f} {UNITS[one.figure]}')
    return results


def measure_growth(options):
    """For each variable a list of rune's objects, one for each value and line, and in each of them
    what sgemm reached in that round and rune's share of it."""
    precisions = 'fp32,bf16' if HAS_BF16 else 'fp32'
    sgemm = command_of(CONTESTANTS['sgemm'], options.threads, options.seconds)
    results = {}
    for variable in growth.VARIABLES:
        rounds = []
        for round_ in range(options.rounds):
            say(f'round {round_ + 1} of {options.rounds}  {variable.name}, {variable.what}')
            limit = run(sgemm, 60, best_for_limits()) or fail('growth is a share of sgemm, which must run')
            rows = run(rune_bench({**growth.options_of(variable, precisions),
                                   'threads': options.threads, 'seconds': options.seconds}),
                       300 + 300 * options.seconds, {}) or fail(NO_RUNE)
            rounds.append([{**row, 'sgemm_gflops': limit['gflops'],
                            'peak_share': row['gflops'] / limit['gflops']} for row in rows])
        results[variable.name] = growth.medians(rounds)
    return results


# Tables.


def table(head, align, rows):
    lines = ['| ' + ' | '.join(cells) + ' |' for cells in [head, *rows]]
    return '\n'.join([lines[0], '|' + '|'.join(align) + '|', *lines[1:]])


def median_and_range(values, format_value):
    if not values:
        return '—', '—'
    low, median, high = map(format_value, (min(values), statistics.median(values), max(values)))
    return median, f'{low}–{high}'


def ratios_of(row, results):
    figure = CONTESTANTS[row.theirs].figure
    return [ours[figure] / theirs[figure]
            for ours, theirs in zip(results.get(row.ours, []), results.get(row.theirs, []))]


def ratio_table(results, threads):
    read = results['rune sample'][0]['precision']
    rows = []
    for row in ROWS:
        if row.theirs == 'rune 1 thread' and threads == 1:
            continue
        what = row.what.format(f', {read}' if row.ours == 'rune sample' else threads)
        rows.append([what, row.against, *median_and_range(ratios_of(row, results), '{:.2f}'.format),
                     f'{row.at_least:g}' if row.at_least else ''])
    return table(['work', 'against', 'ratio', 'spread', 'goal'],
                 ['---', '---', '--:', '--:', '--:'], rows)


def speed_table(contestants, results):
    rows = []
    programs = [item for item in contestants.items() if item[1].program != 'limits']
    for name, one in sorted(programs, key=lambda item: table_order(item[1])):
        speeds = [result['chars_per_second'] for result in results.get(name, [])]
        streams = f', {one.batch_size} stream{"s" * (one.batch_size > 1)}' * (one.work != 'train')
        precision = results[name][0]['precision'] if name in results else one.precision
        threads = ', 1 thread' * (one.threads == 1)
        rows.append([f'{one.work} {NUM_LAYERS}×{one.hidden_size} {precision}{streams}{threads}',
                     one.title, *median_and_range(speeds, '{:,.0f}'.format)])
    return table(['work', 'program', 'chars/s', 'spread'], ['---', '---', '--:', '--:'], rows)


def table_order(one):
    works = ('train', 'eval', 'sample')
    return (works.index(one.work), -one.hidden_size, one.precision == 'bf16', -one.batch_size,
            one.program != 'rune')


def limits_of(results):
    """A list of one line that says what the machine can do at most; empty where it was not measured."""
    def median(name):
        return statistics.median(result[CONTESTANTS[name].figure] for result in results[name])

    parts = []
    if 'sgemm' in results:
        parts.append(f'sgemm of OpenBLAS (kernels {results["sgemm"][0]["core"]}) reached '
                    f'{median("sgemm"):,.0f} GFLOP/s')
    if 'read' in results:
        parts.append(f'the {results["read"][0]["bytes"] / 1e6:,.1f} MB of all weights were read at '
                    f'{median("read"):,.0f} GB/s')
    return [f'{"; ".join(parts)}.'] if parts else []


def report(contestants, results, options):
    print(ratio_table(results, options.threads), end='\n\n')
    print(speed_table(contestants, results), end='\n\n')
    print(NOTES, OPERATIONS, *limits_of(results), sep='\n', end='\n\n')
    print(measured_on(results['rune'][0]['engine'], options))
    if len(results) < len(CONTESTANTS) - (options.threads == 1):
        print('—: could not be measured here.')


def report_growth(results, options):
    engines = {row['engine']: None for rows in results.values() for row in rows}
    print(table(*growth.table_cells(results)), end='\n\n')
    print(growth.notes(results), OPERATIONS, sep='\n', end='\n\n')
    print(measured_on(', '.join(engines), options))


def measured_on(engines, options):
    rounds = f'{options.rounds} round{"s" * (options.rounds > 1)}'
    return (f'Measured on {machine(options.threads, engines)}. {rounds}, {options.seconds:g} s for each '
            'measurement.')


# The command.


def positive(kind):
    def read(text):
        value = kind(text)
        if not 0 < value < math.inf:
            raise ValueError
        return value
    read.__name__ = f'positive {"whole number" if kind is int else "number"}'
    return read


class Parser(argparse.ArgumentParser):
    def error(self, message):
        say(f'bench: {message} (see scripts/bench --help)')
        sys.exit(2)


def parse(args):
    cores = len(os.sched_getaffinity(0))
    parser = Parser(prog='scripts/bench', allow_abbrev=False,
                    description='Compares rune with oneDNN, PyTorch and the limits of this machine, '
                    'and prints Markdown tables. Installs what is missing (Debian and Ubuntu) and builds '
                    'first.')
    parser.add_argument('--growth', nargs='?', const='', metavar='FILE.png',
                        help='instead, measure rune alone over sizes of the model and the batch: a '
                        'table, and a picture if FILE.png is given')
    parser.add_argument('--rounds', type=positive(int), metavar='N',
                        help='rounds in which everything is measured once (5; with --growth 1)')
    parser.add_argument('--seconds', type=positive(float), metavar='S',
                        help='length of a measurement (3; with --growth 1)')
    parser.add_argument('--threads', type=positive(int), default=cores, metavar='N',
                        help='threads of each (%(default)s: the cores that may be used)')
    parser.add_argument('--json', metavar='FILE', help='also write all numbers to FILE')
    options = parser.parse_args(args)
    options.rounds = options.rounds or (5 if options.growth is None else 1)
    options.seconds = options.seconds or (3 if options.growth is None else 1)
    if options.growth and not options.growth.endswith('.png'):
        parser.error(f'argument --growth: the name of the picture must end in .png, not {options.growth}')
    if options.threads > cores:
        parser.error(f'argument --threads: only {cores} cores may be used')
    for name in ('growth', 'json'):
        path = getattr(options, name)
        if path and not os.access(os.path.dirname(path) or '.', os.W_OK):
            parser.error(f'argument --{name}: cannot write to {path}')
    return options


def build():
    """Builds rune and the peers in C. What these commands print is progress."""
    def do(*command):
        if subprocess.run(command, stdout=sys.stderr, cwd=ROOT).returncode:
            fail(f'this failed: {" ".join(map(str, command))}')

    do('scripts/setup', '--bench')
    if (BUILD / 'build.ninja').exists():
        do('meson', 'configure', BUILD, '--buildtype=release')
    else:
        do('meson', 'setup', BUILD, '--buildtype=release')
    do('ninja', '-C', BUILD)
    build_peer(ONEDNN, '-O2', '-ldnnl')
    build_peer(LIMITS, '-O3', *output_of('pkg-config', '--cflags', '--libs', 'openblas').split())


def build_peer(program, *flags):
    program.unlink(missing_ok=True)
    source = ROOT / 'scripts' / 'peers' / f'{program.name}.c'
    if subprocess.run(['cc', '-std=c11', '-D_POSIX_C_SOURCE=200809L', '-fopenmp', source, '-o', program,
                       *flags, '-lm'], stdout=sys.stderr).returncode:
        say(f'bench: {program.name}.c cannot be built here')


@contextlib.contextmanager
def or_fail(path):
    """Fails with a message where what is done within cannot write to the path."""
    try:
        yield
    except OSError as error:
        fail(f'{path}: {error.strerror}')


def compare(options):
    contestants = {name: one for name, one in CONTESTANTS.items()
                   if (HAS_BF16 or one.precision != 'bf16') and
                   (options.threads > 1 or one.threads is None)}
    results = measure(contestants, options)
    report(contestants, results, options)
    return results


def grow(options):
    results = measure_growth(options)
    report_growth(results, options)
    if options.growth:
        with or_fail(options.growth):
            growth.draw(options.growth, results, options.threads)
    return results


def main(args):
    if sys.platform != 'linux':
        fail('this runs on Linux only')
    options = parse(args)
    BUILD.mkdir(exist_ok=True)
    lock = os.open(BUILD, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        fail('another scripts/bench is running in the same build directory')
    build()
    busy = busy_cores()
    busy = busy if busy > 0.1 else 0
    if busy:
        say(f'bench: other programs keep {busy:.1f} cores busy, which disturbs the measurements')
    results = compare(options) if options.growth is None else grow(options)
    if busy:
        print(f'**Disturbed**: other programs kept {busy:.1f} cores busy at the start.')
    if options.json:
        with or_fail(options.json):
            Path(options.json).write_text(json.dumps(results, indent=1) + '\n')


if __name__ == '__main__':
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
