// `ComparisonView`: the state of both engines at one step, row beside row, so that what differs stands at one height.

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { SIDES } from './api';
import { ascii, bare, counted, dumpRow, grouped, hexNumber, opName, ordinal, ROW_BYTES, shortWord, signed, stateGas } from './format';
import { MEMORY_WINDOW, type Run } from './run';
import { Bytes, Plain, Segments, Word } from './Values';
import type { Gas, LogEntry, SideName, SideState, Slot, StepSide } from './wire';

/** Stack items shown until all are asked for. */
const STACK_SHOWN = 64;
/** Logs that the server tells at most: the last ones. */
const LOGS_TOLD = 1000;

type Pair<T> = [T | undefined, T | undefined];

export function ComparisonView(props: { run: Run; onDiff: () => void }): JSX.Element {
  const run = props.run;
  const sides = () => (run.isSingle() ? (['primary'] as const) : SIDES);
  const states = createMemo<Pair<SideState>>(() => [run.state()?.primary ?? undefined, run.state()?.mini ?? undefined]);
  const stale = () => run.here() === null || run.state()?.stepIndex !== run.position() || run.state()?.when !== run.when();
  return (
    <section class="comparison" classList={{ single: run.isSingle(), stale: stale() }} aria-label="Comparison">
      <div class="heads">
        <span class="gutter" />
        <For each={sides()}>{(side, at) => <StepHead run={run} side={side} at={at()} />}</For>
      </div>
      <div class="facts"><Facts run={run} /></div>
      <Show when={run.mismatch()}>
        {(mismatch) => (
          <button type="button" class="badge differs" onClick={props.onDiff} aria-haspopup="dialog">
            <b>{mismatch().field}</b> differs
            <Show when={mismatch().cause}> · {mismatch().cause}</Show>
            <kbd>v</kbd>
          </button>
        )}
      </Show>
      <div class="state-bar">
        <span>State</span>
        <div class="switch" role="group" aria-label="State before or after the step">
          <For each={['before', 'after'] as const}>
            {(when) => (
              <button type="button" aria-pressed={run.when() === when} onClick={() => run.when() !== when && run.toggleWhen()}>
                {when}
              </button>
            )}
          </For>
        </div>
        <span class="dim">the step</span>
      </div>
      <Show when={run.state()} fallback={<p class="empty">{run.isReady() ? 'Loading the state of this step…' : `The engines are ${run.session()?.status === 'paused' ? 'paused' : 'at work'}. Their steps are shown once both are through, or when you cancel the run.`}</p>}>
        <div class="state">
          <StackSection pair={states()} />
          <MemorySection run={run} pair={states()} />
          <SlotSection title="Storage" pair={states()} of={(state) => state.storage} truncated={(state) => state.storageTruncated} />
          <SlotSection title="Transient storage" pair={states()} of={(state) => state.transient} truncated={() => false} />
          <LogSection pair={states()} />
          <BytesSection title="Return data" pair={states()} of={(state) => state.returnData} lengthOf={(state) => state.returnDataLength} />
          <FrameSection pair={states()} />
        </div>
      </Show>
    </section>
  );
}

function StepHead(props: { run: Run; side: SideName; at: number }): JSX.Element {
  const step = () => props.run.step()?.[props.side] ?? null;
  const other = () => props.run.step()?.[props.side === 'primary' ? 'mini' : 'primary'] ?? null;
  const name = () => props.run.session()?.engines[props.at] ?? props.side;
  return (
    <article class="head" aria-label={`${name()}: opcode`}>
      <header>
        <span class={`engine side-${props.at}`}>{name()}</span>
        <Show when={step()?.halt}>{(halt) => <span class="halt">{halt()}</span>}</Show>
      </header>
      <Show when={step()} fallback={<p class="dim">{props.run.isReady() ? 'No step here: its run was over.' : '…'}</p>}>
        {(here) => (
          <div class="opcode">
            <Plain value={opName(here())} other={other() ? opName(other() as StepSide) : undefined} />
            <Show when={opName(here()) === here().opName}><span class="byte">{hexNumber(here().opcode, 2)}</span></Show>
          </div>
        )}
      </Show>
    </article>
  );
}

interface Fact {
  name: string;
  text: (side: StepSide) => string;
  gas?: (side: StepSide) => Gas | null;
}

