// --- drawing: only visible rows are elements of the page -----------------------------------------

const drawn = new Map(); // row → its element

// Adds CSS rules for the colours of all levels: .level for the whole cell or its upper half, .lower
// for the line that covers its lower half.
function addColours() {
  const rules = document.styleSheets[0];
  const add = (rule) => rules.insertRule(rule, rules.cssRules.length);
  for (const [theme, scope] of [['light', ''], ['dark', '[data-theme="dark"] ']])
    about[theme].forEach((colour, i) => {
      add(`${scope}.level${i - LEVELS} { background-color: ${colour}; fill: ${colour}; }`);
      add(`${scope}.lower${i - LEVELS} { --lower: ${colour}; text-decoration-color: ${colour}; }`);
    });
}

const colourClass = (name, levels, t) =>
  !levels || levels[t] === NO_LEVEL ? '' : ` ${name}${levels[t]}`;

function isMatch(t) {
  const {starts, ends} = state.matches;
  const i = lastUpTo(starts, t);
  return i >= 0 && t < ends[i];
}

const isSelected = (t) =>
  state.selection !== null && t >= state.selection[0] && t < state.selection[1];

function cellClass(t) {
  const lower = state.second < 0 ? '' : `${colourClass('lower', state.secondLevels, t)} two`;
  return `cell${colourClass('level', state.levels, t)}${lower}${symbolAt(t).style}` +
    `${t === state.marked ? ' marked' : ''}${isMatch(t) ? ' match' : ''}` +
    `${isSelected(t) ? ' selected' : isAlike(t) ? ' alike' : ''}${attributionClass(t)}`;
}

function makeGuess(guess) {
  const line = make('span',
    {class: `guess${guess.symbol.style}${guess.cameTrue ? ' true' : ''}`});
  line.style.setProperty('--share', `${100 * guess.share}%`);
  return line;
}

// The predictions for the next character, then the rank and the loss of the actual one.
function makeGuesses(t) {
  const lines = guessesAfter(t).map((guess) => {
    const line = makeGuess(guess);
    const share = String(Math.round(100 * guess.share)).padStart(2);
    line.textContent = `${share} ${visible(guess.symbol)}`;
    line.title = `predicted next: ${guess.symbol.name} ${percent(guess.share)}`;
    return line;
  });
  if (t + 1 === length) return lines;
  const {name} = symbolAt(t + 1), rank = text.ranks[t + 1];
  const title = `actual next: ${name}, rank ${count(rank)}, loss ${lossWords(t + 1)}`;
  return [...lines, make('span', {class: 'guess came', title}, `#${rank}`),
    make('span', {class: 'guess came', title}, lossNumber(t + 1, 1))];
}

function makeCell(t) {
  const cell = make('span', {class: cellClass(t)}, symbolAt(t).shown);
  cell.position = t;
  if (!state.guesses) return cell;
  return make('span', {class: isColumnWide(t) ? 'column wide' : 'column'}, cell,
    ...makeGuesses(t));
}

// Cells are plain spans of one text, which the browser orders and shapes. A column of guesses is a
// box without a direction of its own, so marks of its character's direction are put on both sides.
function makeRow(row, start = rowStarts[row], end = rowStarts[row + 1]) {
  const line = make('div', {class: 'row', dir: rowDirections[row]});
  for (let t = start; t < end; t++) {
    const sign = state.guesses && hasRightToLeft ? symbolAt(t).mark : '';
    line.append(sign, makeCell(t), sign);
  }
  return line;
}

function clearRows() {
  for (const line of drawn.values()) line.remove();
  drawn.clear();
}

function drawRows() {
  const margin = 6; // extra rows beyond the edges, ready for scrolling
  const top = view.scrollTop, bottom = top + view.clientHeight;
  const first = Math.max(0, Math.floor(top / rowHeight) - margin);
  const last = Math.min(numRows(), Math.ceil(bottom / rowHeight) + margin);
  drawFrame(); // measures, so it comes before the changes: otherwise layout would run twice
  for (const [row, line] of drawn)
    if (row < first || row >= last) {
      line.remove();
      drawn.delete(row);
    }
  const added = [];
  for (let row = first; row < last; row++)
    if (!drawn.has(row)) {
      const line = makeRow(row);
      line.style.top = `${row * rowHeight}px`;
      drawn.set(row, line);
      added.push(line);
    }
  sheet.append(...added);
}

// Draws once per frame while scrolling.
let scrolled = false;

function onScroll() {
  saveState();
  if (scrolled) return;
  scrolled = true;
  requestAnimationFrame(() => {
    scrolled = false;
    drawRows();
  });
}

// Redraws what is visible in the next frame, once for several changes.
let redrawing = false;

function redraw() {
  if (redrawing) return;
  redrawing = true;
  requestAnimationFrame(() => {
    redrawing = false;
    recolour();
    drawFrame();
  });
}

function recolour() {
  for (const line of drawn.values())
    for (const cell of line.querySelectorAll('.cell')) {
      const wanted = cellClass(cell.position);
      if (cell.className !== wanted) cell.className = wanted;
    }
}

// A passage with some text around it on one line, coloured by a signal.
function snippet(levels, start, end) {
  const line = make('span', {class: 'snippet', 'aria-hidden': 'true'});
  const shown = end - start > 1 ? ' within' : ' here';
  for (let t = Math.max(start - 18, 0); t < Math.min(end + 28, length); t++)
    line.append(make('span', {
      class: `bit${colourClass('level', levels, t)}${symbolAt(t).style}` +
        `${t >= start && t < end ? shown : ''}`,
    }, symbolAt(t).shown));
  return line;
}

const wordsAround = (start, end) => {
  let words = '';
  for (let t = Math.max(start, 0); t < Math.min(end, length); t++) words += symbolAt(t).shown;
  return words;
};

// A snippet that marks its passage in the text when clicked.
function passage(levels, note, start, end = start + 1) {
  return make('button', {
    type: 'button', class: 'passage',
    click: () => mark(start),
    'aria-label': `${note}: character ${start}, ${wordsAround(start - 12, end + 12)}`,
  }, make('span', {class: 'place'}, note), snippet(levels, start, end));
}
