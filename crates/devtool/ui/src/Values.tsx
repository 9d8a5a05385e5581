// Values of both engines side by side. Invariant: text nodes only; what differs is marked by an element, so that colour is not
// the only sign of it.

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { bare, counted, grouped, wordSegments, type Segment } from './format';

export function Segments(props: { of: Segment[] }): JSX.Element {
  return (
    <For each={props.of}>
      {(segment) => (
        <Show when={segment.differs} fallback={segment.text}>
          <mark>{segment.text}</mark>
        </Show>
      )}
    </For>
  );
}

/** A word, with the bytes marked that the other engine has otherwise. */
export function Word(props: { value: string | undefined; other: string | undefined; missing?: string }): JSX.Element {
  return (
    <Show when={props.value !== undefined} fallback={<span class="absent">{props.missing ?? ''}</span>}>
      <Segments of={wordSegments(props.value ?? '', props.other)} />
    </Show>
  );
}

/** Any text, marked as a whole if the other one is different. */
export function Plain(props: { value: string; other: string | undefined }): JSX.Element {
  return (
    <Show when={props.other !== undefined && props.other !== props.value} fallback={props.value}>
      <mark>{props.value}</mark>
    </Show>
  );
}

/** Bytes of a long run that are shown until all are asked for. */
const SHOWN = 1024;
/** Bytes of what is alike that lead to the first one that is not, if that is far behind. */
const LEAD = 32;

/** Bytes in one run, marked byte by byte. Of many, the first ones are shown, or those where the sides part; `length` says
 *  how many there are if the server told fewer. */
export function Bytes(props: { value: string; other: string | undefined; length?: number | null | undefined }): JSX.Element {
  const [all, setAll] = createSignal(false);
  const own = createMemo(() => bare(props.value));
  const theirs = createMemo(() => (props.other === undefined ? own() : bare(props.other)));
  const start = createMemo(() => {
    if (all() || own().length <= SHOWN * 2) return 0;
    let first = 0;
    while (first < own().length && own().slice(first, first + 2) === theirs().slice(first, first + 2)) first += 2;
    return first < own().length && first >= SHOWN * 2 ? first - LEAD * 2 : 0;
  });
  const end = () => (all() ? own().length : Math.min(own().length, start() + SHOWN * 2));
  const segments = createMemo((): Segment[] => {
    if (own() === '') return [{ text: 'empty', differs: theirs() !== '' }];
    const out: Segment[] = [{ text: start() === 0 ? '0x' : `… from byte ${grouped(start() / 2)}: `, differs: false }];
    for (let at = start(); at < end(); at += 2) {
      const byte = own().slice(at, at + 2);
      const differs = theirs().slice(at, at + 2) !== byte;
      const last = out.at(-1);
      if (last && last.differs === differs) last.text += byte;
      else out.push({ text: byte, differs });
    }
    return out;
  });
  return (
    <>
      <Segments of={segments()} />
      <Show when={start() > 0 || end() < own().length}>
        … <button type="button" class="link" onClick={() => setAll(true)}>all {counted(own().length / 2, 'byte')}</button>
      </Show>
      <Show when={(props.length ?? 0) > own().length / 2}> … {grouped(own().length / 2)} of {counted(props.length ?? 0, 'byte')} are told</Show>
    </>
  );
}
