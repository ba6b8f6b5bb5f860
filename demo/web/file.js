// Sound files that only the browser can read, as wav files that the server can.

const RATE = 16000;

/** A File of any sound the browser decodes -> a File of 16-bit mono wav at 16 kHz. Rejects when it cannot. */
export async function asWav(file) {
  const context = new OfflineAudioContext(1, 1, RATE); // decoding resamples to a context's rate
  const sound = await context.decodeAudioData(await file.arrayBuffer());
  const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
  const samples = new Int16Array(sound.length);
  for (let i = 0; i < sound.length; i++) {
    let sum = 0;
    for (const channel of channels) sum += channel[i];
    samples[i] = Math.max(-32768, Math.min(32767, Math.round((sum / channels.length) * 32768)));
  }
  return new File([header(samples.byteLength), samples], file.name, { type: "audio/wav" });
}

function header(bytes) {
  const view = new DataView(new ArrayBuffer(44));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // length of the format
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true); // bytes a second
  view.setUint16(32, 2, true); // bytes a sample of all channels
  view.setUint16(34, 16, true); // bits
  text(36, "data");
  view.setUint32(40, bytes, true);
  return view.buffer;
}
