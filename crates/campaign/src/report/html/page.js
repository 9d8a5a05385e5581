"use strict";
const box = document.getElementById("filter");
if (box) {
  const items = Array.from(document.querySelectorAll("#agreeing li"));
  const texts = items.map((item) => item.textContent.toLowerCase());
  const count = document.getElementById("filtered");
  box.parentElement.hidden = false;
  const apply = () => {
    const words = box.value.toLowerCase().split(/\s+/);
    let shown = 0;
    items.forEach((item, number) => {
      item.hidden = !words.every((word) => texts[number].includes(word));
      shown += item.hidden ? 0 : 1;
    });
    count.textContent = box.value === "" ? "" : `${shown} of ${items.length}`;
  };
  box.addEventListener("input", apply);
  apply();
}
