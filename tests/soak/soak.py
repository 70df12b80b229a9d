"""Attacks rune and checks what it promises.

    scripts/soak [--minutes N | --count N] [--only KIND] [--seed S] [--rune PATH]

Kinds, each a module beside this one, whose docstring says what must hold:
    kills         runs are killed or stopped, at any moment and within each save
    resume        runs are stopped after given steps, over all options, until they are done
    syscalls      each system call of each command fails once (strace)
    allocations   each allocation of each command fails once, alone and with all after it
    bits          single bits of a model file are turned over
    options       random options, inside and outside their ranges, for all commands
    fuzzers       libFuzzer on every reader of files, under sanitizers (clang)

Without --minutes or --count each kind makes what it holds for a full pass: hours in all. --minutes
shares the time among the kinds, --count makes so many attacks of each. All is random by --seed, and
attack I of a kind is the same whatever came before it: --first I --count 1 makes it again. What
failed is kept under --failures, a folder each, with the commands, what went wrong, and the files.

One line a kind on stdout, and at the end `N attacks, M failures`; status 1 where M is not 0. With
--tap, as the tests of the suite have it, a line for each group of attacks instead.
"""
import argparse
import concurrent.futures
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

import place

HERE = Path(__file__).resolve().parent
KINDS = ['kills', 'resume', 'syscalls', 'allocations', 'bits', 'options', 'fuzzers']


class Skip(Exception):
    """A kind that cannot be had here, and why."""


