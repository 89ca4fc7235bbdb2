// Counting by scanner: a wedge scanner types the code and Enter; the buttons do the same by hand. Works without it, too.
(() => {
  const counts = [...document.querySelectorAll(".yt-count")];
  const number = (input) => Number.parseFloat(input.value.replace(",", ".")) || 0;
  const mark = (box) => {
    const input = box.querySelector("input"), wanted = Number.parseFloat(input.dataset.wanted || input.dataset.most || "0");
    box.classList.toggle("yt-full", wanted > 0 && number(input) === wanted && "wanted" in input.dataset);
    box.classList.toggle("yt-over", number(input) > wanted);
  };
  const step = (box, by) => {
    const input = box.querySelector("input");
    input.value = String(Math.max(0, Math.round((number(input) + by) * 1000) / 1000));
    mark(box);
  };
  for (const box of counts) {
    box.addEventListener("click", (event) => {
      const by = event.target.dataset ? event.target.dataset.step : null;
      if (by) step(box, Number(by));
    });
    box.querySelector("input").addEventListener("input", () => mark(box));
  }
  const all = document.getElementById("yt-all");
  if (all) all.addEventListener("click", () => { for (const box of counts) { const input = box.querySelector("input"); input.value = input.dataset.wanted; mark(box); } });
  const scan = document.getElementById("yt-scan"), said = document.getElementById("yt-said");
  if (!scan) return;
  const beep = (high) => {
    try {
      const sound = new AudioContext(), tone = sound.createOscillator();
      tone.frequency.value = high ? 880 : 220;
      tone.connect(sound.destination);
      tone.start();
      tone.stop(sound.currentTime + (high ? 0.08 : 0.4));
    } catch { /* no sound is no harm */ }
    if (!high && navigator.vibrate) navigator.vibrate(300);
  };
  const tell = (text, good) => { said.textContent = text; said.classList.toggle("yt-bad", !good); beep(good); };
  scan.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const code = scan.value.trim();
    scan.value = "";
    if (!code) return;
    const box = counts.find((one) => one.querySelector("input").dataset.codes.toLowerCase().split("\n").includes(code.toLowerCase()));
    if (box) {
      step(box, 1);
      const over = box.classList.contains("yt-over");
      tell(over ? `${scan.dataset.over}: ${code}` : `✓ ${code}`, !over);
      return;
    }
    const wrong = document.getElementById("yt-wrong");
    wrong.value = `${wrong.value.trim()}\n${code}`.trim();
    document.getElementById("yt-wrong-box").open = true;
    tell(`${scan.dataset.wrong}: ${code}`, false);
  });
})();
