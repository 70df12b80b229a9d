"""The commands of rune on a tiny model, each with what it must give when nothing fails: what
kinds share that make one thing fail in each.
"""
import filecmp
import itertools
import shutil
import signal

import place

ALL_FORMATS = 'page,npy,csv,png,svg,pdf'
DRAWN = ('.png', '.svg', '.pdf')  # may differ where a font could not be read


class Command:
    def __init__(self, soak, name, arguments, stdin=None, statuses=(0, 1)):
        self.soak, self.name, self.arguments, self.stdin = soak, name, arguments, stdin
        self.statuses = statuses
        self.whole = soak.once(('undisturbed', name), self.undisturbed)

    def prepare(self, where):
        """Puts into a folder what the command needs."""
        base = model(self.soak)
        put(base, where, 'text.txt', 'short.txt', 'middle.txt')
        run = where.path / 'run'
        if self.name in ('train --force', 'train --resume'):
            shutil.copytree(stopped_run(self.soak) if self.name == 'train --resume' else base.whole,
                            run)
        place.put_own_files(run)

    def undisturbed(self):
        where = self.soak.place('undisturbed', self.name.replace(' ', '_').replace('/', '_'))
        self.prepare(where)
        where.result = where.run(*self.arguments, stdin=self.stdin)
        if where.result.status != 0:
            raise RuntimeError(f'an undisturbed command fails: {where.result}')
        return where

    def attack(self, where, **how):
        """Runs the command disturbed and says what does not hold."""
        self.prepare(where)
        result = where.run(*self.arguments, stdin=self.stdin, **how)
        problems = place.check_ending(result, self.statuses)
        if self.arguments[0] == 'train':
            problems += self.check_run(where)
        elif result.status == 0:
            problems += self.check_results(where, result)
        elif self.name.startswith('inspect'):
            problems += self.check_no_halves(where)
        if any((where.path / 'tmp').iterdir()) and result.status in (0, 1):
            problems.append('a temporary file is left in TMPDIR')
        return problems

    def check_run(self, where):
        """Whatever happened, the run goes on, or begins anew, and ends as if nothing had."""
        run, whole = where.path / 'run', self.whole.path / 'run'
        problems = place.check_models(run) + place.check_own_files(run)
        old = model(self.soak).whole if self.name == 'train --force' else None
        if old and not (run / 'last.safetensors').exists():
            return [*problems, 'neither the old run nor the new one can be gone on with']
        if old and filecmp.cmp(run / 'last.safetensors', old / 'last.safetensors', shallow=False):
            problems += [f'the old run stands, but its {name} is not as it was'
                         for name in place.MODELS if not (run / name).exists()
                         or not filecmp.cmp(run / name, old / name, shallow=False)]
            result = where.run(*self.arguments)
        elif (run / 'last.safetensors').exists():
            result = where.run('train', '--resume', 'run', '--quiet')
        else:
            result = where.run(*self.arguments, stdin=self.stdin)
        problems += place.check_ending(result, statuses=(0,))
        return problems + place.check_same_run(run, whole) + place.check_own_files(run)

    def check_results(self, where, result):
        """Status 0 is the whole of the result: the same on stdout and in files."""
        problems = []
        if result.out != self.whole.result.out:
            problems.append('status 0, but stdout differs from the undisturbed command')
        for path in sorted((self.whole.path / 'out').glob('*')):
            got = where.path / 'out' / path.name
            if not got.exists() or got.stat().st_size == 0:
                problems.append(f'status 0, but {path.name} is missing')
            elif path.suffix not in DRAWN and not filecmp.cmp(path, got, shallow=False):
                problems.append(f'status 0, but {path.name} differs from the undisturbed command')
        return problems

    def check_no_halves(self, where):
        """A file that is there after a failure is whole."""
        out = where.path / 'out'
        known = {path.name for path in (self.whole.path / 'out').glob('*')}
        problems = []
        for path in sorted(out.glob('*')) if out.exists() else []:
            whole = self.whole.path / 'out' / path.name
            if path.name not in known:
                problems.append(f'left over: {path.name}')
            elif path.suffix not in DRAWN and not filecmp.cmp(path, whole, shallow=False):
                problems.append(f'{path.name} is neither whole nor absent')
        return problems


