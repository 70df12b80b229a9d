// --- rows: breaking the text ---------------------------------------------------------------------

let rowStarts = [0]; // the start of each row, then the end of the text
let rowDirections = []; // the direction of each row's paragraph
let rowHeight = 1;
const numRows = () => rowStarts.length - 1;

// Whether a symbol in the column of character t needs a wide column.
function isColumnWide(t) {
  if (!hasWide || symbolAt(t).isWide) return hasWide;
  for (let k = 0; k < about.num_guesses; k++)
    if (symbols[text.guess_ids[k * length + t]]?.isWide) return true;
  return false;
}

function breakRows(room) {
  rowStarts = [];
  for (let start = 0; start < length; ) {
    rowStarts.push(start);
    let end = start, used = 0, afterSpace = start, usedToSpace = 0;
    for (; end < length; end++) {
      const symbol = symbolAt(end), width = widthOf(end);
      if (used + width > room && end > start) {
        if (usedToSpace > room / 2) end = afterSpace;
        break;
      }
      used += width;
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

// A paragraph has the direction of its first character with a direction.
function directRows() {
  rowDirections = [];
  for (let t = 0, row = 0; row < numRows(); ) {
    let direction = 0;
    for (; t < length && symbolAt(t).ends !== MUST_BREAK; t++) direction ||= symbolAt(t).direction;
    for (t++; row < numRows() && rowStarts[row] < t; row++)
      rowDirections.push(direction === RIGHT_TO_LEFT ? 'rtl' : 'ltr');
  }
}

// The last index of a sorted list with an item ≤ value; −1 if there is none.
function lastUpTo(list, value, size = list.length) {
  let low = -1, high = size;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (list[middle] <= value) low = middle;
    else high = middle;
  }
  return low;
}

const rowOf = (t) => Math.max(lastUpTo(rowStarts, t, numRows()), 0);

const MAX_COLUMNS = 110; // longer rows are hard to read

// The rendered width of an element in a row, and the row's height.
function measure(className, shown) {
  const cell = make('span', {class: className}, shown);
  const row = make('div', {class: 'row'}, cell);
  sheet.append(row);
  const width = cell.getBoundingClientRect().width, height = row.getBoundingClientRect().height;
  row.remove();
  return {width, height};
}

let widthOf = null; // of the character at t, in pixels
let columnWidth = 1; // of a digit

// Sets widthOf: the width of a character's column of guesses, or of the character in its font.
function measureSymbols() {
  const {fontSize, fontFamily} = getComputedStyle(view);
  const canvas = document.createElement('canvas').getContext('2d');
  columnWidth = measure('cell', '0').width;
  const narrow = measure('column', '').width, wide = measure('column wide', '').width;
  for (const symbol of symbols) {
    canvas.font = `${fontSize} ${symbol.style ? 'system-ui, sans-serif' : fontFamily}`;
    symbol.width = canvas.measureText(symbol.shown).width;
  }
  widthOf = state.guesses ? (t) => (isColumnWide(t) ? wide : narrow) : (t) => symbolAt(t).width;
}

function layOut() {
  const top = firstInSight();
  sheet.classList.toggle('guessing', state.guesses);
  measureSymbols();
  const style = getComputedStyle(view);
  const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  const room = view.clientWidth - 1 - padding; // clientWidth is rounded
  const width = Math.min(room, MAX_COLUMNS * columnWidth);
  rowHeight = measure('cell', '0').height;
  breakRows(width);
  directRows();
  sheet.style.width = `${width}px`;
  sheet.style.height = `${numRows() * rowHeight}px`;
  clearRows();
  view.scrollTop = rowOf(top) * rowHeight;
  drawRows();
}

const rowAt = (height) => Math.min(Math.max(Math.round(height / rowHeight), 0), numRows() - 1);
const firstInSight = () => rowStarts[rowAt(view.scrollTop)] || 0;
const endOfSight = () => rowStarts[rowAt(view.scrollTop + view.clientHeight - rowHeight) + 1] || 0;

// Scrolls just far enough to show a character; if it is far away, centres it.
function bringIntoSight(t) {
  const top = rowOf(t) * rowHeight, bottom = top + 2 * rowHeight - view.clientHeight;
  const away = Math.max(view.scrollTop - top, bottom - view.scrollTop);
  if (away > view.clientHeight) view.scrollTop = top - (view.clientHeight - rowHeight) / 2;
  else if (top < view.scrollTop) view.scrollTop = top;
  else if (bottom > view.scrollTop) view.scrollTop = bottom;
}
