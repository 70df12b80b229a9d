// page.mjs WRITE_PAGE: opens the pages that WRITE_PAGE makes in a headless browser, uses keys and pointer,
// and compares what is drawn with the data. Run by playwright.sh.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {inflateSync} from 'node:zlib';

const {chromium} = createRequire(import.meta.url)(resolve(process.env.PLAYWRIGHT));
const directory = mkdtempSync(join(tmpdir(), 'rune-page-'));

// --- data of a page, read without its script -----------------------------------------------------

// Seven bits per character; a character that stands for two was replaced by them before.
function readBlock(text) {
  const forbidden = '\0\r<';
  const plain = text.replace(/[\u0100-\u027f]/g, (c) => forbidden[(c.charCodeAt(0) - 0x100) >> 7] +
    String.fromCharCode(c.charCodeAt(0) & 127))
    .replace(/[\u0280-\u0282]/g, (c) => forbidden[c.charCodeAt(0) - 0x280]);
  const bytes = Buffer.alloc((plain.length * 7) >> 3);
  for (let i = 0; i < bytes.length; i++) {
    const at = Math.floor((8 * i) / 7), shift = (8 * i) % 7; // the byte begins within that septet
    const two = (plain.charCodeAt(at) << 7) | (plain.charCodeAt(at + 1) || 0);
    bytes[i] = (two >> (6 - shift)) & 255;
  }
  return inflateSync(bytes);
}

