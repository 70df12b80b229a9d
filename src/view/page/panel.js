// --- side panel: a tab is built when it is opened ------------------------------------------------

const tabs = {
  discoveries: showDiscoveries,
  neuron: showNeuron,
  memory: showMemory,
  selection: showSelection,
};
let lastTab = 'discoveries';

function openPanel(name) {
  const focused = document.activeElement;
  state.panel = Object.hasOwn(tabs, name) ? name : '';
  if (state.panel) lastTab = state.panel;
  const changed = element('panel').hidden !== !state.panel;
  element('panel').hidden = !state.panel;
  element('side').setAttribute('aria-pressed', String(Boolean(state.panel)));
  for (const tab of Object.keys(tabs)) {
    element(`tab-${tab}`).setAttribute('aria-selected', String(tab === state.panel));
    element(`tab-${tab}`).tabIndex = tab === lastTab ? 0 : -1;
    element(tab).hidden = tab !== state.panel;
  }
  if (element('panel').contains(focused) && focused.closest('[hidden]'))
    (state.panel ? element(state.panel) : view).focus();
  document.body.classList.toggle('with-panel', Boolean(state.panel));
  if (changed) drawStrip();
  showPanel();
  saveState();
}

// Builds or updates the open tab.
function showPanel() {
  if (!state.panel || !findings) return;
  tabs[state.panel](element(state.panel));
  showPresent();
}

element('tabs').addEventListener('keydown', (event) => {
  const names = Object.keys(tabs), wanted = {
    ArrowLeft: step(names, state.panel, -1), ArrowRight: step(names, state.panel, 1),
    Home: names[0], End: names.at(-1),
  }[event.key];
  if (!wanted || event.shiftKey) return;
  event.preventDefault();
  openPanel(wanted);
  element(`tab-${wanted}`).focus();
});

// Replaces the children of an element; keeps the focus inside if it was there.
function replaceContent(parent, ...children) {
  const focused = document.activeElement, inside = parent.contains(focused) && parent !== focused;
  parent.replaceChildren(...children);
  if (!inside) return;
  const same = focused.name && parent.querySelector(`[name="${focused.name}"]`);
  (same || parent.closest('[role="tabpanel"]')).focus({preventScroll: true});
}

// Highlights the shown signal in lists of signals.
function showPresent() {
  for (const item of element('panel').querySelectorAll('button.item'))
    item.ariaCurrent = item.dataset.signal === String(state.signal) ? 'true' : null;
}

const heading = (words) => make('h3', {}, words);
const quiet = (words) => make('p', {class: 'quiet'}, words);

// --- discoveries ---------------------------------------------------------------------------------

const DISCOVERIES_AT_ONCE = 100;

// The discoveries, best first: {name: [quantity, layer, unit], label, measure, score, baseline,
// sentence, words}.
function readDiscoveries(list) {
  return list.map(([name, label, measure, score, baseline, sentence]) => ({
    name, label, measure, score, baseline,
    sentence, words: sentence.slice(sentence.indexOf(': ') + 2),
  }));
}

const isOf = ({name}, {layer, unit}) => name[1] === layer && name[2] === unit;

// The best discovery of each unit; with a query, all discoveries that contain each of its words.
function discoveriesWith(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length > 0)
    return findings.discoveries.filter(({name, sentence, label}) => {
      const [quantity, layer, unit] = name;
      const all = `${sentence} ${findings.labels[label]} ${nameOf({quantity, layer, unit})}`;
      return words.every((word) => all.toLowerCase().includes(word));
    });
  const seen = new Set();
  return findings.discoveries.filter(({name: [, layer, unit]}) => {
    const key = `${layer}:${unit}`, first = !seen.has(key);
    seen.add(key);
    return first;
  });
}

// A bar for the score, and within it the baseline: the score of the current character alone.
function scoreBar({measure, score, baseline}) {
  const share = (value) => Math.min(Math.abs(measure === 'auc' ? 2 * value - 1 : value), 1);
  const bar = make('span', {class: 'score', title:
    `${measure} ${fixed(score, 2)}; the character alone: ${fixed(baseline, 2)}`});
  bar.style.setProperty('--score', `${100 * share(score)}%`);
  bar.style.setProperty('--baseline', `${100 * share(baseline)}%`);
  return bar;
}

const discoveryItem = (discovery) =>
  make('li', {}, signalButton(discovery.name, make('span', {}, discovery.words),
    scoreBar(discovery)));

function fillDiscoveries(list, query, shown) {
  const wasShown = list.contains(document.activeElement) ? shown - DISCOVERIES_AT_ONCE : -1;
  const found = discoveriesWith(query);
  list.replaceChildren(...found.slice(0, shown).map(discoveryItem));
  if (found.length === 0)
    list.append(make('li', {class: 'quiet'}, 'Nothing matches.'));
  if (found.length > shown)
    list.append(make('li', {}, make('button', {
      type: 'button', click: () => fillDiscoveries(list, query, shown + DISCOVERIES_AT_ONCE),
    }, `Show more (${count(found.length - shown)} left)`)));
  list.children[wasShown]?.querySelector('button')?.focus(); // the first of the added ones
  showPresent();
}

function showDiscoveries(panel) {
  if (panel.childElementCount > 0) return; // it does not depend on the signal
  if (findings.discoveries.length === 0) {
    panel.append(quiet('No unit was found to go with any known property of this text.'));
    return;
  }
  const list = make('ol', {class: 'list'});
  const input = make('input', {
    type: 'search', 'aria-label': 'Filter the discoveries', placeholder: 'Filter',
    input: () => fillDiscoveries(list, input.value, DISCOVERIES_AT_ONCE), autocomplete: 'off',
  });
  fillDiscoveries(list, '', DISCOVERIES_AT_ONCE);
  panel.append(
    quiet('What units do, best first, scored on the held-out half of the text. The dark part of ' +
      'a bar is the score of the current character alone.'), input, list);
}
