// What the server has told about one stream: frames of 10 ms, scores of windows, detections.

const HEADER_BYTES = 8;

export class Track {
  /** ready: the server's first answer. keepS: seconds to keep of a stream without end. */
  constructor(ready, keepS = Infinity) {
    this.hopS = ready.hop_s;
    this.words = ready.words;
    this.keep = Math.ceil(keepS / this.hopS);
    this.keepS = keepS;
    this.first = 0; // the frame that index 0 of the arrays is
    this.count = 0;
    this.heardS = 0;
    this.bands = { mel: 0, cepstra: 0 };
    this.low = new Int16Array(0);
    this.high = new Int16Array(0);
    this.mel = new Uint8Array(0);
    this.cepstra = new Uint8Array(0);
    this.ends = [];
    this.scores = [];
    this.detections = [];
  }

  /** The frame after the last one there is. */
  get end() {
    return this.first + this.count;
  }

  addStrip(buffer) {
    const view = new DataView(buffer);
    const [frame, frames] = [view.getUint32(0, true), view.getUint16(4, true)];
    this.bands = { mel: view.getUint8(6), cepstra: view.getUint8(7) };
    if (frame !== this.end) return; // of another stream: nothing here depends on order but this
    this.#room(frames);
    let at = HEADER_BYTES;
    for (const values of [this.low, this.high]) {
      for (let i = 0; i < frames; i++, at += 2) values[this.count + i] = view.getInt16(at, true);
    }
    for (const name of ["mel", "cepstra"]) {
      const bytes = frames * this.bands[name];
      this[name].set(new Uint8Array(buffer, at, bytes), this.count * this.bands[name]);
      at += bytes;
    }
    this.count += frames;
  }

  addScores(message) {
    this.heardS = message.heard_s;
    this.ends.push(...message.end_s);
    this.scores.push(...message.scores);
    const oldest = this.heardS - 2 * this.keepS;
    if (this.ends[0] < oldest) {
      const dropped = this.ends.findIndex((end) => end >= this.heardS - this.keepS);
      this.ends.splice(0, dropped);
      this.scores.splice(0, dropped);
    }
  }

  addDetection(message) {
    this.detections.push(message);
    if (Number.isFinite(this.keepS) && this.detections.length > 500) this.detections.shift();
  }

  /** Room for so many more frames: forgets the oldest where a stream has no end, else grows. */
  #room(frames) {
    const arrays = { low: 1, high: 1, mel: this.bands.mel, cepstra: this.bands.cepstra };
    if (this.count > 2 * this.keep) {
      const dropped = this.count - this.keep;
      for (const [name, width] of Object.entries(arrays)) this[name].copyWithin(0, dropped * width, this.count * width);
      this.first += dropped;
      this.count = this.keep;
    }
    const needed = this.count + frames;
    if (needed <= this.low.length) return;
    for (const [name, width] of Object.entries(arrays)) {
      const larger = new this[name].constructor(2 * needed * width);
      larger.set(this[name].subarray(0, this.count * width));
      this[name] = larger;
    }
  }
}
