// What pages with sound share; `elements.js` stands before it.

const FRAME = 0.1;

/** 64-bit numbers of their bytes in base64, the lowest byte first. */
function numbersOf(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: bytes.length / 8 }, (_, k) => view.getFloat64(8 * k, true));
}

/** The first frame of every run of a mask, and the one after its last, in turn. */
function runsOf(mask) {
  const found = [];
  mask.forEach((on, k) => on !== (k ? mask[k - 1] : 0) && found.push(k));
  if (found.length % 2) found.push(mask.length);
  return found;
}

/** igsed.thresholds.peak. */
const shareOfRange = (low, high, share) => (low === high ? high : low * (1 - share) + high * share);

/**
 * A sound with the element #cursor at its time, a stretch of it in a loop, and the space key.
 *
 * @param {HTMLAudioElement} sound
 * @param {() => number | undefined} duration seconds that the pictures show, if there are any.
 * @param {() => void} moved called when the cursor has moved.
 */
function makePlayer(sound, duration, moved = () => {}) {
  let loop = null;

  const percent = (time) => `${(100 * time) / duration()}%`;

  function moveCursor() {
    const cursor = byId("cursor");
    if (!cursor || !duration()) return;
    cursor.style.left = percent(Math.min(sound.currentTime, duration()));
    moved();
  }

  function stopLoop() {
    loop?.button.setAttribute("aria-pressed", "false");
    loop = null;
  }

  function play() {
    sound.play().catch(() => {}); // a browser may refuse until the page has been touched
  }

  function startLoop(button, onset, offset) {
    const again = loop?.button === button;
    stopLoop();
    if (again) return;
    loop = { button, onset, offset };
    button.setAttribute("aria-pressed", "true");
    sound.currentTime = onset;
    play();
  }

  function seek(event) {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    stopLoop();
    sound.currentTime = Math.min(Math.max(share, 0), 1) * duration();
    moveCursor();
  }

  function tick() {
    if (loop && (sound.currentTime >= loop.offset || sound.currentTime < loop.onset - 0.1)) sound.currentTime = loop.onset;
    moveCursor();
    if (!sound.paused) requestAnimationFrame(tick);
  }

  sound.addEventListener("play", tick);
  for (const name of ["timeupdate", "seeked", "loadedmetadata"]) sound.addEventListener(name, moveCursor);
  sound.addEventListener("ended", () => {
    if (!loop) return;
    sound.currentTime = loop.onset;
    play();
  });

  /** Space is for the player, but on controls that have it themselves. Buttons of clips and events leave it (data-plays). */
  const isPlay = (event) => event.key === " " && !event.target.closest("button:not([data-plays]), a, summary, audio");

  // A button is pressed when the key goes up.
  document.addEventListener("keyup", (event) => isPlay(event) && event.target.closest("button") && event.preventDefault());

  /** Whether a key was for the player. */
  function pressed(event) {
    if (!isPlay(event)) return false;
    event.preventDefault();
    if (sound.paused) play();
    else sound.pause();
    return true;
  }

  return { percent, moveCursor, stopLoop, startLoop, seek, play, pressed };
}