class Soak:
    """What all kinds share: the program, the seed, folders, and things that are made once."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.rune, self.seed = str(Path(arguments.rune).resolve()), arguments.seed
        self.failures = Path(arguments.failures).resolve()
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith(('SOAK_', 'LC_', 'LANG', 'LD_PRELOAD'))}
        self.environment['LC_ALL'] = 'C.UTF-8'
        self.made, self.lock = {}, threading.RLock()

    def once(self, key, make):
        """What `make` gives, which is called once for each key."""
        with self.lock:
            lock = self.made.setdefault(('lock', key), threading.Lock())
        with lock:
            if key not in self.made:
                self.made[key] = make()
            return self.made[key]

    def place(self, *name):
        """A folder whose random numbers depend on the seed and its name alone."""
        name = '-'.join(map(str, name))
        return place.Place(self, self.folder / name, f'{self.seed}-{name}')

    def preload(self):
        """preload.c as a library; Skip where it cannot be had."""
        def make():
            library = self.folder / 'preload.so'
            command = ['cc', '-shared', '-fPIC', '-O2', '-D_GNU_SOURCE', '-o', str(library),
                       str(HERE / 'preload.c'), '-ldl']
            try:
                subprocess.run(command, check=True, capture_output=True)
                subprocess.run([self.rune, '--version'], check=True, capture_output=True,
                               env={**self.environment, 'LD_PRELOAD': str(library)})
            except (OSError, subprocess.CalledProcessError):
                return None
            return str(library)
        library = self.once('preload', make)
        if not library:
            raise Skip('functions of this program cannot be replaced by LD_PRELOAD')
        return library

    def need_strace(self):
        def try_it():
            try:
                return subprocess.run(
                    ['strace', '-f', '-e', 'inject=getppid:error=EPERM', '-o', os.devnull, 'true'],
                    capture_output=True, check=False).returncode == 0
            except OSError:
                return False
        if not self.once('strace', try_it):
            raise Skip('strace is not there or may not trace')


class Kind:
    """The attacks of a kind, as they are made."""

    def __init__(self, soak, name):
        self.soak, self.name = soak, name
        self.module = importlib.import_module(name)
        self.attacks = self.failures = 0
        self.groups = {}  # name -> [attacks, failures]
        self.notes = []

    def attack(self, index, group, function):
        soak = self.soak
        where = soak.place(self.name, index)
        try:
            problems = function(where)
        except Exception:  # a fault of the attack is not to be overlooked
            problems = [traceback.format_exc()]
        with soak.lock:
            self.attacks += where.attacks
            counts = self.groups.setdefault(group, [0, 0])
            counts[0] += where.attacks
            if problems:
                self.failures += 1
                counts[1] += 1
                self.keep(where, index, group, problems)
        shutil.rmtree(where.path, ignore_errors=True)

    def keep(self, where, index, group, problems):
        folder = self.soak.failures / f'{self.name}-{index}'
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(where.path, folder / 'files', symlinks=True)
        again = (f'scripts/soak --only {self.name} --seed {self.soak.seed} --first {index} '
                 '--count 1')
        (folder / 'report.txt').write_text(
            f'{group}\n\n' + '\n'.join(problems) + f'\n\nAgain: {again}\nin {where.path}:\n'
            + '\n'.join(where.lines) + '\n', errors='backslashreplace')
        for problem in problems:
            self.say(f'{self.name} {index}, {group}: {problem}'.rstrip())

    def say(self, text):
        text = text.encode(errors='backslashreplace').decode()
        print('\n'.join('# ' + line for line in text.splitlines()), flush=True)

    def run(self, until):
        first, count = self.soak.arguments.first, self.soak.arguments.count
        attacks = self.module.attacks(self.soak, full=count is None and until is None)
        with concurrent.futures.ThreadPoolExecutor(self.soak.arguments.jobs) as pool:
            under_way = set()
            for index, (group, function) in enumerate(attacks):
                if index < first:
                    continue
                if (until and time.monotonic() > until) or (count and index >= first + count):
                    break
                under_way.add(pool.submit(self.attack, index, group, function))
                if len(under_way) >= 2 * self.soak.arguments.jobs:
                    done, under_way = concurrent.futures.wait(
                        under_way, return_when=concurrent.futures.FIRST_COMPLETED)
                    for future in done:
                        future.result()
            for future in under_way:
                future.result()

    def report(self, seconds):
        print(f'{self.name:<12}{self.attacks:>7,} attacks, {self.failures:,} failures, '
              f'{seconds:,.0f} s', flush=True)
        for group, (attacks, failures) in sorted(self.groups.items()):
            print(f'{attacks:>19,} {group}' + (f', {failures:,} failures' if failures else ''))


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, add_help=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('-h', '--help', action='help')
    parser.add_argument('--minutes', type=float)
    parser.add_argument('--count', type=int)
    parser.add_argument('--first', type=int, default=0)
    parser.add_argument('--only', choices=KINDS, action='append')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--rune', default='build/src/rune')
    parser.add_argument('--failures', default='build/soak')
    parser.add_argument('--jobs', type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument('--tap', action='store_true')
    return parser.parse_args(arguments)


def print_tap(kinds):
    groups = [(f'{kind.name}: {group}', failures) for kind in kinds
              for group, (_, failures) in sorted(kind.groups.items())]
    print(f'1..{len(groups)}')
    for number, (name, failures) in enumerate(groups, 1):
        print(f'{"not ok" if failures else "ok"} {number} - {name}')


def main(arguments):
    options = parse(arguments)
    names = options.only or KINDS
    kinds = []
    # Of a long name: paths of runs are in their models, and have no room to differ in length.
    with tempfile.TemporaryDirectory(prefix='soak.') as folder:
        soak = Soak(options, Path(folder))
        for name in names:
            kind = Kind(soak, name)
            begun = time.monotonic()
            until = begun + 60 * options.minutes / len(names) if options.minutes else None
            try:
                kind.run(until)
            except Skip as reason:
                if options.tap:
                    print(f'1..0 # SKIP {reason}')
                    return 0
                print(f'{name:<12}skipped: {reason}')
                continue
            kinds.append(kind)
            if not options.tap:
                kind.report(time.monotonic() - begun)
    failures = sum(kind.failures for kind in kinds)
    if options.tap:
        print_tap(kinds)
    else:
        print(f'{sum(kind.attacks for kind in kinds):,} attacks, {failures:,} failures')
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
