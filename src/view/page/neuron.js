// --- neuron tab ----------------------------------------------------------------------------------

const levelClass = (value, range) =>
  `level${Math.round((Math.min(Math.max(value / range, -1), 1)) * LEVELS)}`;

function histogram({histogram: bins, range, quantiles}) {
  const width = 320, height = 96, base = 74, step = width / bins.length;
  const most = Math.max(...bins, 1);
  const x = (value) => ((value / range + 1) / 2) * width;
  const bars = bins.map((number, i) => {
    const tall = number ? Math.max((number / most) * (base - 2), 1) : 0;
    const middle = ((2 * i + 1) / bins.length - 1) * range;
    return svg('rect', {x: i * step + 0.5, y: base - tall, width: step - 1, height: tall,
      class: `bin ${levelClass(middle, range)}`},
    svg('title', {}, `around ${short(middle)}: ${several(number, 'character')}`));
  });
  const [, low, , quarter, median, threeQuarters, , high] = quantiles.map(x);
  const box = base + 9;
  const line = (x1, y1, x2, y2, name) => svg('line', {x1, y1, x2, y2, class: name});
  const label = (value, anchor) =>
    svg('text', {x: x(value), y: height, 'text-anchor': anchor}, short(value, 3));
  return svg('svg', {viewBox: `0 0 ${width} ${height + 2}`, class: 'figure', role: 'img',
    'aria-label': `Histogram; quantiles: ${quantiles.map((q) => short(q, 3)).join(', ')}`},
  ...bars, line(0, base, width, base, 'axis'), line(low, box, high, box, 'whisker'),
  svg('rect', {x: quarter, y: box - 4, width: Math.max(threeQuarters - quarter, 1), height: 8,
    class: 'box'}), line(median, box - 5, median, box + 5, 'median'),
  label(-range, 'start'), label(0, 'middle'), label(range, 'end'));
}

function quantileTable({quantiles, range}) {
  const share = (q) => `${Number((100 * q).toPrecision(3))} %`;
  const decimals = Math.min(Math.max(Math.ceil(1.3 - Math.log10(range)), 0), 12); // resolves range/20
  return make('table', {class: 'quantiles'},
    make('tr', {}, ...findings.quantiles.map((q) => make('th', {scope: 'col'}, share(q)))),
    make('tr', {}, ...quantiles.map((value) => make('td', {}, fixed(value, decimals)))));
}

// Symbols with numbers, coloured by them.
const chips = (list, range) => make('div', {class: 'chips'}, ...list.map(([id, value]) =>
  make('span', {class: `chip ${levelClass(value, range)}`,
    title: `${symbols[id].name}, occurs ${timesWords(findings.times[id])}`},
    make('bdi', {class: `shown${symbols[id].style}`}, visible(symbols[id])), ` ${short(value)}`)));

function bySymbol([highest, lowest], range) {
  const least = Math.min(...[...highest, ...lowest].map(([id]) => findings.times[id]));
  const met = `, for those that occur ${timesWords(least)} or more`;
  if (lowest.length === 0) return [heading(`Mean by character${met}`), chips(highest, range)];
  return [heading(`Mean by character${met}: highest`), chips(highest, range),
    heading('Lowest'), chips([...lowest].reverse(), range)];
}

const passages = (title, positions, levels, signal) =>
  positions.length === 0 ? [] : [heading(title), ...positions.map((t) =>
    passage(levels, valueOf(levels[t], signal), t))];

const OUTPUT = 0; // the quantity that the next layer reads, or after the last layer the softmax

function outputWeights(weights, {quantity, layer}) {
  if (!weights)
    return layer === about.num_layers - 1 ? [] : [heading('Output weights'), quiet(
      `Only ${about.quantities[OUTPUT]} of the last layer reaches the output directly.`)];
  const [up, down] = weights, name = about.quantities[OUTPUT], own = quantity === OUTPUT;
  const range = Math.max(...[...up, ...down].map(([, weight]) => Math.abs(weight)), 1e-9);
  return [
    heading(`${own ? 'Makes' : `Its ${name} makes`} likelier where it is positive`),
    chips(up, range), heading('Makes less likely'), chips(down, range)];
}

