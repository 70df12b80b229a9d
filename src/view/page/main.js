// --- the state in the address: #signal=h:1:37&at=1200&mark=1234&… --------------------------------

let saving = 0;

const nameInAddress = ({quantity, layer, unit}) =>
  `${about.quantities[quantity]}:${layer}:${unit}`;

function saveState() {
  clearTimeout(saving);
  saving = setTimeout(() => {
    const parts = [`signal=${nameInAddress(signals[state.signal])}`];
    if (state.second >= 0) parts.push(`second=${nameInAddress(signals[state.second])}`);
    parts.push(`at=${firstInSight()}`);
    if (state.marked >= 0) parts.push(`mark=${state.marked}`);
    if (state.selection) parts.push(`select=${state.selection.join('-')}`);
    parts.push(`panel=${state.panel || 'none'}`);
    if (threshold !== THRESHOLD) parts.push(`threshold=${threshold}`);
    if (searchBox.value) parts.push(`search=${encodeURIComponent(searchBox.value)}`);
    if (state.guesses) parts.push('guesses=1');
    if (state.theme !== systemTheme()) parts.push(`theme=${state.theme}`);
    history.replaceState(null, '', `#${parts.join('&')}`);
  }, 150);
}

function signalNamed(words) {
  const [name, layer, unit] = (words || '').split(':');
  const quantity = about.quantities.indexOf(name);
  if (!quantities.includes(quantity)) return null;
  const nearLayer = nearest(layersOf(quantity), Number(layer) || 0);
  return findSignal(quantity, nearLayer, nearest(unitsOf(quantity, nearLayer), Number(unit) || 0));
}

const ROOM_FOR_PANEL = 1100; // window width in pixels from which panel and text fit side by side

function loadState() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const within = (words, most) => {
    const t = parseInt(words, 10);
    return t >= 0 && t <= most ? t : -1;
  };
  const [start, end] =
    (wanted.get('select') || '').split('-').map((words) => within(words, length));
  const theme = wanted.get('theme');
  setTheme(theme === 'dark' || theme === 'light' ? theme : systemTheme());
  state.marked = within(wanted.get('mark'), length - 1);
  setGuesses(wanted.get('guesses') === '1');
  threshold = boundedThreshold(Number(wanted.get('threshold') ?? THRESHOLD));
  searchBox.value = wanted.get('search') ?? '';
  searchFor(searchBox.value);
  closeFound();
  if (start >= 0) select(start, end);
  else select(0, 0);
  const at = within(wanted.get('at'), length - 1);
  if (at >= 0) view.scrollTop = rowOf(at) * rowHeight;
  else bringIntoSight(Math.max(state.marked, state.selection?.[0] ?? 0));
  showSignal((signalNamed(wanted.get('signal')) ?? signals[about.first] ?? signals[0]).index);
  showSecond(signalNamed(wanted.get('second'))?.index ?? -1);
  findAttribution();
  openPanel(wanted.get('panel') ?? (innerWidth >= ROOM_FOR_PANEL ? 'discoveries' : ''));
  drawRows();
  showDetail(state.marked);
}

// --- keys ----------------------------------------------------------------------------------------

// The character that an arrow key leads to.
function stepFrom(t, key) {
  const row = rowOf(t), offset = t - rowStarts[row];
  const inRow = (r) => Math.min(rowStarts[r] + offset, rowStarts[r + 1] - 1);
  const back = rowDirections[row] === 'rtl' ? 'ArrowRight' : 'ArrowLeft';
  if (key === 'ArrowUp') return row > 0 ? inRow(row - 1) : t;
  if (key === 'ArrowDown') return row + 1 < numRows() ? inRow(row + 1) : t;
  return Math.min(Math.max(t + (key === back ? -1 : 1), 0), length - 1);
}

const walk = (key) =>
  mark(state.marked < 0 ? firstInSight() : stepFrom(state.marked, key));

// Extends the selection from the mark, which stays, to where the arrows lead.
function extend(key) {
  if (state.marked < 0) mark(firstInSight());
  const reached = stepFrom(state.reached < 0 ? state.marked : state.reached, key);
  select(Math.min(state.marked, reached), Math.max(state.marked, reached) + 1, reached);
  bringIntoSight(reached);
  announce(`Selected ${state.selection[0]} to ${state.selection[1] - 1}`);
}

function deselect() {
  dragged = null;
  if (state.selection) select(0, 0);
  else mark(-1);
}

const toggleSecond = () => showSecond(state.second < 0 ? state.signal : -1);
const togglePanel = () => openPanel(state.panel ? '' : lastTab);

const actions = {
  ArrowLeft: () => stepUnit(-1),
  ArrowRight: () => stepUnit(1),
  ArrowUp: () => stepLayer(1),
  ArrowDown: () => stepLayer(-1),
  q: () => stepQuantity(1),
  Q: () => stepQuantity(-1),
  s: toggleSecond,
  x: swapSignals,
  p: () => setGuesses(!state.guesses),
  h: () => walk('ArrowLeft'),
  l: () => walk('ArrowRight'),
  k: () => walk('ArrowUp'),
  j: () => walk('ArrowDown'),
  '/': () => searchBox.focus(),
  n: () => goToMatch(1),
  N: () => goToMatch(-1),
  g: askPosition,
  b: togglePanel,
  d: switchTheme,
  '?': () => element('keys').showModal(),
  Escape: deselect,
};
Object.keys(tabs).forEach((name, i) => {
  actions[i + 1] = () => openPanel(name);
});

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.defaultPrevented || event.target.closest?.('select, input, dialog')) return;
  if (/Arrow(Up|Down)/.test(event.key) && event.target.closest?.('#panel')) return; // scroll it
  if (event.shiftKey && event.key.startsWith('Arrow')) extend(event.key);
  else if (Object.hasOwn(actions, event.key)) actions[event.key]();
  else return;
  event.preventDefault();
}

