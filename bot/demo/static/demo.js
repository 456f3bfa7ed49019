// What the demo adds to simcord's page: relative times as Discord prints them, on a clock that runs; new messages in view;
// commands typed together with their option.

const MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
// Seconds below which a unit is used, the unit, and what it is called in the singular.
const UNITS = [[44.5, 1, "a few seconds"], [90, MINUTE, "a minute"], [44.5 * MINUTE, MINUTE, "minutes"],
  [90 * MINUTE, HOUR, "an hour"], [21.5 * HOUR, HOUR, "hours"], [36 * HOUR, DAY, "a day"], [25.5 * DAY, DAY, "days"],
  [45 * DAY, 30 * DAY, "a month"], [319.5 * DAY, 30.4 * DAY, "months"], [547.5 * DAY, 365 * DAY, "a year"],
  [Infinity, 365 * DAY, "years"]];
let latest = 0, seenAt = 0;

/** Return a duration as Discord does: "in 3 days", "a minute ago". */
export function sayRelative(seconds) {
  const gone = Math.abs(seconds);
  const [, unit, words] = UNITS.find(([below]) => gone < below);
  const text = words.includes(" ") ? words : `${Math.round(gone / unit)} ${words}`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

/** Return a relative time by the demo's clock, which was `presentationTime` when the page last heard of it. */
export function relative(date, presentationTime) {
  const told = new Date(presentationTime || 0).getTime();
  if (told > latest) [latest, seenAt] = [told, performance.now()];
  return sayRelative((date.getTime() - latest - (performance.now() - seenAt)) / 1000);
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-style=R]")) {
    const text = relative(new Date(time.dateTime), 0);
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);

const timeline = document.getElementById("channel-timeline");
const list = document.getElementById("channel-message-list");
let newest = "";

/** Show a message that has come since: its end, or its beginning if it is higher than the window. */
function showNewest() {
  const last = list.lastElementChild;
  const id = last?.dataset.messageId;
  if (!id || id === newest) return;
  newest = id;
  const show = () => {
    if (!last.isConnected) return;
    const isHigh = last.offsetHeight > timeline.clientHeight;
    const below = last.getBoundingClientRect().top - timeline.getBoundingClientRect().top;
    timeline.scrollTop = isHigh ? timeline.scrollTop + below : timeline.scrollHeight;
  };
  // simcord's page restores its own position after it has drawn the messages, and once more when pictures have come.
  requestAnimationFrame(() => requestAnimationFrame(show));
  for (const delay of [100, 300]) setTimeout(show, delay);
}

new MutationObserver(showNewest).observe(list, { childList: true });

/** Return the command that a text without its slash begins with, once a space follows, and the rest of the text. */
export function splitCommand(entries, text) {
  const entry = entries.find(({ invocation }) => text.startsWith(`${invocation} `));
  return entry && { entry, rest: text.slice(entry.invocation.length).trimStart() };
}

/** Type a text into the option in focus, if there is one. */
export function fillOption(text) {
  const field = document.activeElement;
  if (!text || !field?.matches(".command-option-input")) return;
  field.value = text;
  field.dispatchEvent(new Event("input"));
}

let isWaiting = false;

/** Run a command as soon as the page can: simcord's ignores one that comes while completion is under way. */
export async function runWhenFree(actions, run) {
  if (isWaiting || actions.report().pendingAction?.kind === "run_command") return;
  isWaiting = true;
  while (actions.admissionBlocked()) await new Promise((resolve) => setTimeout(resolve, 20));
  isWaiting = false;
  run();
}

// Discord offers choices before anything is typed; simcord's page asks for them only after a key.
let asked = "";
document.addEventListener("focusin", ({ target }) => {
  if (target.id === "channel-composer-input") asked = "";
  if (!target.matches(".command-option-input")) return;
  if (target.value) {
    // Of a long choice the beginning is seen.
    setTimeout(() => { target.scrollLeft = 0; });
    return;
  }
  const option = `${document.querySelector("[data-command-chip]")?.textContent} ${target.dataset.option}`;
  if (asked === option) return;
  asked = option;
  setTimeout(() => {
    const heading = document.querySelector(".command-popup-heading")?.textContent || "";
    if (target.isConnected && heading.startsWith("OPTIONS MATCHING")) target.dispatchEvent(new Event("input"));
  });
});

// Choosing with the mouse leaves no field in focus; in Discord, Enter then sends the command.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || document.activeElement !== document.body) return;
  if (!document.querySelector("[data-command-chip]")) return;
  event.preventDefault();
  document.querySelector(".channel-composer").requestSubmit();
});
