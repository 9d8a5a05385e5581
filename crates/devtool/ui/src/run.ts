// One session as the page sees it. Invariant: `position` is what is shown, and the server's cursor follows it; whatever moves the
// cursor waits in one queue, so that no answer overtakes another. States come one at a time: while one is asked for, only the
// newest wish is remembered.

import { batch, createEffect, createMemo, createSignal, on, onCleanup } from 'solid-js';
import { ApiError, sessionApi } from './api';
import { counted, hexNumber, ordinal } from './format';
import { StepPages } from './pages';
import type { Breakpoint, Cursor, Divergence, RunCommand, ServerEvent, Session, State, Step, StepCommand, When } from './wire';

/** Bytes of memory in sight. */
export const MEMORY_WINDOW = 256;
const STATES_KEPT = 64;
/** Milliseconds until the cursor follows a scrub. */
const SETTLE = 150;

export type Run = ReturnType<typeof createRun>;

export function createRun(id: string, startAt: number | null, startAfter: boolean) {
  const api = sessionApi(id);
  const pages = new StepPages(api);
  const [session, setSession] = createSignal<Session | null>(null);
  const [error, setError] = createSignal<string | null>(null);
  const [position, setPosition] = createSignal(startAt ?? 0);
  const [step, setStep] = createSignal<Step | null>(null);
  const [state, setState] = createSignal<State | null>(null);
  const [pinnedWhen, pinWhen] = createSignal<When>(startAfter ? 'after' : 'before');
  const [chosenWhen, chooseWhen] = createSignal<{ at: number; when: When } | null>(null);
  const [memoryAt, setMemoryAt] = createSignal(0);
  const [divergences, setDivergences] = createSignal<Divergence[]>([]);
  const [breakpoints, setBreakpointList] = createSignal<Breakpoint[]>([]);
  const [status, setStatus] = createSignal('');
  const [blocked, setBlocked] = createSignal(false);
  const [version, setVersion] = createSignal(0);

  const total = createMemo(() => session()?.totalSteps ?? 0);
  const isReady = createMemo(() => total() > 0 && session()?.status !== 'running');
  const outcomeMismatch = createMemo(() => divergences().find((one) => one.stepIndex === null)?.mismatch ?? null);
  /** The step at the position; `null` until it is there, while `step` is still the one before. */
  const here = createMemo(() => (step()?.stepIndex === position() ? step() : null));
  /** At the last step, what the run came to may differ although no step did. */
  const mismatch = createMemo(() => here()?.mismatch ?? (position() === total() - 1 ? outcomeMismatch() : null));
  /** At a mismatch that shows after the step, the state after it is what one wants to see, until one chooses. */
  const when = createMemo<When>(() => {
    const chosen = chosenWhen();
    return chosen?.at === position() ? chosen.when : (mismatch()?.when ?? pinnedWhen());
  });
  const toggleWhen = () => {
    const next = when() === 'before' ? 'after' : 'before';
    chooseWhen({ at: position(), when: next });
    if (!mismatch()) pinWhen(next);
  };
  /** Whether the steps say anything of state gas: where the rules have two gases, and in traces that tell it. */
  const hasStateGas = createMemo<boolean>((before) => {
    const side = step()?.primary ?? step()?.mini;
    return side ? side.reservoir !== undefined : before;
  }, false);
  const isSingle = createMemo(() => session()?.mode === 'off' || session()?.engines.length === 1);

  const fail = (cause: unknown) => setError(cause instanceof ApiError ? cause.message : String(cause));

  // --- the state in sight
  const states = new Map<string, State>();
  let stateAsked = false;
  const wish = () => `${position()}/${when()}/${memoryAt()}`;
  const loadState = () => {
    const key = wish();
    const known = states.get(key);
    if (known) {
      setState(known);
      return;
    }
    if (stateAsked || !isReady()) return;
    stateAsked = true;
    const [index, moment, offset] = [position(), when(), memoryAt()];
    api
      .state(index, moment, offset, MEMORY_WINDOW)
      .then((answer) => {
        states.set(key, answer);
        if (states.size > STATES_KEPT) for (const oldest of states.keys()) return void states.delete(oldest);
      })
      .catch(fail)
      .finally(() => {
        stateAsked = false;
        const answer = states.get(key);
        if (answer) setState(answer);
        if (answer && wish() !== key) loadState();
      });
  };
  createEffect(on([position, when, memoryAt, isReady, version], loadState));
  /** Shows the row of memory that has this byte, with some before it. */
  const lookAtMemory = (offset: number) => setMemoryAt(Math.max(0, offset - (offset % 16) - 64));
  // Memory that differs out of sight comes into sight: once a step, so that one can look elsewhere.
  let looked = '';
  createEffect(on(state, (now) => {
    const key = now ? `${now.stepIndex}/${now.when}` : '';
    if (!now || key === looked || now.stepIndex !== position()) return;
    looked = key;
    const start = now.differences?.memory[0]?.[0];
    if (start !== undefined && (start < memoryAt() || start >= memoryAt() + MEMORY_WINDOW)) lookAtMemory(start);
  }));
  // The row of the position: known from the list, as a rule.
  createEffect(() => {
    const row = isReady() ? pages.row(position()) : undefined;
    const current = session();
    if (row && current) setStep({ ...row, mode: current.mode, engines: current.engines });
  });

  // --- moving
  let settle: ReturnType<typeof setTimeout> | undefined;
  const arrived = (cursor: Cursor, why: string | null) => batch(() => {
    setBlocked(cursor.stop === 'blocked' || (cursor.stop === 'divergence' && !cursor.acknowledged));
    if (why !== null) setStatus(why);
    // Behind the last step there is none: the end is shown as the state after the last one.
    const isEnd = cursor.stepIndex >= total();
    setPosition(isEnd ? total() - 1 : cursor.stepIndex);
    if (isEnd) chooseWhen({ at: total() - 1, when: 'after' });
    else setStep(cursor);
  });
  /** How often a step was chosen: a command that was under way then must not move the page any more. */
  let shown = 0;
  /** Shows a step at once; the cursor follows when the hand rests. */
  const show = (index: number) => {
    const clamped = Math.max(0, Math.min(total() - 1, index));
    if (clamped === position()) return;
    shown += 1;
    waiting.length = 0;
    setPosition(clamped);
    setBlocked(false);
    setStatus('');
    clearTimeout(settle);
    settle = setTimeout(() => void command('place', () => api.goto(position())), SETTLE);
  };
  // Commands wait for one another; steps of one kind that wait become one command, so that a held key does not pile them up.
  interface Move {
    kind: string;
    count: number;
    ask: (count: number) => Promise<Cursor>;
  }
  const waiting: Move[] = [];
  let busy = false;
  /** From the step that is shown: another page of the session may have moved the cursor that both have. */
  const fromHere = async (ask: () => Promise<Cursor>) => (await api.goto(position()), ask());
  const command = async (kind: string, ask: Move['ask']) => {
    const last = waiting.at(-1);
    if (last?.kind === kind) last.count += 1;
    else waiting.push({ kind, count: 1, ask });
    if (busy) return;
    busy = true;
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        if (!isReady()) continue;
        clearTimeout(settle);
        const before = shown;
        const cursor = await next.ask(next.count);
        setError(null);
        if (shown === before) arrived(cursor, next.kind === 'place' ? null : told(cursor));
      }
    } catch (cause) {
      waiting.length = 0;
      fail(cause);
    } finally {
      busy = false;
    }
  };

  // --- the engines' progress
  /** Until the divergences are known. */
  let listed: Promise<void> = Promise.resolve();
  const refresh = (next: Session) => {
    const before = session();
    batch(() => {
      setSession(next);
      // A link may lead past the end.
      if (next.totalSteps > 0 && position() >= next.totalSteps) setPosition(next.totalSteps - 1);
    });
    if (next.status === 'failed') setError(next.error ?? 'The run failed.');
    if (next.totalSteps === before?.totalSteps && next.status === before.status) return;
    pages.clear();
    states.clear();
    setVersion(version() + 1);
    if (next.totalSteps === 0 || next.status === 'running') return;
    listed = api.divergences().then((answer) => void setDivergences(answer.divergences)).catch((cause: unknown) => void fail(cause));
    if (before && before.status !== 'running') return;
    // A link's step wins over where the cursor was left.
    void command('place', () => (startAt === null ? api.cursor() : api.goto(position())));
  };
  const poll = () => api.session().then(refresh, fail);
  const socket = new WebSocket(api.eventsUrl());
  socket.addEventListener('message', (message: MessageEvent<string>) => {
    const event = JSON.parse(message.data) as ServerEvent;
    if (event.type === 'session') void poll();
    else if (event.type === 'progress') setSession((old) => old && { ...old, progress: { ...old.progress, steps: event.steps, phase: event.phase as Session['progress']['phase'] } });
    else if (event.type === 'breakpoints') setBreakpointList(event.breakpoints);
    else if (event.type === 'closed') setError(`This session has ended: ${event.reason}. What is loaded stays; start a new one to go on.`);
  });
  // Without the socket the page still works: it asks. Engines come to rest a moment after they are told to, and nobody says so.
  const timer = setInterval(() => {
    const status = session()?.status;
    if (status === 'paused' || (status === 'running' && socket.readyState !== WebSocket.OPEN)) void poll();
  }, 250);
  const alive = setInterval(() => socket.readyState === WebSocket.OPEN && socket.send('{"type":"ping"}'), 20_000);
  onCleanup(() => {
    clearInterval(timer);
    clearInterval(alive);
    clearTimeout(settle);
    // Closing a socket that is still connecting makes the browser complain in the console.
    if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener('open', () => socket.close());
    else socket.close();
  });
  void poll();
  api.breakpoints().then((answer) => setBreakpointList(answer.breakpoints), () => undefined);

  const setBreakpoints = (list: Breakpoint[]) =>
    api.setBreakpoints(list).then((answer) => setBreakpointList(answer.breakpoints), fail);
  const nextDivergence = async (direction: 1 | -1) => {
    await listed;
    const indices = divergences().flatMap((one) => (one.stepIndex === null ? [] : [one.stepIndex]));
    const next =
      direction === 1 ? indices.find((index) => index > position()) : indices.findLast((index) => index < position());
    if (next === undefined) setStatus(direction === 1 ? 'No divergence after this step.' : 'No divergence before this step.');
    else show(next);
  };

  return {
    id, api, pages, session, error, setError, position, step, state, when, memoryAt, setMemoryAt, lookAtMemory, divergences, breakpoints,
    status, setStatus, blocked, version, total, isReady, mismatch, hasStateGas, isSingle, here, show, nextDivergence, setBreakpoints,
    toggleWhen,
    move: (kind: StepCommand['kind']) => command(kind, (count) => fromHere(() => api.step({ kind, count }))),
    runTo: (body: RunCommand) => command('run', () => fromHere(() => api.run(body))),
    proceed: () => command('continue', () => fromHere(api.proceed)),
    engines: (verb: 'pause' | 'resume' | 'cancel') => api.engines(verb).then(refresh, fail),
    /** A breakpoint at this place of the code, on or off. */
    togglePc: (pc: number, address: string | null) => {
      const others = breakpoints().filter((one) => !isAt(one, pc, address));
      const removed = others.length < breakpoints().length;
      setStatus(`Breakpoint at pc ${hexNumber(pc)} ${removed ? 'removed' : 'set'}.`);
      return setBreakpoints(removed ? others : [...others, { kind: 'pc', pc, ...(address !== null && { address }) }]);
    },
  };
}