function readPage(kind) {
  const file = join(directory, kind, 'index.html'), html = readFileSync(file, 'utf8');
  const blocks = new Map([...html.matchAll(/<script type="[^"]+" id="(\w+)">([^<]*)<\/script>/g)]
    .map(([, id, text]) => [id, text]));
  const about = JSON.parse(blocks.get('about'));
  const ids = readBlock(blocks.get('ids')), losses = readBlock(blocks.get('losses'));
  const unpacked = new Map();
  const levels = (signal) => {
    if (!unpacked.has(signal)) {
      const {buffer, byteOffset, length} = readBlock(blocks.get(`signal${signal}`));
      unpacked.set(signal, new Int8Array(buffer, byteOffset, length));
    }
    return unpacked.get(signal);
  };
  return {
    about, levels, url: `file://${file}`, size: statSync(file).size, length: ids.length,
    signals: JSON.parse(blocks.get('signals')),
    findings: JSON.parse(readBlock(blocks.get('findings'))),
    symbolAt: (t) => about.symbols[ids[t]],
    lossAt: (t) => losses.readUInt16LE(2 * t) / 1000,
    unit: (signal) => JSON.parse(readBlock(blocks.get(`unit${signal}`))),
  };
}

// --- the page in the browser ---------------------------------------------------------------------

const rgb = (hex) => `rgb(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(', ')})`;

// The cells in the page: position, text, colour, and the line over the lower half.
const readCells = (page) => page.$$eval('#sheet .cell', (cells) => cells.map((cell) => ({
  t: cell.position, text: cell.textContent, colour: getComputedStyle(cell).backgroundColor,
  lower: getComputedStyle(cell).textDecoration,
})));

const colourOf = (data, signal, t, theme) => rgb(data.about[theme][data.levels(signal)[t] + 127]);

async function colourful(page, data, signal, theme = 'light') {
  let cells;
  await until(page, [], async () => {
    cells = await readCells(page);
    return cells.filter(({t, text, colour}) =>
      text !== data.symbolAt(t)[0] || colour !== colourOf(data, signal, t, theme));
  });
  assert.ok(cells.length > 100 && cells.length < data.length, `${cells.length} cells`);
  return cells;
}

const cellOf = (page, t) =>
  page.evaluateHandle((t) => [...document.querySelectorAll('#sheet .cell')]
    .find((cell) => cell.position === t), t);
const marked = (page) =>
  page.evaluate(() => document.querySelector('#sheet .marked')?.position ?? -1);
const selected = (page) => page.$$eval('#sheet .selected', (cells) => cells.map((c) => c.position));
const chosen = (page) => page.$$eval('#quantity, #layer, #unit', (lists) =>
  lists.map((list) => list.selectedOptions[0].text).join(' '));
const nameOf = (data, [quantity, layer, unit]) =>
  `${data.about.quantities[quantity]} ${layer} ${unit}`;
const range = (start, end) => Array.from({length: end - start}, (_, i) => start + i);
// What a key or a click changes is drawn in the next frame.
const drawn = (page) => page.evaluate(() =>
  new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
  await drawn(page);
};
const click = async (page, t) => {
  await (await cellOf(page, t)).click();
  await drawn(page);
};
const copy = (page) => page.evaluate(() => {
  const data = new DataTransfer();
  document.dispatchEvent(new ClipboardEvent('copy', {clipboardData: data}));
  return data.getData('text/plain');
});
const until = async (page, wanted, read) => {
  let found = await read(page);
  for (let tries = 0; tries < 3000 && !isDeepStrictEqual(found, wanted); tries++) {
    await page.waitForTimeout(20); // a busy machine takes its time
    found = await read(page);
  }
  assert.deepEqual(found, wanted);
};

// --- tests of an awkward text --------------------------------------------------------------------

const awkward = {
  async 'the text is drawn whole and in its colours'(page, data) {
    const cells = await colourful(page, data, 0);
    assert.deepEqual(cells.slice(0, 100).map((cell) => cell.t), range(0, 100));
  },

  async 'nothing of the text is markup'(page) {
    assert.equal(await page.$$eval('i, img, b b', (list) => list.length), 0);
    assert.match(await page.textContent('#summary'), /<\/script><b>\\xFF/);
    assert.match(await page.textContent('#sheet'), /<\/script><i title=x>&lt;<\/i>/);
  },

  async 'arrows and q choose the signal'(page, data) {
    const steps = [
      ['ArrowRight', 'h 0 1', 1], ['ArrowUp', 'h 1 1', 4], ['q', 'c 1 1', 10],
      ['ArrowLeft', 'c 1 0', 9], ['ArrowLeft', 'c 1 2', 11], ['ArrowDown', 'c 0 2', 8],
      ['Q', 'h 0 2', 2],
    ];
    for (const [key, name, signal] of steps) {
      await press(page, key);
      assert.equal(await chosen(page), name);
      await colourful(page, data, signal);
    }
  },

  async 'lists and buttons choose the signal'(page, data) {
    await page.selectOption('#unit', '2');
    await colourful(page, data, 2);
    await page.selectOption('#quantity', 'c');
    await page.selectOption('#layer', '1');
    await colourful(page, data, 11);
    await page.click('#previous');
    await colourful(page, data, 10);
    await page.click('#next');
    await colourful(page, data, 11);
  },

  async 'two signals share each character'(page, data) {
    await press(page, 's', 'ArrowRight');
    await colourful(page, data, 1);
    const halves = async (second) => (await readCells(page)).every(({t, lower}) =>
      lower.startsWith('underline') && lower.includes(colourOf(data, second, t, 'light')));
    await until(page, true, () => halves(0));
    await page.selectOption('#second', '7');
    await until(page, true, () => halves(7));
    await press(page, 'x');
    await colourful(page, data, 7);
    await until(page, true, () => halves(1));
    await page.click('#compare');
    await until(page, true, async () =>
      (await readCells(page)).every(({lower}) => lower.startsWith('none')));
  },

  async 'light and dark, by the system and by choice'(page, data) {
    await press(page, 'd');
    await colourful(page, data, 0, 'dark');
    await page.waitForFunction(() => /theme=dark/.test(location.hash));
    await page.click('#theme');
    await colourful(page, data, 0, 'light');
    await page.emulateMedia({colorScheme: 'dark'});
    await page.reload();
    await page.waitForSelector('#sheet .cell[class*=level]');
    await colourful(page, data, 0, 'dark');
  },

  async 'scrolling draws what comes in sight'(page, data) {
    await page.focus('#view');
    await press(page, 'End');
    await page.waitForFunction((last) => [...document.querySelectorAll('#sheet .cell')]
      .some((cell) => cell.position === last), data.length - 1);
    await colourful(page, data, 0);
  },

  async 'predictions stand under the characters'(page, data) {
    await press(page, 'p');
    const column = await page.$eval('.column', (box) =>
      [...box.children].map((line) => line.textContent));
    const next = range(1, 6).map((t) => data.symbolAt(t)[0]);
    assert.deepEqual(column, [data.symbolAt(0)[0],
      ...['50', '25', '12', ' 6', ' 3'].map((share, i) => `${share} ${next[i]}`), '#2', '0.5']);
    await page.evaluate(() => {
      text.ranks.fill(250);
      text.losses.fill(65534);
    });
    await press(page, 'p', 'p');
    const lines = await page.$$eval('.guess', (list) => list.map((line) =>
      [line.textContent, line.scrollWidth <= line.clientWidth]));
    assert.ok(lines.some(([words]) => words === '#250') && lines.some(([words]) => words === '≥ 65.5'));
    for (const [words, fits] of lines)
      if (words.length < 14) assert.ok(fits, words); // longer symbols are cut
    await page.click('#guesses');
    assert.equal(await page.$$eval('.column', (list) => list.length), 0);
  },

  async 'pointing and walking show details of a character'(page, data) {
    const expected = (t) => [`loss ${data.lossAt(t).toFixed(3)}`, data.symbolAt(t)[3]];
    await (await cellOf(page, 5)).hover();
    for (const part of [...expected(5), 'rank 6', 'predicted next: '])
      assert.ok((await page.textContent('#detail')).includes(part));
    await click(page, 4);
    await until(page, 4, marked);
    await press(page, 'l');
    await until(page, 5, marked);
    const told = await page.textContent('#announcement');
    for (const part of [...expected(5), 'Character 5:', 'h 0:0', 'rank 6', 'predicted next'])
      assert.ok(told.includes(part), told);
    await press(page, 'h', 'h', 'j', 'k');
    await until(page, 3, marked);
    await press(page, 'Escape');
    await until(page, 0, () => page.$$eval('.marked', (list) => list.length));
  },

  async 'search finds text'(page, data) {
    for (const words of ['</SCRIPT><i', '👍', 'א', '.*', 's&"']) {
      await press(page, '/');
      await page.fill('#search', words);
      const text = range(0, data.length).map((t) => data.symbolAt(t)[4]).join('').toLowerCase();
      const times = text.split(words.toLowerCase()).length - 1;
      assert.equal(await page.textContent('#matches'), String(times));
      await press(page, 'Enter');
      if (times > 0)
        assert.match(await page.textContent('#matches'), new RegExp(`^\\d+ of ${times}$`));
      await press(page, 'Escape');
    }
  },

  async 'a browser that cannot unpack it gets a message'(page, data) {
    const script = await page.addInitScript(() => delete globalThis.DecompressionStream);
    await page.reload();
    assert.match(await page.textContent('#view'), /cannot unpack .* DecompressionStream/);
    await script.dispose();
  },

  async 'the address keeps the state'(page, data, open) {
    await open('#signal=c:1:2&second=h:0:1&at=5000&mark=5020&select=5030-5040&panel=selection' +
      '&threshold=0.45&search=s%26%22%20%25&guesses=1');
    assert.equal(await chosen(page), 'c 1 2');
    assert.equal(await page.$eval('#second', (list) => list.selectedOptions[0].text), 'h 0:1');
    assert.equal(await page.getAttribute('#guesses', 'aria-pressed'), 'true');
    await until(page, 5020, marked);
    assert.deepEqual(await selected(page), range(5030, 5040));
    assert.ok(await page.isVisible('#selection'));
    assert.equal(await page.inputValue('#search'), 's&" %');
    assert.equal(await page.textContent('#matches'), '0');
    assert.equal(await page.inputValue('#selection input[type=range]'), '0.45');
    await press(page, 'ArrowLeft');
    const kept = new RegExp('signal=c:1:1&second=h:0:1&at=\\d+&mark=5020&select=5030-5040&' +
      'panel=selection&threshold=0.45&search=s%26%22%20%25&guesses=1');
    await page.waitForURL(kept);
    await press(page, '/');
    await page.fill('#search', 's&"');
    await page.$eval('#selection input[type=range]', (slider) => {
      slider.value = 0.3;
      slider.dispatchEvent(new Event('input'));
    });
    await page.waitForURL(/panel=selection&search=s%26%22&/);
    await open('#signal=x:9:9&at=1e9&mark=-4&select=9-2&panel=toString&second=&theme=pink');
    assert.equal(await chosen(page), 'h 0 0');
    assert.ok(await page.isHidden('#panel'));
  },
};

// --- tests of a text from right to left ----------------------------------------------------------

const hebrew = {
  async 'lines have the direction of their letters'(page, data) {
    await colourful(page, data, 0);
    assert.deepEqual(await page.$$eval('#sheet .row', (rows) =>
      [...new Set(rows.map((row) => row.dir))]), ['rtl']);
    const left = async (t) => (await (await cellOf(page, t)).boundingBox()).x;
    assert.ok(await left(1) < await left(0));
    await press(page, 'p');
    assert.ok(await left(3) < await left(2));
    assert.ok(!(await page.textContent('#summary')).includes('marks'));
  },

  async 'arrows move where they point'(page) {
    await click(page, 2);
    await press(page, 'h');
    await until(page, 3, marked);
    await press(page, 'l', 'l');
    await until(page, 1, marked);
    await press(page, 'Shift+ArrowLeft');
    await until(page, [1, 2], selected);
  },
};

// --- tests of a text in wide characters ----------------------------------------------------------

const chinese = {
  async 'many combining marks give a hint'(page) {
    assert.match(await page.textContent('#summary'), /20 % are combining marks.*--unit grapheme/);
  },

  async 'wide characters fit the paper'(page, data, open) {
    await open('#select=0-400');
    await page.emulateMedia({media: 'print'});
    await page.setViewportSize({width: 640, height: 900});
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    const {row, paper, cells} = await page.$eval('#paper .sheet', (sheet) => ({
      row: Math.max(...[...sheet.querySelectorAll('.cell')]
        .map((cell) => cell.getBoundingClientRect().right)),
      paper: innerWidth, cells: sheet.querySelectorAll('.cell').length,
    }));
    assert.equal(cells, 400);
    assert.ok(row <= paper, `${row} of ${paper} pixels`);
  },
};

// --- tests of a text in bytes --------------------------------------------------------------------

const bytes = {
  async 'bytes are searched and copied as characters'(page, data) {
    await press(page, '/');
    await page.fill('#search', 'a漢');
    assert.equal(await page.textContent('#matches'), '99');
    await press(page, 'Enter');
    await until(page, 4, marked);
    assert.deepEqual((await page.$$eval('#sheet .match', (cells) => cells.map((c) => c.position)))
      .slice(0, 4), range(4, 8));
    await page.evaluate(() => select(3, 8));
    assert.equal(await copy(page), '\\xFFa漢');
    await page.evaluate(() => select(3, 7));
    assert.equal(await copy(page), '\\xFFa\\xE6\\xBC');
  },
};

// --- tests of a page with all findings -----------------------------------------------------------

// The level from which a signal is on: a share of the level within which 99 % of its values are.
function limitOf(data, signal, threshold) {
  const sizes = [...data.levels(signal)].map(Math.abs).sort((a, b) => a - b);
  return threshold * sizes[Math.ceil(0.99 * sizes.length) - 1];
}

// The signals that are on throughout a passage: [[signal, sign, limit], …], computed naively.
function onThroughout(data, start, end, threshold) {
  const found = [];
  data.signals.forEach((_, s) => {
    const limit = limitOf(data, s, threshold);
    for (const sign of [1, -1])
      if (range(start, end).every((t) => data.levels(s)[t] * sign >= limit))
        found.push([s, sign, limit]);
  });
  return found;
}

async function checkSelection(page, data, start, end, threshold = 0.3) {
  await page.waitForSelector('#selection .list', {state: 'attached'});
  await page.waitForFunction(() => document.querySelector('#selection progress').hidden &&
    document.querySelector('#selection h3 ~ div'));
  const wanted = onThroughout(data, start, end, threshold);
  const names = wanted.map(([s, sign]) => {
    const [quantity, layer, unit] = data.signals[s];
    return `${data.about.quantities[quantity]} ${layer}:${unit} ${sign > 0 ? 'high' : 'low'}`;
  });
  await until(page, names.sort(), () => page.$$eval('#selection .item', (items) =>
    items.map((item) => ['.name', '.sign'].map((part) =>
      item.querySelector(part).textContent).join(' ')).sort()));
  if (wanted.length === 0) return;
  await page.waitForSelector('#selection .passage');
  const passages = await page.$$eval('#selection .passage', (list) =>
    list.map((item) => item.getAttribute('aria-label').match(/^(\d+) of \d+: character (\d+)/)
      .slice(1).map(Number)));
  const others = range(0, data.length - (end - start) + 1)
    .filter((t) => t + end - start <= start || t >= end);
  const agreeing = (t) => wanted.filter(([s, sign, limit]) =>
    range(t, t + end - start).every((u) => data.levels(s)[u] * sign >= limit)).length;
  assert.equal(passages[0][0], Math.max(...others.map(agreeing)));
  for (const [units, t] of passages) assert.equal(units, agreeing(t));
}

const full = {
  async 'the header names what was left out'(page) {
    assert.match(await page.textContent('#summary'),
      /6,000 characters.*h and c of 20 of 1,024 units; --units chooses others/);
  },

  async 'discoveries are listed, filtered and chosen'(page, data) {
    await press(page, '1');
    const items = page.locator('#discoveries li');
    const units = new Set(data.findings.discoveries.map(([[, layer, unit]]) => `${layer}:${unit}`));
    await until(page, units.size, () => items.count());
    await page.fill('#discoveries input', 'LINE down');
    const wanted = data.findings.discoveries.filter(([, label]) => label === 1);
    await until(page, wanted.length, () => items.count());
    await items.nth(1).locator('button').click();
    await until(page, nameOf(data, wanted[1][0]), chosen);
    assert.equal(await page.locator('[aria-current]').count(), 1);
    await page.fill('#discoveries input', 'no such words');
    assert.match(await items.first().textContent(), /Nothing/);
  },

  async 'a discovery is found by the search, with keys alone'(page, data) {
    await press(page, '/', 'l', 'i', 'n', 'e', ' ', 'c');
    await page.waitForSelector('#found li');
    await press(page, 'ArrowDown', 'ArrowDown', 'Enter');
    const wanted = data.findings.discoveries.filter(([, label]) => label === 1);
    await until(page, nameOf(data, wanted[1][0]), chosen);
    assert.ok(await page.isHidden('#found'));
    await press(page, 'ArrowRight'); // the keys are the page's again
    assert.notEqual(await chosen(page), nameOf(data, wanted[1][0]));
  },

  async 'n and N go through matches'(page, data) {
    const text = range(0, data.length).map((t) => data.symbolAt(t)[4]).join('');
    const places = [...text.matchAll(/river/g)].map(({index}) => index);
    await press(page, '/');
    await page.keyboard.type('RIVER');
    await press(page, 'Enter', 'Enter');
    await until(page, places[1], marked);
    assert.equal(await page.textContent('#matches'), `2 of ${places.length}`);
    await press(page, 'Shift+Enter', 'Shift+Enter');
    await until(page, places.at(-1), marked);
    await page.focus('#view');
    await press(page, 'n');
    await until(page, places[0], marked);
    await press(page, 'N');
    await until(page, places.at(-1), marked);
  },

  async 'the neuron has its card'(page, data) {
    await press(page, '2');
    await page.waitForSelector('#neuron .passage');
    const {card, ablation} = data.unit(0);
    const panel = await page.textContent('#neuron');
    for (const words of ['Layer 0, unit 0: h', 'is on inside quotes', 'Mean by character',
      'Most alike', 'Most opposed', 'Time constant', 'Clamped to its mean'])
      assert.ok(panel.includes(words), words);
    assert.ok(panel.includes(Math.abs(ablation.change).toFixed(4)));
    assert.equal(await page.locator('#neuron .bin').count(), card.histogram.length);
    await page.locator('#neuron .passage').first().click();
    await until(page, card.highest[0], marked);
    assert.ok(panel.includes('Only h of the last layer reaches the output directly.'));
    await page.focus('#view');
    await press(page, 'ArrowUp'); // the last layer has output weights
    await page.waitForSelector('#neuron h3:has-text("Makes likelier")');
    await press(page, 'q');
    await page.waitForSelector('#neuron h3:has-text("Its h makes likelier")');
    await page.waitForSelector('#neuron :text("Clamped to its mean")');
    await page.selectOption('#unit', '95'); // was not ablated
    await page.waitForSelector('#neuron :text("--ablate all measures every unit")');
    await page.locator('#neuron h3:has-text("Most alike") + ul button').first().click();
    await page.waitForFunction(() => /unit/.test(document.querySelector('#neuron h2').textContent));
  },

  async 'gates and memory are drawn'(page, data) {
    await press(page, '3');
    await page.waitForSelector('#memory .scatter');
    assert.equal(await page.locator('#memory .scatter').count(), 4);
    assert.equal(await page.locator('#memory .dot').count(), 4 * 2 * 512);
    assert.equal(await page.locator('#memory .curve').count(), 3);
    assert.equal(await page.locator('#memory .band').count(), 3);
    const point = (unit) => page.locator(`#memory .scatter >> nth=0 >> [data-unit="${unit}"]`);
    const kept = (i) => data.signals.some(([, layer, unit]) => layer * 512 + unit === i);
    for (const i of [0, 1, 517, 1023])
      assert.equal(await point(i).getAttribute('data-kept') !== null, kept(i));
    await point(3).dispatchEvent('pointerover');
    assert.match(await page.textContent('#pointed'), /^i 0:3: closed .* not in this page$/);
    await point(3).dispatchEvent('click');
    assert.equal(await chosen(page), 'h 0 0');
    await point(517).dispatchEvent('click');
    await until(page, 'h 1 5', chosen);
  },

  async 'attributions of a prediction are underlined'(page) {
    await press(page, '3');
    const lines = () =>
      page.$$eval('#sheet [class*=" weight"]', (list) => list.map((cell) => cell.position));
    await click(page, 400);
    const weighed = await lines();
    assert.ok(weighed.length > 3 && weighed.every((t) => t < 400 && t >= 340), String(weighed));
    assert.match(await page.textContent('#detail'), /underlined: made it likelier/);
    await click(page, 20);
    await until(page, [], lines);
    assert.match(await page.textContent('#detail'),
      /attributions are known for 100 to 499; --passage FROM:LENGTH measures others/);
    await page.click('#memory button:has-text("Mark character 499")');
    await until(page, 499, marked);
  },

  async 'a passage is selected by dragging'(page, data) {
    await (await cellOf(page, 24)).hover();
    await page.mouse.down();
    await (await cellOf(page, 28)).hover();
    await (await cellOf(page, 31)).hover();
    await page.mouse.up();
    await until(page, range(24, 32), selected);
    await checkSelection(page, data, 24, 32);
    const other = page.locator('#selection .passage').first();
    const start = Number((await other.getAttribute('aria-label')).match(/character (\d+)/)[1]);
    await other.click();
    await until(page, start, marked);
    assert.equal(await (await cellOf(page, start + 7)).evaluate((cell) =>
      cell.classList.contains('alike')), true);
  },

  async 'a drag may end outside the text'(page) {
    await (await cellOf(page, 24)).hover();
    await page.mouse.down();
    await (await cellOf(page, 31)).hover();
    await page.hover('#summary');
    await page.mouse.up();
    await until(page, range(24, 32), selected);
    await press(page, 'b');
    await page.click('#summary');
    assert.ok(await page.isHidden('#panel'));
    await click(page, 40);
    await until(page, 40, marked);
    assert.deepEqual(await selected(page), range(24, 32));
    await press(page, 'Escape');
    await page.click('#summary');
    assert.deepEqual(await selected(page), []);
  },

  async 'arrows select from the mark, wherever it went'(page) {
    await click(page, 60);
    await press(page, 'Shift+ArrowRight', 'Shift+ArrowRight');
    await until(page, range(60, 63), selected);
    await press(page, 'g');
    await page.keyboard.type('10');
    await press(page, 'Enter', 'Shift+ArrowRight');
    await until(page, range(10, 12), selected);
    await press(page, '4');
    await page.fill('#selection input[name=from]', '100');
    await page.fill('#selection input[name=to]', '120');
    await press(page, 'Enter');
    await until(page, range(100, 120), selected);
    await page.focus('#view');
    await press(page, 'Shift+ArrowRight');
    await until(page, range(10, 12), selected);
  },

  async 'similar passages are cleared with their selection'(page, data, open) {
    const alike = () => page.$$eval('#sheet .alike, #selection .passage', (list) => list.length > 0);
    const slide = (value) => page.$eval('#selection input[type=range]', (slider, value) => {
      slider.value = value;
      slider.dispatchEvent(new Event('input'));
    }, value);
    await open('#select=24-32&panel=selection');
    await until(page, true, alike);
    await slide(0.95);
    await until(page, false, alike);
    await slide(0.3);
    await until(page, true, alike);
    await page.evaluate(() => (location.hash = '#signal=h:0:0'));
    await until(page, [], selected);
    await until(page, false, alike);
    assert.equal(await page.evaluate(() => alikePassages.length), 0);
  },

  async 'a passage is selected by keys, and the threshold moved'(page, data) {
    await click(page, 60);
    await press(page, '4', 'Shift+ArrowRight', 'Shift+ArrowRight');
    await until(page, range(60, 63), selected);
    await checkSelection(page, data, 60, 63);
    await page.focus('#selection input[type=range]');
    await press(page, 'ArrowRight', 'ArrowRight');
    await checkSelection(page, data, 60, 63, 0.4);
    await page.focus('#view');
    await press(page, 'Shift+ArrowLeft', 'Shift+ArrowLeft', 'Shift+ArrowLeft');
    await until(page, [59, 60], selected);
    await press(page, 'Escape');
    await until(page, [], selected);
    await until(page, 60, marked);
  },

  async 'a passage is selected by its bounds, and copied'(page) {
    await press(page, '4');
    await page.fill('#selection input[name=from]', '100');
    await page.fill('#selection input[name=to]', '120');
    await press(page, 'Enter');
    await until(page, range(100, 120), selected);
    assert.equal((await copy(page)).length, 20);
    await page.evaluate(() => getSelection().selectAllChildren(document.querySelector('#panel h3')));
    assert.equal(await copy(page), ''); // the browser's
    await click(page, 40);
    assert.equal((await copy(page)).length, 20);
  },

  async 'the overview scrolls the text'(page, data) {
    const box = await page.locator('#strip').boundingBox();
    const first = () => page.$eval('#sheet .cell', (cell) => cell.position);
    await page.mouse.click(box.x + box.width * 0.5, box.y + 10);
    await page.waitForTimeout(100);
    assert.ok(Math.abs((await first()) - data.length / 2) < 1500);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + 10);
    await page.mouse.up();
    await page.waitForFunction((last) => [...document.querySelectorAll('#sheet .cell')]
      .some((cell) => cell.position === last), data.length - 1);
    const colours = await page.$eval('#strip', (canvas) => new Set(new Uint32Array(canvas
      .getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size);
    assert.ok(colours > 3);
  },

  async 'g goes to a position'(page, data) {
    await press(page, 'g');
    await page.keyboard.type('4,321');
    await press(page, 'Enter');
    await until(page, 4321, marked);
    await page.click('#go');
    await page.keyboard.type('50%');
    await press(page, 'Enter');
    await until(page, Math.floor((data.length - 1) / 2), marked);
    await press(page, 'g');
    await page.keyboard.type('six');
    await press(page, 'Enter');
    assert.match(await page.textContent('#going-wrong'), /0 to 5,999/);
    await press(page, 'Escape');
    assert.ok(await page.isHidden('#going'));
  },

  async 'help lists the keys'(page) {
    await press(page, '?');
    assert.ok(await page.isVisible('#keys'));
    await press(page, 'Enter');
    assert.ok(await page.isHidden('#keys'));
    await page.click('#help');
    await page.click('#keys button');
    assert.ok(await page.isHidden('#keys'));
  },

  async 'the panel opens and closes'(page) {
    await press(page, 'b');
    assert.ok(await page.isVisible('#discoveries'));
    for (const [key, tab] of [['2', 'neuron'], ['3', 'memory'], ['4', 'selection']]) {
      await press(page, key);
      assert.ok(await page.isVisible(`#${tab}`));
      await page.click('#tab-discoveries');
      await page.click(`#tab-${tab}`);
      assert.ok(await page.isVisible(`#${tab}`));
    }
    await page.click('#side');
    assert.ok(await page.isHidden('#panel'));
  },

  async 'arrows switch tabs and scroll their content'(page) {
    const focused = () => page.evaluate(() => document.activeElement.id);
    await press(page, 'b');
    await page.focus('#tab-discoveries');
    for (const [key, name] of [['ArrowRight', 'neuron'], ['End', 'selection'],
      ['ArrowRight', 'discoveries'], ['ArrowLeft', 'selection'], ['Home', 'discoveries'],
      ['ArrowRight', 'neuron']]) {
      await press(page, key);
      assert.ok(await page.isVisible(`#${name}`));
      assert.equal(await focused(), `tab-${name}`);
      assert.deepEqual(await page.$$eval('[role=tab]', (tabs) =>
        tabs.filter((tab) => tab.tabIndex === 0).map((tab) => tab.id)), [`tab-${name}`]);
    }
    assert.equal(await chosen(page), 'h 0 0');
    await page.waitForSelector('#neuron .passage');
    await press(page, 'Tab');
    assert.equal(await focused(), 'neuron');
    await press(page, 'ArrowDown', 'ArrowDown');
    await page.waitForFunction(() => document.querySelector('#neuron').scrollTop > 0);
    assert.equal(await chosen(page), 'h 0 0');
  },

  async 'the focus is not lost'(page) {
    const focused = () => page.evaluate(() => document.activeElement.id);
    await press(page, '2');
    await page.waitForSelector('#neuron h3:has-text("Most alike")');
    await page.locator('#neuron h3:has-text("Most alike") + ul button').first().press('Enter');
    await until(page, 'neuron', focused);
    await press(page, '1');
    assert.equal(await focused(), 'discoveries');
    await press(page, 'b');
    assert.equal(await focused(), 'view');
    await press(page, '4');
    await page.fill('#selection input[name=to]', '20');
    await press(page, 'Enter');
    await until(page, 'to', () => page.evaluate(() => document.activeElement.name));
  },

  async 'print has the selected passage and no controls'(page, data, open) {
    await open('#select=200-420&second=c:1:5&theme=dark');
    await page.pdf(); // fires beforeprint and afterprint
    assert.equal(await page.locator('#paper *').count(), 0);
    await page.emulateMedia({media: 'print'});
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    assert.ok(await page.isHidden('header'));
    assert.equal(await page.locator('#paper .row').allTextContents().then((rows) => rows.join('')),
      range(200, 420).map((t) => data.symbolAt(t)[0]).join(''));
    assert.equal(await page.$eval('#paper .cell', (cell) => getComputedStyle(cell).backgroundColor),
      colourOf(data, 0, 200, 'light'));
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    assert.equal(await page.getAttribute('html', 'data-theme'), 'dark');
  },

  async 'every control is reached by Tab and has a name'(page) {
    await press(page, '2', 's');
    await page.waitForSelector('#neuron .passage');
    const wanted = await page.$$eval('button, select, input, main', (list) =>
      list.filter((e) => e.checkVisibility() && e.tabIndex >= 0).length);
    const reached = new Set();
    await page.evaluate(() => document.activeElement.blur());
    for (let i = 0; i < 2 * wanted && reached.size < wanted; i++) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(() => {
        const all = [...document.querySelectorAll('button, select, input, main')];
        return all.indexOf(document.activeElement);
      });
      if (focused >= 0) reached.add(focused);
    }
    assert.equal(reached.size, wanted);
    const {nodes} = await (await page.context().newCDPSession(page))
      .send('Accessibility.getFullAXTree');
    const roles = ['button', 'combobox', 'application', 'tab', 'searchbox', 'slider', 'dialog'];
    const controls = nodes.filter((node) => roles.includes(node.role?.value));
    assert.ok(controls.length >= 18, String(controls.length));
    for (const node of controls) assert.ok(node.name?.value, JSON.stringify(node.role));
  },

  async 'it fits narrow windows'(page) {
    for (const width of [1400, 1000, 390]) {
      await page.setViewportSize({width, height: 700});
      await press(page, '3');
      await page.waitForTimeout(50);
      assert.ok(await page.evaluate(() =>
        document.documentElement.scrollWidth <= innerWidth), `${width} pixels`);
      assert.ok((await page.locator('#view').boundingBox()).height > 80, `${width} pixels`);
    }
  },
};

// --- tests of the largest page -------------------------------------------------------------------

const checksum = (levels) => levels.reduce((sum, level) => (Math.imul(sum, 31) + level) | 0, 7);

const large = {
  async 'the file is within its size, and every value is right'(page, data) {
    const values = data.signals.length * data.length;
    assert.ok(data.size <= 30e6, `${data.size} bytes`);
    assert.ok(data.size >= 29e6, `${data.size} bytes`);
    assert.ok(data.size / values <= 1.2, `${data.size / values} bytes a value`);
    const sums = await page.evaluate(async () => {
      const list = [];
      for (const {index} of signals)
        list.push((await levelsOf(index))
          .reduce((sum, level) => (Math.imul(sum, 31) + level) | 0, 7));
      return list;
    });
    data.signals.forEach((_, s) => assert.equal(sums[s], checksum(data.levels(s)), `signal ${s}`));
  },

  async 'it scrolls to its end'(page, data) {
    await press(page, 'g');
    await page.keyboard.type('199999');
    await press(page, 'Enter');
    await until(page, 199999, marked);
    await colourful(page, data, 0);
  },

  async 'visible rows are drawn after fast scrolling'(page, data) {
    await press(page, 's', 'ArrowRight');
    await page.evaluate(async () => {
      for (let i = 0; i < 60; i++) {
        view.scrollTop = ((i * 7919) % 61) / 61 * view.scrollHeight;
        if (i % 3 === 0) await new Promise(requestAnimationFrame);
      }
    });
    await drawn(page);
    const cells = await colourful(page, data, await page.evaluate(() => state.signal));
    const sorted = cells.map(({t}) => t).sort((a, b) => a - b);
    const [first, end] = await page.evaluate(() => [firstInSight(), endOfSight()]);
    assert.ok(first > 1000 && sorted[0] <= first && sorted.at(-1) >= end - 1);
    assert.deepEqual(sorted, range(sorted[0], sorted.at(-1) + 1)); // each once, and all
  },

  // A large page appears soon because it waits for one signal only.
  async 'the text is painted once one signal is unpacked'(page, data, open) {
    const script = await page.addInitScript(() => {
      let unpacked = 0;
      globalThis.DecompressionStream = class extends DecompressionStream {
        constructor(format) {
          super(format);
          unpacked++;
        }
      };
      new MutationObserver((_, observer) => {
        if (!document.querySelector('#sheet .cell[class*=level]')) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() =>
          (globalThis.painted = {unpacked, time: Math.round(performance.now())})));
      }).observe(document, {subtree: true, childList: true, attributes: true});
    });
    await open('');
    await page.waitForFunction(() => globalThis.painted);
    const {unpacked, time} = await page.evaluate(() => globalThis.painted);
    console.log(`# characters in their colours after ${time} ms and ${unpacked} blocks`);
    await script.dispose();
    assert.ok(unpacked >= 3 && unpacked <= 16 && data.signals.length > 64, `${unpacked} of ${data.signals.length} signals`);
  },
};

