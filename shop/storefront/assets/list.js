// A list is sorted as soon as another order is chosen, and goes on at its end without a new page.
import "./shop.js";

const filter = document.querySelector("[data-filter]");
filter?.querySelector("select")?.addEventListener("change", () => filter.requestSubmit());
filter?.querySelector("[data-apply]")?.remove();

const grid = document.querySelector("[data-grid]");
document.addEventListener("click", async (event) => {
  const more = event.target.closest?.("[data-more]");
  if (!more || !grid || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  more.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(more.href);
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const added = [...page.querySelectorAll("[data-grid] > *")];
    grid.append(...added);
    added[0]?.querySelector("a")?.focus();
    const next = page.querySelector("[data-more]");
    next ? more.replaceWith(next) : more.remove();
  } catch {
    location.assign(more.href);
  }
});
