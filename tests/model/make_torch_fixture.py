#!/usr/bin/python3
"""Writes torch_fixture.h: a small model, a text, and what PyTorch makes of them.

    /usr/bin/python3 tests/model/make_torch_fixture.py > tests/model/torch_fixture.h

The model is a safetensors file, written here without our code: its header, and its weights as
multiples of 1/64. Logits and the gradients of the mean cross-entropy come from torch.nn.LSTM and
torch.nn.Linear in double precision.
"""
import json

import torch

L, H, V, B, T = 2, 4, 5, 2, 6
torch.manual_seed(1)
torch.set_default_dtype(torch.float64)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(V, H, L)
        self.linear = torch.nn.Linear(H, V)


def numbers(values, form, width):
    """Values as lines of a C array."""
    texts, lines = [form % value for value in values], ['']
    for text in texts:
        if len(lines[-1]) + len(text) + 2 > width:
            lines.append('')
        lines[-1] += ('' if not lines[-1] else ' ') + text + ','
    return '\n'.join('    ' + line for line in lines)


model = Model()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.copy_(torch.randint(-64, 65, parameter.shape) / 64)

header = {'__metadata__': {
    'format': 'rune', 'format_version': '1', 'cell': 'lstm', 'num_layers': str(L),
    'hidden_size': str(H), 'vocab_size': str(V), 'val_loss': 'nan', 'vocab': '0a 61 62 63 64',
    'unit': 'codepoint', 'normalize': 'none', 'unicode_version': '14.0.0', 'unknown_id': '-1'}}
weights, at = [], 0
for name, parameter in model.named_parameters():
    count = parameter.numel()
    header[name] = {'dtype': 'F32', 'shape': list(parameter.shape),
                    'data_offsets': [at, at + 4 * count]}
    weights += [int(64 * weight) for weight in parameter.flatten().tolist()]
    at += 4 * count
header['step'] = {'dtype': 'U64', 'shape': [1], 'data_offsets': [at, at + 8]}

targets = torch.randint(0, V, (T, B))
inputs = torch.cat([torch.full((1, B), -1), targets[:-1]])  # no symbol before the first
onehot = torch.zeros(T, B, V)
for t in range(1, T):
    for b in range(B):
        onehot[t, b, inputs[t, b]] = 1

logits = model.linear(model.rnn(onehot)[0])
loss = torch.nn.functional.cross_entropy(logits.reshape(T * B, V), targets.reshape(T * B))
loss.backward()

print(f'''/* Made by make_torch_fixture.py with PyTorch {torch.__version__}; not to be edited. */

#define FIXTURE_V {V}
#define FIXTURE_B {B}
#define FIXTURE_T {T}

static const char fixture_header[] =''')
text = json.dumps(header, separators=(',', ':'))
pieces = [text[k:k + 60] for k in range(0, len(text), 60)]
print('\n'.join('    ' + json.dumps(piece) for piece in pieces) + ';')
print(f'''
/* In the order of the file, in 64ths; behind them stands the step, 8 bytes of 0. */
static const signed char fixture_weights[] = {{
{numbers(weights, '%d', 96)}
}};

/* [T][B] */
static const int32_t fixture_x[] = {{
{numbers(inputs.flatten().tolist(), '%d', 96)}
}};
static const int32_t fixture_y[] = {{
{numbers(targets.flatten().tolist(), '%d', 96)}
}};

static const double fixture_loss = {loss.item():.12g};

/* [T][B][V] */
static const double fixture_logits[] = {{
{numbers(logits.flatten().tolist(), '%.10g', 96)}
}};
''')
print('static const struct {\n    const char *name;\n    double values[80];\n} fixture_gradients[] = {')
for name, parameter in model.named_parameters():
    print(f'    {{"{name}",\n     {{')
    print(numbers(parameter.grad.flatten().tolist(), '%.10g', 90))
    print('     }},')
print('};')