/** What a step says of itself, in the order in which the engines are compared. */
const FACTS: Fact[] = [
  { name: 'pc', text: (side) => `${hexNumber(side.pc)} (${side.pc})` },
  { name: 'depth', text: (side) => String(side.depth + 1) },
  { name: 'gas', text: (side) => gasText(side.gasBefore), gas: (side) => side.gasBefore },
  { name: 'cost', text: (side) => gasText(side.gasCost), gas: (side) => side.gasCost },
  { name: 'gas left', text: (side) => gasText(side.gasAfter), gas: (side) => side.gasAfter },
];

/** Where there are two gases: those above are execution gas, and these are the other one. */
const STATE_GAS_FACTS: Fact[] = [
  { name: 'reservoir', text: (side) => gasText(side.reservoir ?? null), gas: (side) => side.reservoir ?? null },
  { name: 'spilled', text: (side) => gasText(side.spilledStateGas ?? null), gas: (side) => side.spilledStateGas ?? null },
  { name: 'state gas', text: stateGasText },
];

function stateGasText(side: StepSide): string {
  if (side.stateGasCost === undefined) return '–';
  if (side.halt && side.stateGasCost !== 0) return `${grouped(side.stateGasCost)}, not charged`;
  return stateGas(side.stateGasCost, side.stateGasSpilled);
}

function Facts(props: { run: Run }): JSX.Element {
  const pair = (): Pair<StepSide> => [props.run.step()?.primary ?? undefined, props.run.step()?.mini ?? undefined];
  const side = (own: 0 | 1, fact: Fact) => {
    const here = () => pair()[own];
    const other = () => pair()[own === 0 ? 1 : 0];
    const text = (one: StepSide | undefined) => (one ? fact.text(one) : undefined);
    const apart = () => {
      const [mine, theirs] = [here(), other()];
      return own === 1 && fact.gas && mine && theirs ? delta(fact.gas(mine), fact.gas(theirs)) : null;
    };
    return (
      <>
        <Plain value={text(here()) ?? ''} other={text(other())} />
        <Show when={apart()}><span class="delta"> {apart()}</span></Show>
      </>
    );
  };
  return (
    <For each={props.run.hasStateGas() ? [...FACTS, ...STATE_GAS_FACTS] : FACTS}>
      {(fact) => {
        const differs = () => {
          const [left, right] = pair();
          return left !== undefined && right !== undefined && fact.text(left) !== fact.text(right);
        };
        return <Row name={fact.name} differs={differs()} left={side(0, fact)} right={side(1, fact)} />;
      }}
    </For>
  );
}

function gasText(gas: Gas | null): string {
  return gas === null ? '–' : grouped(gas);
}

/** How much more than the other engine, if it is not as much. */
function delta(own: Gas | null, other: Gas | null | undefined): string | null {
  if (own === null || other === null || other === undefined || own === other) return null;
  return signed(BigInt(own) - BigInt(other));
}

/** A section that opens; one line, and nothing to open, if there is nothing in it. */
function Section(props: { title: string; count: string; differs: boolean; empty: string | null; children: JSX.Element }): JSX.Element {
  return (
    <Show
      when={props.empty === null}
      fallback={<div class="section nothing"><h2>{props.title}</h2><span class="dim">{props.empty}</span></div>}
    >
      <details class="section" open>
        <summary>
          <h2>{props.title}</h2>
          <span class="dim">{props.count}</span>
          <Show when={props.differs}><span class="tag differs">differs</span></Show>
        </summary>
        {props.children}
      </details>
    </Show>
  );
}

/** One row of a section: what it is, left, right. */
function Row(props: { name: string; title?: string; differs: boolean; left: JSX.Element; right: JSX.Element }): JSX.Element {
  return (
    <div class="row" classList={{ differs: props.differs }}>
      <span class="name" title={props.title ?? ''}>{props.name}</span>
      <span class="value">{props.left}</span>
      <span class="value right">{props.right}</span>
    </div>
  );
}

/** "7 items" or, if they differ, "7 and 8 items". */
function sizes(pair: Pair<number | null>, noun: string): string {
  const known = pair.filter((size) => size !== undefined && size !== null);
  const [left, right] = known;
  if (left === undefined) return '';
  return right !== undefined && right !== left ? `${grouped(left)} and ${counted(right, noun)}` : counted(left, noun);
}

