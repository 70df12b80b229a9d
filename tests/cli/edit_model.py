"""Damages a safetensors file: edit_model.py IN OUT version|shape|nan|sure|offsets|missing|header

sure: a model that takes the first symbol of its vocabulary for certain, and is whole."""
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
elif damage == 'offsets':
    weight['data_offsets'][1] += 1 << 40
elif damage == 'missing':
    del header['linear.weight']

text = json.dumps(header).encode()
text += b' ' * (-len(text) % 8)
with open(target, 'wb') as file:
    file.write(struct.pack('<Q', 1 << 62 if damage == 'header' else len(text)) + text + body)