// --- pointer and controls ------------------------------------------------------------------------

const positionOf = (target) => target?.closest?.('.cell')?.position ?? -1;
let dragged = null; // {from, to} during a drag over the text; to is −1 until the pointer moves
let hasDragged = false; // whether the next click only ends a drag

function onPress(event) {
  const from = positionOf(event.target);
  const drags = event.button === 0 && event.pointerType !== 'touch' && from >= 0;
  dragged = drags ? {from, to: -1} : null;
  hasDragged = false;
  getSelection().removeAllRanges(); // of the browser, so that copying takes the selection here
}

function onPoint(event) {
  const t = positionOf(event.target);
  showDetail(t >= 0 ? t : state.marked);
  if (!dragged || !(event.buttons & 1) || t < 0 || (t === dragged.from && dragged.to < 0)) return;
  dragged.to = t;
  state.selection = [Math.min(dragged.from, t), Math.max(dragged.from, t) + 1];
  redraw();
}

function onRelease() {
  hasDragged = dragged?.to >= 0;
  if (hasDragged) {
    select(Math.min(dragged.from, dragged.to), Math.max(dragged.from, dragged.to) + 1);
    if (!state.panel) openPanel('selection');
  }
  dragged = null;
}

function onClick(event) {
  const t = positionOf(event.target);
  if (t >= 0 && !hasDragged) mark(t === state.marked ? -1 : t);
  hasDragged = false;
}

function listen() {
  document.addEventListener('keydown', onKey);
  view.addEventListener('pointerdown', onPress);
  view.addEventListener('pointerover', onPoint);
  addEventListener('pointerup', onRelease);
  addEventListener('pointercancel', onRelease);
  view.addEventListener('click', onClick);
  view.addEventListener('pointerleave', () => showDetail(state.marked));
  view.addEventListener('scroll', onScroll);
  const lists = ['quantity', 'layer', 'unit'].map(element);
  for (const list of lists)
    list.addEventListener('change', () => choose(...lists.map(({value}) => Number(value))));
  element('second').addEventListener('change', ({target}) => showSecond(Number(target.value)));
  for (const [id, key] of Object.entries({
    previous: 'ArrowLeft', next: 'ArrowRight', compare: 's', go: 'g', guesses: 'p', theme: 'd',
    side: 'b', help: '?', 'tab-discoveries': 1, 'tab-neuron': 2, 'tab-memory': 3,
    'tab-selection': 4,
  })) element(id).addEventListener('click', actions[key]);
  addEventListener('hashchange', loadState);
  let size = '';
  new ResizeObserver(() => {
    const now = `${view.clientWidth} ${view.clientHeight}`;
    if (now === size || view.clientWidth === 0) return; // hidden while printing
    size = now;
    layOut();
    drawStrip();
  }).observe(view);
}

// --- the start -----------------------------------------------------------------------------------

function summary() {
  const units = about.num_layers * about.hidden_size;
  const kept = new Set(signals.map(({layer, unit}) => `${layer}:${unit}`)).size;
  const all = kept === units;
  const names = quantities.map((q) => about.quantities[q]);
  const listed =
    names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names[0];
  const characters = length < about.characters
    ? `the first ${count(length)} of ${several(about.characters, 'character')}`
    : several(length, 'character');
  return [`read by ${about.model}: ${characters}, ${fixed(about.mean_loss ?? NaN, 3)} nats ` +
    `a character; ${listed} of ${all ? 'all' : `${count(kept)} of`} ${several(units, 'unit')}`,
  ...(!all ? ['; ', make('code', {}, '--units'), ' chooses others'] : [])];
}

// In a model of code points, combining marks are separate from their letters.
function hintAtMarks() {
  let marks = 0;
  for (let t = 0; t < length; t++) marks += symbolAt(t).style !== '';
  if (about.unit === 'codepoint' && marks > MANY_MARKS * length)
    element('summary').append(`; ${percent(marks / length)} are combining marks: trained with `,
      make('code', {}, '--unit grapheme'), ', a model keeps them with their letters');
}

async function start() {
  document.title = `${about.text} · ${about.model} · rune`;
  element('title').textContent = about.text;
  if (typeof DecompressionStream === 'undefined') {
    view.textContent = 'This browser cannot unpack the page: it lacks DecompressionStream, which ' +
      'Chrome and Edge 80, Firefox 113, Safari 16.4 and later have.';
    return;
  }
  if (length === 0 || signals.length === 0) {
    element('summary').textContent = '';
    view.textContent = 'Nothing to show: the trace is empty.';
    return;
  }
  element('summary').replaceChildren(...summary());
  addColours();
  await readText();
  hintAtMarks();
  listen();
  loadState();
  const known = await readJson('findings');
  known.discoveries = readDiscoveries(known.discoveries);
  if (known.attributions?.distances.length) await readAttributions(known.attributions);
  findings = known;
  findAttribution();
  redraw();
  showDetail(state.marked);
  showPanel();
}

start();
