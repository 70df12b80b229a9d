"""Damages a safetensors file: edit_model.py IN OUT DAMAGE

Where it is not `bit` that was flipped, the checksums are taken out: what is behind it is to be
found otherwise. `weights`, `biases`: all are finite, and products of them not, or beyond what floats tell apart.

These leave it whole. sure: the model takes the first symbol of its vocabulary for certain. coarse: the
weights of each symbol have one, the same for all, beside which the others vanish in 8 bits. older: from before runs noted their
precision. oldest: and before models told of their text.
untreated: from before models noted what becomes of line ends and byte order marks.
unopened: from before models noted how their texts begin."""
import json
import struct
import sys

source, target, damage = sys.argv[1:]
with open(source, 'rb') as file:
    data = file.read()
length, = struct.unpack('<Q', data[:8])
header, body = json.loads(data[8:8 + length]), bytearray(data[8 + length:])
weight = header['linear.weight']


def fill(name, number):
    first, last = header[name]['data_offsets']
    body[first:last] = struct.pack('<f', number) * ((last - first) // 4)


if damage == 'version':
    header['__metadata__']['format_version'] = '999'
elif damage == 'cell':
    header['__metadata__']['cell'] = 'lstx'
elif damage == 'shape':
    weight['shape'] = weight['shape'][::-1]
elif damage == 'nan':
    struct.pack_into('<f', body, weight['data_offsets'][0], float('nan'))
elif damage == 'bit':
    body[weight['data_offsets'][0]] ^= 1
elif damage == 'weights':
    fill('rnn.bias_ih_l0', 100)  # all gates are open
    fill('linear.weight', 3e38)
elif damage == 'biases':
    fill('linear.bias', 3e38)
elif damage == 'behind':
    body += bytes(100)
elif damage == 'step':
    struct.pack_into('<Q', body, header['step']['data_offsets'][0], 1 << 62)
elif damage == 'endless':
    header['__metadata__']['val_loss'] = 'inf'
elif damage == 'counter':
    header['__metadata__']['train.characters'] = '1' + '0' * 19
elif damage == 'claim':
    header['__metadata__'].update(num_layers='1000', hidden_size='500')
elif damage == 'sure':
    struct.pack_into('<f', body, header['linear.bias']['data_offsets'][0], 1e4)
elif damage == 'coarse':
    rows, columns = weight['shape']
    for row in range(rows):
        struct.pack_into('<f', body, weight['data_offsets'][0] + 4 * row * columns, 100.0)
elif damage == 'older':
    del header['__metadata__']['plan.precision']
elif damage == 'unopened':
    del header['__metadata__']['text_break'], header['__metadata__']['starts_seen']
elif damage == 'untreated':
    del header['__metadata__']['newlines'], header['__metadata__']['strip_bom']
elif damage == 'oldest':
    for key in [key for key in header['__metadata__']
                if key.startswith(('text.', 'plan.')) or key in ('unigram_loss', 'rune_version')]:
        del header['__metadata__'][key]
elif damage == 'offsets':
    weight['data_offsets'][1] += 1 << 40
elif damage == 'missing':
    header['linear.other'] = header.pop('linear.weight')

if damage != 'bit':
    del header['__metadata__']['data_crc32'], header['__metadata__']['header_crc32']
text = json.dumps(header).encode()
text += b' ' * (-len(text) % 8)
with open(target, 'wb') as file:
    file.write(struct.pack('<Q', 1 << 62 if damage == 'header' else len(text)) + text + body)
