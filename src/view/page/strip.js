// --- the overview: the signal over the whole text, with markers ----------------------------------

const strip = element('strip');
let stripGround = null; // canvas with the signal, drawn below the markers

// The lowest, highest and mean level of the characters at each pixel.
function summarise(levels, width) {
  const lows = new Float32Array(width), highs = new Float32Array(width);
  const means = new Float32Array(width);
  for (let x = 0; x < width; x++) {
    const start = Math.floor((x * length) / width);
    const end = Math.max(Math.floor(((x + 1) * length) / width), start + 1);
    let low = Infinity, high = -Infinity, sum = 0, known = 0;
    for (let t = start; t < end; t++) {
      const level = levels[t];
      if (level === NO_LEVEL) continue;
      if (level < low) low = level;
      if (level > high) high = level;
      sum += level;
      known++;
    }
    lows[x] = known ? low : 0;
    highs[x] = known ? high : 0;
    means[x] = known ? sum / known : 0;
  }
  return {lows, highs, means};
}

const themeColour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Draws a signal in a band of the canvas: its extremes as background, its mean as bars from 0.
function drawBand(context, levels, top, height) {
  const {lows, highs, means} = summarise(levels, strip.width);
  const scale = about[state.theme], middle = top + height / 2;
  const y = (level) => middle - (level / LEVELS) * (height / 2 - 1);
  const drawBars = (values, sign, level) => {
    context.fillStyle = scale[LEVELS + sign * level];
    for (let x = 0; x < strip.width; x++)
      if (values[x] * sign > 0)
        context.fillRect(x, Math.min(middle, y(values[x])), 1, Math.abs(y(values[x]) - middle));
  };
  drawBars(highs, 1, LEVELS >> 2);
  drawBars(lows, -1, LEVELS >> 2);
  drawBars(means, 1, LEVELS);
  drawBars(means, -1, LEVELS);
  context.fillStyle = themeColour('--line');
  context.fillRect(0, Math.round(middle), strip.width, 1);
}

function drawStrip() {
  const ratio = devicePixelRatio || 1, box = strip.getBoundingClientRect();
  strip.width = Math.max(Math.round(box.width * ratio), 1);
  strip.height = Math.max(Math.round(box.height * ratio), 1);
  stripGround = make('canvas', {width: strip.width, height: strip.height});
  const context = stripGround.getContext('2d');
  const bands = [state.levels, state.second < 0 ? null : state.secondLevels].filter(Boolean);
  bands.forEach((levels, i) =>
    drawBand(context, levels, (i * strip.height) / bands.length, strip.height / bands.length));
  drawFrame();
}

// Draws the markers: selection, similar passages (top), matches (bottom), marked character and the
// visible part.
function drawFrame() {
  if (!stripGround) return;
  const context = strip.getContext('2d'), ratio = devicePixelRatio || 1;
  const x = (t) => (t / length) * strip.width;
  const ticks = (positions, colour, y, height) => {
    context.fillStyle = colour;
    let last = -1; // at most one tick per pixel
    for (const t of positions) {
      const at = Math.round(x(t));
      if (at !== last) context.fillRect(at - ratio, y, 2 * ratio, height);
      last = at;
    }
  };
  context.clearRect(0, 0, strip.width, strip.height);
  context.drawImage(stripGround, 0, 0);
  const accent = themeColour('--accent'), ink = themeColour('--ink');
  if (state.selection) {
    const [start, end] = state.selection;
    context.globalAlpha = 0.35;
    context.fillStyle = accent;
    context.fillRect(x(start), 0, Math.max(x(end) - x(start), 3 * ratio), strip.height);
    context.globalAlpha = 1;
  }
  ticks(alikePassages.map(({start}) => start), accent, 0, 6 * ratio);
  ticks(state.matches.starts, ink, strip.height - 6 * ratio, 6 * ratio);
  if (state.marked >= 0) ticks([state.marked], ink, 0, strip.height);
  const left = x(firstInSight()), right = Math.max(x(endOfSight()), left + 4 * ratio);
  context.strokeStyle = ink;
  context.lineWidth = 1.5 * ratio;
  context.strokeRect(left + ratio / 2, ratio, right - left - ratio, strip.height - 2 * ratio);
}

function jumpOnStrip(event) {
  const box = strip.getBoundingClientRect();
  const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  view.scrollTop = rowOf(share * length) * rowHeight - view.clientHeight / 2;
  drawRows();
}

strip.addEventListener('pointerdown', (event) => {
  strip.setPointerCapture(event.pointerId);
  jumpOnStrip(event);
});
strip.addEventListener('pointermove', (event) => {
  if (event.buttons) jumpOnStrip(event);
});
