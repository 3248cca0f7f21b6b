// What has the focus now: whether it is what is aimed at, and whether its edge, or that of what is around or beside it, is
// another one than before.
const aim = window.aim;
if (!aim?.isConnected) return { gone: true };
const focused = document.activeElement;
if (!focused || focused === document.body || focused === document.documentElement) return { html: "the browser's own" };
const near = [focused, focused.parentElement, focused.nextElementSibling, ...(focused.labels ?? [])];
const changed = (element) => element && window.edgesBefore.get(element) !== edge(element);
const box = focused.getBoundingClientRect();
// Of a group of radio buttons Tab comes to one, of a list to none of its entries.
const inGroup = aim.type === 'radio' && focused.type === 'radio' && focused.name === aim.name && focused.form === aim.form;
const list = aim.tagName === 'OPTION' ? aim.closest('select') : null;
return {
  there: focused === aim || inGroup || focused === list,
  steps: list ? aim.index - list.selectedIndex : 0,
  is: focused === aim,
  checked: aim.checked === true,
  visible: box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0 && near.some(changed),
  html: focused.outerHTML.slice(0, 200),
};
