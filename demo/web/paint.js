// One function a lane: each paints what a Track holds between two times onto a canvas.
//
// span: { from, to } in seconds. Every function gets (context, size, track, span, colors).

const AXIS_STEPS = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
const MOST_COLUMNS = 1400;

/** The colors of the style sheet as they are now: the page follows the system from light to dark. */
export function readColors() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ramps: {
      mel: ramp([0, 1, 2, 3].map((i) => get(`ramp-${i}`))),
      cepstra: ramp([get("below"), get("ramp-0"), get("accent")]), // below and above the mean
    },
    accent: get("accent"),
    hit: get("hit"),
    soft: get("hit-soft"),
    muted: get("muted"),
    line: get("line"),
    ink: get("ink"),
  };
}

/** 256 colors from the first to the last of the given "#rrggbb", as the words of an ImageData. */
function ramp(colors) {
  const stops = colors.map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(at));
    const [r, g, b] = stops[k].map((value, c) => Math.round(value + (stops[k + 1][c] - value) * (at - k)));
    return (255 << 24) | (b << 16) | (g << 8) | r;
  });
}

/** The frames between two times, in at most `most` runs: [[first index, end index], ...]. */
function runs(track, span, most) {
  const begin = Math.max(0, Math.floor(span.from / track.hopS) - track.first);
  const end = Math.min(track.count, Math.ceil(span.to / track.hopS) + 1 - track.first);
  const step = Math.max(1, Math.ceil((end - begin) / most));
  const found = [];
  for (let at = begin; at < end; at += step) found.push([at, Math.min(end, at + step)]);
  return found;
}

function toX(span, width) {
  return (seconds) => ((seconds - span.from) / (span.to - span.from)) * width;
}

export function waveform(context, { width, height }, track, span, colors) {
  const x = toX(span, width);
  const columns = runs(track, span, width).map(([from, to]) => {
    let [low, high] = [32767, -32768];
    for (let i = from; i < to; i++) {
      low = Math.min(low, track.low[i]);
      high = Math.max(high, track.high[i]);
    }
    return { at: x((track.first + (from + to) / 2) * track.hopS), low, high };
  });
  const loudest = columns.reduce((most, c) => Math.max(most, c.high, -c.low), 0);
  // Quiet sound is drawn larger, at most ten times; the level beside the buttons tells how loud it is.
  const scale = (0.47 * height) / Math.max(loudest, 3277);
  context.fillStyle = colors.line;
  context.fillRect(0, height / 2 - 0.5, width, 1);
  context.fillStyle = colors.accent;
  context.beginPath();
  for (const c of columns) context.lineTo(c.at, height / 2 - c.high * scale - 0.5);
  for (const c of columns.reverse()) context.lineTo(c.at, height / 2 - c.low * scale + 0.5);
  context.fill();
}

const picture = document.createElement("canvas");

/** The columns of `name` ("mel" or "cepstra"), low bands at the bottom. */
export function strip(name) {
  return (context, { width, height }, track, span, colors) => {
    const bands = track.bands[name];
    const columns = runs(track, span, MOST_COLUMNS);
    if (!columns.length || !bands) return;
    const image = new ImageData(columns.length, bands);
    const pixels = new Uint32Array(image.data.buffer);
    columns.forEach(([from, to], column) => {
      for (let band = 0; band < bands; band++) {
        let sum = 0;
        for (let i = from; i < to; i++) sum += track[name][i * bands + band];
        pixels[(bands - 1 - band) * columns.length + column] = colors.ramps[name][Math.round(sum / (to - from))];
      }
    });
    picture.width = columns.length;
    picture.height = bands;
    picture.getContext("2d").putImageData(image, 0, 0);
    const x = toX(span, width);
    const from = x((track.first + columns[0][0]) * track.hopS);
    const to = x((track.first + columns.at(-1)[1]) * track.hopS);
    context.imageSmoothingEnabled = name === "mel";
    context.drawImage(picture, from, 0, to - from, height);
  };
}

/** The score of word number `index`, with its threshold. */
export function scores(index) {
  return (context, { width, height }, track, span, colors) => {
    const threshold = track.words[index].threshold;
    const [lowest, highest] = [Math.min(-11, threshold - 4), Math.max(11, threshold + 4)];
    const x = toX(span, width);
    const y = (score) => height * (1 - (Math.max(lowest, Math.min(highest, score)) - lowest) / (highest - lowest));
    context.setLineDash([5, 4]);
    context.strokeStyle = colors.hit;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, y(threshold));
    context.lineTo(width, y(threshold));
    context.stroke();
    context.setLineDash([]);
    const curve = new Path2D();
    let begun = null;
    let last = 0;
    for (let i = 0; i < track.ends.length; i++) {
      const score = track.scores[i][index];
      if (score === null || track.ends[i] < span.from - 1 || track.ends[i] > span.to + 1) continue;
      last = x(track.ends[i]);
      begun ??= last;
      curve.lineTo(last, y(score));
    }
    if (begun === null) return;
    context.strokeStyle = colors.accent;
    context.lineWidth = 1.75;
    context.lineJoin = "round";
    context.stroke(curve);
    // What reaches the threshold is filled.
    context.save();
    context.beginPath();
    context.rect(0, 0, width, y(threshold));
    context.clip();
    curve.lineTo(last, height);
    curve.lineTo(begun, height);
    context.fillStyle = colors.soft;
    context.fill(curve);
    context.restore();
  };
}

/** The detections to be seen, with the x of both ends of their windows. */
function visible(track, span, width, word) {
  const x = toX(span, width);
  const seen = (found) => (!word || found.word === word) && found.end_s >= span.from && found.start_s <= span.to;
  return track.detections.filter(seen).map((found) => [x(found.start_s), x(found.end_s)]);
}

/** The windows in which something was detected, of every word or of one, and the moments it was. */
export function windows(word) {
  return (context, { width, height }, track, span, colors) => {
    for (const [from, to] of visible(track, span, width, word)) {
      context.fillStyle = colors.soft;
      context.fillRect(from, 0, to - from, height);
      context.fillStyle = colors.hit;
      context.fillRect(to - 1, 0, 2, height);
      context.beginPath();
      for (const [dx, dy] of [[-5, 0], [5, 0], [0, 7]]) context.lineTo(to + dx, dy);
      context.fill();
    }
  };
}

/** The same, without a veil over what lies below. */
export function brackets(context, { width, height }, track, span, colors) {
  context.fillStyle = colors.hit;
  for (const [from, to] of visible(track, span, width)) {
    context.fillRect(from, 0, to - from, 3);
    context.fillRect(from, 0, 2, 8);
    context.fillRect(to - 1, 0, 2, height);
  }
}

export function axis(context, { width }, track, span, colors) {
  const x = toX(span, width);
  const step = AXIS_STEPS.find((s) => (s / (span.to - span.from)) * width > 64) ?? AXIS_STEPS.at(-1);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "bottom";
  context.fillStyle = colors.muted;
  for (let at = Math.ceil(Math.max(0, span.from) / step) * step; at <= span.to; at += step) {
    const text = clock(at);
    const half = context.measureText(text).width / 2;
    context.fillRect(Math.round(x(at)), 0, 1, 4);
    if (x(at) + half <= width + 1) context.fillText(text, Math.max(0, x(at) - half), 19);
  }
}

/** Seconds as people read them: 12.5 s, 3:05; whole ones without a digit after the point unless `digits` says so. */
export function clock(seconds, digits = Number.isInteger(seconds) ? 0 : 1) {
  if (seconds < 59.95) return `${seconds.toFixed(digits)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
