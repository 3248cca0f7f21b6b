// What does not fit on the page, as lines of text.
const SLACK = 1.5;
const root = document.documentElement;
const faults = new Set();
const name = (element) => element.outerHTML.replace(/\s+/g, ' ').slice(0, 160);

if (root.scrollWidth > root.clientWidth) {
  faults.add(`sideways scrolling: the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth}`);
  for (const element of document.querySelectorAll('body *')) {
    if (element.getBoundingClientRect().right > root.clientWidth + SLACK) faults.add(`reaches beyond the window: ${name(element)}`);
  }
}

const scrolls = (overflow) => overflow === 'auto' || overflow === 'scroll';
const cuts = (overflow) => overflow === 'hidden' || overflow === 'clip';

// Kept for screen readers on purpose: a box of a pixel, or one that is clipped to nothing.
const forReaders = (element, style, box) =>
  (box.width <= SLACK && box.height <= SLACK) || /inset\((50|100)%/.test(style.clipPath) || style.clip === 'rect(0px, 0px, 0px, 0px)';

// Out of sight until the keyboard comes to it, which looks whether it then is in sight (focused.js).
const skips = (element, line) => element.closest('a[href^="#"]') && (line.bottom <= 0 || line.right <= 0);

const isBox = (style) => style.display !== 'inline' && style.display !== 'contents';

// Follows a line of text up to the page: who cuts it, what does it hang out of? Says whether it is seen where it stands.
const follow = (element, line) => {
  if (skips(element, line)) return false;
  let box = null;
  for (let at = element; at && at !== root; at = at.parentElement) {
    const style = getComputedStyle(at);
    const edge = at.getBoundingClientRect();
    if (!isBox(style)) continue;
    if (forReaders(at, style, edge)) return false;
    if (!box && (line.right > edge.right + SLACK || line.left < edge.left - SLACK) && !scrolls(style.overflowX)) {
      faults.add(`text hangs out of its box: ${name(at)}`);
    }
    box ??= at;
    if (scrolls(style.overflowX) || scrolls(style.overflowY)) return false; // can be brought into view
    const sideways = cuts(style.overflowX) && (line.right > edge.right + SLACK || line.left < edge.left - SLACK);
    const upDown = cuts(style.overflowY) && (line.bottom > edge.bottom + SLACK || line.top < edge.top - SLACK);
    if (sideways || upDown) faults.add(`text is cut off: ${name(element)} by ${name(at)}`);
  }
  if (line.right > root.clientWidth + SLACK || line.left < -SLACK || line.top + scrollY < -SLACK) {
    faults.add(`text lies outside the window: ${name(element)}`);
  }
  return true;
};

// Where words stand, to see whether some stand on others.
const stands = [];

// A dialog covers the page it is opened over.
const onTop = document.querySelector('dialog:modal') ?? document.body;
const words = document.createTreeWalker(onTop, NodeFilter.SHOW_TEXT);
while (words.nextNode()) {
  const text = words.currentNode;
  const element = text.parentElement;
  if (!text.data.trim() || !element || element.closest('svg, script, style, noscript, option, textarea')) continue;
  if (!element.checkVisibility({ visibilityProperty: true })) continue; // in closed details too
  const range = document.createRange();
  range.selectNodeContents(text);
  for (const line of range.getClientRects()) if (line.width > 0 && line.height > 0) {
    follow(element, line);
    stands.push({ text, element, line });
  }
}

// Lines of one text may touch, as tall letters do; words of two elements that share a good part of a line are unreadable.
const shared = (one, other) => {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return width > 4 && height > 0.5 * Math.min(one.height, other.height);
};
stands.forEach((one, at) => {
  for (const other of stands.slice(at + 1)) {
    if (one.text !== other.text && shared(one.line, other.line)) {
      faults.add(`words stand on others: ${name(one.element)} and ${name(other.element)}`);
    }
  }
});

for (const field of document.querySelectorAll('input, textarea, select')) {
  const box = field.getBoundingClientRect();
  if (box.width === 0 || ['hidden', 'checkbox', 'radio'].includes(field.type)) continue;
  if (field.scrollWidth > field.clientWidth + SLACK) faults.add(`a field is too narrow for what it says: ${name(field)}`);
}
return [...faults];
