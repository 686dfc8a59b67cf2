// What scripts of pages share: `elements.js` stands before it, a page's own script after it.
const tools = (() => {
  const numbers = JSON.parse(document.getElementById("numbers").textContent);
  const MISSING = "–";
  const MARK = "†";
  const readable = (label) => label.replaceAll("_", " ");
  const at = (tree, ...keys) => keys.reduce((level, key) => (level == null ? undefined : level[key]), tree);

  function fill(select, options, chosen) {
    select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    if (chosen !== undefined) select.value = chosen;
  }

  /** As `toFixed`, with a true minus. */
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "−");

  /** Three decimals; a tie goes to the even digit, as in Python. */
  function three(value) {
    if (value == null || Number.isNaN(value)) return MISSING;
    const scaled = Math.abs(value) * 1000;
    if (scaled % 1 !== 0.5) return fixed(value, 3);
    const whole = Math.floor(scaled);
    return fixed((Math.sign(value) * (whole + (whole % 2))) / 1000, 3);
  }

  function shown(value, metric) {
    if (value == null) return MISSING;
    return Math.abs(value) >= 10 || numbers.metrics[metric].unit ? fixed(value, Math.abs(value) >= 100 ? 0 : 1) : three(value);
  }

  /** A name that can be broken behind its underscores. */
  const breakable = (name) => name.split(/(?<=_)/).flatMap((part, k) => (k ? [element("wbr"), part] : [part]));

  function nameOf(detector) {
    const tag = detector.truth ? "truth" : detector.control ? "control" : "";
    return [
      ...breakable(detector.title),
      (detector.neutral ? "" : ` ${MARK}`) + (tag ? " " : ""),
      tag && element("span", { class: "tag" }, tag),
    ];
  }

  const caption = (text) => element("caption", {}, element("span", {}, text)); // the span stays in view
  const small = (text) => element("span", { class: "small" }, text);
  const interval = (metric, low, high) =>
    low == null || high == null ? "" : small(`[${shown(low, metric)}, ${shown(high, metric)}]`);

  /** Light to dark blue, and black or white text, whichever is readable on it. */
  function shade(share) {
    const stops = [[247, 251, 255], [158, 202, 225], [66, 146, 198], [8, 69, 148]];
    const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const first = Math.min(Math.floor(place), stops.length - 2);
    const colour = stops[first].map((value, k) => Math.round(value + (stops[first + 1][k] - value) * (place - first)));
    const [r, g, b] = colour.map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    return { background: `rgb(${colour.join(" ")})`, color: light > 0.179 ? "#000" : "#fff" };
  }

  /** The head of a column that can be sorted. `sorting` has the column and the direction; `text`: one or more pieces;
   * `down`: the first direction. */
  function header(sorting, redraw, key, text, title, numeric, down) {
    const sorted = sorting.column === key ? (sorting.down ? "descending" : "ascending") : "none";
    const sort = () => {
      sorting.down = sorting.column === key ? !sorting.down : down;
      sorting.column = key;
      redraw();
      document.querySelector(`#board button[data-column="${CSS.escape(key)}"]`).focus();
    };
    const button = element("button", { type: "button", class: "sort", title, "data-column": key, onclick: sort }, ...[text].flat());
    return element("th", { scope: "col", class: numeric ? "number" : null, "aria-sort": sorted }, button);
  }

  return { MISSING, MARK, at, breakable, caption, fill, header, interval, nameOf, numbers, readable, shade, shown, small, three };
})();
