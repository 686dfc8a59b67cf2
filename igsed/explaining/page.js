// `elements.js`, `tools.js` and `player.js` stand before it.
(() => {
  const { MISSING, fill, numbers } = tools;
  const sound = byId("sound");
  const stage = byId("stage");
  const view = byId("view");
  const [starts, ends] = [numbersOf(numbers.starts), numbersOf(numbers.ends)];
  const TOP = 8; // of a curve's drawing, as in shown.py
  const BOTTOM = 92;
  const { percent, moveCursor, stopLoop, startLoop, seek, pressed } = makePlayer(sound, () => numbers.duration, follow);

  const rounded = (value) => Math.round(value * 1e6) / 1e6;

  /** How many ascending numbers are below a value, or equal to it too. */
  function below(numbers, value, equalToo) {
    let [low, high] = [0, numbers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers[middle] < value || (equalToo && numbers[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The largest probability of a class in a stretch that an event overlaps; igsed.explaining.results.likelihoods. */
  function likelihood(one, onset, offset) {
    if (!starts.length) return 1;
    const first = Math.min(below(ends, onset, true), starts.length - 1);
    const last = Math.max(below(starts, offset, false), first + 1);
    return Math.max(...one.probabilities.subarray(first, last));
  }

  /** The mean height of frames within the range. */
  function height(one, first, end) {
    if (!(one.high > one.low)) return 0;
    let sum = 0;
    for (let k = first; k < end; k += 1) sum += (one.scores[k] - one.low) / (one.high - one.low);
    return sum / (end - first);
  }

  /** Onset, offset and confidence of a class's events at a share of its range; igsed.explaining.results.Rule. */
  function eventsAt(one, share) {
    const level = shareOfRange(one.low, one.high, share);
    const runs = runsOf(Uint8Array.from(one.scores, (score) => score > level));
    const joined = [];
    for (let k = 0; k < runs.length; k += 2) {
      const last = joined.at(-1);
      const between = last && rounded((runs[k] - last[1]) * FRAME);
      if (last && numbers.gap && !(between > 0 && between >= numbers.gap)) last[1] = runs[k + 1];
      else joined.push([runs[k], runs[k + 1]]);
    }
    const shownEnd = rounded(numbers.frames * FRAME);
    return joined.flatMap(([first, end]) => {
      const [onset, offset] = [rounded(first * FRAME), rounded(end * FRAME)];
      if (first >= numbers.frames || rounded(offset - onset) < numbers.minimum) return [];
      const likely = likelihood(one, onset, offset);
      return likely < numbers.floor ? [] : [[onset, Math.min(offset, shownEnd), likely * height(one, first, end)]];
    });
  }

  function eventButton(one, [onset, offset, confidence], content, style) {
    const text = `${one.label}, ${onset.toFixed(1)} to ${offset.toFixed(1)} s: play in a loop`;
    const loop = (click) => startLoop(click.currentTarget, onset, offset);
    const attributes = { type: "button", title: text, "aria-label": text, "aria-pressed": "false", "data-plays": true, onclick: loop, style };
    return element("button", attributes, ...content);
  }

  function drawEvents(one, part, events) {
    stopLoop();
    part.querySelector(".lane").replaceChildren(
      ...events.map((event) => {
        const place = { left: percent(event[0]), width: percent(event[1] - event[0]), background: one.colour };
        return eventButton(one, event, [], place);
      }),
    );
    const items = events.map((event) => {
      const [onset, offset, confidence] = event;
      const times = `${onset.toFixed(1)}–${offset.toFixed(1)} s `;
      const soft = element("span", { class: "soft" }, `(${confidence.toFixed(2)})`);
      return element("li", {}, eventButton(one, event, [times, soft]));
    });
    const none = element("li", { class: "soft" }, "no event");
    part.querySelector(".times").replaceChildren(...(items.length ? items : [none]));
  }

  function drawLevel(part, share) {
    const y = BOTTOM - (BOTTOM - TOP) * share;
    let line = part.querySelector(".level");
    if (!line) {
      const look = { class: "level", x1: 0, x2: numbers.duration / FRAME, stroke: "#555", "stroke-dasharray": "4 3" };
      line = drawing("line", { ...look, "vector-effect": "non-scaling-stroke" });
      part.querySelector("svg").prepend(line);
    }
    line.setAttribute("y1", y);
    line.setAttribute("y2", y);
  }

  function slider(one, part) {
    const own = one.share == null ? 50 : Math.round(100 * one.share);
    const output = element("output", {}, one.share == null ? MISSING : one.share.toFixed(2));
    const input = element("input", { type: "range", min: 0, max: 100, step: 1, value: own });
    input.setAttribute("aria-label", `Threshold of ${one.label}, a share of the range of its scores`);
    const back = element("button", { type: "button", disabled: true, title: "Back to the threshold of the command" }, "Back");
    back.setAttribute("aria-label", `${one.label}: back to the threshold of the command`);
    input.addEventListener("input", () => {
      const share = Number(input.value) / 100;
      output.textContent = share.toFixed(2);
      back.disabled = false;
      drawLevel(part, share);
      drawEvents(one, part, eventsAt(one, share));
    });
    back.addEventListener("click", () => {
      input.value = own;
      output.textContent = one.share == null ? MISSING : one.share.toFixed(2);
      back.disabled = true;
      if (one.share == null) part.querySelector(".level")?.remove();
      else drawLevel(part, one.share);
      drawEvents(one, part, one.events);
    });
    const label = element("label", {}, "Threshold", input, output);
    part.querySelector(".above").append(element("span", { class: "threshold" }, label, back));
  }

  /** Keep the cursor in view while the sound plays. */
  function follow() {
    if (sound.paused) return;
    const place = (sound.currentTime / numbers.duration) * stage.clientWidth;
    if (place < view.scrollLeft || place > view.scrollLeft + view.clientWidth) view.scrollLeft = place - view.clientWidth / 10;
  }

  function zoom(window) {
    const middle = (view.scrollLeft + view.clientWidth / 2) / stage.clientWidth;
    stage.style.width = `${(100 * numbers.duration) / window}%`;
    view.scrollLeft = middle * stage.clientWidth - view.clientWidth / 2;
    const room = view.clientWidth / 80;
    const steps = [-2, -1, 0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
    const step = steps.find((one) => window / one <= room) ?? window;
    const count = Math.floor((0.97 * numbers.duration) / step) + 1; // one at the end would be cut off
    stage.querySelector(".axis").replaceChildren(
      ...Array.from({ length: count }, (_, k) => {
        const time = rounded(k * step);
        return element("span", { style: { left: percent(time) } }, `${time} s`);
      }),
    );
  }

  function start() {
    const parts = [...stage.querySelectorAll(".class")];
    numbers.classes.forEach((one, k) => {
      one.scores = numbersOf(one.scores);
      one.probabilities = numbersOf(one.probabilities);
      slider(one, parts[k]);
      drawEvents(one, parts[k], one.events);
    });
    stage.querySelectorAll(".strip").forEach((strip) => strip.addEventListener("click", seek));
    const form = byId("view-controls");
    const lengths = [600, 300, 120, 60, 30, 10, 3].filter((seconds) => seconds < numbers.duration);
    const choices = [numbers.duration, ...lengths].map((seconds) => {
      return [String(seconds), seconds === numbers.duration ? "all" : `${seconds} s`];
    });
    fill(form.elements.window, choices, String(numbers.window));
    const seen = () => zoom(Number(form.elements.window.value));
    form.addEventListener("change", seen);
    form.addEventListener("submit", (event) => event.preventDefault());
    window.addEventListener("resize", seen);
    form.hidden = false;
    byId("cursor").hidden = false;
    seen();
    moveCursor();
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, textarea, input:not([type=range])")) return;
      pressed(event);
    });
  }

  start();
})();
