// `elements.js` and `tools.js` stand before it.
(() => {
  const { MARK, MISSING, at, breakable, caption, fill, header, interval, nameOf, numbers, readable, shade, shown, small } = tools;
  const board = byId("board-controls");
  const sorting = { column: "mean", down: false };
  const stateOf = () => Object.fromEntries(new FormData(board));
  const nameOfLabel = (label) => numbers.means[label] ?? readable(label);
  const isForeign = (bank, place) => numbers.foreign[bank].includes(place);
  const mark = () => element("span", { class: "mark" }, MARK);
  const cellOf = (state, metric, bank, place) => at(numbers.values, state.protocol, state.label, metric, bank, place);
  const meanOf = (state, place) => at(numbers.mean_ranks, state.protocol, state.label, state.metric, place);
  const round = (rank) => String(Math.round(rank * 100) / 100);

  const choices = {
    all: ["all", () => true],
    methods: ["without controls", (detector) => !detector.control && !detector.truth],
    common: ["those that all banks have", (_, state, place) => meanOf(state, place) != null],
  };

  const placesOf = (state) =>
    numbers.detectors.map((_, place) => place).filter((place) => choices[state.which][1](numbers.detectors[place], state, place));

  /** The columns after the names: a bank each, or of one bank a metric each. */
  function columnsOf(state) {
    if (state.bank === "") {
      const { title, unit } = numbers.metrics[state.metric];
      return numbers.banks.map((name, bank) => ({ key: `bank${bank}`, text: name, title: unit ? `${title}, ${unit}` : title, metric: state.metric, bank }));
    }
    return Object.entries(numbers.metrics).map(([metric, { title, unit, definition }]) => {
      return { key: metric, text: unit ? `${title}, ${unit}` : title, title: definition, metric, bank: Number(state.bank) };
    });
  }

  function drawBoard() {
    const state = stateOf();
    const columns = columnsOf(state);
    const several = state.bank === "" && numbers.banks.length > 1;
    const betterOf = (column) => numbers.metrics[column.metric].better;
    if (!["detector", ...(several ? ["mean"] : []), ...columns.map(({ key }) => key)].includes(sorting.column)) {
      Object.assign(sorting, several ? { column: "mean", down: false } : { column: columns[0].key, down: betterOf(columns[0]) !== -1 });
    }
    const rows = placesOf(state).map((place) => ({
      // The columns are of several banks, or all of one, whose marks then stand behind the names.
      detector: { ...numbers.detectors[place], neutral: state.bank === "" || !isForeign(Number(state.bank), place) },
      foreign: columns.map(({ bank }) => state.bank === "" && isForeign(bank, place)),
      cells: columns.map((column) => cellOf(state, column.metric, column.bank, place)),
      mean: meanOf(state, place),
    }));
    const keyOf = (row) => {
      if (sorting.column === "detector") return row.detector.title.toLowerCase();
      return sorting.column === "mean" ? row.mean : row.cells[columns.findIndex(({ key }) => key === sorting.column)]?.[0];
    };
    const block = ({ detector }) => (detector.truth ? 2 : detector.control ? 1 : 0);
    rows.sort((one, other) => {
      if (block(one) !== block(other)) return block(one) - block(other);
      const [a, b] = [keyOf(one), keyOf(other)];
      if (a == null || b == null) return (a == null) - (b == null);
      return (a < b ? -1 : a > b ? 1 : 0) * (sorting.down ? -1 : 1);
    });
    const best = columns.map((column, k) => {
      const better = betterOf(column);
      const found = rows.filter(({ detector }) => !detector.truth && !detector.control).map(({ cells }) => cells[k]?.[0]);
      const known = found.filter((value) => value != null);
      return better && known.length ? Math.max(...known.map((value) => value * better)) * better : null;
    });
    const head = element("tr", {}, header(sorting, drawBoard, "detector", "Detector", "Sort by name", false, false));
    columns.forEach((column) => head.append(header(sorting, drawBoard, column.key, breakable(column.text), column.title, true, betterOf(column) !== -1)));
    if (several) head.append(header(sorting, drawBoard, "mean", "Mean rank", "Mean of the ranks over the banks", true, false));
    const body = rows.map(({ detector, cells, foreign, mean }) => {
      const made = cells.map((cell, k) => {
        const [value, low, high, rank, rankLow, rankHigh] = cell ?? [];
        const lead = value != null && value === best[k] && !detector.truth && !detector.control;
        const open = rankLow == null ? "" : ` [${round(rankLow)}, ${round(rankHigh)}]`;
        return element(
          "td",
          { class: lead ? "number best" : "number" },
          shown(value, columns[k].metric),
          value != null && foreign[k] ? mark() : "",
          interval(columns[k].metric, low, high),
          rank == null ? "" : small(`rank ${round(rank)}${open}`),
        );
      });
      if (several) made.push(element("td", { class: "number" }, mean == null ? MISSING : mean.toFixed(2)));
      const kind = detector.control || detector.truth ? "control" : null;
      return element("tr", { class: kind }, element("th", { scope: "row" }, ...nameOf(detector)), ...made);
    });
    const what = state.bank === "" ? numbers.metrics[state.metric].title : numbers.banks[state.bank];
    byId("board").replaceChildren(
      caption(`${what}, ${nameOfLabel(state.label)}, protocol ${state.protocol}: mean, interval, rank with the places that the intervals leave open.`),
      element("thead", {}, head),
      element("tbody", {}, ...body),
    );
    // What is said of the first numbers is not true of others.
    byId("board-first").hidden = ["bank", "metric", "protocol", "label"].some((name) => state[name] !== board.elements[name].dataset.first);
    byId("board-notes").textContent = `${rows.length} of ${numbers.detectors.length} detectors`;
  }

  function drawHeat() {
    const state = stateOf();
    const { range, title, better } = numbers.metrics[state.metric];
    const places = placesOf(state);
    const grid = places.map((place) => numbers.banks.map((_, bank) => cellOf(state, state.metric, bank, place)?.[0]));
    const known = grid.flat().filter((value) => value != null);
    const [low, high] = range ?? [Math.min(...known), Math.max(...known)];
    const share = (value) => (high > low ? (better === -1 ? high - value : value - low) / (high - low) : 0.5);
    const rows = places.map((place, k) => {
      const cells = grid[k].map((value, bank) => {
        if (value == null) return element("td", { class: "none" }, MISSING);
        return element("td", { class: "shaded", style: shade(share(value)) }, shown(value, state.metric), isForeign(bank, place) ? mark() : "");
      });
      return element("tr", {}, element("th", { scope: "row" }, ...nameOf(numbers.detectors[place])), ...cells);
    });
    byId("heat").replaceChildren(
      caption(`${title}, ${nameOfLabel(state.label)}, protocol ${state.protocol}`),
      element("thead", {}, element("tr", {}, element("td"), ...numbers.banks.map((name) => element("th", { scope: "col" }, ...breakable(name))))),
      element("tbody", {}, ...rows),
    );
  }

  function start() {
    const controls = board.elements;
    fill(controls.bank, [["", "all, side by side"], ...numbers.banks.map((name, bank) => [String(bank), name])]);
    fill(controls.metric, Object.entries(numbers.metrics).map(([name, { title }]) => [name, title]), numbers.metric);
    fill(controls.protocol, numbers.protocols.map((name) => [name, name]), numbers.protocol);
    fill(controls.label, numbers.labels.map((label) => [label, nameOfLabel(label)]));
    fill(controls.which, Object.entries(choices).map(([name, [text]]) => [name, text]));
    for (const name of ["bank", "metric", "protocol", "label"]) controls[name].dataset.first = controls[name].value;
    board.addEventListener("change", () => {
      drawBoard();
      drawHeat();
    });
    board.addEventListener("submit", (event) => event.preventDefault());
    drawBoard();
    drawHeat();
    board.hidden = false;
    document.querySelectorAll(".needs-script").forEach((part) => (part.hidden = false));
  }

  start();
})();