// --- running them --------------------------------------------------------------------------------

const viewport = {width: 1000, height: 700};

// A page of the browser for one test after another. A test that failed leaves none.
async function newPage(browser) {
  const page = await browser.newPage({viewport});
  page.setDefaultTimeout(120000);
  page.complaints = [];
  page.requests = [];
  page.on('console', (message) => page.complaints.push(message.text()));
  page.on('pageerror', (error) => page.complaints.push(error.stack));
  page.on('request', (request) => page.requests.push(request.url()));
  return page;
}

let opened = 0;

async function runTest(page, data, test) {
  const open = async (hash) => {
    await page.goto(`${data.url}?${opened++}${hash}`); // a new address, so that it is loaded anew
    await page.waitForSelector('#sheet .cell[class*=level]');
    await page.waitForFunction(() => document.readyState === 'complete');
  };
  await page.setViewportSize(viewport);
  await page.emulateMedia({media: null, colorScheme: 'light'});
  await page.mouse.move(0, 0);
  await open('');
  await test(page, data, open);
  assert.deepEqual(page.complaints, []);
  assert.deepEqual(page.requests.filter((url) => !url.startsWith('file:')), []);
}

const browser = await chromium.launch({
  executablePath: process.env.BROWSER, args: ['--no-sandbox', '--disable-gpu'],
});
let number = 0, failed = 0, page;
try {
  for (const [kind, tests] of Object.entries({awkward, hebrew, chinese, bytes, small: full, full: large})) {
    mkdirSync(join(directory, kind));
    execFileSync(process.argv[2], [kind, join(directory, kind)]);
    const data = readPage(kind);
    for (const [name, test] of Object.entries(tests)) {
      if (process.env.ONLY && !name.includes(process.env.ONLY)) continue;
      number++;
      try {
        page ??= await newPage(browser);
        await runTest(page, data, test);
        console.log(`ok ${number} - ${name}`);
      } catch (error) {
        console.log(`not ok ${number} - ${name}\n${error.stack.replace(/^/gm, '# ')}`);
        failed++;
        await page?.close();
        page = undefined;
      }
    }
  }
} finally {
  await browser.close();
  rmSync(directory, {recursive: true, force: true, maxRetries: 10, retryDelay: 100});
}
console.log(`1..${number}`);
process.exit(failed ? 1 : 0);
