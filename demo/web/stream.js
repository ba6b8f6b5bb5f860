// One connection to the server is one stream of sound: what it says first, the sound, and the answers.

const PIECE = 1 << 16;
const BACKLOG = 1 << 20;

export class Stream {
  /**
   * first     the first message, see the server's web_protocol.py
   * handlers  by the kind of the answer: ready, strip, scores, detection, end, error; and lost(), when it broke
   */
  constructor(first, handlers) {
    this.handlers = handlers;
    this.done = false;
    const address = new URL("stream", document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.socket.send(JSON.stringify(first));
    this.socket.onmessage = (event) => this.#take(event.data);
    this.socket.onclose = () => this.#finish("lost");
  }

  /** Sends sound; false when the server is so far behind that it was dropped. */
  send(sound) {
    if (this.socket.readyState !== WebSocket.OPEN || this.done) return true;
    if (this.socket.bufferedAmount > BACKLOG) return false;
    this.socket.send(sound);
    return true;
  }

  /** Sends a whole file, as fast as it is taken. */
  async sendFile(file) {
    for (let at = 0; at < file.size && !this.done; at += PIECE) {
      const piece = await file.slice(at, at + PIECE).arrayBuffer();
      while (!this.send(piece)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  close() {
    this.done = true;
    this.socket.close();
  }

  #take(data) {
    if (this.done) return;
    if (typeof data !== "string") {
      this.handlers.strip(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.kind === "end" || message.kind === "error") this.#finish(message.kind, message);
    else this.handlers[message.kind](message);
  }

  #finish(kind, message) {
    if (this.done) return;
    this.close();
    this.handlers[kind](message);
  }
}
