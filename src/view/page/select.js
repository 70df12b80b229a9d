// --- selection tab: units that are on throughout a passage, and similar passages -----------------

const UNITS_USED = 40; // at most, for similar passages: those that are on most rarely
const PASSAGES_SHOWN = 25;
const WORK = 12; // milliseconds of work between pauses, which keep the page responsive

const THRESHOLD = 0.3, LEAST = 0.05, MOST = 0.95;
let threshold = THRESHOLD; // a signal is on beyond this share of its usual range

const boundedThreshold = (share) => Math.min(Math.max(share || THRESHOLD, LEAST), MOST);
let alikePassages = []; // [{start, end, units, of}], best first: `units` of `of` units are on
let searches = 0; // number of the latest search; earlier ones stop

function select(start, end, reached = -1) {
  state.selection = start < end ? [Math.max(start, 0), Math.min(end, length)] : null;
  state.reached = reached;
  alikePassages = [];
  searches++;
  if (state.selection) bringIntoSight(state.selection[0]);
  drawRows();
  redraw();
  if (state.panel === 'selection') showPanel();
  saveState();
}

const isAlike = (t) => alikePassages.some(({start, end}) => t >= start && t < end);

document.addEventListener('copy', (event) => {
  if (!state.selection || !getSelection().isCollapsed || event.target.closest?.('input')) return;
  event.clipboardData.setData('text/plain', exactParts(...state.selection).join(''));
  event.preventDefault();
});

// The usual range of a signal: 99 % of its levels are within it, so that outliers do not matter.
function usualLevel(levels) {
  const numbers = new Uint32Array(LEVELS + 2); // of characters by |level|
  for (let t = 0; t < length; t++) numbers[Math.abs(levels[t])]++;
  let level = 0;
  for (let within = numbers[0]; within < 0.99 * length; within += numbers[level]) level++;
  return Math.max(level, 1);
}

// Whether a level of that sign reaches the limit.
const isOn = (level, sign, limit) => level !== NO_LEVEL && level * sign >= limit;

// The sign with which a signal is on throughout a passage; 0 if it is not.
function signThroughout(levels, start, end, limit) {
  const sign = Math.sign(levels[start]);
  for (let t = start; t < end; t++) if (!isOn(levels[t], sign, limit)) return 0;
  return sign;
}

function shareOn(levels, sign, limit) {
  let on = 0;
  for (let t = 0; t < length; t++) on += isOn(levels[t], sign, limit);
  return on / length;
}

// A function that pauses from time to time, and throws once another search has begun.
function pacer(own, progress) {
  let last = performance.now();
  return async (done, of) => {
    if (performance.now() - last < WORK) return;
    progress(done / of);
    await pause();
    if (own !== searches) throw new DOMException('a new search has begun', 'AbortError');
    last = performance.now();
  };
}

// The signals that are on throughout a passage, by the share of the text where they are, least
// first: {index, sign, limit, share}.
async function unitsThroughout(start, end, pace) {
  const found = [];
  for (const {index} of signals) {
    const levels = await levelsOf(index), limit = threshold * usualLevel(levels);
    const sign = signThroughout(levels, start, end, limit);
    if (sign !== 0) found.push({index, sign, limit, share: shareOn(levels, sign, limit)});
    await pace(index, signals.length);
  }
  return found.sort((a, b) => a.share - b.share);
}

// A score for the passage of that length that ends at each character. Its integer part is the
// number of units that are on throughout it. Its fraction is their rarity: their part of the sum of
// −log2 share.
async function likeness(units, span, pace) {
  const scores = new Float32Array(length);
  const rarities = units.map(({share}) => -Math.log2(share));
  const all = rarities.reduce((sum, rarity) => sum + rarity, 0) + 1;
  for (const [i, {index, sign, limit}] of units.entries()) {
    const levels = await levelsOf(index), score = 1 + rarities[i] / all;
    for (let t = 0, run = 0; t < length; t++) {
      run = isOn(levels[t], sign, limit) ? run + 1 : 0;
      if (run >= span) scores[t] += score;
    }
    await pace(i, units.length);
  }
  return scores;
}

// The best passages that do not overlap each other or the selection.
function bestPassages(scores, start, end) {
  const span = end - start, candidates = [];
  for (let from = 0; from < length; from += span) { // the best end in each interval of that length
    let best = from;
    for (let t = from; t < Math.min(from + span, length); t++)
      if (scores[t] > scores[best]) best = t;
    if (scores[best] > 0) candidates.push(best);
  }
  candidates.sort((a, b) => scores[b] - scores[a] || a - b);
  const taken = [];
  for (const last of candidates) {
    const found = {start: last + 1 - span, end: last + 1, units: Math.floor(scores[last])};
    const free = (other) => found.end <= other.start || found.start >= other.end;
    if (free({start, end}) && taken.every(free)) taken.push(found);
    if (taken.length === PASSAGES_SHOWN) break;
  }
  return taken;
}

