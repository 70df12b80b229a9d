// --- data: blocks in the page, unpacked on demand (see block.h) ----------------------------------

const element = (id) => document.getElementById(id);
const about = JSON.parse(element('about').textContent);

const FORBIDDEN = [0, 13, 60]; // characters that HTML does not preserve
const PAIRS = 0x100, LAST = 0x280; // the first characters that replace them

function bytesOf(text) {
  const bytes = new Uint8Array(Math.ceil((text.length * 14) / 8));
  let end = 0, bits = 0, numBits = 0;
  const put = (septet) => {
    bits = ((bits << 7) | septet) & 0x3fff;
    numBits += 7;
    if (numBits < 8) return;
    numBits -= 8;
    bytes[end++] = bits >> numBits;
  };
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < PAIRS) put(code);
    else if (code >= LAST) put(FORBIDDEN[code - LAST]);
    else {
      put(FORBIDDEN[(code - PAIRS) >> 7]);
      put(code & 0x7f);
    }
  }
  return bytes.subarray(0, end);
}

function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer();
}

const pause = (milliseconds = 0) => new Promise((done) => setTimeout(done, milliseconds));

// Waits for an element while the browser reads the page. It is complete once it has a successor.
async function loadedElement(id) {
  for (;;) {
    const loaded = document.readyState !== 'loading', found = element(id);
    if (found?.nextSibling || loaded) return found;
    await pause(20);
  }
}

// The bytes of a block; null if the page lacks it.
async function readBlock(id) {
  const block = await loadedElement(id);
  return block && inflate(bytesOf(block.textContent));
}

async function readJson(id) {
  const buffer = await readBlock(id);
  return buffer && JSON.parse(new TextDecoder().decode(buffer));
}

// --- each character ------------------------------------------------------------------------------

const Id = {1: Uint8Array, 2: Uint16Array, 4: Uint32Array}[about.id_bytes];
const NO_ID = 2 ** (8 * about.id_bytes) - 1;
const NO_LOSS = 0xffff;
const length = about.length; // characters in the page
const text = {}; // ids, losses, ranks and guesses of the characters, set by readText

async function readText() {
  const types = {
    ids: Id, losses: Uint16Array, ranks: Id, guess_ids: Id, guess_probs: Uint8Array,
  };
  await Promise.all(Object.entries(types).map(async ([id, Type]) => {
    text[id] = new Type(await readBlock(id));
  }));
}

const lossAt = (t) => (text.losses[t] === NO_LOSS ? NaN : text.losses[t] / 1000);
const isLossClipped = (t) => text.losses[t] === NO_LOSS - 1; // or exactly this

// The model's predictions for the character after t, likeliest first.
function guessesAfter(t) {
  const list = [];
  for (let k = 0; k < about.num_guesses; k++) {
    const id = text.guess_ids[k * length + t];
    if (id === NO_ID) continue;
    list.push({
      symbol: symbols[id],
      share: (text.guess_probs[k * length + t] / 255) ** 2,
      cameTrue: t + 1 < length && id === text.ids[t + 1],
    });
  }
  return list;
}

// --- signals -------------------------------------------------------------------------------------

const LEVELS = 127; // a value is level/127 of its signal's range
const NO_LEVEL = -128; // stands for NaN

const signals = JSON.parse(element('signals').textContent).map(
  ([quantity, layer, unit, range, clipped], index) =>
    ({quantity, layer, unit, range, clipped, index}));
const signalAt = new Map(signals.map((s) => [`${s.quantity}:${s.layer}:${s.unit}`, s]));
// The signal with this name; undefined if it is not in the page.
const findSignal = (quantity, layer, unit) => signalAt.get(`${quantity}:${layer}:${unit}`);

// Unpacked signals, least recently used first; limited to this size.
const CACHE_BYTES = 1e8;
const cache = new Map();

function levelsOf(index) {
  const levels = cache.get(index) ??
    readBlock(`signal${index}`).then((buffer) => new Int8Array(buffer));
  cache.delete(index);
  cache.set(index, levels);
  if (cache.size > 2 && cache.size * length > CACHE_BYTES) cache.delete(cache.keys().next().value);
  return levels;
}

const findingsOf = (index) => readJson(`unit${index}`);