function StackSection(props: { pair: Pair<SideState> }): JSX.Element {
  const [all, setAll] = createSignal(false);
  const stacks = createMemo(() => props.pair.map((state) => state?.stack ?? undefined) as Pair<string[]>);
  const size = () => Math.max(stacks()[0]?.length ?? 0, stacks()[1]?.length ?? 0);
  const shown = () => (all() ? size() : Math.min(size(), STACK_SHOWN));
  const both = () => stacks()[0] !== undefined && stacks()[1] !== undefined;
  const differs = (item: number) => both() && stacks()[0]?.[item] !== stacks()[1]?.[item];
  const any = () => both() && Array.from({ length: size() }, (_, item) => item).some(differs);
  return (
    <Section title="Stack" count={sizes([stacks()[0]?.length, stacks()[1]?.length], 'item')} differs={any()} empty={size() === 0 ? 'empty' : null}>
      <For each={Array.from({ length: shown() }, (_, row) => size() - 1 - row)}>
        {(item, row) => (
          <Row
            name={String(row())}
            title={`item ${item} from the bottom`}
            differs={differs(item)}
            left={<Word value={stacks()[0]?.[item]} other={both() ? (stacks()[1]?.[item] ?? '') : undefined} missing={stacks()[0] ? 'no item' : ''} />}
            right={<Word value={stacks()[1]?.[item]} other={both() ? (stacks()[0]?.[item] ?? '') : undefined} missing={stacks()[1] ? 'no item' : ''} />}
          />
        )}
      </For>
      <Show when={shown() < size()}>
        <button type="button" class="more" onClick={() => setAll(true)}>Show all {size()} items</button>
      </Show>
    </Section>
  );
}

function MemorySection(props: { run: Run; pair: Pair<SideState> }): JSX.Element {
  const run = props.run;
  const data = createMemo(() => props.pair.map((state) => (state?.memory ? bare(state.memory.data) : undefined)) as Pair<string>);
  const size = () => Math.max(props.pair[0]?.memory?.size ?? 0, props.pair[1]?.memory?.size ?? 0);
  const offset = () => (props.pair[0] ?? props.pair[1])?.memory?.offset ?? 0;
  const rows = () => Math.ceil(Math.max(data()[0]?.length ?? 0, data()[1]?.length ?? 0) / (ROW_BYTES * 2));
  const both = () => data()[0] !== undefined && data()[1] !== undefined;
  const part = (side: 0 | 1, row: number) => data()[side]?.slice(row * ROW_BYTES * 2, (row + 1) * ROW_BYTES * 2);
  let offsetField!: HTMLInputElement;
  const page = (by: number) => run.setMemoryAt(Math.max(0, run.memoryAt() + by * MEMORY_WINDOW));
  const side = (own: 0 | 1, row: number) => {
    const bytes = data()[own];
    const text = part(own, row) ?? '';
    return (
      <Show when={bytes !== undefined && text !== ''} fallback={<span class="absent">{bytes === undefined ? '' : 'no bytes'}</span>}>
        <span class="dump" title={ascii(text)}><Segments of={dumpRow(bytes ?? '', both() ? data()[1 - own] : undefined, row)} /></span>
      </Show>
    );
  };
  return (
    <Section
      title="Memory"
      count={sizes([props.pair[0]?.memory?.size, props.pair[1]?.memory?.size], 'byte')}
      differs={(run.state()?.differences?.memory.length ?? 0) > 0 || (both() && props.pair[0]?.memory?.size !== props.pair[1]?.memory?.size)}
      empty={size() === 0 ? 'empty' : null}
    >
      <For each={Array.from({ length: rows() }, (_, row) => row)}>
        {(row) => (
          <Row name={hexNumber(offset() + row * ROW_BYTES)} differs={both() && part(0, row) !== part(1, row)} left={side(0, row)} right={side(1, row)} />
        )}
      </For>
      <Show when={size() > MEMORY_WINDOW}>
        <div class="pager">
          <button type="button" disabled={run.memoryAt() === 0} onClick={() => page(-1)}>Before</button>
          <span class="num">{hexNumber(run.memoryAt())} – {hexNumber(Math.min(size(), run.memoryAt() + MEMORY_WINDOW))} of {hexNumber(size())}</span>
          <button type="button" disabled={run.memoryAt() + MEMORY_WINDOW >= size()} onClick={() => page(1)}>Behind</button>
          <form onSubmit={(event) => {
            event.preventDefault();
            const wanted = Number(offsetField.value.replaceAll(',', '').trim());
            if (Number.isSafeInteger(wanted) && wanted >= 0) run.lookAtMemory(Math.min(wanted, size() - 1));
            else run.setStatus('An offset is a number, for instance 0x1f40 or 8000.');
          }}>
            <label class="dim" for="memory-at">at</label>
            <input ref={offsetField} id="memory-at" size="9" placeholder="0x1f40" autocomplete="off" spellcheck={false} title="Show memory at this offset" />
          </form>
        </div>
      </Show>
    </Section>
  );
}

