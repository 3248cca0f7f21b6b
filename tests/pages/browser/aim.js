// Chooses what is to be reached by keyboard: the first such element that is shown. Says how it is worked, and remembers what
// the edge of everything looks like, so that it is seen where the focus comes to.
const target = [...document.querySelectorAll(arguments[0])].find((element) => element.tagName === 'OPTION' || element.checkVisibility());
if (!target) return null;
window.aim = target;
window.edgesBefore = new Map();
for (const element of document.querySelectorAll('body, body *')) {
  // What has the focus now looks so already.
  if (element !== document.activeElement) window.edgesBefore.set(element, edge(element));
}
if (target.tagName === 'OPTION') return 'option';
return ['radio', 'checkbox'].includes(target.type) ? target.type : 'other';
