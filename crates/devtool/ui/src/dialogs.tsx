// The dialogs: what differs, and the keys. Both are native dialogs, which keep the focus inside and close with Escape.

import { createSignal, For, onMount, Show, type JSX } from 'solid-js';
import { grouped, ordinal, signed } from './format';
import { KEY_GROUPS, keysAreOn, setKeysOn, shownKey } from './keys';
import type { Run } from './run';
import { Bytes, Plain } from './Values';

function Dialog(props: { title: string; class: string; onClose: () => void; children: JSX.Element }): JSX.Element {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  return (
    <dialog ref={dialog} class={props.class} aria-label={props.title} onClose={() => props.onClose()} onClick={(event) => event.target === dialog && dialog.close()}>
      <header>
        <h2>{props.title}</h2>
        <button type="button" class="icon" aria-label="Close" onClick={() => dialog.close()}>×</button>
      </header>
      <div class="dialog-body">{props.children}</div>
    </dialog>
  );
}

export function Help(props: { onClose: () => void }): JSX.Element {
  const [on, setOn] = createSignal(keysAreOn());
  return (
    <Dialog title="Keys" class="help" onClose={props.onClose}>
      <div class="key-groups">
        <For each={KEY_GROUPS}>
          {(group) => (
            <section>
              <h3>{group.title}</h3>
              <dl>
                <For each={group.rows}>
                  {(row) => <div><dt><For each={row.keys}>{(key) => <kbd>{shownKey(key)}</kbd>}</For></dt><dd>{row.does}</dd></div>}
                </For>
              </dl>
            </section>
          )}
        </For>
      </div>
      <p class="dim">In the lists and the timeline, the arrow keys move by one; in the code, Enter sets a breakpoint. Tab goes from part to part.</p>
      <label class="check"><input type="checkbox" checked={on()} onChange={(event) => { setKeysOn(event.currentTarget.checked); setOn(event.currentTarget.checked); }} /> Answer these keys</label>
    </Dialog>
  );
}

/** Both values as numbers, if they are short enough to be read so. */
function decimals(left: string, right: string): [bigint, bigint] | null {
  const isNumber = (text: string) => /^(0x[0-9a-f]{1,64}|\d{1,78})$/i.test(text);
  return isNumber(left) && isNumber(right) ? [BigInt(left), BigInt(right)] : null;
}

export function DiffDialog(props: { run: Run; onClose: () => void }): JSX.Element {
  const run = props.run;
  const mismatch = () => run.mismatch();
  const engine = (at: number) => run.session()?.engines[at] ?? (at === 0 ? 'left' : 'right');
  const isHex = () => /^0x[0-9a-f]*$/i.test(mismatch()?.lhs ?? '') && /^0x[0-9a-f]*$/i.test(mismatch()?.rhs ?? '');
  const even = (hex: string, other: string) => {
    const width = Math.max(hex.length, other.length) + (Math.max(hex.length, other.length) % 2) - 2;
    return `0x${hex.slice(2).padStart(width, '0')}`;
  };
  const isWords = () => isHex() && (mismatch()?.lhs.length ?? 0) <= 66 && (mismatch()?.rhs.length ?? 0) <= 66;
  const value = (own: string, other: string) => (
    <Show when={isHex()} fallback={<Plain value={own} other={other} />}>
      <Bytes value={isWords() ? even(own, other) : own} other={isWords() ? even(other, own) : other} />
    </Show>
  );
  const numbers = () => decimals(mismatch()?.lhs ?? '', mismatch()?.rhs ?? '');
  return (
    <Show when={mismatch()}>
      {(here) => (
        <Dialog title={`${run.step()?.mismatch ? `Step ${ordinal(run.position())}` : 'Outcome'}: ${here().field} differs`} class="diff" onClose={props.onClose}>
          <table class="diff-table">
            <tbody>
              <For each={[here().lhs, here().rhs]}>
                {(own, at) => (
                  <tr>
                    <th scope="row"><span class={`engine side-${at()}`}>{engine(at())}</span></th>
                    <td class="bytes">{value(own, at() === 0 ? here().rhs : here().lhs)}
                      <Show when={numbers() && isHex()}><div class="dim num">{grouped(numbers()?.[at()] ?? 0n)}</div></Show>
                    </td>
                  </tr>
                )}
              </For>
              <Show when={numbers()}>
                {(pair) => <tr><th scope="row">apart by</th><td class="num">{signed(pair()[1] - pair()[0])}</td></tr>}
              </Show>
              <Show when={here().item !== null}><tr><th scope="row">item</th><td class="num">{here().item}</td></tr></Show>
              <tr><th scope="row">seen</th><td>{here().when} the step</td></tr>
              <Show when={here().cause}><tr><th scope="row">cause</th><td>{here().cause}</td></tr></Show>
            </tbody>
          </table>
          <Show when={here().text}><pre class="told" tabindex="0" aria-label="Explanation">{here().text}</pre></Show>
          <div class="buttons">
            <button type="button" onClick={() => { props.onClose(); void run.proceed(); }}>Continue past it</button>
            <button type="button" onClick={() => { props.onClose(); run.nextDivergence(1); }}>Next divergence</button>
          </div>
        </Dialog>
      )}
    </Show>
  );
}
