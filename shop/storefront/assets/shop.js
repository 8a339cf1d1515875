// What all modules share. Every page is complete without any of this.

/** Sends a form as the browser would, and gives the answer as JSON; throws when the page has to do it itself. */
export async function send(form, submitter) {
  const body = new URLSearchParams(new FormData(form));
  if (submitter?.name) body.set(submitter.name, submitter.value);
  const answer = await fetch(submitter?.getAttribute("formaction") ?? form.getAttribute("action"), {
    method: "POST",
    body,
    headers: { "X-Requested-With": "module", Accept: "application/json" },
    redirect: "manual",
  });
  if (!answer.headers.get("content-type")?.startsWith("application/json")) throw new Error("no JSON");
  return { fine: answer.ok, ...(await answer.json()) };
}

/** Shows how many pieces are in the cart. */
export function showPieces(pieces) {
  const badge = document.querySelector("[data-pieces]");
  if (!badge) return;
  badge.textContent = String(pieces);
  badge.hidden = pieces === 0;
}

/** Says something in the page's live region, which screen readers announce. */
export function say(text, link) {
  const region = document.querySelector("[data-live]");
  if (!region) return;
  region.replaceChildren(text);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    region.append(" ", anchor);
  }
  region.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (region.hidden = true), 6000);
}

// A form is not sent twice by an impatient finger; the server would notice, but the customer would wonder.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// The summary of what is wrong with a form is where a reader begins.
document.querySelector(".notice.bad a, .notice.bad")?.focus?.();
