// A session on the page: what runs, the timeline, the commands, the comparison, the code and the panels.

import { createEffect, createMemo, createSignal, For, Match, on, onCleanup, onMount, Show, Switch, type JSX } from 'solid-js';
import { ComparisonView } from './Comparison';
import { DiffDialog, Help } from './dialogs';
import { grouped, ordinal } from './format';
import { onKey, type Actions } from './keys';
import { createCode, Listing } from './Listing';
import { readPlace, writePlace } from './link';
import { BreakPanel, CallTree, GasTable, SearchPanel, StepList } from './panels';
import { createRun, verdictOf, type Run } from './run';
import { theme, toggleTheme } from './theme';
import { Timeline, zoomed, type Range } from './Timeline';
import type { Outcome, Session } from './wire';

const PANELS = [
  { name: 'steps', title: 'Steps' },
  { name: 'calls', title: 'Calls' },
  { name: 'gas', title: 'Gas' },
  { name: 'search', title: 'Search' },
  { name: 'breaks', title: 'Breaks' },
] as const;
type Panel = (typeof PANELS)[number]['name'];

export function SessionView(props: { id: string; step: number | null; after: boolean; onLeave: () => void }): JSX.Element {
  const run = createRun(props.id, props.step, props.after);
  const code = createCode(run);
  const [panel, setPanel] = createSignal<Panel>('steps');
  const [dialog, setDialog] = createSignal<'diff' | 'help' | null>(null);
  const [zoom, setZoom] = createSignal<Range | null>(null);
  const [wish, setWish] = createSignal<{ kind: 'opcode'; q: string } | null>(null);

  const focus = (selector: string) => document.querySelector<HTMLElement>(selector)?.focus();
  // A dialog tells that it was closed a moment later, when the next one may be open; and nothing stays open that has nothing to show.
  const closed = (which: 'diff' | 'help') => dialog() === which && setDialog(null);
  createEffect(() => run.mismatch() || closed('diff'));
  const actions: Actions = {
    run,
    focusStep: () => {
      const field = document.querySelector<HTMLInputElement>('#step');
      field?.focus();
      field?.select();
    },
    panel: (name) => {
      setPanel(name);
      focus(name === 'search' ? '#search-q' : `#tab-${name}`);
    },
    diff: () => run.mismatch() ? setDialog('diff') : run.setStatus('Nothing differs at this step.'),
    breakHere: code.toggleCurrent,
    help: () => setDialog('help'),
    theme: toggleTheme,
    copyLink: () => {
      navigator.clipboard.writeText(location.href).then(
        () => run.setStatus('The link to this step is in the clipboard. It opens while this server runs.'),
        () => run.setStatus(`Copy it from the address bar: ${location.hash}`),
      );
    },
    leave: props.onLeave,
    zoom: (factor) => setZoom(zoomed(zoom(), run.total(), factor, run.position())),
  };
  const listen = (event: KeyboardEvent) => onKey(event, actions);
  onMount(() => document.addEventListener('keydown', listen));
  onCleanup(() => document.removeEventListener('keydown', listen));

  // The address follows the position, but not every frame of a scrub: browsers limit how often it may change.
  let linked: ReturnType<typeof setTimeout> | undefined;
  createEffect(
    on([run.position, run.when, run.isReady], ([step, when, ready]) => {
      clearTimeout(linked);
      if (ready) linked = setTimeout(() => history.replaceState(null, '', writePlace({ session: run.id, step, after: when === 'after' })), 120);
    }),
  );
  const followLink = () => {
    const to = readPlace(location.hash);
    if (to.step === null || (to.session !== null && to.session !== run.id)) return;
    run.show(to.step);
    if (to.after && run.when() === 'before') run.toggleWhen();
  };
  addEventListener('hashchange', followLink);
  onCleanup(() => {
    clearTimeout(linked);
    removeEventListener('hashchange', followLink);
  });
  createEffect(() => {
    document.title = `${run.session()?.source.title ?? 'Session'} – Parallax`;
  });
  const marked = createMemo(() => run.divergences().flatMap((one) => (one.stepIndex === null ? [] : [one.stepIndex])));

  return (
    <div class="session">
      <TopBar run={run} actions={actions} />
      <Show when={run.error()}>
        {(text) => (
          <div class="error" role="alert"><span>{text()}</span>
            <button type="button" onClick={() => run.setError(null)}>Dismiss</button>
            <button type="button" onClick={props.onLeave}>New session</button>
          </div>
        )}
      </Show>
      <Timeline total={run.total()} position={run.position()} divergences={marked()} version={run.version()} load={run.api.timeline} onScrub={run.show} zoom={zoom()} onZoom={setZoom} theme={theme()} />
      <Commands run={run} actions={actions} />
      <Show when={run.isReady() || run.session()?.status !== 'done'} fallback={<NoSteps run={run} onLeave={props.onLeave} />}>
        <main class="panes">
          <section class="side" aria-label="Panels">
            <div class="tabs" role="tablist" aria-label="Panels">
              <For each={PANELS}>
                {({ name, title }, at) => (
                  <button
                    type="button" role="tab" id={`tab-${name}`} aria-controls="panel" aria-selected={panel() === name} tabindex={panel() === name ? 0 : -1}
                    title={`${title} (${at() + 1})`} onClick={() => setPanel(name)}
                    onKeyDown={(event) => {
                      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
                      const next = by && PANELS[(at() + by + PANELS.length) % PANELS.length];
                      if (!next) return;
                      event.preventDefault();
                      setPanel(next.name);
                      focus(`#tab-${next.name}`);
                    }}
                  >{title}</button>
                )}
              </For>
            </div>
            <div id="panel" class="panel" role="tabpanel" aria-labelledby={`tab-${panel()}`}>
              <Switch>
                <Match when={panel() === 'steps'}><StepList run={run} /></Match>
                <Match when={panel() === 'calls'}><CallTree run={run} /></Match>
                <Match when={panel() === 'gas'}><GasTable run={run} onSearch={(q) => { setWish({ kind: 'opcode', q }); setPanel('search'); }} /></Match>
                <Match when={panel() === 'search'}><SearchPanel run={run} wish={wish()} /></Match>
                <Match when={panel() === 'breaks'}><BreakPanel run={run} /></Match>
              </Switch>
            </div>
          </section>
          <ComparisonView run={run} onDiff={actions.diff} />
          <Listing of={code} />
        </main>
      </Show>
      <footer class="status"><span role="status">{run.status()}</span><span class="grow" /><Ends run={run} /></footer>
      <Switch>
        <Match when={dialog() === 'diff'}><DiffDialog run={run} onClose={() => closed('diff')} /></Match>
        <Match when={dialog() === 'help'}><Help onClose={() => closed('help')} /></Match>
      </Switch>
    </div>
  );
}

