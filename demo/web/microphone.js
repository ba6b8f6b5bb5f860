// The browser's microphone as 16-bit mono blocks at the AudioContext's own rate.

const BLOCK_S = 0.08;

const REASONS = {
  NotAllowedError: "The browser was not allowed to use the microphone: allow it in the address bar and try again.",
  NotFoundError: "No microphone was found: connect one and try again.",
  NotReadableError: "The microphone cannot be opened: another program may hold it.",
};

export const available = Boolean(navigator.mediaDevices && window.AudioWorkletNode);

export class Microphone {
  /** Opens the microphone. onBlock gets an ArrayBuffer; onLost is called when the device goes away. */
  static async open(onBlock, onLost) {
    const context = new AudioContext();
    let media = null;
    try {
      // What the browser would do for a telephone call changes the words; the detector takes them as they are.
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      media = await navigator.mediaDevices.getUserMedia({ audio: plain });
      await context.audioWorklet.addModule("worklet.js");
      await context.resume();
      return new Microphone(context, media, onBlock, onLost);
    } catch (error) {
      media?.getTracks().forEach((track) => track.stop());
      await context.close();
      throw new Error(REASONS[error.name] ?? `The microphone cannot be opened (${error.message}).`);
    }
  }

  constructor(context, media, onBlock, onLost) {
    this.context = context;
    this.media = media;
    this.rate = Math.round(context.sampleRate);
    this.name = media.getAudioTracks()[0].label || "the microphone";
    media.getAudioTracks()[0].addEventListener("ended", onLost);
    this.node = new AudioWorkletNode(context, "capture", {
      processorOptions: { samples: Math.round(BLOCK_S * this.rate) },
    });
    this.node.port.onmessage = (event) => onBlock(event.data);
    this.source = context.createMediaStreamSource(media);
    // Its output is silence; some browsers run only what leads somewhere.
    this.source.connect(this.node).connect(context.destination);
  }

  close() {
    this.node.port.onmessage = null;
    this.source.disconnect();
    this.media.getTracks().forEach((track) => track.stop());
    return this.context.close();
  }
}
