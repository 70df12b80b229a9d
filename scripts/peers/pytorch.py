"""Times a plain PyTorch character model, and prints one JSON object.

`train` is a whole step as most people write it: one-hot input, nn.LSTM, nn.Linear, cross-entropy, back
through time, clip_grad_norm_, Adam. The state is carried from chunk to chunk. bf16 means autocast.
`eval` is the forward pass and the loss. `sample` draws one character at a time in one stream. With
`fast` the cells are written out with one matrix product a layer, and compiled with TorchScript.

One-hot rows are taken from an identity matrix. For nn.LSTM this is as fast as an embedding of the
same width, scatter_ or one_hot. In float32 nn.LSTM uses BLAS; with autocast it uses oneDNN.
"""
import contextlib
import json
import sys
import time
from typing import List

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TEMPERATURE = 0.8


class Model(nn.Module):
    def __init__(self, num_layers, hidden_size, vocab_size):
        super().__init__()
        self.register_buffer('one_hot', torch.eye(vocab_size))
        self.rnn = nn.LSTM(vocab_size, hidden_size, num_layers)
        self.linear = nn.Linear(hidden_size, vocab_size)

    def forward(self, ids, state=None):
        y, state = self.rnn(self.one_hot[ids], state)
        return self.linear(y), state


def make_train(model, ids, precision):
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    state = None

    def step():
        nonlocal state
        if state is not None:
            state = tuple(s.detach() for s in state)
        with torch.autocast('cpu', torch.bfloat16) if precision == 'bf16' else contextlib.nullcontext():
            logits, state = model(ids[:-1], state)
            loss = F.cross_entropy(logits.flatten(0, 1).float(), ids[1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        return ids[1:].numel()

    return step


def make_eval(model, ids):
    state = None

    @torch.no_grad()
    def step():
        nonlocal state
        logits, state = model(ids[:-1], state)
        F.cross_entropy(logits.flatten(0, 1), ids[1:].flatten()).item()
        return ids[1:].numel()

    return step


@torch.no_grad()
def sample(model, length: int) -> List[int]:
    ids, state, out = torch.zeros(1, 1, dtype=torch.long), None, []
    for _ in range(length):
        logits, state = model(ids, state)
        ids = torch.multinomial(F.softmax(logits[0] / TEMPERATURE, dim=1), 1)
        out.append(ids.item())
    return out


@torch.jit.script
def sample_fast(first: Tensor, weights: List[Tensor], biases: List[Tensor], W: Tensor, b: Tensor,
                temperature: float, length: int) -> List[int]:
    """first: [V, 4H], a row for each character; weights[l]: [4H, H or 2H]."""
    h = [torch.zeros(W.size(1)) for _ in weights]
    c = [torch.zeros(W.size(1)) for _ in weights]
    k, out = 0, torch.jit.annotate(List[int], [])
    for _ in range(length):
        for l in range(len(weights)):
            if l == 0:
                gates = torch.addmv(first[k], weights[0], h[0])
            else:
                gates = torch.addmv(biases[l], weights[l], torch.cat([h[l - 1], h[l]]))
            i, f, g, o = gates.chunk(4)
            c[l] = torch.sigmoid(f) * c[l] + torch.sigmoid(i) * torch.tanh(g)
            h[l] = torch.sigmoid(o) * torch.tanh(c[l])
        probs = torch.softmax(torch.addmv(b, W, h[-1]) / temperature, 0)
        k = int(torch.multinomial(probs, 1).item())
        out.append(k)
    return out


def make_sample(model, fast):
    def plain(length):
        return sample(model, length)

    with torch.no_grad():
        layers = model.rnn.all_weights
        biases = [b_ih + b_hh for _, _, b_ih, b_hh in layers]
        first = layers[0][0].t() + biases[0]
        weights = [layers[0][1]] + [torch.cat([W_ih, W_hh], 1) for W_ih, W_hh, _, _ in layers[1:]]
        linear = model.linear.weight.detach(), model.linear.bias.detach()

    @torch.no_grad()
    def scripted(length):
        return sample_fast(first, weights, biases, *linear, TEMPERATURE, length)

    def sample_of(loop):
        torch.manual_seed(2)
        return loop(50)

    if fast and sample_of(scripted) != sample_of(plain):
        sys.exit('pytorch: the two sampling loops give different samples')
    return lambda: len((scripted if fast else plain)(100))


def measure(step, seconds):
    for _ in range(3):
        step()
    chars, start = 0, time.perf_counter()
    while True:
        chars += step()
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return chars / elapsed


def main(args):
    if len(args) not in (9, 10) or args[0] not in ('train', 'eval', 'sample') or \
            args[1] not in ('fp32', 'bf16') or args[9:] not in ([], ['fast']):
        print('Usage: pytorch.py train|eval|sample fp32|bf16 layers hidden batch seq vocab threads '
              'seconds [fast]', file=sys.stderr)
        return 2
    work, precision = args[:2]
    layers, hidden, batch, seq, vocab, threads = map(int, args[2:8])
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    model = Model(layers, hidden, vocab)
    ids = torch.randint(vocab, (seq + 1, batch))
    if work == 'train':
        step = make_train(model, ids, precision)
    elif work == 'eval':
        step = make_eval(model, ids)
    else:
        step = make_sample(model, bool(args[9:]))
    speed = measure(step, float(args[8]))
    print(json.dumps({
        'work': work, 'num_layers': layers, 'hidden_size': hidden, 'batch_size': batch,
        'seq_length': seq, 'vocab_size': vocab, 'threads': threads, 'precision': precision,
        'chars_per_second': speed}))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
