"""Damages a safetensors file: edit_model.py IN OUT version|shape|nan|sure|coarse|older|offsets|missing|header

These leave it whole. sure: the model takes the first symbol of its vocabulary for certain. coarse: the
weights of each symbol have one, the same for all, beside which the others vanish in 8 bits. older: from before runs noted their
precision."""
import json
import struct
import sys

source, target, damage = sys.argv[1:]
with open(source, 'rb') as file:
    data = file.read()
length, = struct.unpack('<Q', data[:8])
header, body = json.loads(data[8:8 + length]), bytearray(data[8 + length:])
weight = header['linear.weight']

if damage == 'version':
    header['__metadata__']['format_version'] = '999'
elif damage == 'shape':
    weight['shape'] = weight['shape'][::-1]
elif damage == 'nan':
    struct.pack_into('<f', body, weight['data_offsets'][0], float('nan'))
elif damage == 'sure':
    struct.pack_into('<f', body, header['linear.bias']['data_offsets'][0], 1e4)
elif damage == 'coarse':
    rows, columns = weight['shape']
    for row in range(rows):
        struct.pack_into('<f', body, weight['data_offsets'][0] + 4 * row * columns, 100.0)
elif damage == 'older':
    del header['__metadata__']['plan.precision']
elif damage == 'offsets':
    weight['data_offsets'][1] += 1 << 40
elif damage == 'missing':
    del header['linear.weight']

text = json.dumps(header).encode()
text += b' ' * (-len(text) % 8)
with open(target, 'wb') as file:
    file.write(struct.pack('<Q', 1 << 62 if damage == 'header' else len(text)) + text + body)
