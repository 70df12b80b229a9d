"""Single bits of best.safetensors are turned over, in its header and in its arrays; in a part of
the attacks its checksum is made to fit again, or taken out, as in a file of an older program.

After each: every command that reads it gives status 0 with finite numbers or 1 with one line of
error; a turned bit of the arrays beside the checksum is always an error.
"""
import itertools
import json
import re
import struct
import zlib

import place
from commands import model, put

FULL = 2000
READERS = [['eval', 'model', 'short.txt', '--json'], ['sample', 'model', '-n', '20', '--seed', '1'],
           ['inspect', 'model', 'short.txt', '-o', 'out', '-f', 'csv', '--ablate', 'none'],
           ['info', 'model', '--json']]
WHERE = ['in its arrays', 'in its arrays, with a checksum that fits',
         'in its arrays, without a checksum', 'in its header']


def attacks(soak, full):
    for index in range(FULL) if full else itertools.count():
        kind = WHERE[index % len(WHERE)]
        yield f'a bit {kind}', lambda where, k=kind: attack(where, k)


def attack(where, kind):
    put(model(where.soak), where, 'short.txt')
    path = where.path / 'model' / 'best.safetensors'
    metadata, header, arrays = place.read_model(path)
    data = bytearray(path.read_bytes())
    start = len(data) - len(arrays)
    if kind == 'in its header':
        at, bit = where.random.randrange(start), where.random.randrange(8)
    else:
        # Half of them are in the exponent, where they do most.
        at = start + where.random.randrange(len(arrays) // 4) * 4
        at, bit = where.random.choice([(at + where.random.randrange(4), where.random.randrange(8)),
                                       (at + 3, where.random.randrange(3, 7))])
    data[at] ^= 1 << bit
    checked = 'data_crc32' in metadata and ',' not in kind
    if 'data_crc32' in metadata and ',' in kind:
        data = with_checksum(metadata, header, bytes(data[start:]), 'that fits' in kind)
    path.write_bytes(data)
    problems = []
    for reader in READERS:
        result = where.run(*reader)
        problems += place.check_ending(result, statuses=(0, 1))
        if result.status == 0:
            problems += check_numbers(where, reader[0], result)
        if result.status == 0 and checked and (reader[0] != 'info' or 'header' in kind):
            problems.append(f'{reader[0]} takes the damaged model')
    return [f'byte {at}, bit {bit}: {problem}' for problem in problems]


def with_checksum(metadata, header, arrays, fits):
    metadata = dict(metadata)
    crc = zlib.crc32(arrays)
    if fits:
        metadata['data_crc32'] = f'{crc:08x}'
        del metadata['header_crc32']
        text = json.dumps({'__metadata__': metadata, **header}, sort_keys=True, ensure_ascii=False,
                          separators=(',', ':'))
        metadata['header_crc32'] = f'{zlib.crc32(text.encode()):08x}'
    else:
        del metadata['data_crc32'], metadata['header_crc32']
    text = json.dumps({'__metadata__': metadata, **header}, ensure_ascii=False).encode()
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + arrays


def check_numbers(where, command, result):
    texts = {'stdout': result.out if command != 'sample' else b''}
    for path in (where.path / 'out').glob('*.csv'):
        texts[path.name] = path.read_bytes()
    return [f'{command}: {name} has a number that is not finite' for name, text in texts.items()
            if re.search(rb'(?<![a-z])(nan|inf)(?![a-z])', text, re.I)]