/** Whether a breakpoint stops at this place of the code of `address`; without an address it is for all code. */
export function isAt(one: Breakpoint, pc: number, address: string | null): boolean {
  return one.kind === 'pc' && one.pc === pc && (one.address === undefined || one.address === address);
}

/** Why the cursor stands where it stands, in a sentence. */
function told(cursor: Cursor): string {
  const at = `step ${ordinal(cursor.stepIndex)}`;
  switch (cursor.stop) {
    case 'breakpoint':
      return `Stopped at ${at}: breakpoint ${(cursor.breakpoint ?? 0) + 1}.`;
    case 'divergence':
      return `Stopped at ${at}: the engines differ in ${cursor.mismatch?.field ?? 'the outcome'}.`;
    case 'blocked':
      return `Still at ${at}: the engines differ here. Continue past it with x.`;
    case 'end':
      return 'The end of the run.';
    case 'start':
      return `The start of the run.`;
    case 'moved':
      return '';
  }
}

/** What the run came to, in a few words, and the step that shows why. */
export function verdictOf(session: Session): { text: string; kind: 'agree' | 'diverge' | 'poisoned' | 'none'; step: number | null } {
  const verdict = session.verdict;
  if (!verdict) return { text: session.mode === 'off' ? counted(session.totalSteps, 'step') : session.status, kind: 'none', step: null };
  if (verdict.kind === 'agree') return { text: verdict.reason ? `agree; ${verdict.reason}` : 'agree', kind: 'agree', step: null };
  if (verdict.kind === 'rejected') return { text: `both refuse it: ${verdict.reason ?? 'no reason given'}`, kind: 'none', step: null };
  if (verdict.kind === 'not_compared') return { text: `not compared: ${verdict.reason ?? 'no reason given'}`, kind: 'none', step: null };
  if (verdict.kind === 'poisoned') return { text: `cannot be said: ${verdict.reason ?? 'no reason given'}`, kind: 'poisoned', step: null };
  const at = verdict.divergence?.stepIndex ?? null;
  const last = session.totalSteps > 0 ? session.totalSteps - 1 : null;
  const lines = verdict.divergence?.lines;
  const where = lines ? `, ${verdict.divergence?.mismatch.field}, line ${lines[0]} and ${lines[1]}` : '';
  return { text: (at === null ? 'diverge in the outcome' : `diverge at step ${ordinal(at)}`) + where, kind: 'diverge', step: at ?? last };
}
