"use strict";
const box = document.getElementById("filter");
if (box) {
  const groups = Array.from(document.querySelectorAll("#agreeing ul"), (list) => {
    const file = list.previousElementSibling;
    const item = (element) => ({ element, text: `${file.textContent} ${element.textContent}`.toLowerCase() });
    return { list, file, items: Array.from(list.children, item) };
  });
  const total = groups.reduce((sum, group) => sum + group.items.length, 0);
  const count = document.getElementById("filtered");
  box.closest("p").hidden = false;
  const apply = () => {
    const words = box.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const { list, file, items } of groups) {
      let any = false;
      for (const { element, text } of items) {
        const is = words.every((word) => text.includes(word));
        element.hidden = !is;
        any ||= is;
        shown += is ? 1 : 0;
      }
      list.hidden = !any;
      file.hidden = !any;
    }
    count.textContent = box.value === "" ? "" : `${shown} of ${total}`;
  };
  box.addEventListener("input", apply);
  apply();
}
