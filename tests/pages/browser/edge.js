// What the edge of an element looks like.
const edge = (element) => {
  const style = getComputedStyle(element);
  const outline = style.outlineStyle === 'none' ? '' : [style.outlineStyle, style.outlineWidth, style.outlineColor].join();
  return [outline, style.boxShadow, style.borderColor, style.borderWidth].join();
};