function SlotSection(props: {
  title: string;
  pair: Pair<SideState>;
  of: (state: SideState) => Slot[] | null;
  truncated: (state: SideState) => boolean;
}): JSX.Element {
  const maps = createMemo(() => props.pair.map((state) => {
    const slots = state ? props.of(state) : null;
    return slots ? new Map(slots.map((slot) => [slot.key, slot])) : undefined;
  }) as Pair<Map<string, Slot>>);
  const keys = createMemo(() => [...new Set(maps().flatMap((map) => [...(map?.keys() ?? [])]))].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)));
  const both = () => maps()[0] !== undefined && maps()[1] !== undefined;
  const value = (side: 0 | 1, key: string) => maps()[side]?.get(key)?.value;
  const differs = (key: string) => both() && value(0, key) !== value(1, key);
  const original = (key: string) => maps().map((map) => map?.get(key)?.original).find((word) => word !== undefined && word !== null);
  const unknown = () => props.pair.every((state) => !state || props.of(state) === null);
  const side = (own: 0 | 1, key: string) => <Word value={value(own, key)} other={both() ? (value(own === 0 ? 1 : 0, key) ?? '') : undefined} missing={maps()[own] ? 'no slot' : ''} />;
  return (
    <Section
      title={props.title}
      count={sizes([maps()[0]?.size, maps()[1]?.size], 'slot')}
      differs={keys().some(differs)}
      empty={keys().length > 0 ? null : unknown() ? 'a trace file does not say' : 'nothing here for this account'}
    >
      <For each={keys()}>
        {(key) => (
          <Row
            name={shortKey(key)}
            title={original(key) === undefined ? key : `${key}, before the transaction ${original(key)}`}
            differs={differs(key)}
            left={side(0, key)}
            right={side(1, key)}
          />
        )}
      </For>
      <Show when={props.pair.some((state) => state && props.truncated(state))}>
        <p class="empty">There are more slots than are shown.</p>
      </Show>
    </Section>
  );
}

function shortKey(key: string): string {
  const short = shortWord(key);
  return short.length > 8 ? `${short.slice(0, 5)}…${short.slice(-2)}` : short;
}

/** The newest log comes first, as the top of the stack does. */
function LogSection(props: { pair: Pair<SideState> }): JSX.Element {
  const logs = createMemo(() => props.pair.map((state) => state?.logs ?? undefined) as Pair<LogEntry[]>);
  const count = () => Math.max(logs()[0]?.length ?? 0, logs()[1]?.length ?? 0);
  const both = () => logs()[0] !== undefined && logs()[1] !== undefined;
  const isCut = () => count() >= LOGS_TOLD;
  const text = (log: LogEntry | undefined) => JSON.stringify(log && [log.address, log.topics, log.data, log.dataLength, log.reverted]);
  const differs = (at: number) => both() && text(logs()[0]?.[at]) !== text(logs()[1]?.[at]);
  const side = (own: 0 | 1, at: number) => {
    const log = () => logs()[own]?.[at];
    const other = (of: (log: LogEntry) => string | undefined) => {
      const theirs = logs()[1 - own]?.[at];
      return both() ? ((theirs && of(theirs)) ?? '') : undefined;
    };
    return (
      <Show when={log()} fallback={<span class="absent">{logs()[own] ? 'no log' : ''}</span>}>
        {(here) => (
          <span class="lines bytes">
            <div><Bytes value={here().address} other={other((log) => log.address)} /></div>
            <For each={here().topics}>
              {(topic, number) => <div>topic <Bytes value={topic} other={other((log) => log.topics[number()])} /></div>}
            </For>
            <div>data <Bytes value={here().data} other={other((log) => log.data)} length={here().dataLength} /></div>
            <Show when={here().reverted}><div><Plain value="reverted" other={other((log) => (log.reverted ? 'reverted' : ''))} /></div></Show>
          </span>
        )}
      </Show>
    );
  };
  return (
    <Section
      title="Logs"
      count={`${isCut() ? 'the last ' : ''}${sizes([logs()[0]?.length, logs()[1]?.length], 'log')}`}
      differs={Array.from({ length: count() }, (_, at) => at).some(differs)}
      empty={count() > 0 ? null : logs().every((list) => list === undefined) ? 'a trace file does not say' : 'none yet'}
    >
      <For each={Array.from({ length: count() }, (_, row) => count() - 1 - row)}>
        {(at) => (
          <Row name={isCut() ? '' : String(at)} title={`logged at step ${ordinal((logs()[0]?.[at] ?? logs()[1]?.[at])?.stepIndex ?? 0)}`} differs={differs(at)} left={side(0, at)} right={side(1, at)} />
        )}
      </For>
    </Section>
  );
}

