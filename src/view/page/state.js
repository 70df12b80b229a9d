// --- state ---------------------------------------------------------------------------------------

const systemTheme = () =>
  matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';

const state = {
  signal: about.first, // index into signals
  second: -1, // index of the signal in the lower half, or −1
  levels: null, // of the signal, one per character; null while it is unpacked
  secondLevels: null,
  marked: -1, // the marked character, or −1
  selection: null, // [start, end) or null
  reached: -1, // the end of the selection that the arrows move, or −1
  matches: {starts: [], ends: []}, // of the search
  guesses: false,
  theme: systemTheme(),
  panel: '', // the open tab, or none
};
let findings = null; // on the whole network, once unpacked

const view = element('view');
const sheet = element('sheet');

// --- symbols and names ---------------------------------------------------------------------------

const KEEP = 0, MUST_BREAK = 2; // whether a row ends after a symbol
const LEFT_TO_RIGHT = 1, RIGHT_TO_LEFT = 2; // of letters; 0 for symbols without a direction
const rightToLeft = new RegExp(`[${['Hebrew', 'Arabic', 'Syriac', 'Thaana', 'Nko', 'Samaritan',
  'Mandaic', 'Adlam', 'Hanifi_Rohingya'].map((script) => `\\p{Script=${script}}`).join('')}]`, 'u');

function directionOf(shown) {
  if (rightToLeft.test(shown)) return RIGHT_TO_LEFT;
  return /\p{L}/u.test(shown) ? LEFT_TO_RIGHT : 0; // digits are weak (UAX #9)
}

// The invisible mark that gives a box the direction of its symbol. Digits get one too, so that
// those of a number keep their order.
function directionMarkOf(shown) {
  if (directionOf(shown) === RIGHT_TO_LEFT) return '\u200f';
  return /[\p{L}\p{N}]/u.test(shown) ? '\u200e' : '';
}

const symbols = about.symbols.map(([shown, ends, combining, name, exact]) => ({
  shown, ends, name, exact,
  style: combining ? ' combining' : '',
  direction: directionOf(shown), mark: directionMarkOf(shown),
  isWide: shown.length > 4 && !/\P{ASCII}/u.test(shown), // U+200D
}));
const hasRightToLeft = symbols.some((symbol) => symbol.direction === RIGHT_TO_LEFT);
const hasWide = symbols.some((symbol) => symbol.isWide);
const MANY_MARKS = 0.03; // share of combining marks above which code points are hard to read
const symbolAt = (t) => symbols[text.ids[t]];
// In the text a space is visible by its colour; in a list it needs a sign.
const visible = (symbol) => (symbol.shown === ' ' ? '␣' : symbol.shown);

// Each character of a range as in the file. For a model of bytes, the first byte of a UTF-8
// sequence gets the whole character and the others are empty.
function exactParts(start, end) {
  const parts = Array.from({length: end - start}, (_, i) => symbolAt(start + i).exact);
  if (about.unit === 'byte') joinBytes(parts);
  return parts;
}

const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

function joinBytes(parts) {
  const bytes = Uint8Array.from(parts, (exact) =>
    exact.length > 1 ? parseInt(exact.slice(2), 16) : exact.charCodeAt(0)); // "\\xE6", or itself
  for (let i = 0; i < bytes.length; i++) {
    const size = bytes[i] < 0xc2 ? 1 : bytes[i] < 0xe0 ? 2 : bytes[i] < 0xf0 ? 3 : 4;
    if (size === 1) continue;
    try {
      parts[i] = utf8.decode(bytes.subarray(i, i + size));
      for (let rest = size; rest > 1; rest--) parts[++i] = '';
    } catch {} // not UTF-8
  }
}

const nameOf = ({quantity, layer, unit}) => `${about.quantities[quantity]} ${layer}:${unit}`;

// --- numbers as words ----------------------------------------------------------------------------

const signed = (words) => words.replace(/^-(?=[0.]*$)/, '').replace('-', '−'); // avoids −0.0
const count = (number) => number.toLocaleString('en');
const several = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`;
const timesWords = (number) => (number === 1 ? 'once' : `${count(number)} times`);
const short = (value, digits = 2) =>
  Number.isFinite(value) ? signed(String(Number(value.toPrecision(digits)))) : '–';
const fixed = (value, decimals) =>
  Number.isFinite(value) ? signed(value.toFixed(decimals)) : 'not a number';
const lossNumber = (t, decimals) =>
  `${isLossClipped(t) ? '≥ ' : ''}${fixed(lossAt(t), decimals)}`;
const lossWords = (t) => `${lossNumber(t, 3)} nats`;
const percent = (share) =>
  share >= 0.0995 ? `${Math.round(100 * share)} %`
  : share >= 0.0005 ? `${(100 * share).toFixed(1)} %` : '< 0.1 %';

// The value of a level, with enough decimals to distinguish neighbouring levels. Where values of a
// signal were clipped to its range, the last level is only a bound.
function valueOf(level, {range, clipped}) {
  const decimals = Math.min(Math.max(Math.ceil(-Math.log10(range / LEVELS)), 0), 12);
  const words = fixed(level === NO_LEVEL ? NaN : (level / LEVELS) * range, decimals);
  return clipped && Math.abs(level) === LEVELS ? `${level > 0 ? '≥' : '≤'} ${words}` : words;
}

// --- elements ------------------------------------------------------------------------------------

// make('button', {type: 'button', class: 'item'}, 'words', child …). Undefined and false attributes
// are left out; functions become event listeners.
function make(name, attributes = {}, ...children) {
  return assemble(document.createElement(name), attributes, children);
}

const svg = (name, attributes = {}, ...children) =>
  assemble(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);

function assemble(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes))
    if (typeof value === 'function') made.addEventListener(key, value);
    else if (value !== undefined && value !== false)
      made.setAttribute(key, value === true ? '' : value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
