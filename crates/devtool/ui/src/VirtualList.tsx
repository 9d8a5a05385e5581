// A list of any length that keeps only the rows in sight in the page. Invariant: the rows shown are always those of `top`,
// whatever the scroll bar can express; a list taller than browsers allow is scrolled through a scaled bar.

import { createEffect, createMemo, createSignal, Index, onCleanup, onMount, untrack, type JSX } from 'solid-js';

/** Browsers stop at about 33 million pixels, and place what is far down less exactly than a pixel. */
const TALLEST = 4_000_000;
const OVERSCAN = 6;

export interface VirtualListProps {
  count: number;
  rowHeight: number;
  /** The row that must be in sight; the list follows it when it changes. */
  reveal: number;
  label: string;
  class?: string;
  /** The row that has the focus, as the accessible active descendant. */
  active: number;
  idPrefix: string;
  onKeyDown?: (event: KeyboardEvent) => void;
  children: (index: () => number) => JSX.Element;
}

export function VirtualList(props: VirtualListProps): JSX.Element {
  let box!: HTMLDivElement;
  const [height, setHeight] = createSignal(0);
  /** Pixels above the first row in sight, were the list as tall as its rows. */
  const [top, setTop] = createSignal(0);
  const [scrolled, setScrolled] = createSignal(0);
  const total = () => props.count * props.rowHeight;
  const spacer = () => Math.min(total(), TALLEST);
  const scale = () => (total() > TALLEST ? (total() - height()) / (TALLEST - height()) : 1);

  const moveTo = (pixels: number) => {
    const clamped = Math.max(0, Math.min(pixels, total() - height()));
    box.scrollTop = clamped / scale();
    // What the bar could take, and what was meant: apart by less than a pixel of the bar.
    setScrolled(box.scrollTop);
    setTop(clamped);
  };
  const onScroll = () => {
    if (box.scrollTop === scrolled()) return;
    setScrolled(box.scrollTop);
    setTop(box.scrollTop * scale());
  };
  const onWheel = (event: WheelEvent) => {
    if (scale() === 1 || event.ctrlKey) return;
    event.preventDefault();
    moveTo(top() + (event.deltaMode === 1 ? event.deltaY * props.rowHeight : event.deltaY));
  };

  onMount(() => {
    const observer = new ResizeObserver(() => setHeight(box.clientHeight));
    observer.observe(box);
    box.addEventListener('wheel', onWheel, { passive: false });
    onCleanup(() => observer.disconnect());
  });
  createEffect(() => {
    const row = props.reveal * props.rowHeight;
    const visible = height();
    // Followed again when the list grows: the row may not have been there before.
    if (visible === 0 || total() <= row) return;
    untrack(() => {
      const margin = Math.min(2 * props.rowHeight, visible / 4);
      if (row < top() + margin || row + props.rowHeight > top() + visible - margin) moveTo(row - visible / 2);
    });
  });

  const first = createMemo(() => Math.max(0, Math.floor(top() / props.rowHeight) - OVERSCAN));
  const slotCount = createMemo(() =>
    Math.min(props.count, Math.ceil(height() / props.rowHeight) + 2 * OVERSCAN + 1),
  );
  // A row keeps its element while it is in sight: only what comes in is written.
  const slots = createMemo(() => {
    const count = slotCount();
    const start = Math.min(first(), Math.max(0, props.count - count));
    return Array.from({ length: count }, (_, slot) => start + ((((slot - start) % count) + count) % count));
  });

  return (
    <div
      ref={box}
      class={`virtual ${props.class ?? ''}`}
      role="listbox"
      tabindex="0"
      aria-label={props.label}
      aria-activedescendant={`${props.idPrefix}${props.active}`}
      onScroll={onScroll}
      onKeyDown={(event) => props.onKeyDown?.(event)}
    >
      <div class="virtual-space" style={{ height: `${spacer()}px` }} role="presentation">
        <Index each={slots()}>
          {(index) => (
            <div
              class="virtual-row"
              role="option"
              id={`${props.idPrefix}${index()}`}
              aria-selected={index() === props.active}
              aria-posinset={index() + 1}
              aria-setsize={props.count}
              style={{
                transform: `translateY(${index() * props.rowHeight - top() + scrolled()}px)`,
                height: `${props.rowHeight}px`,
              }}
            >
              {props.children(index)}
            </div>
          )}
        </Index>
      </div>
    </div>
  );
}
