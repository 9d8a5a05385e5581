// The server's answers. Every number that may be above 2^53 is read exactly; every text is data and stays text.

import type {
  Breakpoint, Calls, Code, CreateSession, Cursor, Divergences, GasByOpcode, Info, Matches, RunCommand, Session, Sessions,
  SideName, State, StepCommand, Steps, TestCases, TestFiles, Timeline, When,
} from './wire';

export const SIDES: readonly SideName[] = ['primary', 'mini'];

/** An answer that is an error, with what the server says about it. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly field: string | null = null,
  ) {
    super(message);
  }
}

/** Reads JSON; integers that a double cannot hold become `bigint`. */
export function parseExact(text: string): unknown {
  if (!/[[:,]-?\d{16,}/.test(text)) return JSON.parse(text);
  const revive = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
      ? BigInt(context.source)
      : value;
  return JSON.parse(text, revive);
}

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const request: RequestInit = { method, credentials: 'omit' };
  if (body !== undefined) {
    request.body = typeof body === 'string' ? body : JSON.stringify(body);
    request.headers = { 'content-type': 'application/json' };
  }
  if (signal) request.signal = signal;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('The server does not answer. Is `parallax serve` still running?', 'offline');
  }
  const text = await response.text();
  if (response.ok) return (text ? parseExact(text) : undefined) as T;
  throw failure(text, response.status);
}

function failure(text: string, status: number): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; field: string | null } };
    return new ApiError(error.message, error.code, error.field);
  } catch {
    return new ApiError(`The server answered ${status}.`, 'unknown');
  }
}

type Query = Record<string, string | number | boolean | null | undefined>;

function query(values: Query): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return given.length ? `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}` : '';
}

export const server = {
  info: () => call<Info>('GET', '/info'),
  files: (filter: string, kind: 'state_test' | 'trace') =>
    call<TestFiles>('GET', `/tests${query({ filter, kind, limit: 200 })}`),
  cases: (path: string) => call<TestCases>('GET', `/tests/cases${query({ path, limit: 1000 })}`),
  sessions: () => call<Sessions>('GET', '/sessions'),
  start: (body: CreateSession) => call<Session>('POST', '/sessions', body),
};

/** The calls about one session. */
export function sessionApi(id: string) {
  const base = `/sessions/${encodeURIComponent(id)}`;
  return {
    session: () => call<Session>('GET', base),
    close: () => call<void>('DELETE', base),
    engines: (verb: 'pause' | 'resume' | 'cancel') => call<Session>('POST', `${base}/${verb}`),
    cursor: () => call<Cursor>('GET', `${base}/cursor`),
    step: (body: StepCommand) => call<Cursor>('POST', `${base}/step`, body),
    run: (body: RunCommand) => call<Cursor>('POST', `${base}/run`, body),
    proceed: () => call<Cursor>('POST', `${base}/continue`, {}),
    goto: (stepIndex: number) => call<Cursor>('POST', `${base}/goto`, { stepIndex }),
    steps: (from: number, limit: number) => call<Steps>('GET', `${base}/steps${query({ from, limit })}`),
    state: (index: number, when: When, memoryOffset: number, memoryLength: number) =>
      call<State>('GET', `${base}/steps/${index}/state${query({ when, memoryOffset, memoryLength })}`),
    divergences: () => call<Divergences>('GET', `${base}/divergences${query({ limit: 1000 })}`),
    timeline: (from: number, to: number, buckets: number) =>
      call<Timeline>('GET', `${base}/timeline${query({ from, to, buckets })}`),
    calls: (side: SideName, offset: number) => call<Calls>('GET', `${base}/calls${query({ side, offset, limit: 1000 })}`),
    gas: () => call<GasByOpcode>('GET', `${base}/gas`),
    code: (side: SideName, frame: number, offset: number) =>
      call<Code>('GET', `${base}/code${query({ side, call: frame, offset })}`),
    search: (kind: string, q: string, side: SideName, from: number) =>
      call<Matches>('GET', `${base}/search${query({ kind, q, side, from, limit: 200 })}`),
    breakpoints: () => call<{ breakpoints: Breakpoint[] }>('GET', `${base}/breakpoints`),
    setBreakpoints: (breakpoints: Breakpoint[]) =>
      call<{ breakpoints: Breakpoint[] }>('PUT', `${base}/breakpoints`, { breakpoints }),
    exportUrl: (format: 'html' | 'json') => `/api/v1${base}/export?format=${format}`,
    eventsUrl: () => `${location.origin.replace(/^http/, 'ws')}/api/v1${base}/events`,
  };
}

export type SessionApi = ReturnType<typeof sessionApi>;
