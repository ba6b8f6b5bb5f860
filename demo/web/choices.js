// Which words are listened for, and how readily.

const POINTS = {
  alarms: "few false alarms",
  fpr_3: "high (FPR 3 %)",
  fpr_5: "highest (FPR 5 %)",
};

export class Choices {
  constructor(onChange) {
    this.onChange = onChange;
    this.boxes = [];
    this.select = document.getElementById("point");
    this.select.addEventListener("change", onChange);
  }

  /** words: [{ word, threshold, point, points: { name: threshold } }], as the server tells them. */
  show(words) {
    this.boxes = words.map(({ word }) => {
      const box = Object.assign(document.createElement("input"), { type: "checkbox", value: word, checked: true });
      box.addEventListener("change", () => this.#changed(box));
      const label = Object.assign(document.createElement("label"), { className: "pill" });
      label.append(box, word);
      document.getElementById("words").append(label);
      return box;
    });
    const usual = words.every(({ point }) => point === words[0].point) ? words[0].point : null;
    const common = Object.keys(words[0].points).filter((name) => words.every(({ points }) => name in points));
    const others = common.filter((name) => name !== usual).map((name) => new Option(POINTS[name] ?? name, name));
    this.select.replaceChildren(new Option(POINTS[usual] ?? "as calibrated", ""), ...others);
  }

  get words() {
    return this.boxes.filter((box) => box.checked).map((box) => box.value);
  }

  /** The part of a stream's first message that is chosen here. */
  get wanted() {
    return { words: this.words, point: this.select.value || null };
  }

  #changed(box) {
    if (!this.words.length) box.checked = true; // one has to be left
    else this.onChange();
  }
}
