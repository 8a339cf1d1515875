// Adds to the cart without leaving the product.
import { say, send, showPieces } from "./shop.js";

for (const form of document.querySelectorAll("[data-add]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    button.disabled = true;
    try {
      const answer = await send(form);
      if (answer.fine) showPieces(answer.pieces);
      say(answer.text, answer.fine ? { href: "/cart", text: "Go to the cart" } : undefined);
    } catch {
      button.disabled = false;
      form.submit();
      return;
    }
    button.disabled = false;
    button.removeAttribute("aria-busy");
  });
}
