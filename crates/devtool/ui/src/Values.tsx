// Values of both engines side by side. Invariant: text nodes only; what differs is marked by an element, so that colour is not
// the only sign of it.

import { For, Show, type JSX } from 'solid-js';
import { bare, wordSegments, type Segment } from './format';

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

/** Bytes in one run, marked byte by byte. */
export function Bytes(props: { value: string; other: string | undefined; limit: number }): JSX.Element {
  const segments = (): Segment[] => {
    const own = bare(props.value).slice(0, props.limit * 2);
    if (own === '') return [{ text: 'empty', differs: props.other !== undefined && bare(props.other) !== '' }];
    const theirs = props.other === undefined ? own : bare(props.other);
    const out: Segment[] = [{ text: '0x', differs: false }];
    for (let at = 0; at < own.length; at += 2) {
      const byte = own.slice(at, at + 2);
      const differs = theirs.slice(at, at + 2) !== byte;
      const last = out.at(-1);
      if (last && last.differs === differs) last.text += byte;
      else out.push({ text: byte, differs });
    }
    if (own.length < bare(props.value).length) out.push({ text: '…', differs: false });
    return out;
  };
  return <Segments of={segments()} />;
}
