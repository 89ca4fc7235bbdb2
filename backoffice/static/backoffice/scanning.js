// What every scanning page shares: sounds, wedge scanners (the camera: camera.js), and a queue that survives a lost connection.
"use strict";
const Floor = (() => {
  const words = JSON.parse(document.getElementById("yp-words")?.textContent || "{}");
  const say = (name, ...values) => {
    let text = words[name] || name;
    for (const value of values) text = text.replace(/%(\(\w+\))?s/, value);
    return text;
  };

  // --- sounds: made, not loaded; allowed once somebody has pressed or scanned something ------------------------------
  let audio = null;
  function tone(pitch, seconds, shape, wait = 0) {
    try {
      audio ||= new AudioContext();
      if (audio.state === "suspended") audio.resume();
      const from = audio.currentTime + wait, source = audio.createOscillator(), volume = audio.createGain();
      source.type = shape;
      source.frequency.value = pitch;
      volume.gain.setValueAtTime(0.25, from);
      volume.gain.exponentialRampToValueAtTime(0.001, from + seconds);
      source.connect(volume).connect(audio.destination);
      source.start(from);
      source.stop(from + seconds);
    } catch { /* no sound on this device: colour and words say it too */ }
  }
  const sounds = {
    good: () => tone(1200, 0.12, "sine"),
    bad: () => { tone(200, 0.3, "square"); tone(150, 0.35, "square", 0.32); },
  };
  function tell(page, good, text) {
    const message = page.querySelector(".yp-message");
    document.documentElement.dataset.ypSound = good ? "good" : "bad";
    sounds[good ? "good" : "bad"]();
    if (!good && navigator.vibrate) navigator.vibrate([200, 80, 200]);
    if (!message) return;
    message.textContent = text;
    message.hidden = !text;
    message.className = `yp-message ${good ? "yp-green" : "yp-red"}`;
  }

  // --- codes ---------------------------------------------------------------------------------------------------------
  const normal = (text) => text.normalize("NFKC").replace(/\s+/g, " ").trim().toLowerCase();
  function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is missing on plain http
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // A wedge scanner types like a keyboard, wherever the focus is; keys that come slowly are a person's.
  function wedge(onCode) {
    const box = document.querySelector(".yp-scan"), field = box?.querySelector("input");
    let keys = "", last = 0;
    document.addEventListener("keydown", (event) => {
      if (event.target.closest("input, textarea, select") || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.timeStamp - last > 400) keys = "";
      last = event.timeStamp;
      if (event.key === "Enter" && keys) {
        event.preventDefault(); // or a focused button would be pressed
        const code = keys;
        keys = "";
        onCode(code);
      } else if (event.key.length === 1) keys += event.key;
    });
    box?.addEventListener("submit", (event) => {
      event.preventDefault();
      const code = field.value.trim();
      field.value = "";
      if (code) onCode(code);
    });
    // A phone would open its keyboard over half the page.
    if (field && matchMedia("(pointer: fine)").matches && !document.querySelector("[autofocus]")) field.focus();
    window.YikuCamera?.attach(box?.querySelector(".yp-camera"), onCode);
  }

  // --- the queue -----------------------------------------------------------------------------------------------------
  class Queue {
    constructor(page, onAnswer) {
      this.page = page;
      this.name = `yiku-${page.dataset.store}`;
      this.onAnswer = onAnswer;
      this.busy = false;
      try {
        this.items = JSON.parse(localStorage.getItem(this.name) || "[]");
      } catch {
        this.items = [];
      }
      addEventListener("online", () => this.run());
      for (const item of this.items) this.note(item, "…", say("pending"));
      this.show();
      setTimeout(() => this.run(), 0);
    }
    add(item) {
      item.key = newKey();
      this.items.push(item);
      this.note(item, "…", say("pending"));
      this.keep();
      this.run();
    }
    keep() {
      try {
        if (this.items.length) localStorage.setItem(this.name, JSON.stringify(this.items));
        else localStorage.removeItem(this.name);
      } catch { /* private mode: the queue lives as long as the page */ }
      this.show();
    }
    show() {
      const count = this.page.querySelector(".yp-pending");
      if (count) count.textContent = this.items.length ? `${this.items.length} ${say("pending")}` : "";
      this.page.dataset.pending = this.items.length;
      for (const button of this.page.querySelectorAll(".yp-finish-buttons button")) button.disabled = this.items.length > 0;
    }
    async run() {
      if (this.busy || !this.items.length) return;
      this.busy = true;
      try {
        while (this.items.length && (await this.send(this.items.slice(0, 20))));
      } finally {
        this.busy = false;
      }
    }
    async send(batch) {
      let answers;
      try {
        const response = await fetch(this.page.dataset.url, {
          method: "POST",
          headers: { "Content-Type": "application/json", "X-CSRFToken": token() },
          body: JSON.stringify({ scans: batch }),
          signal: AbortSignal.timeout(15000),
        });
        if (response.redirected || response.status === 403) return this.wait(say("signed_out"));
        if (response.status === 400 || response.status === 404) answers = batch.map((one) => ({ key: one.key, ok: false, message: say("not_sent") }));
        else if (!response.ok) return this.wait(say("offline"));
        else answers = (await response.json()).answers;
      } catch {
        return this.wait(say("offline"));
      }
      const line = this.page.querySelector(".yp-offline");
      if (line) line.hidden = true;
      for (const answer of answers) {
        const place = this.items.findIndex((one) => one.key === answer.key);
        if (place < 0) continue;
        const [item] = this.items.splice(place, 1);
        this.note(item, answer.ok ? "✓" : "✗", answer.message);
        this.onAnswer(item, answer);
      }
      this.keep();
      return answers.length > 0;
    }
    wait(text) {
      const line = this.page.querySelector(".yp-offline");
      if (line) {
        line.textContent = text;
        line.hidden = false;
      }
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.run(), 4000);
      return false;
    }
    note(item, mark, text) {
      const log = this.page.querySelector(".yp-log");
      if (!log) return;
      log.querySelector(".yp-nothing")?.remove();
      let line = log.querySelector(`[data-key="${item.key}"]`);
      if (!line) {
        line = document.createElement("li");
        line.dataset.key = item.key;
        log.prepend(line);
      }
      line.className = mark === "✓" ? "yp-yes" : mark === "✗" ? "yp-no" : "";
      line.textContent = `${mark} ${item.label || item.text || ""}${text ? ` · ${text}` : ""}`;
      while (log.children.length > 50) log.lastElementChild.remove();
    }
  }
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";

  return { say, tell, normal, wedge, Queue };
})();