const related = (title, list) =>
  list.length === 0 ? [] : [heading(title), make('ul', {class: 'list'}, ...list.map(([name, r]) =>
    make('li', {}, signalButton(name, `r = ${fixed(r, 2)}`))))];

// Saturation of the unit's gates, and the time constant of its forget gate.
function gatesOf({layer, unit}) {
  if (!findings.gates) return [];
  const i = layer * about.hidden_size + unit;
  const row = ({name, low, high, mean}) => {
    const bar = make('span', {class: 'share', role: 'img', 'aria-label':
      `closed ${percent(low[i])} of the time, open ${percent(high[i])}`});
    bar.style.setProperty('--low', `${100 * low[i]}%`);
    bar.style.setProperty('--high', `${100 * (1 - high[i])}%`);
    return make('tr', {}, make('th', {scope: 'row'}, name), make('td', {}, percent(low[i])),
      make('td', {class: 'wide'}, bar), make('td', {}, percent(high[i])),
      make('td', {}, short(mean[i], 2)));
  };
  const made = [heading('Gates: share of time under 0.1 and over 0.9, mean'),
    make('table', {class: 'gates'}, ...findings.gates.map(row)), quiet(OF_TWO_SIGNS)];
  const keeps = findings.gates.find((gate) => gate.keeps);
  const time = keeps && -1 / Math.log(keeps.mean[i]);
  if (time > 0 && Number.isFinite(time))
    made.push(make('p', {}, 'Time constant ', make('b', {}, `${short(time)} characters`),
      make('span', {class: 'quiet'}, ` (−1/ln of the mean of ${keeps.name})`)));
  return made;
}

const LABELS_AT_ONCE = 8;

function ablationOf(known) {
  if (!known)
    return [heading('Without it'), quiet('Not measured. --ablate all measures every unit.')];
  const {change, by_label: byLabel} = known, {clamped, length: read, loss} = findings.ablation;
  const difference = (value) => `${value > 0 ? '+' : ''}${fixed(value, 4)}`;
  const sorted = [...byLabel].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const table = (list) => make('table', {class: 'changes'}, ...list.map(([label, value]) =>
    make('tr', {}, make('th', {scope: 'row'}, findings.labels[label]),
      make('td', {}, difference(value)))));
  const rest = sorted.slice(LABELS_AT_ONCE);
  return [heading('Without it'),
    make('p', {}, `Clamped to ${clamped}, the loss changes by `,
      make('b', {}, `${difference(change)} nats`),
      make('span', {class: 'quiet'},
        ` (of ${loss.toFixed(3)}, first ${several(read, 'character')})`)),
    ...(sorted.length > 0 ? [quiet('Where a label is on, largest changes first:')] : []),
    table(sorted.slice(0, LABELS_AT_ONCE)),
    ...(rest.length > 0 ? [make('details', {}, make('summary', {}, `${rest.length} more`),
      table(rest))] : [])];
}

async function showNeuron(panel) {
  const signal = signals[state.signal], {index, quantity, layer, unit} = signal;
  const [levels, {card, output_weights: weights, ablation}] = await Promise.all(
    [levelsOf(index), findingsOf(index).then((known) => known ?? {})]);
  if (index !== state.signal) return;
  const own = findings.discoveries.filter((discovery) => isOf(discovery, signal));
  replaceContent(panel,
    make('h2', {}, `Layer ${layer}, unit ${unit}: ${about.quantities[quantity]}`),
    ...(own.length ? [make('ol', {class: 'list'}, ...own.map(discoveryItem))]
      : [quiet('No property of the text was found to go with this unit.')]),
    ...(card ? [histogram(card), quantileTable(card),
      ...passages('Highest', card.highest, levels, signal),
      ...passages('Lowest', card.lowest, levels, signal),
      ...passages('At the deciles of its values', [...new Set(card.tenths)], levels, signal),
      ...bySymbol(card.by_symbol, signal.range)] : []),
    ...outputWeights(weights, signal),
    ...(card ? related('Most alike', card.alike) : []),
    ...(card ? related('Most opposed', card.opposed) : []),
    ...gatesOf(signal),
    ...ablationOf(ablation));
  panel.scrollTop = 0;
  showPresent();
}
