"""The fuzzers of every reader of files, built by clang with address and undefined-behaviour
sanitizers and run by libFuzzer, each for its share of the time. Their inputs are kept in build-
fuzz/corpus/NAME, beside what they began with: small models, tables, texts.

An attack is an input. What fails is kept as libFuzzer found it; run the fuzzer on that file
again.
"""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import place
from commands import model

SECONDS = 600      # of each fuzzer in a full pass
A_FEW_SECONDS = 5  # with --count
ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / 'build-fuzz'
FUZZERS = {  # and their longest input, in bytes
    'tests/model/fuzz_model': 16384, 'tests/text/fuzz_vocab': 4096,
    'tests/soak/fuzz_labels': 4096, 'tests/soak/fuzz_log': 4096, 'tests/soak/fuzz_pattern': 1024,
    'tests/soak/fuzz_encode': 4096, 'tests/soak/fuzz_resume': 32768,
}


def attacks(soak, full):
    build(soak)
    minutes = soak.arguments.minutes
    kinds = len(soak.arguments.only or [])
    seconds = (60 * minutes / (kinds or 7) * soak.arguments.jobs / len(FUZZERS) if minutes else
               SECONDS if full else A_FEW_SECONDS)
    for name in FUZZERS:
        yield os.path.basename(name), lambda where, n=name: attack(where, n, max(1, round(seconds)))


def build(soak):
    from soak import Skip  # which imports this module
    if not shutil.which('clang'):
        raise Skip('clang is not there')
    if not (BUILD / 'build.ninja').exists():
        subprocess.run(['meson', 'setup', BUILD, '--buildtype=release', '-Dfuzz=true',
                        '-Db_sanitize=address,undefined', '-Db_lundef=false'], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL, env={**soak.environment, 'CC': 'clang'})
    subprocess.run(['ninja', '-C', BUILD, *FUZZERS], check=True, stdout=subprocess.DEVNULL)


def seeds(soak, name):
    """What a corpus begins with."""
    plan = model(soak)
    made = place.Place(soak, soak.folder / f'seeds-{name}', 0)
    text = (plan.place.path / 'short.txt').read_bytes()
    table = b'a,"b ""c"""\n' + b'0,1.5\n' * 7
    return {'fuzz_model': [(plan.whole / 'best.safetensors').read_bytes()],
            'fuzz_vocab': [b'\0\1' + text[:200], '\4\3e\u0301\U0001F469\u200D\U0001F680'.encode()],
            'fuzz_labels': [b'\7' + table],
            'fuzz_log': [b'\2' + (plan.whole / 'log.csv').read_bytes()],
            'fuzz_pattern': [b'\0[aeiou]+\0' + text[:100], b'\1(?i)\\bthe\\b|(x)\\1\0' + text[:100]],
            'fuzz_encode': [b'\0' + text[:100] + b'\xff' + text[100:200]],
            'fuzz_resume': [run_of_stdin(soak, made)] if name == 'fuzz_resume' else []}[name]


def run_of_stdin(soak, made):
    shutil.copy(model(soak).place.path / 'text.txt', made.path)
    result = made.run('train', '-', '-o', 'run', *model(soak).options, '--quiet', stdin='text.txt')
    if result.status != 0:
        raise RuntimeError(f'an undisturbed run fails: {result}')
    return (made.path / 'run' / 'last.safetensors').read_bytes()


def attack(where, path, seconds):
    soak, name = where.soak, os.path.basename(path)
    corpus = BUILD / 'corpus' / name
    corpus.mkdir(parents=True, exist_ok=True)
    for k, seed in enumerate(seeds(soak, name)):
        (corpus / f'seed-{k}').write_bytes(seed)
    command = [str(BUILD / path), f'-max_total_time={seconds}', f'-max_len={FUZZERS[path]}',
               '-timeout=60', '-rss_limit_mb=3000', '-malloc_limit_mb=2000', '-print_final_stats=1',
               f'-seed={soak.seed}', f'-artifact_prefix={where.path}/', str(corpus)]
    where.lines.append(' '.join(command))
    memory = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix='soak.', dir=memory) as temporary:
        ended = subprocess.run(command, capture_output=True, check=False, cwd=where.path, env={
            **soak.environment, 'FUZZ_TEXT': str(model(soak).place.path / 'text.txt'),
            'TMPDIR': temporary, 'ASAN_OPTIONS': 'allocator_may_return_null=1:detect_leaks=1',
            'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1'})
    log = ended.stderr.decode(errors='backslashreplace')
    (where.path / 'log.txt').write_text(log)
    shutil.copy(model(soak).place.path / 'text.txt', where.path)
    done = re.search(r'number_of_executed_units: (\d+)', log)
    where.attacks = int(done[1]) if done else 1
    if ended.returncode == 0:
        return []
    summary = re.findall(r'^SUMMARY.*|^.*(?:ERROR|runtime error):.*', log, re.M)
    return [f'{name}: ' + ('; '.join(summary[:3]) or log[-500:])]
