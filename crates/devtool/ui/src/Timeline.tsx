// All steps of a run in one strip: depth, gas, divergences, and a scrubber. The server answers buckets, so what is drawn depends
// on the strip's width and not on the run's length. The canvas is redrawn once a frame at most, and never by moving the scrubber.

import { createEffect, createMemo, createSignal, on, onCleanup, onMount, Show, type JSX } from 'solid-js';
import { grouped, ordinal } from './format';
import type { Gas, Timeline as Buckets, TimelineSide } from './wire';

/** Fewer steps than this are not zoomed into. */
const LEAST_SPAN = 32;
const MARKS = 9;

export interface TimelineProps {
  total: number;
  position: number;
  divergences: number[];
  /** Changes when there is something new to ask the server for. */
  version: number;
  load: (from: number, to: number, buckets: number) => Promise<Buckets>;
  onScrub: (index: number) => void;
  zoom: Range | null;
  onZoom: (zoom: Range | null) => void;
  theme: string;
}

/** Steps in sight: [from, to). */
export type Range = [number, number];

/** The range that is `factor` times as long and keeps `around` where it is; `null` for all steps. */
export function zoomed(zoom: Range | null, total: number, factor: number, around: number): Range | null {
  const [from, to] = zoom ?? [0, total];
  const size = Math.max(Math.min(LEAST_SPAN, total), Math.round((to - from) * factor));
  if (factor === 0 || size >= total) return null;
  const share = (around - from) / (to - from);
  const start = Math.max(0, Math.min(total - size, Math.round(around - share * size)));
  return [start, start + size];
}

export function Timeline(props: TimelineProps): JSX.Element {
  let strip!: HTMLDivElement;
  let canvas!: HTMLCanvasElement;
  const inks: HTMLElement[] = [];
  const [width, setWidth] = createSignal(0);
  const [buckets, setBuckets] = createSignal<Buckets | null>(null);
  const [hover, setHover] = createSignal<number | null>(null);
  const range = createMemo<Range>(() => props.zoom ?? [0, Math.max(1, props.total)]);
  const span = () => range()[1] - range()[0];

  const at = (clientX: number) => {
    const box = strip.getBoundingClientRect();
    const share = (clientX - box.left) / Math.max(1, box.width);
    const index = range()[0] + Math.floor(share * span());
    return Math.max(0, Math.min(props.total - 1, index));
  };
  const x = (index: number) => ((index + 0.5 - range()[0]) / span()) * width();

  let asked = 0;
  createEffect(
    on([range, width, () => props.version], ([[from, to], pixels]) => {
      if (pixels === 0 || props.total === 0) return;
      const question = ++asked;
      props.load(from, to, Math.min(pixels, 2048)).then(
        (answer) => question === asked && setBuckets(answer),
        () => undefined,
      );
    }),
  );
  // Keep the scrubber in sight when the run goes on past the edge of a zoomed strip.
  createEffect(() => {
    const zoom = props.zoom;
    if (!zoom || (props.position >= zoom[0] && props.position < zoom[1])) return;
    const size = zoom[1] - zoom[0];
    const from = Math.max(0, Math.min(props.total - size, props.position - Math.floor(size / 2)));
    props.onZoom([from, from + size]);
  });

  let frame = 0;
  const redraw = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      const colors = inks.map((ink) => getComputedStyle(ink).color);
      draw(canvas, width(), buckets(), range(), props.divergences, colors);
    });
  };
  createEffect(on([buckets, width, () => props.divergences, () => props.theme], redraw));
  onMount(() => {
    const observer = new ResizeObserver(() => setWidth(strip.clientWidth));
    observer.observe(strip);
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      zoomBy(event.deltaY > 0 ? 1.25 : 0.8, at(event.clientX));
    };
    strip.addEventListener('wheel', onWheel, { passive: false });
    const media = matchMedia('(prefers-color-scheme: dark)');
    media.addEventListener('change', redraw);
    onCleanup(() => {
      observer.disconnect();
      media.removeEventListener('change', redraw);
      cancelAnimationFrame(frame);
    });
  });

  const zoomBy = (factor: number, around = props.position) =>
    props.onZoom(zoomed(props.zoom, props.total, factor, around));

  // Moves of the pointer come faster than frames do: the last one of each frame counts.
  let pointed: number | null = null;
  let scrubFrame = 0;
  const scrub = (event: PointerEvent) => {
    pointed = at(event.clientX);
    if (scrubFrame) return;
    scrubFrame = requestAnimationFrame(() => {
      scrubFrame = 0;
      if (pointed !== null) props.onScrub(pointed);
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.round(span() / 50));
    const moves: Record<string, number> = {
      ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: page, PageDown: -page,
    };
    const move = moves[event.key];
    if (move === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    props.onScrub(props.position + move);
    event.preventDefault();
  };

  return (
    <section class="timeline" aria-label="Timeline">
      <div class="timeline-legend">
        <span class="key ink-depth" ref={(element) => (inks[0] = element)}>depth</span>
        <span class="key ink-gas" ref={(element) => (inks[1] = element)}>gas left</span>
        <span class="key ink-differs" ref={(element) => (inks[2] = element)}>divergence</span>
        <span class="grow" />
        <span class="num dim" aria-live="off">
          {hover() === null ? `${ordinal(range()[0])} – ${grouped(Math.max(1, range()[1]))}` : `step ${ordinal(hover() ?? 0)}`}
        </span>
        <span class="buttons">
          <button type="button" class="icon" aria-label="Zoom in" title="Zoom in (+)" onClick={() => zoomBy(0.5)}>+</button>
          <button type="button" class="icon" aria-label="Zoom out" title="Zoom out (-)" onClick={() => zoomBy(2)}>−</button>
          <button type="button" class="icon" aria-label="Show all steps" title="All steps (0)" disabled={!props.zoom} onClick={() => props.onZoom(null)}>⤢</button>
        </span>
      </div>
      <div
        ref={strip}
        class="timeline-strip"
        role="slider"
        tabindex="0"
        aria-label="Step"
        aria-valuemin={1}
        aria-valuemax={Math.max(1, props.total)}
        aria-valuenow={props.position + 1}
        aria-valuetext={`step ${props.position + 1} of ${props.total}`}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          strip.setPointerCapture(event.pointerId);
          scrub(event);
        }}
        onPointerMove={(event) => {
          setHover(at(event.clientX));
          if (event.buttons & 1) scrub(event);
        }}
        onPointerLeave={() => setHover(null)}
        onKeyDown={onKeyDown}
      >
        <canvas ref={canvas} aria-hidden="true" />
        <Show when={props.total > 0}>
          <div class="scrubber" style={{ transform: `translateX(${x(props.position)}px)` }} />
        </Show>
      </div>
    </section>
  );
}

