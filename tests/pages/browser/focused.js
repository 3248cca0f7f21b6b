// What has the focus now: whether it matches, and whether its edge, or that of what is around or beside it, is another one
// than before.
const selector = arguments[0];
const focused = document.activeElement;
if (!focused || focused === document.body || focused === document.documentElement) return null;
const edge = (element) => {
  const style = getComputedStyle(element);
  const outline = style.outlineStyle === 'none' ? '' : [style.outlineStyle, style.outlineWidth, style.outlineColor].join();
  return [outline, style.boxShadow, style.borderColor, style.borderWidth].join();
};
const near = [focused, focused.parentElement, focused.nextElementSibling, ...(focused.labels ?? [])];
const changed = (element) => element && window.edgesBefore?.get(element) !== edge(element);
const box = focused.getBoundingClientRect();
return {
  matches: focused.matches(selector),
  visible: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && near.some(changed),
  html: focused.outerHTML.slice(0, 200),
};
