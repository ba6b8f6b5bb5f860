// The lanes: canvases that share one time axis, the cursor of what is played, and the captions.

import * as paint from "./paint.js";

const LIVE_S = 8;
const LIVE_NARROW_S = 4.5;
const ZOOM_S = 8;
/** Below so many pixels a second a word is too narrow, and a chosen detection is shown larger. */
const NARROW = 30;
const CALM_MS = 500;
const FILE_MS = 100;
const HIT_S = 1.2;

const NAMES = {
  mel: "Mel spectrogram, 0 to 8 kHz, from the detector’s own features",
  cepstra: "MFCC, standardised, as the network gets them",
};
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class View {
  /** root: the element of the lanes. onSeek(seconds): a place in a file was pointed at. onZoom(is it zoomed). */
  constructor(root, { onSeek, onZoom }) {
    this.root = root;
    this.onZoom = onZoom;
    this.picture = "mel";
    this.captions = [];
    this.cursor = null;
    this.clear();
    this.colors = paint.readColors();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recolor());
    new ResizeObserver(() => this.touch()).observe(root);
    root.addEventListener("click", (event) => {
      if (this.live || !this.track?.heardS) return;
      const box = root.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      onSeek(this.span.from + share * (this.span.to - this.span.from));
    });
    requestAnimationFrame((now) => this.#frame(now));
  }

  clear() {
    this.track = null;
    this.live = false;
    this.zoom = null;
    this.drawn = 0;
    this.shown = 0;
    this.at = 0;
    this.touch();
  }

  /** Show a stream: of a microphone (live), or of a file. */
  show(track, live) {
    this.clear();
    this.track = track;
    this.live = live;
    this.root.toggleAttribute("data-seek", !live);
    this.#makeLanes(track.words);
  }

  /** Something changed: paint at the next frame. */
  touch() {
    this.dirty = true;
  }

  setPicture(name) {
    this.picture = name;
    document.getElementById("picture-name").textContent = NAMES[name];
    this.touch();
  }

  /** Bring a time of a file into view, larger where words would be too narrow. */
  reveal(seconds) {
    const perSecond = this.root.clientWidth / Math.max(this.#length(), 0.1);
    if (perSecond < NARROW) this.zoom = Math.max(0, seconds - ZOOM_S / 2);
    this.onZoom(this.zoom !== null);
    this.root.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
    this.touch();
  }

  showAll() {
    this.zoom = null;
    this.onZoom(false);
    this.touch();
  }

  /** Where the player is, in seconds, or null when nothing was played. */
  setCursor(seconds) {
    this.cursor = seconds;
    if (this.zoom !== null && seconds !== null && (seconds < this.zoom || seconds > this.zoom + ZOOM_S)) {
      this.zoom = seconds; // the next page
      this.touch();
    }
    this.#placeCursor();
  }

  #length() {
    return this.track?.heardS || LIVE_S;
  }

  /** The times that are shown. */
  get span() {
    if (!this.track || !this.live) {
      return this.zoom === null ? { from: 0, to: this.#length() } : { from: this.zoom, to: this.zoom + ZOOM_S };
    }
    const length = this.root.clientWidth < 520 ? LIVE_NARROW_S : LIVE_S;
    if (calm.matches) {
      const page = Math.floor(this.track.heardS / length);
      return { from: page * length, to: (page + 1) * length };
    }
    return { from: this.shown - length, to: this.shown };
  }

  #makeLanes(words) {
    const figures = words.map(({ word, threshold }) => {
      const figure = document.createElement("figure");
      figure.className = "lane";
      const caption = figure.appendChild(document.createElement("figcaption"));
      caption.append(Object.assign(document.createElement("strong"), { textContent: word }));
      caption.append(Object.assign(document.createElement("span"), { textContent: `fires at ${threshold.toFixed(1)}` }));
      caption.append(Object.assign(document.createElement("span"), { className: "score" }));
      const canvas = figure.appendChild(document.createElement("canvas"));
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Score of ${word} over time; it fires at ${threshold.toFixed(1)}`);
      return figure;
    });
    document.getElementById("scores").replaceChildren(...figures);
    this.lanes = figures.map((figure, i) => ({
      canvas: figure.querySelector("canvas"),
      painters: [paint.windows(words[i].word), paint.scores(i)],
    }));
    this.captions = figures.map((figure) => ({ figure, score: figure.querySelector(".score") }));
  }

  #frame(now) {
    requestAnimationFrame((next) => this.#frame(next));
    const passed = (now - this.at) / 1000;
    this.at = now;
    if (this.live && this.track) {
      if (calm.matches && now - this.drawn < CALM_MS) return;
      // The sound comes in blocks; the picture moves evenly, and no more than a block or two behind.
      const heard = this.track.heardS;
      const next = Math.min(heard, Math.max(this.shown + Math.min(passed, 0.25), heard - 0.25));
      if (next !== this.shown) this.dirty = true;
      this.shown = next;
    }
    // A file comes faster than it needs to be seen coming.
    if (!this.dirty || (!this.live && now - this.drawn < FILE_MS)) return;
    this.dirty = false;
    this.drawn = now;
    this.#paint();
  }

  #paint() {
    const fixed = [
      { canvas: document.getElementById("wave"), painters: [paint.windows(), paint.waveform] },
      { canvas: document.getElementById("picture"), painters: [paint.strip(this.picture), paint.brackets] },
      { canvas: document.getElementById("axis"), painters: [paint.axis] },
    ];
    const span = this.span;
    for (const { canvas, painters } of [...fixed, ...(this.track ? this.lanes : [])]) {
      const { context, size } = prepared(canvas);
      if (this.track) for (const painter of painters) painter(context, size, this.track, span, this.colors);
    }
    this.#caption();
    this.#placeCursor();
  }

  #caption() {
    if (!this.track) return;
    const { scores, detections, heardS } = this.track;
    this.captions.forEach(({ figure, score }, i) => {
      const found = detections.filter((d) => d.word === this.track.words[i].word);
      if (this.live) {
        const last = scores.at(-1)?.[i];
        score.textContent = typeof last === "number" ? `score ${last.toFixed(1)}` : "";
        figure.toggleAttribute("data-hit", found.length > 0 && heardS - found.at(-1).end_s < HIT_S);
      } else {
        const best = scores.reduce((most, row) => Math.max(most, row[i] ?? -Infinity), -Infinity);
        score.textContent = Number.isFinite(best) ? `highest score ${best.toFixed(1)}` : "";
        figure.toggleAttribute("data-hit", false);
      }
    });
  }

  #placeCursor() {
    const mark = document.getElementById("cursor");
    const { from, to } = this.span;
    const share = (this.cursor - from) / (to - from);
    mark.hidden = this.cursor === null || this.live || !this.track || share < 0 || share > 1;
    if (!mark.hidden) mark.style.left = `${100 * share}%`;
  }

  #recolor() {
    this.colors = paint.readColors();
    this.touch();
  }
}

/** A canvas of as many pixels as the screen has there, cleared, in units of CSS pixels. */
function prepared(canvas) {
  const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio];
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, size: { width, height } };
}
