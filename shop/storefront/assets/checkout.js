// Groups the digits of a card while they are typed, and fills in a known address.
import "./shop.js";

const card = document.querySelector("#card");
card?.addEventListener("input", () => {
  const atEnd = card.selectionStart === card.value.length;
  if (!atEnd) return;
  const digits = card.value.replace(/\D/g, "").slice(0, 19);
  card.value = digits.replace(/(.{4})(?=.)/g, "$1 ");
});

const form = document.querySelector("[data-checkout]");
form?.addEventListener("submit", () => {
  const button = form.querySelector("[data-pay]");
  button?.setAttribute("aria-busy", "true");
  if (button) button.textContent = "Paying …";
});
