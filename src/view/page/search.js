// --- search in text and discoveries --------------------------------------------------------------

const MAX_MATCHES = 100000;
const FOUND_SHOWN = 8;

// The text as one string and the start of each character in it; built at the first search.
let haystack = null;

function makeHaystack() {
  const parts = exactParts(0, length), starts = new Uint32Array(length);
  for (let t = 0, at = 0; t < length; t++) {
    starts[t] = parts[t] === '' ? starts[t - 1] : at;
    at += parts[t].length;
  }
  haystack = {whole: parts.join(''), starts};
}

function findMatches(query) {
  const starts = [], ends = [];
  if (query === '') return {starts, ends};
  if (!haystack) makeHaystack();
  const escaped = query.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  for (const {index, 0: found} of haystack.whole.matchAll(new RegExp(escaped, 'giu'))) {
    let start = lastUpTo(haystack.starts, index);
    while (start > 0 && haystack.starts[start - 1] === haystack.starts[start]) start--;
    starts.push(start);
    ends.push(lastUpTo(haystack.starts, index + found.length - 1) + 1);
    if (starts.length === MAX_MATCHES) break;
  }
  return {starts, ends};
}

const searchBox = element('search');
const found = element('found');
let match = -1; // index of the current match
let offered = []; // discoveries listed under the box
let active = -1; // index of the active one

function showMatchCount() {
  const number = state.matches.starts.length;
  const all = number === MAX_MATCHES ? `${count(number)} and more` : count(number);
  element('matches').textContent = searchBox.value === '' ? ''
    : match >= 0 ? `${count(match + 1)} of ${all}` : all;
}

function closeFound() {
  found.hidden = true;
  active = -1;
  searchBox.setAttribute('aria-expanded', 'false');
  searchBox.removeAttribute('aria-activedescendant');
}

function offerDiscoveries(query) {
  offered = query === '' || !findings ? [] : discoveriesWith(query).slice(0, FOUND_SHOWN);
  closeFound();
  if (offered.length === 0) return;
  found.replaceChildren(...offered.map((discovery, i) => {
    const [quantity, layer, unit] = discovery.name;
    return make('li', {id: `found${i}`, role: 'option', 'aria-selected': 'false',
      pointerdown: (event) => {
        event.preventDefault(); // keeps the focus in the box
        chooseFound(i);
      }}, make('b', {class: 'name'}, nameOf({quantity, layer, unit})), ` ${discovery.words}`,
    findSignal(quantity, layer, unit) ? null : make('i', {}, ' (not in this page)'));
  }));
  found.hidden = false;
  searchBox.setAttribute('aria-expanded', 'true');
}

function activate(i) {
  if (offered.length === 0 || found.hidden) return;
  active = (i + offered.length) % offered.length;
  for (const [j, item] of [...found.children].entries())
    item.setAttribute('aria-selected', String(j === active));
  searchBox.setAttribute('aria-activedescendant', `found${active}`);
}

function chooseFound(i) {
  const [quantity, layer, unit] = offered[i].name, signal = findSignal(quantity, layer, unit);
  if (signal) showSignal(signal.index);
  else announce(`${nameOf({quantity, layer, unit})} is not in this page`);
  closeFound();
  view.focus();
}

function searchFor(query) {
  state.matches = findMatches(query);
  match = -1;
  showMatchCount();
  offerDiscoveries(query);
  redraw();
  saveState();
}

function goToMatch(by) {
  const {starts} = state.matches;
  if (starts.length === 0) return;
  const here = state.marked >= 0 ? state.marked : firstInSight() - 1;
  if (match >= 0 && starts[match] === state.marked) match += by;
  else match = lastUpTo(starts, here) + (by > 0 ? 1 : 0);
  match = (match + starts.length) % starts.length;
  mark(starts[match]);
  showMatchCount();
}

searchBox.addEventListener('input', () => searchFor(searchBox.value));
searchBox.addEventListener('blur', closeFound);
searchBox.addEventListener('keydown', (event) => {
  const {key} = event;
  if (event.isComposing) return; // keys belong to the input method
  if (key === 'Enter' && active >= 0) chooseFound(active);
  else if (key === 'Enter') goToMatch(event.shiftKey ? -1 : 1);
  else if (key === 'ArrowDown') activate(active + 1);
  else if (key === 'ArrowUp') activate(active < 0 ? -1 : active - 1);
  else if (key === 'Escape') {
    searchBox.value = '';
    searchFor('');
    view.focus();
  } else return;
  event.preventDefault();
});

// --- go to a position ----------------------------------------------------------------------------

const going = element('going');
const position = element('position');

function askPosition() {
  position.value = state.marked >= 0 ? state.marked : firstInSight();
  element('going-wrong').textContent = '';
  going.showModal();
  position.select();
}

// Parses "1,234" or "50%"; NaN if it is neither or outside of the text.
function parsePosition(words) {
  const number = Number(words.replace(/[,\s]|%$/g, '') || NaN);
  const t = Math.floor(words.trim().endsWith('%') ? (number / 100) * (length - 1) : number);
  return t >= 0 && t < length ? t : NaN;
}

going.addEventListener('submit', (event) => {
  if (event.submitter?.value === 'cancel') return;
  const t = parsePosition(position.value);
  if (Number.isNaN(t)) {
    event.preventDefault();
    element('going-wrong').textContent = `Enter 0 to ${count(length - 1)}, or 0% to 100%.`;
    return;
  }
  mark(t);
  view.focus();
});
