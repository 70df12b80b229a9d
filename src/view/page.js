'use strict';

// --- the data: blocks of text in the page, decoded when they are needed --------------------------

const element = (id) => document.getElementById(id);
const about = JSON.parse(element('about').textContent);

function decode(id, Type) {
  const binary = atob(element(id).textContent);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Type(bytes.buffer);
}

const Id = about.id_bytes === 2 ? Uint16Array : Uint32Array;
const NO_ID = about.id_bytes === 2 ? 0xffff : 0xffffffff;
const LEVELS = 127; // a value is level/127 of its signal's range; −128 is not a number
const ids = decode('ids', Id);
const losses = decode('losses', Float32Array);
const guessIds = decode('guess_ids', Id);
const guessProbs = decode('guess_probs', Uint16Array);
const length = ids.length;

const KEEP = 0, MUST_BREAK = 2; // of a symbol: whether a row ends after it
const LEFT_TO_RIGHT = 1, RIGHT_TO_LEFT = 2; // of a symbol: its direction, 0 where it has none
const rightToLeft = new RegExp(`[${['Hebrew', 'Arabic', 'Syriac', 'Thaana', 'Nko', 'Samaritan',
  'Mandaic', 'Adlam', 'Hanifi_Rohingya'].map((script) => `\\p{Script=${script}}`).join('')}]`, 'u');

function directionOf(text) {
  if (rightToLeft.test(text)) return RIGHT_TO_LEFT;
  return /[\p{L}\p{N}]/u.test(text) ? LEFT_TO_RIGHT : 0;
}

const symbols = about.symbols.map(([shown, ends, combining, name]) => ({
  shown, ends, name,
  style: combining ? ' combining' : '',
  direction: directionOf(shown),
}));
const hasRightToLeft = symbols.some((symbol) => symbol.direction === RIGHT_TO_LEFT);
const symbolAt = (t) => symbols[ids[t]];
const isWide = (symbol) => symbol.shown.length > 4 && !/\P{ASCII}/u.test(symbol.shown); // U+200D

const signals = about.signals.map(
  ([quantity, layer, unit, range]) => ({quantity, layer, unit, range}));
const nameOf = (signal) => `${about.quantities[signal.quantity]} ${signal.layer}:${signal.unit}`;

// --- what is shown -------------------------------------------------------------------------------

const state = {
  signal: about.first, // index into signals
  levels: null, // its levels, one a character
  marked: -1, // the character that was chosen, or −1
  guesses: false,
  theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
};

const view = element('view');
const sheet = element('sheet');

function addColours() {
  const rules = document.styleSheets[0];
  const add = (selector, colour) =>
    rules.insertRule(`${selector} { background-color: ${colour}; }`, rules.cssRules.length);
  about.light.forEach((colour, i) => add(`.level${i - LEVELS}`, colour));
  about.dark.forEach((colour, i) => add(`[data-theme="dark"] .level${i - LEVELS}`, colour));
}

const number = (value, range) => {
  if (!Number.isFinite(value)) return 'not a number';
  const decimals = Math.min(Math.max(Math.ceil(-Math.log10(range / LEVELS)), 0), 12);
  return value.toFixed(decimals).replace('-', '−');
};
const percent = (share) =>
  share >= 0.0995 ? `${Math.round(100 * share)} %`
  : share >= 0.0005 ? `${(100 * share).toFixed(1)} %` : '< 0.1 %';

function guessesAfter(t) {
  const list = [];
  for (let i = about.num_guesses * t; i < about.num_guesses * (t + 1); i++)
    if (guessIds[i] !== NO_ID)
      list.push({
        symbol: symbols[guessIds[i]],
        share: guessProbs[i] / 0xffff,
        cameTrue: t + 1 < length && guessIds[i] === ids[t + 1],
      });
  return list;
}

// --- rows: where the text is broken --------------------------------------------------------------

