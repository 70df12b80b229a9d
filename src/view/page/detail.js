// --- the character pointed at --------------------------------------------------------------------

const nextWords = 'predicted next: '; // likeliest first

// The signals that are shown and their values after a character: [[name, value], …].
const valuesAt = (t) =>
  [[state.signal, state.levels], [state.second, state.secondLevels]]
    .filter(([index, levels]) => index >= 0 && levels)
    .map(([index, levels]) => [nameOf(signals[index]), valueOf(levels[t], signals[index])]);

function showDetail(t) {
  const detail = element('detail');
  if (t < 0) {
    detail.replaceChildren(make('span', {class: 'quiet'},
      'Point at or click a character to see its value, its loss and the predictions for the ' +
      'next one.'));
    return;
  }
  const item = (label, words) => make('span', {}, `${label} `, make('b', {}, words));
  const next = make('span', {}, nextWords);
  for (const guess of guessesAfter(t)) {
    const line = makeGuess(guess);
    line.append(make('bdi', {}, visible(guess.symbol)), ` ${percent(guess.share)}`);
    line.title = guess.symbol.name;
    next.append(line);
  }
  detail.replaceChildren(
    item('character', count(t)), item('', symbolAt(t).name),
    ...valuesAt(t).map(([name, value]) => item(name, value)),
    item('loss', lossWords(t)), item('rank', count(text.ranks[t])), next,
    ...(attribution.t === t ? attributionDetail() : []));
}

function announce(words) {
  element('announcement').textContent = words;
}

function announceCharacter(t) {
  const guesses = guessesAfter(t).map((guess) => `${guess.symbol.name} ${percent(guess.share)}`);
  const values = valuesAt(t).map(([name, value]) => `${name} is ${value}`);
  announce(`Character ${t}: ${symbolAt(t).name}; ${values.join(', ')}; ` +
    `loss ${lossWords(t)}, rank ${text.ranks[t]}; ${nextWords}${guesses.join(', ')}`);
}

function mark(t) {
  state.marked = t;
  state.reached = -1;
  findAttribution();
  if (t >= 0) {
    bringIntoSight(t);
    announceCharacter(t);
  }
  drawRows();
  redraw();
  showDetail(t);
  saveState();
}
