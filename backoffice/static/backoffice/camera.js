// The camera as a scanner: read live where the browser can, else a photo that the server reads. One button does both.
// `YikuCamera.attach(button, onCode)`; or, without a script of the page's own, `data-into="id of a field"` on the button
// (and `data-submit` to send its form).
"use strict";
window.YikuCamera = window.YikuCamera || (() => {
  const LONGEST = 2400, TYPES = "image/jpeg,image/png,image/webp";

  function attach(button, onCode) {
    if (!button || button.dataset.ready) return;
    button.dataset.ready = "1";
    button.hidden = false;
    const say = button.parentElement.querySelector(".yp-camera-said") || document.querySelector(".yp-camera-said");
    const video = document.querySelector(".yp-video");
    const live = "BarcodeDetector" in window && navigator.mediaDevices?.getUserMedia && video;
    if (live) watch(button, video, say, onCode);
    else photo(button, say, onCode);
  }

  // --- live ----------------------------------------------------------------------------------------------------------
  function watch(button, video, say, onCode) {
    const detector = new BarcodeDetector();
    let stream = null, last = "", at = 0;
    const stop = () => {
      stream?.getTracks().forEach((track) => track.stop());
      stream = null;
      video.hidden = true;
      button.textContent = button.dataset.open;
    };
    async function look() {
      if (!stream) return;
      const found = await detector.detect(video).catch(() => []);
      const code = found[0]?.rawValue;
      if (code && (code !== last || Date.now() - at > 2000)) {
        last = code;
        at = Date.now();
        onCode(code);
      }
      setTimeout(look, 200);
    }
    const start = async () => {
      if (stream) return stop();
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch { // forbidden, or no camera the page may have: a photo needs no leave
        button.removeEventListener("click", start);
        photo(button, say, onCode);
        tell(say, button.dataset.off);
        return;
      }
      video.srcObject = stream;
      video.hidden = false;
      await video.play();
      button.textContent = button.dataset.close;
      look();
    };
    button.textContent = button.dataset.open;
    button.addEventListener("click", start);
    addEventListener("pagehide", stop);
  }

  // --- a photo -------------------------------------------------------------------------------------------------------
  function photo(button, say, onCode) {
    const input = document.createElement("input"); // outside of any form: it is sent by itself
    input.type = "file";
    input.accept = TYPES;
    input.setAttribute("capture", "environment");
    input.hidden = true;
    input.className = "yp-photo";
    input.hasChangeListener = true; // or the admin's own script looks for a text field beside it, and stumbles
    document.body.append(input);
    button.textContent = button.dataset.photo;
    button.addEventListener("click", () => { input.value = ""; input.click(); });
    input.addEventListener("change", async () => {
      if (!input.files[0]) return;
      button.disabled = true;
      tell(say, button.dataset.reading);
      const answer = await send(button, await smaller(input.files[0]));
      button.disabled = false;
      if (!answer.ok) return tell(say, answer.message || button.dataset.failed);
      const codes = answer.codes.map((one) => one.text);
      if (!codes.length) return tell(say, button.dataset.none);
      tell(say, "");
      if (codes.length === 1) return onCode(codes[0]);
      choose(say, button.dataset.which, codes, onCode);
    });
  }

  // A photo of ten megapixels takes long over the radio of a hall; the bars need a fifth of it.
  async function smaller(file) {
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
      if (scale === 1) return file;
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85))) || file;
    } catch {
      return file;
    }
  }

  async function send(button, file) {
    const body = new FormData();
    body.append("photo", file, "code.jpg");
    try {
      const response = await fetch(button.dataset.url, { method: "POST", body, headers: { "X-CSRFToken": button.dataset.csrf }, signal: AbortSignal.timeout(30000) });
      if (response.redirected || response.status === 403) return { ok: false, message: button.dataset.out };
      return await response.json();
    } catch {
      return { ok: false };
    }
  }

  function tell(say, text) {
    if (!say) return;
    say.replaceChildren(text);
    say.hidden = !text;
  }

  function choose(say, question, codes, onCode) {
    tell(say, question);
    for (const code of codes) {
      const one = document.createElement("button");
      one.type = "button";
      one.textContent = code;
      one.addEventListener("click", () => { tell(say, ""); onCode(code); });
      say.append(" ", one);
    }
  }

  for (const button of document.querySelectorAll(".yp-camera[data-into]")) {
    const field = document.getElementById(button.dataset.into);
    if (field) attach(button, (code) => {
      field.value = code;
      if ("submit" in button.dataset) field.form.requestSubmit();
      else field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    });
  }
  return { attach };
})();