function TopBar(props: { run: Run; actions: Actions }): JSX.Element {
  const session = props.run.session;
  const verdict = createMemo(() => {
    const current = session();
    return current ? verdictOf(current) : null;
  });
  return (
    <header class="top">
      <button type="button" class="brand" title="New session (i)" onClick={props.actions.leave}>Parallax</button>
      <h1 title={session()?.source.title ?? ''}>{session()?.source.title ?? 'Loading…'}</h1>
      <span class="dim what">{[session()?.source.fork, session()?.mode.replace('_', ' ')].filter(Boolean).join(' · ')}</span>
      <Show when={verdict()}>
        {(one) => (
          <Show when={one().step !== null} fallback={<span class={`verdict ${one().kind}`} title={one().text}>{one().text}</span>}>
            <button type="button" class={`verdict ${one().kind}`} title="Show the first divergence" onClick={() => props.run.show(one().step ?? 0)}>{one().text}</button>
          </Show>
        )}
      </Show>
      <span class="grow" />
      <Show when={session()?.status === 'done'}>
        <a class="button" href={props.run.api.exportUrl('html')} download="">Export HTML</a>
        <a class="button" href={props.run.api.exportUrl('json')} download="">JSON</a>
      </Show>
      <button type="button" title="Copy a link to this step (y)" onClick={props.actions.copyLink}>Link</button>
      <button type="button" class="icon" aria-label="Light or dark" title="Light or dark (m)" onClick={props.actions.theme}>◐</button>
      <button type="button" class="icon" aria-label="Keys" title="Keys (?)" onClick={props.actions.help}>?</button>
    </header>
  );
}

