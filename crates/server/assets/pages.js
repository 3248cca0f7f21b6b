// The hosted pages are whole without this: it counts down, copies, prints, puts times into the reader's own time zone, and
// sends a form when the last digit of its code was typed.

// What counts of a typed code, as the service reads it: digits of any script, without blanks, dashes and what cannot be seen.
const digitsOf = (text) => text.replace(/[\s\p{DI}\p{Pd}\u2212\u30fc]/gu, "");

// What went wrong is read first.
document.querySelector("[data-focus]")?.focus();

const lang = document.documentElement.lang;

// What was done is told once, and not again by a page that is loaded anew.
if (document.querySelector(".notice")) {
  const here = new URL(location.href);
  for (const told of ["saved", "ended", "forgotten", "done"]) here.searchParams.delete(told);
  history.replaceState(null, "", here);
}

for (const time of document.querySelectorAll("time[datetime]:not([data-countdown])")) {
  const at = new Date(time.dateTime);
  time.title = time.textContent;
  time.textContent = at.toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });
}

// Nothing of a countdown is announced: it stands in no live region. It goes by the clock of the page's start, so that a wrong
// clock of the machine changes nothing.
const begun = performance.now();
const served = Date.parse(document.querySelector("meta[name=served]")?.content ?? "") || Date.now();
for (const time of document.querySelectorAll("time[data-countdown]")) {
  const until = new Date(time.dateTime).toLocaleTimeString(lang, { timeStyle: "short" });
  const tick = () => {
    const left = Math.ceil((Date.parse(time.dateTime) - served - (performance.now() - begun)) / 60_000);
    const words = left > 0 ? `${until} (${time.dataset.countdown.replace("{minutes}", left)})` : time.dataset.over;
    // Only what changes is written, or a reader of screens might begin anew every second.
    if (time.textContent !== words) time.textContent = words;
    if (left > 0) setTimeout(tick, 1_000);
  };
  tick();
}

// After the first of two codes: how long the next can keep one waiting. Where the device is in its period, nobody here knows.
for (const help of document.querySelectorAll("[data-after]")) {
  const first = document.getElementById(help.dataset.after);
  let due;
  const tick = () => {
    const left = Math.ceil((due - performance.now()) / 1_000);
    help.textContent = left > 0 ? help.dataset.words.replace("{seconds}", left) : help.dataset.over;
    if (left > 0) setTimeout(tick, 1_000);
  };
  first.addEventListener("input", () => {
    if (due || !/^\p{Nd}{6}/u.test(digitsOf(first.value))) return;
    due = performance.now() + Number(help.dataset.seconds) * 1_000;
    tick();
  });
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const lines = [...source.querySelectorAll("li")].map((item) => item.textContent.trim());
    await navigator.clipboard.writeText(lines.length ? lines.join("\n") : source.textContent.trim());
    button.textContent = button.dataset.done;
  });
}

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

for (const form of document.querySelectorAll("form")) {
  // A form is sent once: a code that was sent twice is refused the second time.
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  const field = form.querySelector("input[data-submit]");
  field?.addEventListener("input", () => {
    if (new RegExp(`^\\p{Nd}{${field.dataset.submit}}$`, "u").test(digitsOf(field.value))) form.requestSubmit();
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) delete form.dataset.sent;
});
