// page.mjs WRITE_PAGE: opens the page that WRITE_PAGE makes in a browser without a window, works it
// by key and pointer, and compares what is drawn with the data. Exit status 77 without a browser.
import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const browserPath = (process.env.PATH ?? '').split(':')
  .flatMap((path) => ['chromium', 'google-chrome'].map((name) => join(path, name)))
  .find(existsSync);
if (!browserPath) process.exit(77);
const directory = mkdtempSync(join(tmpdir(), 'rune-page-'));

// --- the browser, by its remote protocol over a pipe ---------------------------------------------

class Browser {
  constructor() {
    this.process = spawn(browserPath, [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      `--user-data-dir=${join(directory, 'profile')}`, '--window-size=1000,700',
      '--remote-debugging-pipe', 'about:blank',
    ], {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
    this.exited = new Promise((done) => this.process.on('exit', done));
    this.waiting = new Map();
    this.complaints = [];
    this.requests = [];
    this.last = 0;
    let buffer = Buffer.alloc(0);
    this.process.stdio[4].on('data', (data) => {
      buffer = Buffer.concat([buffer, data]);
      for (let end; (end = buffer.indexOf(0)) >= 0; buffer = buffer.subarray(end + 1))
        this.receive(JSON.parse(buffer.subarray(0, end)));
    });
  }

  receive(message) {
    if (message.id) {
      const {resolve, reject} = this.waiting.get(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    }
    if (/^(Runtime\.(exceptionThrown|consoleAPICalled)|Log\.entryAdded)$/.test(message.method))
      this.complaints.push(JSON.stringify(message.params));
    if (message.method === 'Network.requestWillBeSent')
      this.requests.push(message.params.request.url);
  }

  send(method, params = {}) {
    const id = ++this.last;
    const message = {id, method, params, sessionId: this.session};
    this.process.stdio[3].write(JSON.stringify(message) + '\0');
    return new Promise((resolve, reject) => this.waiting.set(id, {resolve, reject}));
  }

  async attach() {
    const {targetInfos} = await this.send('Target.getTargets');
    const {targetId} = targetInfos.find((target) => target.type === 'page');
    this.session = (await this.send('Target.attachToTarget', {targetId, flatten: true})).sessionId;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'Accessibility'])
      await this.send(`${domain}.enable`);
  }

  async open(url) {
    await this.send('Page.navigate', {url: 'about:blank'});
    await this.send('Page.navigate', {url});
    await this.until(`location.href.startsWith('file:') && document.readyState === 'complete'`);
    await this.until(`document.querySelector('.cell') !== null`);
  }

  async evaluate(expression) {
    const answer = await this.send('Runtime.evaluate', {expression, returnByValue: true});
    assert.equal(answer.exceptionDetails, undefined, JSON.stringify(answer.exceptionDetails));
    return answer.result.value;
  }

  async until(expression) {
    for (let tries = 0; tries < 200; tries++) {
      if (await this.evaluate(expression)) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    assert.fail(`never true: ${expression}`);
  }

  async key(key, modifiers = 0) {
    const text = key.length === 1 ? key : undefined;
    await this.send('Input.dispatchKeyEvent', {type: 'keyDown', key, text, modifiers});
    await this.send('Input.dispatchKeyEvent', {type: 'keyUp', key, modifiers});
  }

  // The pointer over the cell of a character: pressed there, or only moved.
  async point(t, pressed) {
    const {x, y} = await this.evaluate(`(() => {
      const cells = [...document.querySelectorAll('.cell')];
      const box = cells.find((cell) => cell.position === ${t}).getBoundingClientRect();
      return {x: box.x + box.width / 2, y: box.y + box.height / 2};
    })()`);
    await this.send('Input.dispatchMouseEvent', {type: 'mouseMoved', x, y});
    for (const type of pressed ? ['mousePressed', 'mouseReleased'] : [])
      await this.send('Input.dispatchMouseEvent', {type, x, y, button: 'left', clickCount: 1});
  }

  async close() {
    this.send('Browser.close').catch(() => {});
    await this.exited;
  }
}

// --- what the file says, read without the page's script ------------------------------------------

function readData(html) {
  const block = (id) => html.match(new RegExp(`id="${id}">([^<]*)</script>`))[1];
  const about = JSON.parse(block('about'));
  const bytes = (id) => Buffer.from(block(id), 'base64');
  const ids = bytes('ids');
  return {
    about,
    length: ids.length / 2,
    symbolAt: (t) => about.symbols[ids.readUInt16LE(2 * t)],
    lossAt: (t) => bytes('losses').readFloatLE(4 * t),
    levelAt: (signal, t) => bytes(`signal${signal}`).readInt8(t),
  };
}

const rgb = (hex) => `rgb(${[1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(', ')})`;

// The cells that are elements of the page: position, text and colour.
const readCells = `[...document.querySelectorAll('.cell')].map((cell) => ({
  t: cell.position, text: cell.textContent, colour: getComputedStyle(cell).backgroundColor,
}))`;

async function checkCells(browser, data, signal, theme) {
  const cells = await browser.evaluate(readCells);
  assert.ok(cells.length > 200 && cells.length < data.length, `${cells.length} cells`);
  for (const {t, text, colour} of cells) {
    assert.equal(text, data.symbolAt(t)[0]);
    assert.equal(colour, rgb(data.about[theme][data.levelAt(signal, t) + 127]), `character ${t}`);
  }
  return cells;
}

// --- the tests -----------------------------------------------------------------------------------

const chosen = `[...document.querySelectorAll('select')]
  .map((list) => list.selectedOptions[0].text).join(' ')`;

const tests = {
  async 'the text is drawn whole and in its colours'(browser, data) {
    const cells = await checkCells(browser, data, 0, 'light');
    assert.deepEqual(cells.slice(0, 100).map((cell) => cell.t), [...Array(100).keys()]);
  },

  async 'arrows and q choose the signal'(browser, data) {
    const steps = [
      ['ArrowRight', 'h 0 1', 1], ['ArrowUp', 'h 1 1', 4], ['q', 'c 1 1', 10],
      ['ArrowLeft', 'c 1 0', 9], ['ArrowLeft', 'c 1 2', 11], ['ArrowDown', 'c 0 2', 8],
      ['Q', 'h 0 2', 2],
    ];
    for (const [key, name, signal] of steps) {
      await browser.key(key);
      assert.equal(await browser.evaluate(chosen), name);
      await checkCells(browser, data, signal, 'light');
    }
  },

  async 'a list chooses the signal'(browser, data) {
    await browser.evaluate(`(() => {
      const list = document.getElementById('unit');
      list.value = '2';
      list.dispatchEvent(new Event('change'));
    })()`);
    await checkCells(browser, data, 2, 'light');
  },

  async 'd is for dark'(browser, data) {
    await browser.key('d');
    await checkCells(browser, data, 0, 'dark');
  },

  async 'scrolling draws what comes in sight'(browser, data) {
    await browser.evaluate(`document.getElementById('view').scrollTop = 1e9`);
    await browser.until(`${readCells}.some((cell) => cell.t === ${data.length - 1})`);
    await checkCells(browser, data, 0, 'light');
  },

  async 'guesses stand under the characters'(browser, data) {
    await browser.key('g');
    const column = await browser.evaluate(
      `[...document.querySelector('.column').children].map((line) => line.textContent)`);
    const next = [1, 2, 3, 4, 5].map((t) => data.symbolAt(t)[0]);
    assert.deepEqual(column, [data.symbolAt(0)[0],
      ...['50', '25', '13', ' 6', ' 3'].map((share, i) => `${share} ${next[i]}`)]);
    await browser.key('g');
    assert.equal(await browser.evaluate(`document.querySelectorAll('.column').length`), 0);
  },

  async 'pointing and walking tell of a character'(browser, data) {
    const detail = `document.getElementById('detail').textContent`;
    const expected = (t) => [`loss ${data.lossAt(t).toFixed(3)}`, data.symbolAt(t)[3]];
    await browser.point(5, false);
    for (const part of expected(5)) assert.ok((await browser.evaluate(detail)).includes(part));
    await browser.point(9, true);
    await browser.key('ArrowRight', 8);
    const announcement = await browser.evaluate(
      `document.getElementById('announcement').textContent`);
    for (const part of [...expected(10), 'Character 10:', 'h 0:0'])
      assert.ok(announcement.includes(part), announcement);
    assert.equal(await browser.evaluate(`document.querySelector('.marked').position`), 10);
  },

  async 'the address keeps the state'(browser, data, url) {
    await browser.open(`${url}#signal=c:1:2&at=5000&mark=5020&guesses=1`);
    assert.equal(await browser.evaluate(chosen), 'c 1 2');
    assert.equal(await browser.evaluate(`document.getElementById('guesses').ariaPressed`), 'true');
    assert.equal(await browser.evaluate(`document.querySelector('.marked').position`), 5020);
    await browser.key('ArrowLeft');
    await browser.until(`/signal=c:1:1&.*mark=5020/.test(location.hash)`);
    await browser.open(`${url}#signal=x:9:9&at=1e9&mark=-4`);
    assert.equal(await browser.evaluate(chosen), 'h 0 0');
  },

  async 'controls have names'(browser) {
    const {nodes} = await browser.send('Accessibility.getFullAXTree');
    const roles = ['button', 'combobox', 'application'];
    const controls = nodes.filter((node) => roles.includes(node.role?.value));
    assert.ok(controls.length >= 8);
    for (const node of controls) assert.ok(node.name?.value, JSON.stringify(node.role));
  },
};

const browser = new Browser();
let failed = 0;
try {
  execFileSync(process.argv[2], [directory]);
  const file = join(directory, 'index.html'), url = `file://${file}`;
  const data = readData(readFileSync(file, 'utf8'));
  await browser.attach();
  for (const [name, test] of Object.entries(tests)) {
    try {
      await browser.open(url);
      await test(browser, data, url);
      assert.deepEqual(browser.complaints, []);
      assert.deepEqual(browser.requests.filter((request) => !request.startsWith(url)), []);
      console.log(`ok - ${name}`);
    } catch (error) {
      console.log(`not ok - ${name}\n${error.stack.replace(/^/gm, '# ')}`);
      failed++;
    }
  }
} finally {
  await browser.close();
  rmSync(directory, {recursive: true, force: true, maxRetries: 10, retryDelay: 100});
}
console.log(`1..${Object.keys(tests).length}`);
process.exit(failed ? 1 : 0);
