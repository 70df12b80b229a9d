#!/usr/bin/python3
"""Writes torch_fixture.h: small models of each cell, a text, and what PyTorch makes of them.

    /usr/bin/python3 tests/model/make_torch_fixture.py > tests/model/torch_fixture.h

A model is a safetensors file, written here without our code: its header, and its weights as
multiples of 1/64. Logits and the gradients of the mean cross-entropy come from PyTorch's layers in
double precision. A cell that PyTorch has is a line of CELLS.
"""
import json

import torch

L, H, V, B, T = 2, 4, 5, 2, 6
torch.set_default_dtype(torch.float64)

# cell, its options in the file, PyTorch's layer
CELLS = [
    ('lstm', {}, lambda: torch.nn.LSTM(V, H, L)),
    ('gru', {}, lambda: torch.nn.GRU(V, H, L)),
    ('rnn', {'nonlinearity': 'tanh'}, lambda: torch.nn.RNN(V, H, L)),
    ('rnn', {'nonlinearity': 'relu'}, lambda: torch.nn.RNN(V, H, L, nonlinearity='relu')),
]


class Model(torch.nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn
        self.linear = torch.nn.Linear(H, V)


def numbers(values, form, width):
    """Values as lines of a C array."""
    texts, lines = [form % value for value in values], ['']
    for text in texts:
        if len(lines[-1]) + len(text) + 2 > width:
            lines.append('')
        lines[-1] += ('' if not lines[-1] else ' ') + text + ','
    return '\n'.join('         ' + line for line in lines)


def file_of(cell, options, model):
    """The header, and the weights in 64ths."""
    header = {'__metadata__': {
        'format': 'rune', 'format_version': '1', 'cell': cell, 'num_layers': str(L),
        'hidden_size': str(H), 'vocab_size': str(V), **options, 'val_loss': 'nan',
        'vocab': '0a 61 62 63 64', 'unit': 'codepoint', 'normalize': 'none',
        'unicode_version': '14.0.0', 'unknown_id': '-1'}}
    weights, at = [], 0
    for name, parameter in model.named_parameters():
        count = parameter.numel()
        header[name] = {'dtype': 'F32', 'shape': list(parameter.shape),
                        'data_offsets': [at, at + 4 * count]}
        weights += [int(64 * weight) for weight in parameter.flatten().tolist()]
        at += 4 * count
    header['step'] = {'dtype': 'U64', 'shape': [1], 'data_offsets': [at, at + 8]}
    return json.dumps(header, separators=(',', ':')), weights


def print_fixture(cell, options, make):
    torch.manual_seed(1)
    model = Model(make())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randint(-64, 65, parameter.shape) / 64)
    targets = torch.randint(0, V, (T, B))
    inputs = torch.cat([torch.full((1, B), -1), targets[:-1]])  # no symbol before the first
    onehot = torch.zeros(T, B, V)
    for t in range(1, T):
        for b in range(B):
            onehot[t, b, inputs[t, b]] = 1
    logits = model.linear(model.rnn(onehot)[0])
    loss = torch.nn.functional.cross_entropy(logits.reshape(T * B, V), targets.reshape(T * B))
    loss.backward()
    header, weights = file_of(cell, options, model)
    lines = '\n'.join('         ' + json.dumps(header[k:k + 60])
                      for k in range(0, len(header), 60))
    print(f'''    {{
        .header =
{lines},
        .num_weights = {len(weights)},
        .weights = {{
{numbers(weights, '%d', 90)}
        }},
        .x = {{
{numbers(inputs.flatten().tolist(), '%d', 90)}
        }},
        .y = {{
{numbers(targets.flatten().tolist(), '%d', 90)}
        }},
        .loss = {loss.item():.12g},
        .logits = {{
{numbers(logits.flatten().tolist(), '%.10g', 90)}
        }},
        .gradients = {{''')
    for name, parameter in model.named_parameters():
        print(f'            {{"{name}", {{')
        print(numbers(parameter.grad.flatten().tolist(), '%.10g', 90))
        print('            }},')
    print('        },\n    },')


print(f'''/* Made by make_torch_fixture.py with PyTorch {torch.__version__}; not to be edited. */

#define FIXTURE_V {V}
#define FIXTURE_B {B}
#define FIXTURE_T {T}

static const struct fixture {{
    const char *header;
    int num_weights;
    signed char weights[500]; /* in the order of the file, in 64ths; then the step, 8 bytes of 0 */
    int32_t x[{B * T}], y[{B * T}];          /* [T][B] */
    double loss;
    double logits[{B * T * V}]; /* [T][B][V] */
    struct {{
        const char *name;
        double values[80];
    }} gradients[10];
}} fixtures[] = {{''')
for row in CELLS:
    print_fixture(*row)
print('};')