let rowStarts = [0]; // where each row starts, and the end of the text
let rowDirections = []; // the direction of the paragraph that the row is of
let rowHeight = 1;
const numRows = () => rowStarts.length - 1;

function breakRows(room) {
  rowStarts = [];
  for (let start = 0; start < length; ) {
    rowStarts.push(start);
    let end = start, used = 0, afterSpace = start, usedToSpace = 0;
    for (; end < length; end++) {
      const symbol = symbolAt(end);
      if (used + symbol.width > room && end > start) {
        if (usedToSpace > room / 2) end = afterSpace;
        break;
      }
      used += symbol.width;
      if (symbol.ends !== KEEP) {
        afterSpace = end + 1;
        usedToSpace = used;
      }
      if (symbol.ends === MUST_BREAK) {
        end++;
        break;
      }
    }
    start = end;
  }
  rowStarts.push(length);
}

// A paragraph runs in the direction of the first character that has one.
function directRows() {
  rowDirections = [];
  for (let t = 0, row = 0; row < numRows(); ) {
    let direction = 0;
    for (; t < length && symbolAt(t).ends !== MUST_BREAK; t++) direction ||= symbolAt(t).direction;
    for (t++; row < numRows() && rowStarts[row] < t; row++)
      rowDirections.push(direction === RIGHT_TO_LEFT ? 'rtl' : 'ltr');
  }
}

function rowOf(t) {
  let low = 0, high = numRows();
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (rowStarts[middle] <= t) low = middle;
    else high = middle;
  }
  return low;
}

const MAX_COLUMNS = 110; // longer rows are hard to read

// The width of an element in a row, and the row's height, as the browser draws them.
function measure(className, text) {
  const row = document.createElement('div');
  row.className = 'row';
  const cell = document.createElement('span');
  cell.className = className;
  cell.textContent = text;
  row.append(cell);
  sheet.append(row);
  const width = cell.getBoundingClientRect().width, height = row.getBoundingClientRect().height;
  row.remove();
  return {width, height};
}

// Each symbol's width in pixels: of its column of guesses, or of itself in the font it is drawn in.
function measureSymbols() {
  const {fontSize, fontFamily} = getComputedStyle(view);
  const canvas = document.createElement('canvas').getContext('2d');
  canvas.font = `${fontSize} ${fontFamily}`;
  const narrow = measure('column', '').width, wide = measure('column wide', '').width;
  for (const symbol of symbols)
    if (state.guesses) symbol.width = isWide(symbol) ? wide : narrow;
    else symbol.width = canvas.measureText(symbol.shown).width;
}

function layOut() {
  const top = firstInSight();
  sheet.classList.toggle('guessing', state.guesses);
  measureSymbols();
  const column = measure('cell', '0');
  const style = getComputedStyle(view);
  const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  const room = view.clientWidth - 1 - padding; // clientWidth is rounded
  const width = Math.min(room, MAX_COLUMNS * column.width);
  rowHeight = column.height;
  breakRows(width);
  directRows();
  sheet.style.width = `${width}px`;
  sheet.style.height = `${numRows() * rowHeight}px`;
  clearRows();
  view.scrollTop = rowOf(top) * rowHeight;
  drawRows();
}

function firstInSight() {
  const row = Math.min(Math.round(view.scrollTop / rowHeight), numRows() - 1);
  return rowStarts[row] || 0;
}

// --- drawing: only the rows in sight are elements of the page ------------------------------------

const drawn = new Map(); // row → its element

function cellClass(t) {
  const level = state.levels[t];
  const colour = level === -LEVELS - 1 ? '' : ` level${level}`;
  return `cell${colour}${symbolAt(t).style}${t === state.marked ? ' marked' : ''}`;
}

// A space is seen in the text by its colour; in a list it needs a sign.
const visible = (symbol) => (symbol.shown === ' ' ? '␣' : symbol.shown);

