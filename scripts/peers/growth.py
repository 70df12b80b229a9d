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
    """What rune bench is asked for: a variable's values for either model, or units in each precision."""
    options = {**FIXED, variable.option: ','.join(map(str, variable.values))}
    if variable.name == 'H':
        options['precision'] = precisions
    return options


def middle(rounds):
    """One list of rune's objects from those of each round, in which every figure is the median."""
    return [{**same[0], **{name: statistics.median(one[name] for one in same) for name in FIGURES}}
            for same in zip(*rounds)]


def lines_of(variable, rows):
    """Rows of one variable, in the order of its values, under the name of what else differs."""
    lines = {}
    for row in rows:
        name = row['precision'] if variable.name == 'H' else f'{row["hidden_size"]} units'
        lines.setdefault(name, []).append(row)
    return lines


def sgemm_gflops(results):
    return statistics.median(row['sgemm_gflops'] for rows in results.values() for row in rows)


def table_cells(results):
    """Head, alignment and rows: each variable's values, and under them one row for each line."""
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
            '2 layers, 65 symbols, 50 streams, chunks of 50 characters and float32 where nothing else is said.')


# The picture.

INK, PALE = '#30343b', '#8a9099'
COLOURS = {'fp32': INK, 'bf16': '#8e44ad', '512 units': '#1f6fb4', '128 units': '#d9730d'}


def short(value):
    return f'{value // 1000}k' if value % 1000 == 0 else str(value)


def draw_lines(axes, variable, lines):
    for name, rows in lines.items():
        axes.plot(variable.values, [row['peak_share'] for row in rows], 'o-', color=COLOURS[name],
                  linewidth=1.8, markersize=4)
    axes.set_title(variable.name, fontsize=9, fontweight='bold', loc='left')
    axes.text(0, 1, f'     {variable.what}', transform=axes.transAxes)


def label_lines(axes, lines, apart):
    """Names behind the ends of lines, at least `apart` from each other."""
    at = 0
    for name, rows in sorted(lines.items(), key=lambda line: line[1][-1]['peak_share']):
        at = max(at + apart, rows[-1]['peak_share'])
        axes.annotate(name, (1, at), xycoords=('axes fraction', 'data'), color=COLOURS[name],
                      fontweight='bold', va='center')


def draw_axes(axes, variable, top):
    if variable.name != 'L':
        axes.set_xscale('log')
    axes.set_xticks(variable.values, [short(value) for value in variable.values])
    axes.minorticks_off()
    axes.set_ylim(0, top)
    axes.yaxis.set_major_formatter('{x:.0%}')
    axes.grid(axis='y', color='#e6e8eb', linewidth=0.8)
    axes.axhline(1, color=PALE, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_axisbelow(True)
    axes.spines[['left', 'top', 'right']].set_visible(False)
    axes.tick_params(color=PALE, labelcolor=INK)
    axes.tick_params(axis='y', length=0)


def draw(path, results, threads):
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update({'font.size': 8, 'text.color': INK, 'axes.edgecolor': PALE})
    figure = Figure(figsize=(8, 4.5), dpi=200, facecolor='white')
    places = figure.add_gridspec(2, 3, width_ratios=(1.25, 1, 1), left=0.055, right=0.94, top=0.8,
                                 bottom=0.06, wspace=0.27, hspace=0.42)
    places = [places[:, 0], places[0, 1], places[0, 2], places[1, 1], places[1, 2]]
    highest = {variable.name: max(row['peak_share'] for row in results[variable.name])
               for variable in VARIABLES}
    common = max(1, *(highest[variable.name] for variable in VARIABLES[1:]))
    for variable, place in zip(VARIABLES, places):
        axes = figure.add_subplot(place)
        lines = lines_of(variable, results[variable.name])
        top = 1.1 * (max(1, highest['H']) if variable.name == 'H' else common)
        draw_lines(axes, variable, lines)
        draw_axes(axes, variable, top)
        if variable.name in 'HL':
            label_lines(axes, lines, 0.05 * top)
    figure.text(0.012, 0.94, 'How fast rune trains, as a share of what large matrix products reach',
                fontsize=11, fontweight='bold')
    figure.text(0.012, 0.895, f'100% is sgemm, {sgemm_gflops(results):,.0f} GFLOP/s with {threads} '
                'threads. 2 layers, 65 symbols, 50 streams of 50 timesteps where nothing else is said.')
    figure.savefig(path, metadata={'Software': None})