function Commands(props: { run: Run; actions: Actions }): JSX.Element {
  const run = props.run;
  const off = () => !run.isReady();
  const isWorking = () => run.session()?.status === 'running' || run.session()?.status === 'paused';
  let field!: HTMLInputElement;
  // What somebody is typing stays.
  createEffect(() => {
    const text = ordinal(run.position());
    if (document.activeElement !== field) field.value = text;
  });
  return (
    <section class="commands" aria-label="Commands">
      <span class="buttons">
        <button type="button" disabled={off()} title="Step back (←, b)" onClick={() => run.move('back')}>◂ Back</button>
        <button type="button" disabled={off()} title="Step into (→, s)" onClick={() => run.move('into')}>Step ▸</button>
        <button type="button" disabled={off()} title="Step over a call (n)" onClick={() => run.move('over')}>Over</button>
        <button type="button" disabled={off()} title="Step out of the frame (o)" onClick={() => run.move('out')}>Out</button>
      </span>
      <span class="buttons">
        <span class="label dim">Run to</span>
        <Show when={!run.isSingle()}>
          <button type="button" disabled={off()} title="Run to the next divergence (d)" onClick={() => run.runTo({ until: 'divergence' })}>Divergence</button>
        </Show>
        <button type="button" disabled={off()} title="Run to a breakpoint (c)" onClick={() => run.runTo({ until: 'breakpoint' })}>Breakpoint</button>
        <button type="button" disabled={off()} title="Run to the end (e)" onClick={() => run.runTo({ until: 'end' })}>End</button>
      </span>
      <Show when={run.blocked()}>
        <button type="button" class="strong" title="Continue past the divergence (x)" onClick={() => run.proceed()}>Continue past it</button>
      </Show>
      <Show when={isWorking()}>
        <button type="button" title="Pause or resume the engines (p)" onClick={() => run.engines(run.session()?.status === 'paused' ? 'resume' : 'pause')}>
          {run.session()?.status === 'paused' ? 'Resume' : 'Pause'}
        </button>
        <button type="button" title="End the run; what is recorded stays" onClick={() => run.engines('cancel')}>Cancel</button>
        <span class="dim num" role="status">{progressOf(run.session())}</span>
      </Show>
      <span class="grow" />
      <form class="goto" onSubmit={(event) => {
        event.preventDefault();
        const step = Number(field.value.replace(/[, ]/g, ''));
        if (Number.isSafeInteger(step)) run.show(step - 1);
        field.blur();
      }}>
        <label for="step">Step</label>
        <input ref={field} id="step" inputmode="numeric" autocomplete="off" title="Go to a step (g)" onBlur={() => (field.value = ordinal(run.position()))} />
        <span class="num dim">of {grouped(run.total())}</span>
      </form>
    </section>
  );
}

/** How far the engines are. While they are compared they go side by side; then each is recorded by itself. */
function progressOf(session: Session | null): string {
  if (!session) return '';
  const { steps, phase } = session.progress;
  const done = (phase === 'comparing' ? steps.slice(0, 1) : steps).map((one) => grouped(one)).join(' / ');
  return `${session.status === 'paused' ? 'paused at' : 'running'} ${done} steps, ${phase}`;
}

/** What the run came to on each side. */
function Ends(props: { run: Run }): JSX.Element {
  const text = (outcome: Outcome | null | undefined) => {
    if (!outcome) return 'no outcome';
    if (outcome.rejected) return `rejected: ${outcome.rejected}`;
    const kinds = outcome.executionGas === undefined ? '' : ` (${grouped(outcome.executionGas)} execution, ${grouped(outcome.stateGas ?? 0)} state)`;
    return `${outcome.status}${outcome.gasUsed === null ? '' : `, ${grouped(outcome.gasUsed)} gas${kinds}`}`;
  };
  return (
    <Show when={props.run.session()?.status === 'done'}>
      <For each={props.run.session()?.engines}>
        {(engine, at) => <span class="end"><span class={`engine side-${at()}`}>{engine}</span> {text(props.run.session()?.outcomes[at()])}</span>}
      </For>
      <Show when={props.run.session()?.stoppedBy}>{(by) => <span class="bad">{by() === 'cancelled' ? 'cancelled: this is what was recorded until then' : `stopped by the limit on ${by()}`}</span>}</Show>
    </Show>
  );
}

function NoSteps(props: { run: Run; onLeave: () => void }): JSX.Element {
  return (
    <main class="no-steps">
      <h2>This run has no steps</h2>
      <p><For each={props.run.session()?.outcomes}>{(outcome, at) => <span>{props.run.session()?.engines[at()]}: {outcome?.rejected ? `rejected, ${outcome.rejected}` : (outcome?.status ?? 'no outcome')}. </span>}</For></p>
      <p>A transaction that is rejected, or that calls an account without code, runs no opcode.</p>
      <button type="button" onClick={props.onLeave}>Another input</button>
    </main>
  );
}