function makeGuess(guess) {
  const line = document.createElement('span');
  line.className = `guess${guess.symbol.style}${guess.cameTrue ? ' true' : ''}`;
  line.style.setProperty('--share', `${100 * guess.share}%`);
  return line;
}

function makeCell(t) {
  const cell = document.createElement('span');
  cell.className = cellClass(t);
  cell.textContent = symbolAt(t).shown;
  cell.position = t;
  if (!state.guesses) return cell;
  const column = document.createElement('span');
  column.className = isWide(symbolAt(t)) ? 'column wide' : 'column';
  column.append(cell);
  for (const guess of guessesAfter(t)) {
    const line = makeGuess(guess);
    const share = String(Math.round(100 * guess.share)).padStart(2);
    line.textContent = `${share} ${visible(guess.symbol)}`;
    column.append(line);
  }
  return column;
}

// Order and shaping of scripts are the browser's: cells are plain spans of one text. A column of
// guesses is a box, which has no direction of its own, so its character's is set on both sides.
function makeRow(row) {
  const line = document.createElement('div');
  line.className = 'row';
  line.dir = rowDirections[row];
  line.style.top = `${row * rowHeight}px`;
  for (let t = rowStarts[row]; t < rowStarts[row + 1]; t++) {
    const direction = state.guesses && hasRightToLeft ? symbolAt(t).direction : 0;
    const sign = direction === 0 ? '' : direction === RIGHT_TO_LEFT ? '\u200f' : '\u200e';
    line.append(sign, makeCell(t), sign);
  }
  return line;
}

function clearRows() {
  for (const line of drawn.values()) line.remove();
  drawn.clear();
}

function drawRows() {
  const margin = 6; // rows beyond the edges, so that scrolling does not show them empty
  const top = view.scrollTop, bottom = top + view.clientHeight;
  const first = Math.max(0, Math.floor(top / rowHeight) - margin);
  const last = Math.min(numRows(), Math.ceil(bottom / rowHeight) + margin);
  for (const [row, line] of drawn)
    if (row < first || row >= last) {
      line.remove();
      drawn.delete(row);
    }
  for (let row = first; row < last; row++)
    if (!drawn.has(row)) {
      drawn.set(row, makeRow(row));
      sheet.append(drawn.get(row));
    }
}

function recolour() {
  for (const line of drawn.values())
    for (const cell of line.querySelectorAll('.cell')) cell.className = cellClass(cell.position);
}

// --- one character -------------------------------------------------------------------------------

function valueAt(t) {
  const level = state.levels[t], range = signals[state.signal].range;
  return number(level === -LEVELS - 1 ? NaN : (level / LEVELS) * range, range);
}

const nextWords = 'next, most likely first: ';

function showDetail(t) {
  const detail = element('detail');
  detail.replaceChildren();
  if (t < 0) {
    detail.textContent =
      'Point at a character, or click it, for its value, its loss and what the model expected next.';
    return;
  }
  const add = (label, text) => {
    const item = document.createElement('span');
    const strong = document.createElement('b');
    strong.textContent = text;
    item.append(`${label} `, strong);
    detail.append(item);
  };
  add('character', String(t));
  add('', symbolAt(t).name);
  add(nameOf(signals[state.signal]), valueAt(t));
  add('loss', `${losses[t].toFixed(3)} nats`);
  const next = document.createElement('span');
  next.append(nextWords);
  for (const guess of guessesAfter(t)) {
    const item = makeGuess(guess);
    const shown = document.createElement('bdi'); // of either direction, it stays before its share
    shown.textContent = visible(guess.symbol);
    item.append(shown, ` ${percent(guess.share)}`);
    item.title = guess.symbol.name;
    next.append(item);
  }
  detail.append(next);
}

