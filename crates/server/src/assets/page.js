// Keeps the page up to date: after each change of the ledger the page is fetched again, and the parts marked data-live that
// differ are replaced. A part in which somebody types or has opened something keeps what they did.
"use strict";

const LEAST_MS = 250; // no more than four updates a second
const CLOCK_MS = 1000; // clocks go on without changes
let due = false;
let running = false;

async function update() {
  if (running) { due = true; return; }
  running = true;
  due = false;
  try {
    const answer = await fetch("/", { headers: { accept: "text/html" } });
    if (answer.ok) { replace(new DOMParser().parseFromString(await answer.text(), "text/html")); }
  } catch { /* the stream says when the controller is back */ }
  setTimeout(() => { running = false; if (due) { update(); } }, LEAST_MS);
}

function replace(fresh) {
  for (const lane of fresh.querySelectorAll("section.lane")) {
    const title = lane.getAttribute("aria-labelledby");
    const old = document.querySelector(`section.lane[aria-labelledby="${CSS.escape(title)}"]`);
    if (!old) { location.reload(); return; }
    old.dataset.state = lane.dataset.state;
  }
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (!old || old.innerHTML === part.innerHTML) { continue; }
    const typing = old.contains(document.activeElement) && document.activeElement.tagName === "INPUT";
    if (typing) { continue; }
    for (const open of old.querySelectorAll("details[open]")) {
      const same = open.id && part.querySelector(`#${CSS.escape(open.id)}`);
      const first = open.id ? same : part.querySelector("details");
      if (first) { first.open = true; }
    }
    const typed = [...old.querySelectorAll("input[name=comment]")].map((input) => [input.id, input.value]);
    const focused = old.contains(document.activeElement) ? document.activeElement.title : "";
    old.replaceChildren(...part.childNodes);
    for (const [id, value] of typed) {
      const input = document.getElementById(id);
      if (input) { input.value = value; }
    }
    if (focused) { old.querySelector(`[title="${CSS.escape(focused)}"]`)?.focus(); }
  }
}

const connection = document.getElementById("connection");
const stream = new EventSource("/api/v1/stream");
stream.addEventListener("open", () => { connection.textContent = ""; });
stream.addEventListener("change", update);
stream.addEventListener("error", () => {
  connection.textContent = "The controller does not answer; customers are still served. Waiting for it.";
});
setInterval(update, CLOCK_MS);