/** Paints the strip: depth below, gas over it, marks of divergences at the bottom. */
function draw(
  canvas: HTMLCanvasElement,
  width: number,
  buckets: Buckets | null,
  range: Range,
  divergences: number[],
  [depthInk = '', gasInk = '', differsInk = '']: string[],
): void {
  const height = canvas.clientHeight;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const ink = canvas.getContext('2d');
  if (!ink || width === 0) return;
  ink.scale(ratio, ratio);
  const bottom = height - MARKS;
  const place = (index: number) => ((index - range[0]) / (range[1] - range[0])) * width;
  if (buckets) {
    const edge = (slot: number) => place(Math.min(buckets.to, buckets.from + slot * buckets.bucketSize));
    const side = buckets.primary ?? buckets.mini;
    if (side) drawDepth(ink, side, edge, bottom, depthInk);
    if (side) drawGas(ink, side, edge, bottom, gasInk);
    ink.fillStyle = differsInk;
    ink.globalAlpha = 0.45;
    buckets.mismatches.forEach((count, slot) => {
      if (count > 0) ink.fillRect(edge(slot), bottom, Math.max(1, edge(slot + 1) - edge(slot)), 2);
    });
    ink.globalAlpha = 1;
  }
  ink.fillStyle = differsInk;
  for (const index of divergences) {
    if (index >= range[0] && index < range[1]) mark(ink, place(index + 0.5), bottom);
  }
}

/** Which depths a bucket's steps have: the deepest pale, the least deep strong. */
function drawDepth(ink: CanvasRenderingContext2D, side: TimelineSide, edge: (slot: number) => number, bottom: number, color: string): void {
  const deepest = side.depthMax.reduce((most, depth) => Math.max(most, depth + 1), 4);
  ink.fillStyle = color;
  for (const [columns, alpha] of [[side.depthMax, 0.3], [side.depthMin, 0.4]] as const) {
    ink.globalAlpha = alpha;
    ink.beginPath();
    ink.moveTo(edge(0), bottom);
    columns.forEach((depth, slot) => {
      const y = bottom - ((depth + 1) / deepest) * (bottom - 6);
      ink.lineTo(edge(slot), y);
      ink.lineTo(edge(slot + 1), y);
    });
    ink.lineTo(edge(columns.length), bottom);
    ink.fill();
  }
  ink.globalAlpha = 1;
}

function drawGas(ink: CanvasRenderingContext2D, side: TimelineSide, edge: (slot: number) => number, bottom: number, color: string): void {
  const number = (gas: Gas | undefined) => Number(gas ?? 0);
  const most = side.gasFirst.reduce<number>((all, gas) => Math.max(all, number(gas)), 1);
  const y = (gas: Gas | undefined) => bottom - 2 - (number(gas) / most) * (bottom - 8);
  ink.strokeStyle = color;
  ink.lineWidth = 1.25;
  ink.beginPath();
  side.gasFirst.forEach((gas, slot) => {
    ink.lineTo(edge(slot), y(gas));
    ink.lineTo(edge(slot + 1), y(side.gasLast[slot]));
  });
  ink.stroke();
}

/** A divergence: a line through the strip on a triangle. */
function mark(ink: CanvasRenderingContext2D, x: number, bottom: number): void {
  ink.fillRect(x - 0.5, 0, 1, bottom);
  ink.beginPath();
  ink.moveTo(x, bottom);
  ink.lineTo(x - 4.5, bottom + MARKS - 1);
  ink.lineTo(x + 4.5, bottom + MARKS - 1);
  ink.fill();
}