function announce(t) {
  const guesses = guessesAfter(t).map((guess) => `${guess.symbol.name} ${percent(guess.share)}`);
  element('announcement').textContent =
    `Character ${t}: ${symbolAt(t).name}; ${nameOf(signals[state.signal])} is ${valueAt(t)}; ` +
    `loss ${losses[t].toFixed(3)} nats; ${nextWords}${guesses.join(', ')}`;
}

function mark(t) {
  state.marked = t;
  if (t >= 0) {
    const top = rowOf(t) * rowHeight;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + rowHeight > view.scrollTop + view.clientHeight - 32)
      view.scrollTop = top + rowHeight - view.clientHeight + 32;
    announce(t);
  }
  drawRows();
  recolour();
  showDetail(t);
  saveState();
}

// --- choosing the signal -------------------------------------------------------------------------

const distinct = (list) => [...new Set(list)].sort((a, b) => a - b);
const nearest = (list, wanted) =>
  list.reduce((a, b) => (Math.abs(b - wanted) < Math.abs(a - wanted) ? b : a));
const quantities = distinct(signals.map((s) => s.quantity));
const layersOf = (quantity) =>
  distinct(signals.filter((s) => s.quantity === quantity).map((s) => s.layer));
const unitsOf = (quantity, layer) =>
  distinct(signals.filter((s) => s.quantity === quantity && s.layer === layer).map((s) => s.unit));

function fill(select, values, labelOf, chosen) {
  const options = values.map((value) => new Option(labelOf(value), value, false, value === chosen));
  select.replaceChildren(...options);
}

function showSignal(index) {
  const signal = signals[index];
  state.signal = index;
  state.levels = decode(`signal${index}`, Int8Array);
  fill(element('quantity'), quantities, (q) => about.quantities[q], signal.quantity);
  fill(element('layer'), layersOf(signal.quantity), String, signal.layer);
  fill(element('unit'), unitsOf(signal.quantity, signal.layer), String, signal.unit);
  const range = String(Number(signal.range.toPrecision(3)));
  element('low').textContent = `−${range}`;
  element('high').textContent = `+${range}`;
  element('legend').setAttribute('aria-label', `Blue for −${range}, orange for +${range}`);
  recolour();
  showDetail(state.marked);
  saveState();
}

// The signal of these, or the nearest there is of that quantity.
function choose(quantity, layer, unit) {
  const nearLayer = nearest(layersOf(quantity), layer);
  const nearUnit = nearest(unitsOf(quantity, nearLayer), unit);
  showSignal(signals.findIndex(
    (s) => s.quantity === quantity && s.layer === nearLayer && s.unit === nearUnit));
}

// The neighbour in a list, from its end to its start again.
const step = (list, item, by) => list[(list.indexOf(item) + by + list.length) % list.length];

function stepUnit(by) {
  const {quantity, layer, unit} = signals[state.signal];
  choose(quantity, layer, step(unitsOf(quantity, layer), unit, by));
}

function stepLayer(by) {
  const {quantity, layer, unit} = signals[state.signal];
  choose(quantity, step(layersOf(quantity), layer, by), unit);
}

function stepQuantity(by) {
  const {quantity, layer, unit} = signals[state.signal];
  choose(step(quantities, quantity, by), layer, unit);
}

function setGuesses(on) {
  state.guesses = on;
  element('guesses').setAttribute('aria-pressed', String(on));
  layOut();
  saveState();
}

function setTheme(theme) {
  state.theme = theme;
  document.documentElement.dataset.theme = theme;
  element('theme').textContent = theme === 'dark' ? 'Light' : 'Dark';
  element('bar').style.background = `linear-gradient(to right, ${about[theme].join()})`;
}

// --- the state in the address: #signal=h:1:37&at=1200&mark=1234&guesses=1 ------------------------

let saving = 0;

function saveState() {
  clearTimeout(saving);
  saving = setTimeout(() => {
    const {quantity, layer, unit} = signals[state.signal];
    let hash = `#signal=${about.quantities[quantity]}:${layer}:${unit}&at=${firstInSight()}`;
    if (state.marked >= 0) hash += `&mark=${state.marked}`;
    if (state.guesses) hash += '&guesses=1';
    history.replaceState(null, '', hash);
  }, 150);
}

