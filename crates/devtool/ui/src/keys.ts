// Every key in one table: it answers the keys and fills the help.

import type { Run } from './run';

export interface Actions {
  run: Run;
  focusStep: () => void;
  panel: (name: 'steps' | 'calls' | 'gas' | 'search' | 'breaks') => void;
  diff: () => void;
  breakHere: () => void;
  help: () => void;
  theme: () => void;
  copyLink: () => void;
  leave: () => void;
  zoom: (factor: number) => void;
}

export interface KeyRow {
  keys: string[];
  does: string;
  act: (actions: Actions) => unknown;
}

const PAGE = 100;

export const KEY_GROUPS: { title: string; rows: KeyRow[] }[] = [
  {
    title: 'Step',
    rows: [
      { keys: ['ArrowRight', 's'], does: 'step into', act: ({ run }) => run.move('into') },
      { keys: ['n'], does: 'step over a call', act: ({ run }) => run.move('over') },
      { keys: ['o'], does: 'step out of the frame', act: ({ run }) => run.move('out') },
      { keys: ['ArrowLeft', 'b'], does: 'step back', act: ({ run }) => run.move('back') },
      { keys: ['PageDown'], does: `${PAGE} steps on`, act: ({ run }) => run.show(run.position() + PAGE) },
      { keys: ['PageUp'], does: `${PAGE} steps back`, act: ({ run }) => run.show(run.position() - PAGE) },
      { keys: ['Home'], does: 'first step', act: ({ run }) => run.show(0) },
      { keys: ['End'], does: 'last step', act: ({ run }) => run.show(run.total() - 1) },
      { keys: ['g'], does: 'go to a step', act: (actions) => actions.focusStep() },
    ],
  },
  {
    title: 'Run',
    rows: [
      { keys: ['d'], does: 'run to the next divergence', act: ({ run }) => run.runTo({ until: 'divergence' }) },
      { keys: ['x'], does: 'continue past a divergence', act: ({ run }) => run.proceed() },
      { keys: ['c'], does: 'run to a breakpoint', act: ({ run }) => run.runTo({ until: 'breakpoint' }) },
      { keys: ['C'], does: 'run back to a breakpoint', act: ({ run }) => run.runTo({ until: 'breakpoint', backwards: true }) },
      { keys: ['e'], does: 'run to the end', act: ({ run }) => run.runTo({ until: 'end' }) },
      { keys: ['p'], does: 'pause or resume the engines', act: ({ run }) => run.engines(run.session()?.status === 'paused' ? 'resume' : 'pause') },
      { keys: [']'], does: 'show the next divergence', act: ({ run }) => run.nextDivergence(1) },
      { keys: ['['], does: 'show the one before', act: ({ run }) => run.nextDivergence(-1) },
      { keys: ['t'], does: 'breakpoint at this line of the code, on or off', act: (actions) => actions.breakHere() },
    ],
  },
  {
    title: 'Look',
    rows: [
      { keys: ['v'], does: 'open what differs', act: (actions) => actions.diff() },
      { keys: ['w'], does: 'state before or after the step', act: ({ run }) => run.toggleWhen() },
      { keys: ['1'], does: 'steps', act: (actions) => actions.panel('steps') },
      { keys: ['2'], does: 'calls', act: (actions) => actions.panel('calls') },
      { keys: ['3'], does: 'gas by opcode', act: (actions) => actions.panel('gas') },
      { keys: ['4', '/'], does: 'search', act: (actions) => actions.panel('search') },
      { keys: ['5'], does: 'breakpoints', act: (actions) => actions.panel('breaks') },
      { keys: ['+'], does: 'zoom into the timeline', act: (actions) => actions.zoom(0.5) },
      { keys: ['-'], does: 'zoom out', act: (actions) => actions.zoom(2) },
      { keys: ['0'], does: 'show all steps', act: (actions) => actions.zoom(0) },
    ],
  },
  {
    title: 'Page',
    rows: [
      { keys: ['y'], does: 'copy a link to this step', act: (actions) => actions.copyLink() },
      { keys: ['i'], does: 'another input', act: (actions) => actions.leave() },
      { keys: ['m'], does: 'light or dark', act: (actions) => actions.theme() },
      { keys: ['?'], does: 'this help', act: (actions) => actions.help() },
    ],
  },
];

const ROWS = new Map(KEY_GROUPS.flatMap(({ rows }) => rows.flatMap((row) => row.keys.map((key) => [key, row] as const))));
const SHOWN: Record<string, string> = { ArrowRight: '→', ArrowLeft: '←', PageDown: 'PgDn', PageUp: 'PgUp' };

export function shownKey(key: string): string {
  return SHOWN[key] ?? (/^[A-Z]$/.test(key) ? `Shift ${key}` : key);
}

/** Whether the key belongs to the field that has the focus. */
function isTyped(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return target.matches('input, textarea, select, [contenteditable]');
}

const OFF = 'parallax-keys-off';
let on = localStorage.getItem(OFF) === null;

/** Keys without a modifier can be switched off, for people who speak to their computer. */
export function setKeysOn(value: boolean): void {
  on = value;
  if (value) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, '1');
}

export function keysAreOn(): boolean {
  return on;
}

export function onKey(event: KeyboardEvent, actions: Actions): void {
  if (!on && event.key !== '?') return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyped(event)) return;
  if (document.querySelector('dialog[open]')) return;
  const row = ROWS.get(event.key);
  if (!row) return;
  event.preventDefault();
  row.act(actions);
}
