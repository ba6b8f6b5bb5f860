// The page: buttons and files on one side, streams of sound on the other.

import { asWav } from "./file.js";
import { Heard } from "./heard.js";
import { Microphone, available } from "./microphone.js";
import { Stream } from "./stream.js";
import { Choices } from "./choices.js";
import { Level } from "./level.js";
import { Track } from "./track.js";
import { View } from "./view.js";

const KEEP_S = 30;
const element = (id) => document.getElementById(id);
const player = element("player");
const level = new Level();
const heard = new Heard((found) => goTo(found.start_s, true));
const view = new View(element("lanes"), {
  onSeek: (seconds) => goTo(seconds, false),
  onZoom: (zoomed) => (element("all").hidden = !zoomed),
});
const choices = new Choices(restart);

let stream = null; // the connection there is, if any
let microphone = null; // and the microphone it hears,
let file = null; // or the file
let attempt = 0; // what was begun last: whatever arrives for an earlier one is too late

function status(sentence) {
  element("status").textContent = sentence;
}

function problem(sentence) {
  element("problem").textContent = sentence ?? "";
  element("problem").hidden = !sentence;
}

function showListening(on) {
  element("listen").toggleAttribute("data-on", on);
  element("listen-text").textContent = on ? "Stop" : "Listen";
  level.clear();
}

/** Ends whatever is heard. What is on the screen stays. */
function stop() {
  attempt += 1;
  stream?.close();
  microphone?.close();
  stream = microphone = null;
  showListening(false);
}

function fail(sentence) {
  stop();
  status("");
  problem(sentence);
}

/** The chosen words changed: what is heard is heard again with them. */
function restart() {
  if (microphone) connectMicrophone();
  else if (file) hearFile(file);
}

async function listen() {
  stop();
  problem();
  file = null;
  showPlayer(null);
  status("Waiting for the microphone.");
  const mine = attempt;
  try {
    const opened = await Microphone.open(hearBlock, () => fail("The microphone is gone: connect it and press Listen."));
    if (mine !== attempt) {
      opened.close();
      return;
    }
    microphone = opened;
  } catch (error) {
    if (mine === attempt) fail(error.message);
    return;
  }
  connectMicrophone();
}

function hearBlock(block) {
  level.hear(block);
  if (stream && !stream.send(block)) problem("The server does not keep up: some sound was lost.");
}

function connectMicrophone() {
  stream?.close();
  stream = new Stream({ kind: "live", rate: microphone.rate, ...choices.wanted }, {
    ready(message) {
      view.show(new Track(message, KEEP_S), true);
      heard.clear(`Say ${spoken()}.`);
      showListening(true);
      status(`Listening for ${spoken()} on ${microphone.name}, at ${microphone.rate / 1000} kHz.`);
    },
    strip: (data) => view.track.addStrip(data),
    scores: (message) => view.track.addScores(message),
    detection(message) {
      view.track.addDetection(message);
      heard.addLive(message);
    },
    error: (message) => fail(`${sentence(message.sentence)} Press Listen to begin again.`),
    lost: () => fail("The connection to the server is gone: is it still running?"),
  });
}

/** Hears a file. `sent` is what the server gets, where that is not the file itself. */
function hearFile(chosen, sent = chosen) {
  stop();
  problem();
  if (chosen !== file) showPlayer(chosen);
  file = chosen;
  heard.clear("None yet.");
  if (!chosen.size) return fail(`${chosen.name} is empty.`);
  status(`Hearing ${chosen.name}.`);
  stream = new Stream({ kind: "file", bytes: sent.size, name: chosen.name.slice(0, 1000), ...choices.wanted }, {
    ready(message) {
      view.show(new Track(message), false);
      view.showAll();
      stream.sendFile(sent);
    },
    strip: (data) => view.track.addStrip(data),
    scores(message) {
      view.track.addScores(message);
      view.touch();
    },
    detection(message) {
      view.track.addDetection(message);
      heard.addOfFile(message);
    },
    end(message) {
      const count = `${message.detections} detection${message.detections === 1 ? "" : "s"}`;
      const seconds = `${message.heard_s.toFixed(1)}\u00a0s`;
      if (!message.detections) heard.clear(`No keyword in ${seconds}.`);
      heard.say(`${count} in ${chosen.name}`);
      status(`${chosen.name}: ${count} of ${spoken()} in ${seconds}.`);
      view.touch();
    },
    error: (message) => refused(message, chosen, sent),
    lost: () => fail("The connection to the server is gone: is it still running?"),
  });
}