function loadState() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const [name, layer, unit] = (wanted.get('signal') || '').split(':');
  const quantity = about.quantities.indexOf(name);
  const position = (key, otherwise) => {
    const t = parseInt(wanted.get(key), 10);
    return t >= 0 && t < length ? t : otherwise;
  };
  if (quantities.includes(quantity)) choose(quantity, Number(layer) || 0, Number(unit) || 0);
  else showSignal(about.first);
  state.marked = position('mark', -1);
  setGuesses(wanted.get('guesses') === '1');
  view.scrollTop = rowOf(position('at', 0)) * rowHeight;
  drawRows();
  recolour();
  showDetail(state.marked);
}

// --- keys, pointer, controls ---------------------------------------------------------------------

function walk(key) {
  if (state.marked < 0) return mark(firstInSight());
  const row = rowOf(state.marked), offset = state.marked - rowStarts[row];
  const inRow = (r) => Math.min(rowStarts[r] + offset, rowStarts[r + 1] - 1);
  const back = rowDirections[row] === 'rtl' ? 'ArrowRight' : 'ArrowLeft';
  if (key === 'ArrowUp') mark(row > 0 ? inRow(row - 1) : state.marked);
  else if (key === 'ArrowDown') mark(row + 1 < numRows() ? inRow(row + 1) : state.marked);
  else mark(Math.min(Math.max(state.marked + (key === back ? -1 : 1), 0), length - 1));
}

const actions = {
  ArrowLeft: () => stepUnit(-1),
  ArrowRight: () => stepUnit(1),
  ArrowUp: () => stepLayer(1),
  ArrowDown: () => stepLayer(-1),
  q: () => stepQuantity(1),
  Q: () => stepQuantity(-1),
  g: () => setGuesses(!state.guesses),
  d: () => setTheme(state.theme === 'dark' ? 'light' : 'dark'),
  Escape: () => mark(-1),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest('select')) return;
  if (event.shiftKey && event.key.startsWith('Arrow')) walk(event.key);
  else if (Object.hasOwn(actions, event.key)) actions[event.key]();
  else return;
  event.preventDefault();
});

const positionOf = (event) => event.target.closest?.('.cell')?.position ?? -1;

view.addEventListener('pointerover', (event) => {
  const t = positionOf(event);
  showDetail(t >= 0 ? t : state.marked);
});
view.addEventListener('pointerleave', () => showDetail(state.marked));
view.addEventListener('click', (event) => {
  const t = positionOf(event);
  if (t >= 0) mark(t === state.marked ? -1 : t);
});
view.addEventListener('scroll', () => {
  requestAnimationFrame(drawRows);
  saveState();
});

const lists = ['quantity', 'layer', 'unit'].map(element);
for (const list of lists)
  list.addEventListener('change', () => choose(...lists.map(({value}) => Number(value))));
element('previous').addEventListener('click', actions.ArrowLeft);
element('next').addEventListener('click', actions.ArrowRight);
element('guesses').addEventListener('click', actions.g);
element('theme').addEventListener('click', actions.d);
addEventListener('hashchange', loadState);

function start() {
  const count = (number) => number.toLocaleString('en');
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / Math.max(length, 1);
  document.title = `${about.text} · ${about.model} · rune`;
  element('title').textContent = about.text;
  element('summary').textContent =
    `read by ${about.model}: ${count(length)} characters, ${mean.toFixed(3)} nats a character, ` +
    `${count(signals.length)} signals`;
  addColours();
  setTheme(state.theme);
  if (length === 0 || signals.length === 0) {
    view.textContent = 'There is nothing to show: the trace is empty.';
    return;
  }
  loadState();
  new ResizeObserver(() => layOut()).observe(view);
}

start();
