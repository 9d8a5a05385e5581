// The panels beside the comparison: steps, calls, gas by opcode, search, breakpoints.

import { createEffect, createMemo, createResource, createSignal, For, on, Show, type JSX } from 'solid-js';
import { SIDES } from './api';
import { counted, grouped, hexNumber, opName, ordinal, shortAddress, shortWord, signed, stateGas } from './format';
import type { Run } from './run';
import { VirtualList } from './VirtualList';
import type { Breakpoint, Call, Gas, Match, OpcodeGas, SideName, StepRow, StepSide } from './wire';

const ROW = 20;
/** Calls that are loaded. */
const CALLS = 20_000;
/** Depths that are told by their indent. */
const INDENTED = 8;

/** The opcode, or both of them if they are not one. */
function names(row: StepRow | undefined): string {
  const [left, right] = [row?.primary, row?.mini].map((side) => (side ? opName(side) : undefined));
  return left !== undefined && right !== undefined && left !== right ? `${left} ≠ ${right}` : (left ?? right ?? '…');
}

/** What a step was charged of state gas or given back, if it was. */
function charge(side: StepSide | null | undefined): string {
  const cost = side?.stateGasCost ?? 0;
  return cost === 0 || side?.halt ? '' : signed(cost);
}

export function StepList(props: { run: Run }): JSX.Element {
  const run = props.run;
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    run.show(run.position() + move);
  };
  return (
    <>
      <div class="columns step-columns" classList={{ two: run.hasStateGas() }} aria-hidden="true">
        <span>step</span><span>pc</span><span>opcode</span><Show when={run.hasStateGas()}><span class="state-gas">state</span></Show><span>gas</span>
      </div>
      <VirtualList count={run.total()} rowHeight={ROW} reveal={run.position()} active={run.position()} idPrefix="step-" label="Steps" onKeyDown={onKeyDown}>
        {(index) => {
          const row = () => run.pages.row(index());
          const side = () => row()?.primary ?? row()?.mini;
          return (
            <div class="step-row" classList={{ current: index() === run.position(), differs: row()?.mismatch != null, two: run.hasStateGas() }} onClick={() => run.show(index())}>
              <span class="num">{ordinal(index())}</span>
              <span class="num pc">{side() ? hexNumber(side()?.pc ?? 0) : ''}</span>
              <span class="op" title={names(row())} style={{ 'padding-left': `${Math.min(INDENTED, side()?.depth ?? 0) * 4}px` }}>{names(row())}</span>
              <Show when={run.hasStateGas()}><span class="num state-gas">{charge(side())}</span></Show>
              <span class="num gas">{side() ? grouped(side()?.gasBefore ?? 0) : ''}</span>
            </div>
          );
        }}
      </VirtualList>
    </>
  );
}

/** What a frame and its callees took of state gas, from where, and what became of the reservoir it was handed. */
function stateGasOf(call: Call): string {
  const [used, spilled] = [call.stateGasUsed, call.stateGasSpilled ?? 0];
  const given = call.reservoir ?? 0;
  if (used === undefined) return `state gas: running · reservoir ${grouped(given)}`;
  const left = call.reservoirLeft ?? 0;
  // Where both gases have paid, what the reservoir paid is told by itself.
  const both = spilled !== used && spilled !== 0;
  const total = both ? `${stateGas(used, undefined)}, ${spilled < 0 ? signed(spilled) : grouped(spilled)} spilled` : stateGas(used, spilled === used ? spilled : undefined);
  const reservoir = given !== left ? ` · reservoir ${grouped(given)} → ${grouped(left)}` : given === 0 ? '' : ` · reservoir ${grouped(given)}`;
  return `state gas ${total}${reservoir}`;
}

