// How loud the microphone is: the rms of the last block in dB below full scale.

const FLOOR_DB = -60;
const EVERY_MS = 200;
const CLIPPED = 32767;

export class Level {
  constructor() {
    this.meter = document.getElementById("level");
    this.bar = document.getElementById("level-bar");
    this.text = document.getElementById("level-text");
    this.clear();
  }

  clear() {
    this.#show(-Infinity, false);
    this.shownAt = -Infinity;
  }

  /** block: an ArrayBuffer of 16-bit samples. */
  hear(block) {
    const now = performance.now();
    if (now - this.shownAt < EVERY_MS) return;
    this.shownAt = now;
    let [power, peak] = [0, 0];
    const samples = new Int16Array(block);
    for (const sample of samples) {
      power += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    this.#show(10 * Math.log10(power / samples.length / 2 ** 30), peak >= CLIPPED);
  }

  #show(db, clipped) {
    const shown = Math.max(FLOOR_DB, Math.min(0, db));
    const text = clipped ? "too loud" : db > -100 ? `${Math.round(db)} dB` : "no sound";
    this.bar.style.width = `${100 * (1 - shown / FLOOR_DB)}%`;
    this.meter.toggleAttribute("data-clipped", clipped);
    this.meter.setAttribute("aria-valuenow", String(Math.round(shown)));
    this.meter.setAttribute("aria-valuetext", text);
    this.text.textContent = text;
  }
}
