// What of the page at hand cannot be read (WCAG 2.2, 1.4.3), does not fit (1.4.10) or is too small for a finger (2.5.8).
(() => {
  const channels = (text) => {
    const numbers = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return numbers.length === 3 ? [...numbers, 1] : numbers;
  };
  const over = ([r, g, b, a], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a), 1];
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(channels(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((c) => ((c /= 255), c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [a, b] = [light(one), light(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    return element.checkVisibility({ visibilityProperty: true }) && box.width > 2 && box.height > 2 && box.right > 0;
  };
  const found = [];
  let read = 0;
  const judge = (element, text, style) => {
    const behind = ground(element);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const has = contrast(over(channels(style.color), behind), behind);
    read += 1;
    if (has < least) found.push(`"${text.trim().slice(0, 40)}" has ${has.toFixed(2)}, needs ${least}`);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (walk.currentNode.data.trim() && shown(element)) judge(element, walk.currentNode.data, getComputedStyle(element));
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select")) {
    if (!shown(field)) continue;
    judge(field, field.value || field.name, getComputedStyle(field));
    if (field.placeholder) judge(field, field.placeholder, getComputedStyle(field, "::placeholder"));
  }
  if (read < 8) found.push(`only ${read} texts were found`);
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.body.querySelectorAll("*")].find((e) => shown(e) && e.getBoundingClientRect().right > innerWidth + 1);
    found.push(`wider than the window: ${document.documentElement.scrollWidth} of ${innerWidth}, ${wide?.outerHTML.slice(0, 120)}`);
  }
  for (const target of document.querySelectorAll("button, input:not([type=hidden]), select, nav a, .button")) {
    const box = target.getBoundingClientRect();
    if (shown(target) && (box.width < 24 || box.height < 24)) {
      found.push(`too small to touch: ${target.outerHTML.slice(0, 80)} ${Math.round(box.width)}x${Math.round(box.height)}`);
    }
  }
  return found;
})()
