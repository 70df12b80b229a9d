// --- gates and memory tab ------------------------------------------------------------------------

const SHAPES = 6; // colours of layers and curves in the CSS

// The marker of a unit; layers differ in shape and colour.
function dot(x, y, layer, attributes) {
  const r = 2.4, name = `dot layer${layer % SHAPES}`;
  if (layer % 3 === 0) return svg('circle', {cx: x, cy: y, r, class: name, ...attributes});
  if (layer % 3 === 1)
    return svg('rect',
      {x: x - r, y: y - r, width: 2 * r, height: 2 * r, class: name, ...attributes});
  return svg('path', {d: `M${x},${y - 3}l3,5h-6z`, class: name, ...attributes});
}

const moveHere = []; // functions that highlight the current unit, one per figure

// A signal of a unit, preferably of the shown quantity; undefined if the page has none.
const signalOfUnit = (layer, unit) =>
  findSignal(signals[state.signal].quantity, layer, unit) ??
  signals.find((signal) => signal.layer === layer && signal.unit === unit);

const OF_TWO_SIGNS = 'A gate g from −1 to 1 counts as (g + 1) / 2.';

// Share of time that a gate is closed, and open (Karpathy, Johnson & Fei-Fei 2015).
function scatter({name, low, high}) {
  const size = 150, left = 22, bottom = 20, top = 6;
  const x = (share) => left + share * size, y = (share) => top + (1 - share) * size;
  const H = about.hidden_size, unitOf = (i) => [Math.floor(i / H), i % H];
  const dots = low.map((share, i) => dot(x(share), y(high[i]), unitOf(i)[0],
    {'data-unit': i, 'data-kept': Boolean(signalOfUnit(...unitOf(i)))}));
  const here = svg('circle', {r: 6, class: 'here'});
  moveHere.push(() => {
    const {layer, unit} = signals[state.signal], i = layer * H + unit;
    here.setAttribute('cx', x(low[i]));
    here.setAttribute('cy', y(high[i]));
  });
  const onUnit = (act) => ({target}) => {
    if (target.dataset.unit) act(Number(target.dataset.unit));
  };
  const choosePoint = onUnit((i) => {
    const signal = signalOfUnit(...unitOf(i));
    if (signal) showSignal(signal.index);
  });
  const describe = onUnit((i) => {
    const words = `${name} ${unitOf(i).join(':')}: closed ${percent(low[i])} of the time, open ` +
      percent(high[i]);
    element('pointed').textContent =
      signalOfUnit(...unitOf(i)) ? words : `${words}; not in this page`;
  });
  const tick = (value) => [
    svg('text', {x: x(value), y: top + size + 12, 'text-anchor': 'middle'}, String(value)),
    svg('text', {x: left - 4, y: y(value) + 3, 'text-anchor': 'end'}, String(value))];
  return svg('svg', {viewBox: `0 0 ${left + size + 8} ${top + size + bottom}`, class: 'scatter',
    role: 'img', click: choosePoint, pointerover: describe,
    'aria-label': `Gate ${name}: share of the time under 0.1 to the right, over 0.9 upwards`},
  svg('path', {d: `M${x(0)},${y(1)}V${y(0)}H${x(1)}`, class: 'axis'}),
  svg('path', {d: `M${x(0)},${y(1)}L${x(1)},${y(0)}`, class: 'diagonal'}),
  ...tick(0), ...tick(0.5), ...tick(1), ...dots, here,
  svg('text', {x: left + size - 4, y: top + 14, class: 'gate', 'text-anchor': 'end'}, name));
}

// The norm of the gradient of the loss over the distance in characters, on a logarithmic scale.
function reachFigure({curves}) {
  const width = 330, height = 180, left = 40, bottom = 30, top = 8, right = 8;
  const steps = curves[0].median.length;
  const all = curves.flatMap(({low, high}) => [...low, ...high]).filter((value) => value > 0);
  const most = Math.ceil(Math.log10(Math.max(...all, 1e-30)));
  const least = Math.max(Math.floor(Math.log10(Math.min(...all, 1))), most - 12);
  const x = (k) => left + (k / Math.max(steps - 1, 1)) * (width - left - right);
  const y = (value) => {
    const power = Math.log10(Math.max(value, 10 ** least));
    return top + ((most - power) / Math.max(most - least, 1)) * (height - top - bottom);
  };
  const points = (values) => values.map((value, k) => `${x(k).toFixed(1)},${y(value).toFixed(1)}`);
  const every = Math.max(Math.ceil((most - least) / 6), 1);
  const grid = [];
  for (let power = most; power >= least; power -= every)
    grid.push(svg('path', {d: `M${left},${y(10 ** power)}H${width - right}`, class: 'grid'}),
      svg('text', {x: left - 5, y: y(10 ** power) + 3, 'text-anchor': 'end'}, `10`,
        svg('tspan', {dy: -4, class: 'power'}, signed(String(power)))));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * (steps - 1)));
  return svg('svg', {viewBox: `0 0 ${width} ${height}`, class: 'figure', role: 'img',
    'aria-label': `Gradient of the loss with respect to the past, up to ${steps - 1} characters ` +
      'back: ' + curves.map(({median}, i) => `${curveName(i, curves)} from ` +
      `${median[0]?.toExponential(1)} to ${median.at(-1)?.toExponential(1)}`).join('; ')},
  ...grid, ...distinct(ticks).map((k) =>
    svg('text', {x: x(k), y: height - bottom + 13, 'text-anchor': 'middle'}, String(k))),
  svg('text', {x: (left + width) / 2, y: height - 3, 'text-anchor': 'middle'}, 'characters back'),
  ...curves.map(({low, high}, i) => svg('polygon', {class: `band layer${i % SHAPES}`,
    points: [...points(low), ...points(high).reverse()].join(' ')})),
  ...curves.map(({median}, i) => svg('polyline',
    {points: points(median).join(' '), class: `curve layer${i % SHAPES}`})));
}

