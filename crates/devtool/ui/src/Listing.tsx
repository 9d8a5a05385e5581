// The code of the running frame: blocks, jump destinations, the current line, breakpoints set by click or with Enter.

import { createEffect, createMemo, createSignal, on, Show, type JSX } from 'solid-js';
import { hexNumber, opName, shortAddress } from './format';
import { isAt, type Run } from './run';
import { VirtualList } from './VirtualList';
import type { Code, Instruction, SideName } from './wire';

const ROW = 20;
/** Code of frames that is kept. */
const KEPT = 16;

export type CodeInSight = ReturnType<typeof createCode>;

/** The code of the running frame, and what can be done with its lines. */
export function createCode(run: Run) {
  const [loaded, setLoaded] = createSignal<{ frame: string; code: Code } | null>(null);
  const [error, setError] = createSignal<string | null>(null);
  const cache = new Map<string, Promise<Code>>();
  const side = (): SideName => (run.step()?.primary ? 'primary' : 'mini');
  const frame = createMemo(() => {
    const call = run.step()?.[side()]?.call;
    return call === null || call === undefined ? null : `${side()}/${call}`;
  });
  const load = (key: string) => {
    const known = cache.get(key);
    if (known) return known;
    const [of, call] = key.split('/') as [SideName, string];
    const whole = (async () => {
      const first = await run.api.code(of, Number(call), 0);
      while (first.instructions.length < first.total) {
        const next = await run.api.code(of, Number(call), first.instructions.length);
        if (next.instructions.length === 0) break;
        first.instructions.push(...next.instructions);
      }
      return first;
    })();
    cache.set(key, whole);
    if (cache.size > KEPT) for (const oldest of cache.keys()) return cache.delete(oldest), whole;
    return whole;
  };
  createEffect(
    on(frame, (key) => {
      if (key === null) return;
      load(key).then(
        (code) => frame() === key && (setLoaded({ frame: key, code }), setError(null)),
        (cause: unknown) => (cache.delete(key), frame() === key && setError(cause instanceof Error ? cause.message : String(cause))),
      );
    }),
  );
  const code = () => loaded()?.code ?? null;
  const lines = createMemo(() => new Map(code()?.instructions.map((instruction, line) => [instruction.pc, line])));
  /** Until the code of a new frame is there, that of the one before is shown, and no line of it is the current one. */
  const isHere = () => frame() !== null && loaded()?.frame === frame();
  const current = (of: SideName) => (isHere() ? lines().get(run.here()?.[of]?.pc ?? -1) : undefined);
  const line = createMemo<number>((before) => current(side()) ?? before, 0);
  const isBroken = (at: number) => {
    const pc = code()?.instructions[at]?.pc;
    return pc !== undefined && run.breakpoints().some((one) => isAt(one, pc, code()?.address ?? null));
  };
  const toggle = (at: number) => {
    const here = code();
    const instruction = here?.instructions[at];
    if (here && instruction && isHere()) void run.togglePc(instruction.pc, here.address);
  };
  const toggleCurrent = () => {
    const at = current(side());
    if (at === undefined) run.setStatus(frame() === null ? 'There is no code here to stop in.' : 'This step is still being loaded.');
    else toggle(at);
  };
  return { run, code, error, frame, current, line, isBroken, toggle, toggleCurrent };
}

export function Listing(props: { of: CodeInSight }): JSX.Element {
  const { run, code, error, frame, current, line, isBroken, toggle } = props.of;
  const [focus, setFocus] = createSignal<number | null>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[event.key];
    const at = focus() ?? line();
    if (move !== undefined) setFocus(Math.max(0, Math.min((code()?.instructions.length ?? 1) - 1, at + move)));
    else if (event.key === 'Enter' || event.key === ' ') toggle(at);
    else return;
    event.preventDefault();
  };
  createEffect(on([run.position, code], () => setFocus(null)));

  return (
    <section class="listing" aria-label="Code">
      <header class="panel-head">
        <h2>Code</h2>
        <Show when={code()}>
          {(here) => <span class="dim" title={here().address ?? ''}>{here().address ? shortAddress(here().address ?? '') : ''} · {here().size} bytes</span>}
        </Show>
      </header>
      <Show
        when={(code()?.instructions.length ?? 0) > 0}
        fallback={<p class="empty">{error() ?? (frame() === null && run.step() ? 'Trace files do not carry code.' : code() ? 'This frame has no code.' : run.isReady() ? 'Loading the code…' : 'The code of the running frame.')}</p>}
      >
        <VirtualList
          class="listing-rows"
          count={code()?.instructions.length ?? 0}
          rowHeight={ROW}
          reveal={focus() ?? line()}
          active={focus() ?? line()}
          idPrefix="line-"
          label="Instructions; Enter sets a breakpoint"
          onKeyDown={onKeyDown}
        >
          {(index) => {
            const instruction = () => code()?.instructions[index()];
            const starts = () => index() > 0 && code()?.instructions[index() - 1]?.block !== instruction()?.block;
            return (
              <div
                class="line"
                classList={{
                  current: index() === current('primary'),
                  'current-right': index() === current('mini') && current('mini') !== current('primary'),
                  focus: index() === focus(),
                  block: starts(),
                  jumpdest: instruction()?.isJumpDestination ?? false,
                  undefined: !(instruction()?.isDefined ?? true),
                  broken: isBroken(index()),
                }}
                onClick={() => toggle(index())}
              >
                <span class="dot">{isBroken(index()) ? '●' : ''}</span>
                <span class="pc">{hexNumber(instruction()?.pc ?? 0)}</span>
                <span class="op">{instruction() ? opName(instruction() as Instruction) : ''}</span>
                <span class="data" title={instruction()?.data ?? ''}>{instruction()?.data ?? ''}</span>
                <span class="gas">{instruction()?.gas ?? ''}</span>
              </div>
            );
          }}
        </VirtualList>
      </Show>
    </section>
  );
}
