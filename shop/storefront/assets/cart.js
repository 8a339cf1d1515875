// A new quantity counts as soon as it is chosen.
import "./shop.js";

for (const form of document.querySelectorAll("[data-quantity]")) {
  form.querySelector("[data-apply]")?.classList.add("visually-hidden");
  let timer;
  form.querySelector("input[type=number]")?.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (event.target.value === "" || !event.target.checkValidity()) return;
    timer = setTimeout(() => form.requestSubmit(), 600);
  });
}