const curveName = (i, curves) => (i === curves.length - 1 ? 'input' : `layer ${i}`);

const keyOf = (names) => make('p', {class: 'key'}, ...names.map((name, i) =>
  make('span', {}, make('i', {class: `swatch layer${i % SHAPES}`}), name)));

const layerNames = () => Array.from({length: about.num_layers}, (_, i) => `layer ${i}`);

function makeMemory(panel) {
  const {gates, reach} = findings, made = [];
  if (gates)
    made.push(heading('How often gates are closed and open'),
      quiet('Each point is a unit: the share of the text with its gate under 0.1 (to the right) ' +
        `and over 0.9 (upwards). ${OF_TWO_SIGNS} Click a point to show its unit; units in faint ` +
        'colours are not in this page.'),
      keyOf(layerNames()),
      make('div', {class: 'scatters'}, ...gates.map(scatter)),
      make('p', {id: 'pointed', class: 'quiet'}, '\u00a0'));
  if (reach?.curves.some(({high}) => high.some((value) => value > 0)))
    made.push(heading('How far the past matters'),
      quiet('Norm of the gradient of the loss with respect to the outputs of the layers, and to ' +
        `the input, some characters back: ${reach.positions === 1 ? '1 prediction'
          : `median and quartiles of ${count(reach.positions)} predictions`}.`),
      keyOf(reach.curves.map((_, i) => curveName(i, reach.curves))), reachFigure(reach));
  made.push(...attributionWords());
  if (made.length === 0) made.push(quiet('Neither gates nor gradients were measured.'));
  panel.replaceChildren(...made);
}

function showMemory(panel) {
  if (panel.childElementCount === 0) makeMemory(panel);
  for (const move of moveHere) move();
}

// --- attributions: what a prediction depends on --------------------------------------------------

let attributions = null; // {steps, positions, strengths} once unpacked
// The attributions of the marked character: strengths[k], −5 … 5, of the character k + 1 before it,
// above 0 if that made it less likely; null if unknown.
let attribution = {t: -1, strengths: null};

async function readAttributions({steps, distances}) {
  let at = 0;
  const positions = distances.map((distance) => (at += distance));
  attributions = {steps, positions, strengths: new Int8Array(await readBlock('attributions'))};
}

// Finds the attributions of the marked character.
function findAttribution() {
  const i = attributions && state.marked >= 0 ? lastUpTo(attributions.positions, state.marked) : -1;
  const known = i >= 0 && attributions.positions[i] === state.marked;
  const {steps, strengths} = attributions ?? {};
  attribution = {
    t: attributions ? state.marked : -1,
    strengths: known ? strengths.subarray(i * steps, (i + 1) * steps) : null,
  };
}

function attributionClass(t) {
  const strength = attribution.strengths?.[attribution.t - 1 - t];
  return strength ? ` weight${Math.abs(strength)} ${strength > 0 ? 'against' : 'for'}` : '';
}

const attributionKey = () => [
  make('span', {}, make('i', {class: 'sample for'}), 'made it likelier'),
  make('span', {}, make('i', {class: 'sample against'}), 'made it less likely')];

const attributionsKnown = () => {
  const {positions} = attributions;
  return `known for ${count(positions[0])} to ${count(positions.at(-1))}; ` +
    '--passage FROM:LENGTH measures others';
};

// The part of the footer on attributions.
const attributionDetail = () => (attribution.strengths ? ['underlined: ', ...attributionKey()]
  : [make('span', {class: 'quiet'}, `attributions are ${attributionsKnown()}`)]);

function attributionWords() {
  if (!attributions) return [];
  const {positions, steps} = attributions, last = positions.at(-1);
  const jump = make('button', {type: 'button', click: () => mark(last)},
    `Mark character ${count(last)}`);
  return [heading('What a prediction depends on'),
    quiet(`Attributions are ${attributionsKnown()}. Mark one of these characters to underline ` +
      `the ${steps} before it by how much they changed its probability.`),
    make('p', {class: 'key'}, ...attributionKey()), jump];
}
