// `elements.js`, `tools.js` and `player.js` stand before it.
(() => {
  const { MISSING, at, caption, fill, interval, nameOf, numbers, readable, shade, shown, small, three } = tools;
  const bodies = document.querySelectorAll("script.clip-body");
  const SPLITS = { test: "Synthetic clips", recordings: "Real recordings", recordings_unseen: "Real recordings, unseen" };
  const MEANS = { all: "all pairs", class_mean: "mean over classes" };

  // Leaderboard

  const board = byId("board-controls");
  const sorting = { column: null, down: true };
  const boardState = () => Object.fromEntries(new FormData(board));

  function valueOf(state, metric, place, label = state.label) {
    if (state.seed === "all") return at(numbers.values, state.split, state.protocol, label, metric, place);
    const seeds = at(numbers.by_seed, state.split, state.protocol, label, metric, place);
    const value = seeds?.[numbers.seeds.indexOf(Number(state.seed))];
    return value == null ? undefined : [value, null, null];
  }

  /** Value, low, high and p of the difference from a detector; only the first where nothing more is known. */
  function differenceOf(state, place, reference) {
    if (place === reference) return null;
    if (state.seed === "all") {
      const { name } = numbers.detectors[reference];
      const known = at(numbers.differences, name, state.split, state.protocol, state.label, state.focus, place);
      if (known) return known;
    }
    const [ours, theirs] = [place, reference].map((one) => valueOf(state, state.focus, one)?.[0]);
    return ours == null || theirs == null ? null : [ours - theirs, null, null, null];
  }

  const passesOf = (detector) => (detector.passes ? detector.passes[0] + detector.passes[1] : null);

  function pValue(p) {
    return p < 0.001 ? "p < 0.001" : `p ${p.toFixed(3)}`;
  }

  const header = (key, text, title, numeric) =>
    tools.header(sorting, drawBoard, key, text, title, numeric, numeric && numbers.metrics[key]?.better !== -1);

  function drawBoard() {
    const state = boardState();
    const metrics = numbers.sets[state.set];
    const reference = Number(state.reference);
    const focus = numbers.metrics[state.focus];
    const withPasses = numbers.detectors.some((detector) => detector.passes);
    const rows = numbers.detectors.map((detector, place) => ({
      detector,
      values: metrics.map((metric) => valueOf(state, metric, place)),
      paper: metrics.map((metric) => at(numbers.paper, state.label, metric, place)),
      difference: differenceOf(state, place, reference),
    }));
    const keyOf = (row) => {
      if (sorting.column === "detector") return row.detector.title.toLowerCase();
      if (sorting.column === "difference") return row.difference?.[0];
      if (sorting.column === "passes") return passesOf(row.detector);
      return row.values[metrics.indexOf(sorting.column)]?.[0];
    };
    if (!["detector", "difference", "passes", ...metrics].includes(sorting.column)) {
      sorting.column = metrics[0];
      sorting.down = numbers.metrics[metrics[0]].better !== -1;
    }
    rows.sort((one, other) => {
      if (one.detector.truth !== other.detector.truth) return one.detector.truth ? 1 : -1;
      const [a, b] = [keyOf(one), keyOf(other)];
      if (a == null || b == null) return (a == null) - (b == null);
      return (a < b ? -1 : a > b ? 1 : 0) * (sorting.down ? -1 : 1);
    });
    const best = metrics.map((metric, place) => {
      const better = numbers.metrics[metric].better;
      const found = rows.filter((row) => !row.detector.truth).map((row) => row.values[place]?.[0]);
      return better ? Math.max(...found.filter((value) => value != null).map((value) => value * better)) * better : null;
    });
    const head = element("tr", {}, header("detector", "Detector", "Sort by name", false));
    metrics.forEach((metric) => {
      const { title, unit, definition } = numbers.metrics[metric];
      head.append(header(metric, unit ? `${title}, ${unit}` : title, definition, true));
    });
    const compared = numbers.detectors[reference].title;
    head.append(header("difference", `${focus.title} minus ${compared}`, "Sort by the difference", true));
    if (withPasses) head.append(header("passes", "Passes", "Forward passes per clip plus backward passes per class", true));
    const body = rows.map(({ detector, values, paper, difference }) => {
      const cells = values.map((value, place) => {
        const metric = metrics[place];
        return element(
          "td",
          { class: value?.[0] != null && value[0] === best[place] && !detector.truth ? "number best" : "number" },
          shown(value?.[0], metric),
          interval(metric, value?.[1], value?.[2]),
          paper[place] == null ? "" : small(`paper ${three(paper[place])}`),
        );
      });
      const sign = difference?.[0] > 0 ? "+" : "";
      cells.push(
        element(
          "td",
          { class: "number" },
          difference?.[0] == null ? MISSING : sign + shown(difference[0], state.focus),
          difference ? interval(state.focus, difference[1], difference[2]) : "",
          difference?.[3] == null ? "" : small(pValue(difference[3])),
        ),
      );
      if (withPasses) {
        cells.push(element("td", { class: "number" }, passesOf(detector) == null ? MISSING : String(passesOf(detector))));
      }
      const kind = detector.control || detector.truth ? "control" : null;
      return element("tr", { class: kind }, element("th", { scope: "row" }, ...nameOf(detector)), ...cells);
    });
    const [pairs, clips] = at(numbers.pairs, state.split, state.protocol, state.label) ?? [];
    const who = `${SPLITS[state.split] ?? state.split}, protocol ${state.protocol}, ${MEANS[state.label] ?? readable(state.label)}`;
    const everySeed = state.seed === "all";
    const size = pairs == null || !everySeed ? "" : `; ${pairs} pairs of all seeds in ${clips} clips`;
    const seed = everySeed ? "mean over seeds, interval" : `seed ${state.seed} alone, so no intervals`;
    byId("board").replaceChildren(
      caption(`${who}${size}: ${seed}, the paper's value.`),
      element("thead", {}, head),
      element("tbody", {}, ...body),
    );
    const known = rows.some((row) => row.difference?.[3] != null);
    byId("board-notes").textContent = known
      ? `Differences from ${compared} are paired; p is Holm-corrected over the detectors.`
      : `Only differences of means are shown from ${compared}${state.seed === "all" ? "" : " with one seed"}: without intervals and p.`;
  }

  function drawHeat() {
    const state = boardState();
    const labels = numbers.labels.filter((label) => !(label in MEANS));
    const grid = numbers.detectors.map((_, place) => labels.map((label) => valueOf(state, state.focus, place, label)?.[0]));
    const { range, title, better } = numbers.metrics[state.focus];
    const known = grid.flat().filter((value) => value != null);
    const [low, high] = range ?? [Math.min(...known), Math.max(...known)];
    const share = (value) => (high > low ? (better === -1 ? high - value : value - low) / (high - low) : 0.5);
    const filter = clipState();
    const head = element("tr", {}, element("td"), ...labels.map((label) => element("th", { scope: "col" }, readable(label))));
    const rows = numbers.detectors.map((detector, place) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, ...nameOf(detector)),
        ...grid[place].map((value, k) => {
          if (value == null) return element("td", { class: "none" }, MISSING);
          const text = shown(value, state.focus).replace(/^(−?)0\./, "$1.");
          const pressed = filter.label === labels[k] && Number(filter.detector) === place;
          return element(
            "td",
            {},
            element(
              "button",
              {
                type: "button",
                style: shade(share(value)),
                "aria-pressed": String(pressed),
                "aria-label": `${detector.title}, ${readable(labels[k])}: ${title} ${shown(value, state.focus)}. List its clips`,
                onclick: () => chooseCell(labels[k], place),
              },
              text,
            ),
          );
        }),
      ),
    );
    byId("heat").replaceChildren(
      caption(`${title}: ${SPLITS[state.split] ?? state.split}, protocol ${state.protocol}`),
      element("thead", {}, head),
      element("tbody", {}, ...rows),
    );
  }

  function chooseCell(label, place) {
    clipForm.elements.label.value = label;
    clipForm.elements.detector.value = String(place);
    drawHeat();
    drawList();
    if (listed.length) choose(listed[0]);
    byId("clips").scrollIntoView();
  }

  // Clips

  const clipForm = byId("clip-controls");
  const clipState = () => Object.fromEntries(new FormData(clipForm));
  const sound = byId("sound");
  const stage = byId("stage");
  let listed = [];
  let chosen = null; // entry of numbers.clips
  let body = null; // of its clip
  const { percent, moveCursor, stopLoop, startLoop, seek, pressed } = makePlayer(sound, () => body?.duration);
  const threshold = { protocol: numbers.protocol, rule: null, value: null };
  const decoded = new Map();

  const spread = (entry) => {
    const values = entry.ap.filter((value, k) => value != null && !numbers.detectors[k].control && !numbers.detectors[k].truth);
    return values.length ? Math.max(...values) - Math.min(...values) : 0;
  };

  function drawList() {
    const { label, detector, order } = clipState();
    const place = Number(detector);
    listed = numbers.clips.filter((entry) => label === "" || entry.label === label);
    const value = (entry) => (order === "disputed" ? spread(entry) : entry.ap[place]);
    const name = (one, other) =>
      one.clip < other.clip ? -1 : one.clip > other.clip ? 1 : one.label < other.label ? -1 : 1;
    listed.sort((one, other) => {
      if (order === "name") return name(one, other);
      const [a, b] = [value(one), value(other)];
      if (a == null || b == null) return (a == null) - (b == null) || name(one, other);
      return (order === "worst" ? a - b : b - a) || name(one, other);
    });
    byId("clip-count").textContent =
      `${listed.length} pairs of clip and class; the value is ` +
      (order === "disputed" ? "the largest difference of AP between two detectors" : `${numbers.detectors[place].title}'s AP`);
    byId("clip-list").replaceChildren(
      ...listed.map((entry) => {
        const hit = entry.pg[place] == null ? "" : entry.pg[place] ? "points right" : "points wrong";
        const button = element(
          "button",
          { type: "button", "data-plays": true, "aria-current": String(entry === chosen), onclick: () => choose(entry) },
          element("span", {}, readable(entry.label)),
          element("span", { class: "value" }, three(value(entry))),
          element("span", { class: "where" }, entry.clip),
          element("span", { class: "where" }, hit),
        );
        return element("li", {}, button);
      }),
    );
  }

  /** The scores of a pair and detector as 64-bit numbers. */
  function scoresOf(pair, place) {
    const text = pair.detectors[place].scores;
    if (!decoded.has(text)) decoded.set(text, numbersOf(text));
    return decoded.get(text);
  }

  const rules = {
    /** numpy.percentile, method "linear", to the last bit. */
    percentile: {
      most: 100,
      value: (step) => step,
      threshold(scores, percentile) {
        const ranked = Float64Array.from(scores).sort();
        const virtual = (ranked.length - 1) * (percentile / 100);
        if (virtual >= ranked.length - 1) return ranked[ranked.length - 1];
        const first = Math.floor(virtual);
        const [a, b, share] = [ranked[first], ranked[first + 1], virtual - first];
        return share >= 0.5 ? b - (b - a) * (1 - share) : a + (b - a) * share;
      },
    },
    /** igsed.thresholds.peak. */
    peak: {
      most: 100,
      value: (step) => step / 100,
      threshold(scores, share) {
        return shareOfRange(Math.min(...scores), Math.max(...scores), share);
      },
    },
  };

  function maskOfRuns(runs, frames) {
    const mask = new Uint8Array(frames);
    for (let k = 0; k < runs.length; k += 2) mask.fill(1, runs[k], runs[k + 1]);
    return mask;
  }

  /** IoU and F1 of two masks; null where neither has a frame. */
  function overlap(mask, active) {
    let [both, predicted, real] = [0, 0, 0];
    mask.forEach((on, k) => {
      both += on & active[k];
      predicted += on;
      real += active[k];
    });
    if (predicted + real === 0) return { iou: null, f1: null };
    return { iou: both / (predicted + real - both), f1: (2 * both) / (predicted + real) };
  }

  /** The detected frames of a detector, and the threshold where there is one to draw. */
  function detected(pair, place) {
    const scores = scoresOf(pair, place);
    if (threshold.rule) {
      const level = rules[threshold.rule].threshold(scores, threshold.value);
      return { mask: Uint8Array.from(scores, (score) => score > level), level };
    }
    const made = pair.detectors[place].masks[threshold.protocol];
    if (!made) return { mask: null, level: null };
    const rule = rules[numbers.rules[threshold.protocol].rule];
    const level = rule && made[3] != null ? rule.threshold(scores, made[3]) : null;
    return { mask: maskOfRuns(made[0], pair.frames), level, parameter: made[3] };
  }

  function spectrogram() {
    const marks = [100, 1000, 10000].map((hertz) => {
      const share = Math.log(hertz / 60) / Math.log(14000 / 60);
      return element("span", { class: "hertz", style: { bottom: `${100 * share}%` } }, hertz < 1000 ? "100 Hz" : `${hertz / 1000} kHz`);
    });
    const picture = element("img", { src: body.image, alt: `Spectrogram of ${body.clip}`, draggable: "false" });
    return element("div", { class: "strip", id: "spectrogram", onclick: seek }, picture, ...marks);
  }

  function roll() {
    const others = [...new Set(body.events.map((event) => event[2]))].filter((label) => label !== chosen.label);
    return [chosen.label, ...others].flatMap((label) => {
      const target = label === chosen.label;
      const events = body.events.filter((event) => event[2] === label);
      const buttons = events.map(([onset, offset]) => {
        const text = `${readable(label)}, ${onset.toFixed(2)} to ${offset.toFixed(2)} s: play in a loop`;
        return element("button", {
          type: "button",
          "data-plays": true,
          title: text,
          "aria-label": text,
          "aria-pressed": "false",
          style: { left: percent(onset), width: percent(Math.min(offset, body.duration) - onset) },
          onclick: (click) => startLoop(click.currentTarget, onset, offset),
        });
      });
      const note = target ? "events of the class" : "other events";
      return [
        element("div", { class: "above" }, element("strong", {}, readable(label)), element("span", { class: "soft" }, note)),
        element("div", { class: target ? "lane target" : "lane" }, ...buttons),
      ];
    });
  }

  function curve(pair, place) {
    const detector = numbers.detectors[place];
    const told = pair.detectors[place];
    const head = element("div", { class: "above", "data-detector": detector.name }, element("strong", {}, ...nameOf(detector)));
    if (!told) {
      head.append(element("span", { class: "soft" }, "has no scores of this pair"));
      return [head];
    }
    const scores = scoresOf(pair, place);
    const active = maskOfRuns(pair.active, pair.frames);
    const { mask, level, parameter } = detected(pair, place);
    const { iou, f1 } = mask ? overlap(mask, active) : { iou: null, f1: null };
    const hit = told.pg == null ? "" : told.pg ? ", right" : ", wrong";
    head.append(
      element("span", {}, `AP ${three(told.ap)}`),
      element("span", {}, "IoU ", element("output", { "data-iou": true }, three(iou))),
      element("span", {}, "F1 ", element("output", { "data-f1": true }, three(f1))),
      element("span", { class: "soft" }, `maximum ${(told.top * FRAME).toFixed(1)} s${hit}`),
      parameter == null ? "" : element("span", { class: "soft" }, `threshold ${parameter}`),
    );
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    // Halves, so that no difference leaves the range of numbers.
    const y = (score) => (high > low ? 88 - (76 * (score / 2 - low / 2)) / (high / 2 - low / 2) : 88);
    const frames = body.duration / FRAME;
    const svg = drawing("svg", { viewBox: `0 0 ${frames} 112`, preserveAspectRatio: "none", role: "img" });
    svg.setAttribute("aria-label", `Frame scores of ${detector.title} and, below, its detected frames`);
    const bars = (runs, top, height, colour) => {
      for (let k = 0; k < runs.length; k += 2) {
        svg.append(drawing("rect", { x: runs[k], y: top, width: runs[k + 1] - runs[k], height, fill: colour }));
      }
    };
    bars(pair.active, 0, 92, "#e6e6e6");
    if (level != null && level >= low) {
      const line = { x1: 0, x2: frames, y1: y(level), y2: y(level), stroke: "#555", "stroke-dasharray": "4 3" };
      svg.append(drawing("line", { ...line, "vector-effect": "non-scaling-stroke" }));
    }
    let path = "";
    scores.forEach((score, k) => (path += `${k ? "L" : "M"}${k} ${y(score)}L${k + 1} ${y(score)}`));
    const stroke = { stroke: numbers.styles[place], "stroke-width": 1.6, fill: "none", "vector-effect": "non-scaling-stroke" };
    svg.append(drawing("path", { d: path, ...stroke }));
    if (mask) bars(runsOf(mask), 98, 11, numbers.styles[place]);
    const top = element("span", { class: "top", "aria-hidden": "true", style: { left: percent((told.top + 0.5) * FRAME) } }, "▼");
    return [head, element("div", { class: "strip", onclick: seek }, svg, top)];
  }

  /** The detector of the list first. */
  function places() {
    const first = Number(clipState().detector);
    return [first, ...[...numbers.detectors.keys()].filter((place) => place !== first)];
  }

  function drawStage() {
    const pair = body.pairs[chosen.label];
    const seconds = [0, 0.25, 0.5, 0.75, 1].map((share) => element("span", {}, `${+(share * body.duration).toFixed(2)} s`));
    stage.replaceChildren(
      element("div", { id: "cursor" }),
      spectrogram(),
      element("div", { class: "seconds", "aria-hidden": "true" }, ...seconds),
      ...roll(),
      ...places().flatMap((place) => curve(pair, place)),
    );
    moveCursor();
  }

  /** Only what depends on the threshold. */
  function redrawCurves() {
    const pair = body.pairs[chosen.label];
    const order = places();
    [...stage.querySelectorAll("[data-detector]")].forEach((head, k) => {
      const strip = head.nextElementSibling?.classList.contains("strip") ? head.nextElementSibling : null;
      const made = curve(pair, order[k]);
      head.replaceWith(made[0]);
      if (strip) strip.replaceWith(made[1]);
    });
  }

  function choose(entry, link = true) {
    if (chosen?.body !== entry.body) {
      body = JSON.parse(bodies[entry.body].textContent);
      sound.pause();
      sound.src = body.sound;
    }
    chosen = entry;
    stopLoop();
    byId("player-title").textContent = `${readable(entry.label)} in ${entry.clip}`;
    const [recording, start] = body.from ?? [];
    byId("player-from").textContent = recording ? `From the recording ${recording}${start ? `, second ${start} on` : ""}` : "";
    sound.setAttribute("aria-label", `Sound of ${entry.clip}`);
    drawStage();
    [...byId("clip-list").querySelectorAll("button")].forEach((button, k) => {
      button.setAttribute("aria-current", String(listed[k] === entry));
      if (listed[k] === entry) {
        const list = byId("clip-list");
        const row = button.getBoundingClientRect();
        const box = list.getBoundingClientRect();
        if (row.top < box.top) list.scrollTop -= box.top - row.top;
        if (row.bottom > box.bottom) list.scrollTop += row.bottom - box.bottom;
      }
    });
    if (link) history.replaceState(null, "", `#${new URLSearchParams({ clip: entry.clip, class: entry.label })}`);
  }

  function step(by) {
    if (!listed.length) return;
    const place = listed.indexOf(chosen);
    choose(listed[Math.min(Math.max(place < 0 ? 0 : place + by, 0), listed.length - 1)]);
  }

  /** Choose the clip that the address names; whether it names one. */
  function follow() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (!wanted.has("clip")) return false;
    const of = numbers.clips.filter((entry) => entry.clip === wanted.get("clip"));
    const entry = of.find((one) => one.label === wanted.get("class")) ?? of[0];
    if (!entry) {
      byId("clip-count").textContent = `${wanted.get("clip")} is not on this page.`;
      byId("clips").scrollIntoView();
      return false;
    }
    if (!listed.includes(entry)) {
      clipForm.elements.label.value = "";
      drawList();
    }
    choose(entry, false);
    byId("player").scrollIntoView();
    return true;
  }

  function sliders() {
    const used = [...new Set(Object.values(numbers.rules).map((rule) => rule.rule))];
    const made = used.map((name) => {
      const rule = rules[name];
      if (!rule) return null;
      const { title } = Object.values(numbers.rules).find((one) => one.rule === name);
      const output = element("output", {}, MISSING);
      const input = element("input", { type: "range", min: 0, max: rule.most, step: 1, value: 50, "data-rule": name });
      input.setAttribute("aria-label", `${title}, the same for all detectors`);
      input.addEventListener("input", () => {
        Object.assign(threshold, { rule: name, value: rule.value(Number(input.value)) });
        thresholdForm.elements.protocol.value = "";
        byId("sliders").querySelectorAll("output").forEach((other) => (other.textContent = MISSING));
        output.textContent = String(threshold.value);
        input.setAttribute("aria-valuetext", String(threshold.value));
        redrawCurves();
      });
      return element("label", {}, element("span", {}, `${title}: `, output), input);
    });
    byId("sliders").replaceChildren(...made.filter(Boolean));
  }

  const thresholdForm = byId("threshold-controls");

  function start() {
    const detectors = numbers.detectors.map((detector, place) => [String(place), detector.title]);
    const labels = numbers.labels.map((label) => [label, MEANS[label] ?? readable(label)]);
    const controls = board.elements;
    fill(controls.split, numbers.splits.map((split) => [split, SPLITS[split] ?? split]));
    controls.split.parentElement.hidden = numbers.splits.length < 2;
    if (numbers.splits.length < 2) controls.split.parentElement.style.display = "none";
    fill(controls.protocol, numbers.protocols.map((name) => [name, name]), numbers.protocol);
    fill(controls.label, labels);
    fill(controls.seed, [["all", "all"], ...numbers.seeds.map((seed) => [String(seed), String(seed)])]);
    fill(controls.set, Object.keys(numbers.sets).map((name) => [name, name]));
    const reference = numbers.detectors.findIndex((detector) => detector.name === numbers.reference);
    fill(controls.reference, detectors, String(Math.max(reference, 0)));
    const first = Object.values(numbers.sets)[0];
    fill(controls.focus, Object.entries(numbers.metrics).map(([name, metric]) => [name, metric.title]), first[0]);
    board.addEventListener("change", () => {
      drawBoard();
      drawHeat();
    });
    board.addEventListener("submit", (event) => event.preventDefault());
    const here = [...new Set(numbers.clips.map((entry) => entry.label))];
    fill(clipForm.elements.label, [["", "all"], ...labels.filter(([label]) => here.includes(label))]);
    fill(clipForm.elements.detector, detectors, String(Math.max(reference, 0)));
    clipForm.addEventListener("change", () => {
      drawList();
      drawHeat();
      if (listed.length) choose(listed[0]);
    });
    const protocols = numbers.protocols.map((name) => {
      const { title, shared } = numbers.rules[name];
      return [name, `${name}: ${title.toLowerCase()}${shared ? ", the same for all" : ""}`];
    });
    fill(thresholdForm.elements.protocol, [...protocols, ["", "as the slider says"]], numbers.protocol);
    thresholdForm.elements.protocol.addEventListener("change", (event) => {
      if (!event.target.value) return;
      Object.assign(threshold, { protocol: event.target.value, rule: null, value: null });
      byId("sliders").querySelectorAll("output").forEach((output) => (output.textContent = MISSING));
      redrawCurves();
    });
    sliders();
    drawBoard();
    drawHeat();
    board.hidden = false;
    document.querySelectorAll(".needs-script").forEach((part) => (part.hidden = false));
    if (!numbers.clips.length) return;
    byId("browser").hidden = false;
    drawList();
    if (!follow()) choose(listed[0], false);
    window.addEventListener("hashchange", follow);
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, textarea, input:not([type=range])")) return;
      if (event.key === "j" || event.key === "k") {
        event.preventDefault();
        step(event.key === "j" ? 1 : -1);
      } else pressed(event);
    }, true); // before the browser's own controls of the sound take it
  }

  start();
})();
