"""How the speed of training grows with each size of the model and the batch: table and picture."""
import statistics
from typing import NamedTuple


class Variable(NamedTuple):
    name: str
    what: str
    option: str  # of rune bench
    values: tuple


VARIABLES = [
    Variable('H', 'units in each layer', 'hidden-size', (64, 128, 256, 512, 1024, 2048)),
    Variable('L', 'layers', 'num-layers', (1, 2, 3, 4)),
    Variable('B', 'streams', 'batch-size', (1, 2, 5, 10, 25, 50, 100, 256)),
    Variable('V', 'symbols', 'vocab-size', (65, 300, 1000, 3000, 6000)),
    Variable('T', 'timesteps', 'seq-length', (25, 50, 100, 200, 400)),
]

FIXED = {'work': 'train', 'num-layers': 2, 'hidden-size': '512,128', 'batch-size': 50,
         'seq-length': 50, 'vocab-size': 65, 'precision': 'fp32'}
FIGURES = ('chars_per_second', 'gflops', 'sgemm_gflops', 'peak_share')


def options_of(variable, precisions):
    """The options of rune bench: the values of a variable for both models, or of H in each precision."""
    options = {**FIXED, variable.option: ','.join(map(str, variable.values))}
    if variable.name == 'H':
        options['precision'] = precisions
    return options


def medians(rounds):
    """One list of rune's objects from the lists of all rounds; every figure is the median of the rounds."""
    return [{**same[0], **{name: statistics.median(one[name] for one in same) for name in FIGURES}}
            for same in zip(*rounds)]


def lines_of(variable, rows):
    """A variable's rows by the name of their line, which is what else differs; in the order of values."""
    lines = {}
    for row in rows:
        name = row['precision'] if variable.name == 'H' else f'{row["hidden_size"]} units'
        lines.setdefault(name, []).append(row)
    return lines


def sgemm_gflops(results):
    return statistics.median(row['sgemm_gflops'] for rows in results.values() for row in rows)


def table_cells(results):
    """Head, alignment and rows: the values of each variable, and below them a row for each line."""
    width = max(len(variable.values) for variable in VARIABLES)
    cells = []
    for variable in VARIABLES:
        values = [f'**{value:,}**' for value in variable.values]
        cells.append([f'**{variable.name}, {variable.what}**'] + values)
        for name, rows in lines_of(variable, results[variable.name]).items():
            cells.append([name] + [f'{row["chars_per_second"]:,.0f} · {row["peak_share"]:.0%}'
                                   for row in rows])
    cells = [row + [''] * (width + 1 - len(row)) for row in cells]
    head = [cell.strip('*') for cell in cells[0]]
    return head, ['---'] + ['--:'] * width, cells[1:]


def notes(results):
    return (f'Training: characters a second, and floating-point operations as a share of those of sgemm '
            f'({sgemm_gflops(results):,.0f} GFLOP/s).\n'
            'Unless a row says otherwise: 2 layers, 65 symbols, 50 streams, chunks of 50 characters, fp32.')


# The picture.

INK, GREY, PALE = '#30343b', '#6f7680', '#e4e6ea'
COLOURS = {'sgemm': GREY, 'fp32': INK, 'bf16': '#8e44ad', '512 units': '#1f6fb4', '128 units': '#d9730d'}


def short(value):
    return f'{value // 1000}k' if value % 1000 == 0 else str(value)


def draw_axes(axes, variable, top):
    axes.annotate(variable.name, (0, 1), (0, 6), 'axes fraction', 'offset points', fontweight='bold')
    axes.annotate(variable.what, (0, 1), (11, 6), 'axes fraction', 'offset points')
    if variable.name != 'L':
        axes.set_xscale('log')
    axes.set_xticks(variable.values, [short(value) for value in variable.values])
    axes.minorticks_off()
    axes.set_ylim(0, top)
    step = 0.25 if top < 1.5 else 0.5
    axes.set_yticks([step * k for k in range(int(top / step) + 1)])
    axes.yaxis.set_major_formatter('{x:.0%}')
    axes.tick_params(color=GREY)
    axes.tick_params(axis='y', length=0)
    axes.spines[['left', 'top', 'right']].set_visible(False)
    axes.grid(axis='y', color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.axhline(1, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))


def draw_lines(axes, variable, lines):
    for name, rows in lines.items():
        axes.plot(variable.values, [row['peak_share'] for row in rows], 'o-', color=COLOURS[name],
                  linewidth=1.8, markersize=4)


def label_ends(axes, ends, distance):
    """Writes the names of lines where they end, at least `distance` from each other."""
    at = -distance
    for name, end in sorted(ends.items(), key=lambda item: item[1]):
        at = max(at + distance, end)
        axes.annotate(name, (1, at), (2, 0), ('axes fraction', 'data'), 'offset points',
                      color=COLOURS[name], fontweight='bold', va='center')


def draw(path, results, threads):
    """H on the left, up to what bf16 reaches; beside it the other variables, which share a scale."""
    import matplotlib  # scripts/setup --bench installs it
    from matplotlib.figure import Figure

    matplotlib.rcParams.update({'font.size': 8, 'text.color': INK, 'xtick.labelcolor': INK,
                                'ytick.labelcolor': INK, 'axes.edgecolor': GREY})
    figure = Figure(figsize=(8, 4.4), dpi=200, facecolor='white')
    left = figure.add_gridspec(1, 1, left=0.055, right=0.33, top=0.81, bottom=0.06)
    right = figure.add_gridspec(2, 2, left=0.445, right=0.915, top=0.81, bottom=0.06, wspace=0.1,
                                hspace=0.4)
    tops = [1.08 * max(1, *(row['peak_share'] for variable in some for row in results[variable.name]))
            for some in (VARIABLES[:1], VARIABLES[1:])]
    places = dict(zip('HLBVT', [left[0], *right]))
    for variable in VARIABLES:
        axes = figure.add_subplot(places[variable.name])
        lines = lines_of(variable, results[variable.name])
        top = tops[variable.name != 'H']
        draw_axes(axes, variable, top)
        draw_lines(axes, variable, lines)
        ends = {name: rows[-1]['peak_share'] for name, rows in lines.items()}
        if variable.name == 'H':
            label_ends(axes, {**ends, 'sgemm': 1}, 0.05 * top)
        elif variable.name in 'BT':
            label_ends(axes, ends, 0.1 * top)
            axes.tick_params(axis='y', labelleft=False)
    figure.text(0.012, 0.945, 'Training: floating-point operations a second, as a share of sgemm’s',
                fontsize=10.5, fontweight='bold')
    figure.text(0.012, 0.9, f'sgemm: {sgemm_gflops(results):,.0f} GFLOP/s, {threads} '
                f'thread{"s" * (threads > 1)}. Unless a line says otherwise: 2 layers, 65 symbols, 50 streams, '
                'chunks of 50, fp32.', color=GREY)
    figure.savefig(path, metadata={'Software': None})
