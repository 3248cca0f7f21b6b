// What every element's edge looks like, before Tab is pressed.
const edge = (element) => {
  const style = getComputedStyle(element);
  const outline = style.outlineStyle === 'none' ? '' : [style.outlineStyle, style.outlineWidth, style.outlineColor].join();
  return [outline, style.boxShadow, style.borderColor, style.borderWidth].join();
};
window.edgesBefore = new Map();
for (const element of document.querySelectorAll('body, body *')) window.edgesBefore.set(element, edge(element));
