// Keeps the number of pieces within its bounds while it is typed; the form works without this.
const field = document.querySelector("#quantity");
field?.addEventListener("change", () => {
  const wanted = Math.round(Number(field.value)) || 1;
  field.value = String(Math.min(Number(field.max), Math.max(Number(field.min), wanted)));
});