/** The server did not take a file; what it cannot read the browser perhaps can. */
async function refused(message, chosen, sent) {
  if (message.reason !== "unreadable" || sent !== chosen) return fail(sentence(message.sentence));
  const mine = attempt;
  const wav = await asWav(chosen).catch(() => null);
  if (mine !== attempt) return;
  if (wav) hearFile(chosen, wav);
  else fail(sentence(message.sentence));
}

/** The chosen words as they are read: “happy” or “marvin”. */
function spoken() {
  const quoted = choices.words.map((word) => `“${word}”`);
  return [quoted.slice(0, -1).join(", "), quoted.at(-1)].filter(Boolean).join(" or ");
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function showPlayer(chosen) {
  if (player.src) URL.revokeObjectURL(player.src);
  player.hidden = true;
  view.setCursor(null);
  if (chosen) player.src = URL.createObjectURL(chosen);
  else player.removeAttribute("src");
}

function goTo(seconds, play) {
  if (play) view.reveal(seconds);
  if (player.hidden) return view.setCursor(seconds);
  player.currentTime = Math.max(0, seconds);
  view.setCursor(player.currentTime);
  if (play) player.play().catch(() => {}); // another file may come before it begins
}

function followPlayer() {
  view.setCursor(player.currentTime);
  if (!player.paused) requestAnimationFrame(followPlayer);
}

async function tryRecording(name) {
  const answer = await fetch(name).catch(() => null);
  if (!answer?.ok) return fail("The connection to the server is gone: is it still running?");
  hearFile(new File([await answer.blob()], name));
}

function acceptDrops() {
  const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    element("drop").hidden = !carriesFile(event);
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) element("drop").hidden = true;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    element("drop").hidden = true;
    const dropped = event.dataTransfer?.files[0];
    if (dropped) hearFile(dropped);
  });
}

async function begin() {
  const facts = await (await fetch("facts.json")).json();
  choices.show(facts.words);
  acceptDrops();
  element("file").disabled = false;
  element("file").addEventListener("change", (event) => {
    if (event.target.files[0]) hearFile(event.target.files[0]);
    event.target.value = ""; // the same file can be chosen again
  });
  element("recording").hidden = !facts.recording;
  element("recording").addEventListener("click", () => tryRecording(facts.recording));
  element("listen").disabled = !available;
  element("listen").addEventListener("click", () => {
    if (!microphone) return listen();
    stop();
    status("Stopped.");
  });
  element("all").addEventListener("click", () => view.showAll());
  for (const radio of document.querySelectorAll("[name=picture]")) {
    radio.addEventListener("change", () => view.setPicture(radio.value));
  }
  player.addEventListener("loadedmetadata", () => (player.hidden = false));
  player.addEventListener("play", followPlayer);
  player.addEventListener("seeked", () => view.setCursor(player.currentTime));
  view.show(new Track({ hop_s: 0.01, words: facts.words }), false); // empty lanes, with their thresholds
  const files = "drop a sound file anywhere on the page.";
  status(available ? `Press Listen and say ${spoken()}, or ${files}` : `D${files.slice(1)}`);
  if (!available) {
    problem("This browser gives no microphone here: it does so only on this machine’s own address or behind https.");
  }
}

begin().catch(() => fail("The connection to the server is gone: is it still running?"));
