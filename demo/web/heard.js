// The list of detections, and what a screen reader is told about them.

import { clock } from "./paint.js";

const MOST = 200;

export class Heard {
  /** onChoose(detection): one of a file's detections was chosen. */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.list = document.getElementById("list");
    this.clear("None yet.");
  }

  clear(sentence) {
    this.total = 0;
    this.list.replaceChildren();
    this.#count();
    document.getElementById("empty").textContent = sentence;
  }

  /** A microphone's detection, newest first, with the time of day. */
  addLive(found) {
    const item = document.createElement("div");
    const when = new Date().toLocaleTimeString();
    fill(item, found, `${when}, score ${found.score.toFixed(1)}`);
    this.#put(item, true);
    this.say(`${found.word} at ${clock(found.end_s, 1)}`);
    if (this.list.children.length > MOST) this.list.lastElementChild.remove();
  }

  /** A file's detection, in order: a button that goes there. */
  addOfFile(found) {
    const item = document.createElement("button");
    item.type = "button";
    fill(item, found, `from ${clock(found.start_s, 1)}, score ${found.score.toFixed(1)}`);
    item.addEventListener("click", () => this.onChoose(found));
    this.#put(item, false);
  }

  say(sentence) {
    document.getElementById("announce").textContent = sentence;
  }

  #put(item, first) {
    const row = document.createElement("li");
    row.append(item);
    if (first) this.list.prepend(row);
    else this.list.append(row);
    this.total += 1;
    this.#count();
  }

  #count() {
    document.getElementById("count").textContent = String(this.total);
    document.getElementById("empty").hidden = this.total > 0;
  }
}

function fill(item, found, more) {
  const word = Object.assign(document.createElement("strong"), { textContent: found.word });
  const time = Object.assign(document.createElement("span"), { textContent: clock(found.end_s, 1) });
  item.append(word, time, Object.assign(document.createElement("small"), { textContent: more }));
}