export function CallTree(props: { run: Run }): JSX.Element {
  const run = props.run;
  const [calls] = createResource(
    () => [run.version(), run.isReady()] as const,
    async ([, ready]) => {
      if (!ready) return { left: [], right: new Map<number, Call>(), total: 0 };
      const load = async (side: SideName) => {
        const answer = await run.api.calls(side, 0);
        while (answer.calls.length < Math.min(answer.total, CALLS)) {
          const next = await run.api.calls(side, answer.calls.length);
          if (next.calls.length === 0) break;
          answer.calls.push(...next.calls);
        }
        return answer;
      };
      const left = await load('primary');
      const right = run.isSingle() ? [] : (await load('mini')).calls;
      return { left: left.calls, right: new Map(right.map((call) => [call.index, call])), total: left.total };
    },
  );
  const current = createMemo(() => {
    const list = calls()?.left ?? [];
    return list.findLastIndex((call) => call.firstStep <= run.position() && run.position() < Math.max(call.endStep, call.firstStep + 1));
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const move = moves[event.key];
    const call = move === undefined ? undefined : calls()?.left[current() + move];
    if (move === undefined) return;
    event.preventDefault();
    if (call) run.show(call.firstStep);
  };
  const whole = (call: Call | undefined) => call && [
    `${call.kind} from ${call.from}`, `to ${call.to}`, ...(call.codeAddress ? [`code of ${call.codeAddress}`] : []), `depth ${call.depth + 1}, value ${shortWord(call.value)}`,
    `${call.status ?? 'running'}: ${grouped(call.gasUsed ?? 0)} of ${grouped(call.gas)} gas`, ...(call.reservoir === undefined ? [] : [stateGasOf(call)]), `${counted(call.inputLength, 'byte')} in, ${counted(call.outputLength ?? 0, 'byte')} out`,
  ].join('\n');
  const differs = (call: Call) => {
    const other = calls()?.right.get(call.index);
    return other !== undefined && (other.status !== call.status || other.gasUsed !== call.gasUsed || other.stateGasUsed !== call.stateGasUsed || other.reservoirLeft !== call.reservoirLeft || other.output !== call.output || other.to !== call.to);
  };
  return (
    <Show
      when={(calls()?.left.length ?? 0) > 0}
      fallback={<p class="empty">{calls.error ? String(calls.error.message) : calls.loading ? 'Loading the calls…' : 'No calls: trace files do not tell them.'}</p>}
    >
      <VirtualList count={calls()?.left.length ?? 0} rowHeight={run.hasStateGas() ? 58 : 40} reveal={Math.max(0, current())} active={Math.max(0, current())} idPrefix="call-" label="Calls" onKeyDown={onKeyDown}>
        {(index) => {
          const call = () => calls()?.left[index()];
          return (
            <div class="call-row" classList={{ current: index() === current(), differs: differs(call() as Call) }} style={{ 'padding-left': `${8 + Math.min(INDENTED, call()?.depth ?? 0) * 10}px` }} title={whole(call())} onClick={() => run.show(call()?.firstStep ?? 0)}>
              <span class="op">
                <Show when={(call()?.depth ?? 0) > INDENTED}><span class="dim">{(call()?.depth ?? 0) + 1} </span></Show>
                {call()?.kind} <span class="dim">{shortAddress(call()?.codeAddress ?? call()?.to ?? '')}</span>
              </span>
              <span class="sub">
                <span classList={{ bad: !['success', null].includes(call()?.status ?? null) }}>{call()?.status ?? 'running'}</span>
                <span class="dim"> · {grouped(call()?.gasUsed ?? 0)} of {grouped(call()?.gas ?? 0)} gas · {counted((call()?.endStep ?? 0) - (call()?.firstStep ?? 0), 'step')}</span>
              </span>
              <Show when={call()?.reservoir !== undefined}><span class="sub dim">{stateGasOf(call() as Call)}</span></Show>
            </div>
          );
        }}
      </VirtualList>
      <Show when={(calls()?.total ?? 0) > (calls()?.left.length ?? 0)}>
        <p class="empty">{grouped(calls()?.left.length ?? 0)} of {grouped(calls()?.total ?? 0)} calls are shown.</p>
      </Show>
    </Show>
  );
}

export function GasTable(props: { run: Run; onSearch: (name: string) => void }): JSX.Element {
  const run = props.run;
  const [gas] = createResource(() => [run.version(), run.isReady()] as const, ([, ready]) => (ready ? run.api.gas() : undefined));
  const rows = createMemo(() => {
    const left = gas()?.primary ?? [];
    const right = new Map((gas()?.mini ?? []).map((row) => [row.opcode, row]));
    const missing = [...right.values()].filter((row) => !left.some((one) => one.opcode === row.opcode));
    const zero = (row: OpcodeGas): OpcodeGas => ({ ...row, count: 0, gas: 0, ...(row.stateGas === undefined ? {} : { stateGas: 0 }) });
    return [...left.map((row) => ({ left: row, right: right.get(row.opcode) ?? zero(row) })), ...missing.map((row) => ({ left: zero(row), right: row }))].sort(
      (a, b) => Number(b.left.gas) - Number(a.left.gas) || a.left.opcode - b.left.opcode,
    );
  });
  /** What the opcodes took on a side, what the transaction took, and what of it was not theirs. */
  const sums = (side: 'left' | 'right', at: 0 | 1) => {
    const count = rows().reduce((all, row) => all + row[side].count, 0);
    const opcodes = rows().reduce((all, row) => all + BigInt(row[side].gas), 0n);
    const state = rows().reduce((all, row) => all + BigInt(row[side].stateGas ?? 0), 0n);
    const outcome = run.session()?.outcomes[at];
    const paid = outcome?.gasUsed ?? null;
    // Of two gases each is added up by itself, as a block does; what is paid is one number, less refunds.
    const used = outcome?.executionGas ?? paid;
    const stateUsed = outcome?.stateGas ?? null;
    const rest = (of: Gas | null, sum: bigint) => (of === null ? null : BigInt(of) - sum);
    return { count, opcodes, used, rest: rest(used, opcodes), state, stateUsed, stateRest: rest(stateUsed, state), paid };
  };
  const hasStateGas = () => rows().some((row) => row.left.stateGas !== undefined);
  const most = () => rows().reduce((all, row) => Math.max(all, Number(row.left.gas), Number(row.right.gas)), 1);
  const differs = (row: { left: OpcodeGas; right: OpcodeGas }) => !run.isSingle() && gas()?.mini != null && (row.left.gas !== row.right.gas || row.left.stateGas !== row.right.stateGas || row.left.count !== row.right.count);
  return (
    <Show when={rows().length > 0} fallback={<p class="empty">{gas.loading ? 'Adding up the gas…' : 'No opcode has run yet.'}</p>}>
      <div class="scroll">
        <table class="gas-table">
          <thead><tr><th scope="col">opcode</th><th scope="col">count</th><th scope="col">gas</th><Show when={hasStateGas()}><th scope="col">state gas</th></Show><th scope="col"><span class="hidden">share</span></th></tr></thead>
          <tbody>
            <For each={rows()}>
              {(row) => (
                <tr classList={{ differs: differs(row) }}>
                  <th scope="row"><button type="button" class="link" title={`search ${row.left.opName}`} onClick={() => props.onSearch(row.left.opName)}>{row.left.opName}</button></th>
                  <td>{grouped(row.left.count)}<Show when={differs(row) && row.left.count !== row.right.count}><mark> {signed(row.right.count - row.left.count)}</mark></Show></td>
                  <td>{grouped(row.left.gas)}<Show when={differs(row) && row.left.gas !== row.right.gas}><mark> {signed(BigInt(row.right.gas) - BigInt(row.left.gas))}</mark></Show></td>
                  <Show when={hasStateGas()}>
                    <td>{amount(row.left.stateGas)}<Show when={differs(row) && row.left.stateGas !== row.right.stateGas}><mark> {signed(BigInt(row.right.stateGas ?? 0) - BigInt(row.left.stateGas ?? 0))}</mark></Show></td>
                  </Show>
                  <td class="bar-cell"><span class="bar" style={{ width: `${(Number(row.left.gas) / most()) * 100}%` }} /></td>
                </tr>
              )}
            </For>
          </tbody>
          <tfoot>
            <tr><th scope="row">all opcodes</th><td>{grouped(sums('left', 0).count)}</td><td><Sum side={sums} of={(sum) => sum.opcodes} isSingle={gas()?.mini == null} /></td><Show when={hasStateGas()}><td><Sum side={sums} of={(sum) => sum.state} isSingle={gas()?.mini == null} /></td></Show><td /></tr>
            <Show when={sums('left', 0).used !== null}>
              <tr title={hasStateGas() ? "The transaction's own gas, precompiles, code deposits, what failed calls lost, and state gas that a failed call gave back" : "The transaction's own gas, precompiles, code deposits and what failed calls lost, less refunds"}><th scope="row">besides</th><td /><td><Sum side={sums} of={(sum) => sum.rest} isSingle={gas()?.mini == null} /></td><Show when={hasStateGas()}><td><Sum side={sums} of={(sum) => sum.stateRest} isSingle={gas()?.mini == null} /></td></Show><td /></tr>
              <tr><th scope="row">gas used</th><td /><td><Sum side={sums} of={(sum) => sum.used} isSingle={gas()?.mini == null} /></td><Show when={hasStateGas()}><td><Sum side={sums} of={(sum) => sum.stateUsed} isSingle={gas()?.mini == null} /></td></Show><td /></tr>
              <Show when={hasStateGas()}>
                <tr title="Both gases, less refunds, and at least the floor of calldata"><th scope="row">paid</th><td /><td><Sum side={sums} of={(sum) => sum.paid} isSingle={gas()?.mini == null} /></td><td /><td /></tr>
              </Show>
            </Show>
          </tfoot>
        </table>
      </div>
    </Show>
  );
}

interface GasSums {
  count: number;
  opcodes: bigint;
  used: Gas | null;
  rest: bigint | null;
  state: bigint;
  stateUsed: Gas | null;
  stateRest: bigint | null;
  paid: Gas | null;
}

/** State gas of an opcode; what it was given back has a sign. */
function amount(gas: Gas | undefined): string {
  return gas === undefined || gas === 0 ? '' : gas < 0 ? signed(gas) : grouped(gas);
}

/** A sum of the left side, and how much more it is on the right. */
function Sum(props: { side: (side: 'left' | 'right', at: 0 | 1) => GasSums; of: (sums: GasSums) => Gas | null; isSingle: boolean }): JSX.Element {
  const left = () => props.of(props.side('left', 0)) ?? 0;
  const apart = () => (props.isSingle ? 0n : BigInt(props.of(props.side('right', 1)) ?? 0) - BigInt(left()));
  return <>{left() < 0 ? signed(left()) : grouped(left())}<Show when={apart() !== 0n}><mark> {signed(apart())}</mark></Show></>;
}

type SearchKind = 'opcode' | 'pc' | 'value';
const SEARCH_HINTS: Record<SearchKind, string> = { opcode: 'SSTORE or 0x55', pc: '0x1f or 31', value: '0x2a or 42' };

export function SearchPanel(props: { run: Run; wish: { kind: SearchKind; q: string } | null }): JSX.Element {
  const run = props.run;
  const [kind, setKind] = createSignal<SearchKind>('opcode');
  const [q, setQ] = createSignal('');
  const [side, setSide] = createSignal<SideName>('primary');
  const [matches, setMatches] = createSignal<Match[]>([]);
  const [next, setNext] = createSignal<number | null>(null);
  const [told, setTold] = createSignal('Search for an opcode, a place in the code, or a value on the stack, in memory or in storage.');
  let asked = 0;
  const search = async (from: number) => {
    const text = q().trim();
    if (text === '') return;
    const question = ++asked;
    if (from === 0) {
      setMatches([]);
      setNext(null);
    }
    setTold('Searching…');
    try {
      const answer = await run.api.search(kind(), text, side(), from);
      if (question !== asked) return;
      const all = from === 0 ? answer.matches : [...matches(), ...answer.matches];
      setMatches(all);
      setNext(answer.next);
      setTold(all.length === 0 && answer.next === null ? 'Nothing found.' : `${grouped(all.length)} ${all.length === 1 ? 'match' : 'matches'}${answer.next === null ? '' : ` up to step ${grouped(answer.next)}`}.`);
    } catch (cause) {
      if (question === asked) setTold(cause instanceof Error ? cause.message : String(cause));
    }
  };
  createEffect(on(() => props.wish, (wish) => {
    if (!wish) return;
    setKind(wish.kind);
    setQ(wish.q);
    void search(0);
  }));
  const go = (direction: 1 | -1) => {
    const found = direction === 1 ? matches().find((match) => match.stepIndex > run.position()) : matches().findLast((match) => match.stepIndex < run.position());
    if (found) show(found);
  };
  const show = (match: Match) => {
    run.show(match.stepIndex);
    if (match.where === 'memory' && match.item !== null) run.lookAtMemory(match.item);
  };
  return (
    <div class="search">
      <form onSubmit={(event) => { event.preventDefault(); void search(0); }}>
        <label><span>Search for</span>
          <select value={kind()} onChange={(event) => setKind(event.currentTarget.value as SearchKind)}>
            <option value="opcode">opcode</option><option value="pc">pc</option><option value="value">value</option>
          </select>
        </label>
        <label class="grow"><span>What</span>
          <input id="search-q" value={q()} placeholder={SEARCH_HINTS[kind()]} autocomplete="off" spellcheck={false} onInput={(event) => setQ(event.currentTarget.value)} />
        </label>
        <Show when={!run.isSingle()}>
          <label><span>On</span>
            <select value={side()} onChange={(event) => setSide(event.currentTarget.value as SideName)}>
              <For each={SIDES}>{(one, at) => <option value={one}>{run.session()?.engines[at()] ?? one}</option>}</For>
            </select>
          </label>
        </Show>
        <button type="submit">Search</button>
      </form>
      <div class="search-told"><span role="status">{told()}</span>
        <Show when={matches().length > 0}>
          <button type="button" class="icon" aria-label="Previous match" title="Previous match" onClick={() => go(-1)}>↑</button>
          <button type="button" class="icon" aria-label="Next match" title="Next match" onClick={() => go(1)}>↓</button>
        </Show>
      </div>
      <ul class="scroll plain" aria-label="Matches">
        <For each={matches()}>
          {(match) => (
            <li><button type="button" class="match" classList={{ current: match.stepIndex === run.position() }} onClick={() => show(match)}>
              <span class="num">{ordinal(match.stepIndex)}</span>
              <span>{match.where}{match.item === null ? '' : ` ${match.where === 'stack' ? match.item : hexNumber(match.item)}`}</span>
            </button></li>
          )}
        </For>
        <Show when={next() !== null}>
          <li><button type="button" class="more" onClick={() => void search(next() ?? 0)}>Search on from step {ordinal(next() ?? 0)}</button></li>
        </Show>
      </ul>
    </div>
  );
}

const KINDS: Record<Breakpoint['kind'], string> = {
  pc: 'pc, for instance 0x1f', opcode: 'opcode, for instance SSTORE', depth: 'depth, for instance 2', address: 'address of the account', storage: 'storage key', halt: 'halt, empty for any', gas: 'gas below', step: 'number of the step',
};

/** What a breakpoint says, as its list has it. */
function breakpointText(one: Breakpoint): string {
  switch (one.kind) {
    case 'pc': return `pc ${hexNumber(one.pc)}${one.address ? ` in ${shortAddress(one.address)}` : ''}`;
    case 'opcode': return `opcode ${one.opcode}`;
    case 'depth': return `depth ${one.depth + 1}`;
    case 'address': return `address ${shortAddress(one.address)}`;
    case 'storage': return `storage ${one.key}`;
    case 'halt': return `halt ${one.halt ?? 'of any kind'}`;
    case 'gas': return `gas below ${grouped(one.below)}`;
    case 'step': return `step ${ordinal(one.step)}`;
  }
}

/** The breakpoint that a kind and a text mean; the server checks what is in it. */
function breakpointOf(kind: Breakpoint['kind'], text: string): Breakpoint | null {
  const number = Number(text);
  const isCount = text !== '' && Number.isSafeInteger(number) && number >= 0;
  const isOrdinal = isCount && number > 0;
  switch (kind) {
    case 'pc': return isCount ? { kind, pc: number } : null;
    case 'depth': return isOrdinal ? { kind, depth: number - 1 } : null;
    case 'gas': return isCount ? { kind, below: number } : null;
    case 'step': return isOrdinal ? { kind, step: number - 1 } : null;
    case 'opcode': return text ? { kind, opcode: text } : null;
    case 'address': return text ? { kind, address: text } : null;
    case 'storage': return text ? { kind, key: text } : null;
    case 'halt': return text ? { kind, halt: text } : { kind };
  }
}

export function BreakPanel(props: { run: Run }): JSX.Element {
  const run = props.run;
  const [kind, setKind] = createSignal<Breakpoint['kind']>('opcode');
  const [text, setText] = createSignal('');
  const add = (event: Event) => {
    event.preventDefault();
    const one = breakpointOf(kind(), text().trim());
    if (!one) return run.setStatus(`A breakpoint needs a ${KINDS[kind()]}.`);
    setText('');
    return run.setBreakpoints([...run.breakpoints(), one]);
  };
  return (
    <div class="search">
      <form onSubmit={add}>
        <label><span>Stop at</span>
          <select value={kind()} onChange={(event) => setKind(event.currentTarget.value as Breakpoint['kind'])}>
            <For each={Object.keys(KINDS)}>{(one) => <option value={one}>{one}</option>}</For>
          </select>
        </label>
        <label class="grow"><span>{KINDS[kind()]}</span>
          <input value={text()} autocomplete="off" spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button type="submit">Add</button>
      </form>
      <Show when={run.breakpoints().length > 0} fallback={<p class="empty">No breakpoints. Add one here, or click a line of the code.</p>}>
        <ul class="scroll plain" aria-label="Breakpoints">
          <For each={run.breakpoints()}>
            {(one, at) => (
              <li class="break"><span><span class="dot" aria-hidden="true">●</span> {breakpointText(one)}</span>
                <button type="button" class="icon" aria-label={`Remove breakpoint ${breakpointText(one)}`} onClick={() => void run.setBreakpoints(run.breakpoints().filter((_, other) => other !== at()))}>×</button>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </div>
  );
}