function BytesSection(props: { title: string; pair: Pair<SideState>; of: (state: SideState) => string | null; lengthOf: (state: SideState) => number | null }): JSX.Element {
  const bytes = createMemo(() => props.pair.map((state) => (state ? (props.of(state) ?? undefined) : undefined)) as Pair<string>);
  const length = (side: 0 | 1) => {
    const state = props.pair[side];
    const told = bytes()[side];
    return state && told !== undefined ? (props.lengthOf(state) ?? bare(told).length / 2) : undefined;
  };
  const both = () => bytes()[0] !== undefined && bytes()[1] !== undefined;
  const differs = () => both() && bytes()[0] !== bytes()[1];
  const side = (own: 0 | 1) => (
    <Show when={bytes()[own] !== undefined}>
      <span class="bytes"><Bytes value={bytes()[own] ?? ''} other={both() ? bytes()[1 - own] : undefined} length={length(own)} /></span>
    </Show>
  );
  const empty = () => {
    if (bytes().every((one) => one === undefined)) return 'a trace file does not say';
    return length(0) || length(1) ? null : 'none';
  };
  return (
    <Section title={props.title} count={sizes([length(0), length(1)], 'byte')} differs={differs()} empty={empty()}>
      <Row name="0x" differs={differs()} left={side(0)} right={side(1)} />
    </Section>
  );
}

const calldata = (state: SideState) => (state.calldata === '0x' ? 'empty' : state.calldata);

function FrameSection(props: { pair: Pair<SideState> }): JSX.Element {
  const rows: [string, (state: SideState) => string | null][] = [
    ['address', (state) => state.address],
    ['caller', (state) => state.caller],
    ['code of', (state) => state.codeAddress],
    ['value', (state) => (state.value === null ? null : grouped(BigInt(state.value)))],
    ['calldata', calldata],
    ['static', (state) => (state.isStatic === null ? null : state.isStatic ? 'yes' : 'no')],
    ['baseline', (state) => (state.reservoirBaseline === undefined ? null : grouped(state.reservoirBaseline))],
    ['refund', (state) => (state.refund === null ? null : grouped(state.refund))],
  ];
  const text = (side: 0 | 1, of: (state: SideState) => string | null) => {
    const state = props.pair[side];
    return state ? (of(state) ?? undefined) : undefined;
  };
  const known = () => rows.filter(([, of]) => text(0, of) !== undefined || text(1, of) !== undefined);
  const differs = (of: (state: SideState) => string | null) =>
    text(0, of) !== undefined && text(1, of) !== undefined && text(0, of) !== text(1, of);
  // Of one length, or data of any, they are told apart byte by byte.
  const side = (own: 0 | 1, of: (state: SideState) => string | null) => {
    const [here, other] = [() => text(own, of), () => text(own === 0 ? 1 : 0, of)];
    return (
      <span class="bytes">
        <Show when={/^0x(..)+$/.test(here() ?? '')} fallback={<Plain value={here() ?? ''} other={other()} />}>
          <Bytes value={here() ?? ''} other={other()} length={of === calldata ? props.pair[own]?.calldataLength : null} />
        </Show>
      </span>
    );
  };
  return (
    <Section title="Frame" count="" differs={known().some(([, of]) => differs(of))} empty={known().length ? null : 'a trace file does not say'}>
      <For each={known()}>{([name, of]) => <Row name={name} differs={differs(of)} left={side(0, of)} right={side(1, of)} />}</For>
    </Section>
  );
}