def put(base, where, *names):
    for name in names:
        shutil.copy(base.place.path / name, where.path / name)
    shutil.copytree(base.whole, where.path / 'model')


def model(soak):
    """A finished run of the smallest kind."""
    def make():
        plan = place.tiny_plan(soak.place('commands-model'))
        plan.place.text('short.txt', 300)
        plan.place.text('middle.txt', 1500)
        return plan
    return soak.once('model', make)


OPTIONS = ['--hidden-size=5', '--num-layers=1', '--batch-size=3', '--seq-length=8', '--threads=2',
           '--max-steps=6', '--validate-every=3', '--patience=0', '--warmup=2', '--dropout=0.2',
           '--seed=3', '--quiet']


def stopped_run(soak):
    """A run that was stopped on its way, of the text and options of `train`."""
    def make():
        where = soak.place('commands-stopped')
        # The text is named by its path, which must hold in every folder.
        text = model(soak).place.path / 'text.txt'
        env = {'LD_PRELOAD': soak.preload(), 'SOAK_STOP_AT': '20'}
        result = where.run('train', text, '-o', 'run', *OPTIONS, env=env)
        if result.status != -signal.SIGINT or 'step,' not in (where.path / 'run' / 'log.csv').read_text():
            raise RuntimeError(f'a stopped run fails: {result}')
        return where.path / 'run'
    return soak.once('stopped', make)


def commands(soak):
    """All commands. Pictures are of one unit and few characters, for their cost is in fonts."""
    text = str(model(soak).place.path / 'text.txt')
    train = ['train', text, '-o', 'run', *OPTIONS]
    few = ['--units', '0:1', '--passage', '0:40', '--ablate', 'none', '--threads', '2']
    eval_ = ['eval', 'model', '--threads', '2']
    return [
        Command(soak, 'train', train),
        Command(soak, 'train -', ['train', '-', *train[2:]], stdin='text.txt'),
        Command(soak, 'train --force', [*train, '--force']),
        Command(soak, 'train --resume', ['train', '--resume', 'run', '--quiet', '--threads', '2']),
        Command(soak, 'sample', ['sample', 'model', '-n', '60', '--seed', '1', '--threads', '2']),
        Command(soak, 'eval', [*eval_, 'short.txt']),
        Command(soak, 'eval -', [*eval_, '-'], stdin='short.txt'),
        Command(soak, 'eval of the run', eval_),
        Command(soak, 'info', ['info', 'model']),
        Command(soak, 'info --json', ['info', 'model', '--json']),
        Command(soak, 'inspect', ['inspect', 'model', 'short.txt', '--threads', '2']),
        Command(soak, 'inspect of the run', ['inspect', 'model', '--threads', '2']),
        Command(soak, 'inspect -o',
                ['inspect', 'model', 'middle.txt', '-o', 'out', '--threads', '2',
                 '-f', 'page,npy,csv']),
        Command(soak, 'inspect -o, labels',
                ['inspect', 'model', 'short.txt', '-o', 'out', *few, '-f', 'csv',
                 '--label', 'wide=[mw]']),
        *(Command(soak, f'inspect -f {form}',
                  ['inspect', 'model', 'short.txt', '-o', 'out', *few, '-f', form])
          for form in ('png', 'svg', 'pdf')),
    ]


def in_turn(soak, kind, attacks_of):
    """The attacks of all commands, one of each in turn, each command's in an order of chance."""
    lists = []
    for command in commands(soak):
        attacks = [(command, *attack) for attack in attacks_of(soak, command)]
        soak.place(kind, 'order', len(lists)).random.shuffle(attacks)
        lists.append(attacks)
    return [attack for turn in itertools.zip_longest(*lists) for attack in turn if attack]
