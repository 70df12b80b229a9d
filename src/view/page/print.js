// --- printing: the selected passage, or the visible text -----------------------------------------

function layPaper() {
  const [start, end] = state.selection ?? [firstInSight(), endOfSight()];
  const shown = [state.signal, state.second].filter((index) => index >= 0);
  const lines = [];
  let widest = columnWidth;
  for (let row = rowOf(start); row < numRows() && rowStarts[row] < end; row++) {
    const from = Math.max(rowStarts[row], start), to = Math.min(rowStarts[row + 1], end);
    lines.push(makeRow(row, from, to));
    let width = 0;
    for (let t = from; t < to; t++) width += widthOf(t);
    widest = Math.max(widest, width);
  }
  const sheetOfPaper = make('div', {class: `sheet${state.guesses ? ' guessing' : ''}`}, ...lines);
  sheetOfPaper.style.setProperty('--columns', Math.ceil(widest / columnWidth));
  element('paper').replaceChildren(
    make('h2', {}, `${about.text}, characters ${count(start)} to ${count(end - 1)}`),
    make('p', {}, `${shown.map((index) => nameOf(signals[index])).join(' above, below ')}; ` +
      `read by ${about.model}`),
    element('legend').cloneNode(true),
    sheetOfPaper);
  element('paper').querySelector('#legend').removeAttribute('id');
}

// Paper is white.
function setPrinting(on) {
  document.documentElement.dataset.theme = on ? 'light' : state.theme;
  showLegend();
  if (on) layPaper();
  else element('paper').replaceChildren();
}

addEventListener('beforeprint', () => setPrinting(true));
addEventListener('afterprint', () => setPrinting(false));
