// --- choosing signals ----------------------------------------------------------------------------

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

function fillLists() {
  const {quantity, layer, unit} = signals[state.signal];
  fill(element('quantity'), quantities, (q) => about.quantities[q], quantity);
  fill(element('layer'), layersOf(quantity), String, layer);
  fill(element('unit'), unitsOf(quantity, layer), String, unit);
}

// The colour scale of each shown signal; only the half from 0 on if it has no negative values.
function showLegend() {
  const two = state.second >= 0, {theme} = document.documentElement.dataset;
  const scale = (index, levels, place) => {
    const {range} = signals[index], name = nameOf(signals[index]);
    const bar = make('span', {class: 'bar'});
    const below = !levels || levels.some((level) => level < 0 && level !== NO_LEVEL);
    const above = !levels || !below || levels.some((level) => level > 0);
    const low = below ? `−${short(range, 3)}` : '0', high = above ? `+${short(range, 3)}` : '0';
    const colours = about[theme].slice(below ? 0 : LEVELS, above ? undefined : LEVELS + 1);
    bar.style.background = `linear-gradient(to right, ${colours.join()})`;
    const words = [...(below ? [`blue for ${low}`] : []), ...(above ? [`orange for ${high}`] : [])];
    return make('span', {
      class: 'scale', role: 'img', 'aria-label': `${place}${name}: ${words.join(', ')}`,
    }, make('b', {}, name), make('span', {class: 'low'}, low), bar, make('span', {}, high));
  };
  element('legend').replaceChildren(
    scale(state.signal, state.levels, two ? 'Upper half, ' : ''),
    ...(two ? [scale(state.second, state.secondLevels, 'Lower half, ')] : []));
}

// Updates all that depends on the signals shown.
function showChange() {
  redraw();
  showLegend();
  drawStrip();
  showDetail(state.marked);
}

async function showSignal(index) {
  state.signal = index;
  state.levels = null;
  fillLists();
  saveState();
  const levels = await levelsOf(index);
  if (state.signal !== index) return; // another signal was chosen meanwhile
  state.levels = levels;
  showChange();
  showPanel();
}

async function showSecond(index) {
  const list = element('second');
  state.second = index;
  state.secondLevels = null;
  element('compare').setAttribute('aria-pressed', String(index >= 0));
  list.hidden = index < 0;
  if (index >= 0) {
    if (list.length === 0)
      fill(list, signals.map((s) => s.index), (i) => nameOf(signals[i]), index);
    list.value = index;
  }
  saveState();
  const levels = index < 0 ? null : await levelsOf(index);
  if (state.second !== index) return;
  state.secondLevels = levels;
  showChange();
}

function swapSignals() {
  if (state.second < 0) return;
  const {signal, second} = state;
  showSignal(second);
  showSecond(signal);
}

// Shows the signal with this name, or the nearest one of that quantity in the page.
function choose(quantity, layer, unit) {
  const nearLayer = nearest(layersOf(quantity), layer);
  const nearUnit = nearest(unitsOf(quantity, nearLayer), unit);
  const {index} = findSignal(quantity, nearLayer, nearUnit);
  announce(nameOf(signals[index]));
  return showSignal(index);
}

// The neighbour of an item in a list, cyclically.
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
}

function switchTheme() {
  setTheme(state.theme === 'dark' ? 'light' : 'dark');
  showLegend();
  drawStrip();
  saveState();
}

// A button that shows the signal with this name; only its name if it is not in the page.
function signalButton(name, ...children) {
  const [quantity, layer, unit] = name, words = nameOf({quantity, layer, unit});
  const signal = findSignal(quantity, layer, unit);
  const content = [make('b', {class: 'name'}, words), ...children];
  if (!signal)
    return make('span', {class: 'item absent', title: 'not in this page; add it with --units'},
      ...content);
  return make('button', {
    type: 'button', class: 'item', click: () => showSignal(signal.index),
    'data-signal': signal.index,
  }, ...content);
}