function unitItem({index, sign, share}) {
  const {quantity, layer, unit} = signals[index];
  const known = findings.discoveries.find((discovery) => isOf(discovery, signals[index]));
  const direction = make('span', {class: `sign ${sign > 0 ? 'up' : 'down'}`},
    sign > 0 ? 'high' : 'low');
  return make('li', {}, signalButton([quantity, layer, unit], direction,
    make('span', {class: 'words'}, known ? known.words : ''),
    make('span', {class: 'quiet', title: 'of the text'}, percent(share))));
}

// Lists the similar passages in the colours of the shown signal.
function showPlaces() {
  const places = element('places');
  if (!places || !state.levels) return;
  replaceContent(places, heading('Other passages where they are on'),
    ...(alikePassages.length === 0 ? [quiet('None.')] : []),
    ...alikePassages.map(({start, end, units, of}) =>
      passage(state.levels, `${units} of ${of}`, start, end)));
}

async function searchAlike(into, progress) {
  const own = ++searches, [start, end] = state.selection;
  alikePassages = [];
  redraw();
  const pace = pacer(own, (share) => {
    progress.hidden = false;
    progress.value = share;
  });
  const units = await unitsThroughout(start, end, pace);
  if (own !== searches) return;
  const words = units.length === 0
    ? 'No signal is on throughout it: lower the threshold, or select less.'
    : `${count(units.length)} of ${count(signals.length)} signals are on throughout it. ` +
      'Percentages are shares of the whole text where a signal is on.';
  const used = units.slice(0, UNITS_USED);
  into.replaceChildren(quiet(words), make('ul', {class: 'list units'}, ...used.map(unitItem)));
  if (used.length > 0) {
    const scores = await likeness(used, end - start, pace);
    if (own !== searches) return;
    alikePassages = bestPassages(scores, start, end)
      .map((found) => ({...found, of: used.length}));
    into.append(make('div', {id: 'places'}));
    showPlaces();
    announce(`${several(units.length, 'signal')} on throughout the selection; ` +
      several(alikePassages.length, 'other passage'));
  }
  progress.hidden = true;
  showPresent();
  redraw();
}

const findAlike = (into, progress) => searchAlike(into, progress).catch((error) => {
  if (error.name !== 'AbortError') throw error;
});

// Fields for the bounds of the selection, as an alternative to dragging.
function boundFields() {
  const here = Math.max(state.marked, 0), [start, end] = state.selection ?? [here, here + 1];
  const field = (name, value, most) => make('input', {type: 'number', name, value, min: 0,
    max: most, 'aria-label': name === 'from' ? 'From character' : 'To character (exclusive)'});
  const from = field('from', start, length - 1), to = field('to', end, length);
  return make('form', {class: 'bounds', submit: (event) => {
    event.preventDefault();
    select(Number(from.value), Number(to.value));
  }}, 'Characters ', from, ' to ', to, ' ', make('button', {}, 'Select'));
}

// The selection and threshold that the tab shows.
let selectionShown = '';
const selectionKey = () => JSON.stringify([state.selection, threshold]);

function showSelection(panel) {
  const wanted = selectionKey();
  if (wanted === selectionShown) {
    showPlaces();
    return;
  }
  selectionShown = wanted;
  const into = make('div', {}), progress = make('progress', {max: 1, 'aria-label': 'Unpacking'});
  progress.hidden = true;
  const shown = make('output', {}, fixed(threshold, 2));
  const slider = make('input', {type: 'range', min: LEAST, max: MOST, step: 0.05, value: threshold,
    'aria-label': 'Threshold, as a share of the usual range of a signal',
    input: () => {
      threshold = Number(slider.value);
      shown.textContent = fixed(threshold, 2);
      selectionShown = selectionKey();
      saveState();
      if (state.selection) findAlike(into, progress);
    }});
  replaceContent(panel, heading('Selection'), boundFields(),
    make('label', {class: 'slider'}, 'On beyond ', slider, ' ', shown, ' of its usual range'),
    progress, into);
  if (state.selection) findAlike(into, progress);
  else into.append(quiet('Select a passage: drag over the text, or mark a character and press ' +
    'Shift with an arrow. This tab then lists the units that are on throughout the passage, and other ' +
    'passages where they are on.'));
}
