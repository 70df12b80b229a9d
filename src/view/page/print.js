// --- on paper: the selected passage, or what is in sight -----------------------------------------

function layPaper() {
  const [start, end] = state.selection ?? [firstInSight(), endOfSight()];
  const shown = [state.signal, state.second].filter((index) => index >= 0);
  const lines = [];
  for (let row = rowOf(start); row < numRows() && rowStarts[row] < end; row++)
    lines.push(makeRow(row, Math.max(rowStarts[row], start), Math.min(rowStarts[row + 1], end)));
  element('paper').replaceChildren(
    make('h2', {}, `${about.text}, characters ${count(start)} to ${count(end - 1)}`),
    make('p', {}, `${shown.map((index) => nameOf(signals[index])).join(' above, below ')}; ` +
      `read by ${about.model}`),
    element('legend').cloneNode(true),
    make('div', {class: `sheet${state.guesses ? ' guessing' : ''}`}, ...lines));
  element('paper').querySelector('#legend').removeAttribute('id');
}

addEventListener('beforeprint', layPaper);
addEventListener('afterprint', () => element('paper').replaceChildren());
