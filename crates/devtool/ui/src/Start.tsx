// Where a comparison begins: a program, a state test, or two traces. A pasted hex string starts at once.

import { createResource, createSignal, For, Match, Show, Switch, type JSX } from 'solid-js';
import { ApiError, server, sessionApi } from './api';
import { counted, grouped } from './format';
import { toggleTheme } from './theme';
import type { CreateSession, Info, Mode, Source, TestCase, TraceInput } from './wire';

const EXAMPLES: { title: string; code: string }[] = [
  { title: 'storage and a hash', code: '0x60055b8080556001900380600257602060002060005260206000f3' },
  { title: 'nested calls', code: '0x600080808080305a60021cf160005260206000f3' },
  { title: 'ten thousand steps', code: '0x6105945b600190038060035700' },
];

const MODES: { mode: Mode; title: string; about: string }[] = [
  { mode: 'per_step', title: 'Each step', about: 'both engines, compared before and after every opcode' },
  { mode: 'per_call', title: 'Each call', about: 'both engines, compared in what their messages come to' },
  { mode: 'off', title: 'One engine', about: 'no comparison' },
];

type Tab = 'code' | 'test' | 'traces';
const TABS: { tab: Tab; title: string }[] = [
  { tab: 'code', title: 'Program' },
  { tab: 'test', title: 'State test' },
  { tab: 'traces', title: 'Two traces' },
];

/** What was typed, kept while the page lives: one comes back to change it. */
const [tab, setTab] = createSignal<Tab>('code');
const [code, setCode] = createSignal('');
const [format, setFormat] = createSignal<'hex' | 'assembly'>('hex');
const [calldata, setCalldata] = createSignal('');
const [value, setValue] = createSignal('');
const [gas, setGas] = createSignal('');
const [fork, setFork] = createSignal('');
const [prestate, setPrestate] = createSignal('');
const [mode, setMode] = createSignal<Mode>('per_step');
const [engines, setEngines] = createSignal<[string, string] | null>(null);
const [filter, setFilter] = createSignal('');
const [path, setPath] = createSignal('');
const [upload, setUpload] = createSignal<{ name: string; file: Record<string, unknown> } | null>(null);
/** Which case of the file; `index` counts those of one name and fork. */
const [chosen, setChosen] = createSignal<{ name?: string; fork?: string; index: number }>({ index: 0 });
const [traces, setTraces] = createSignal<[TraceInput | null, TraceInput | null]>([null, null]);

/** Byte code as it is pasted: hex digits, perhaps with a prefix and white space. */
function pastedHex(text: string): string | null {
  const bare = text.replace(/\s+/g, '').replace(/^0x/i, '');
  return bare.length >= 2 && bare.length % 2 === 0 && /^[0-9a-f]+$/i.test(bare) ? `0x${bare.toLowerCase()}` : null;
}

export function Start(props: { message: string | null; onSession: (id: string) => void }): JSX.Element {
  const [info, { refetch }] = createResource(server.info);
  const [sessions, { refetch: listSessions }] = createResource(async () => (await server.sessions()).sessions);
  const [error, setError] = createSignal<ApiError | null>(null);
  const [busy, setBusy] = createSignal(false);
  const chosenEngines = (): string[] => {
    const names = info()?.engines ?? [];
    const pair = engines() ?? [names[0] ?? 'primary', names[1] ?? names[0] ?? 'mini'];
    return mode() === 'off' ? [pair[0]] : pair;
  };

  const start = async (source: Source | string) => {
    if (busy()) return;
    setError(null);
    if (typeof source === 'string') {
      setError(new ApiError(source, 'bad_request'));
      return;
    }
    setBusy(true);
    const body: CreateSession = source.kind === 'traces' ? { source } : { source, mode: mode(), engines: chosenEngines() };
    try {
      props.onSession((await server.start(body)).id);
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(String(cause), 'unknown'));
    } finally {
      setBusy(false);
    }
  };
  const end = async (id: string) => {
    try {
      await sessionApi(id).close();
    } catch (cause) {
      setError(cause instanceof ApiError ? cause : new ApiError(String(cause), 'unknown'));
    }
    await listSessions();
  };
  const submit = (event?: Event) => {
    event?.preventDefault();
    const source = tab() === 'code' ? codeSource() : tab() === 'test' ? testSource() : traceSource();
    void start(source);
  };
  const onPaste = (event: ClipboardEvent) => {
    const target = event.target;
    const isField = target instanceof HTMLElement && target.matches('input, textarea');
    if (isField && (target.id !== 'code' || code() !== '')) return;
    const hex = pastedHex(event.clipboardData?.getData('text/plain') ?? '');
    if (!hex) return;
    event.preventDefault();
    setTab('code');
    setFormat('hex');
    setCode(hex);
    submit();
  };

  return (
    <div class="start" onPaste={onPaste}>
      <header class="top">
        <span class="brand">Parallax</span>
        <h1>One execution, two engines</h1>
        <span class="grow" />
        <span class="dim">{info() ? `${info()?.version}` : ''}</span>
        <button type="button" class="icon" aria-label="Light or dark" onClick={toggleTheme}>◐</button>
      </header>
      <main>
        <Show when={props.message}><p class="error" role="alert">{props.message}</p></Show>
        <Show when={info.error}>
          <div class="error" role="alert"><span>{String(info.error.message)}</span><button type="button" onClick={() => void refetch()}>Try again</button></div>
        </Show>
        <form class="inputs" onSubmit={submit}>
          <div class="tabs" role="tablist" aria-label="What to run">
            <For each={TABS}>
              {(one, at) => (
                <button type="button" role="tab" id={`start-${one.tab}`} aria-controls="start-panel" aria-selected={tab() === one.tab} tabindex={tab() === one.tab ? 0 : -1} onClick={() => setTab(one.tab)}
                  onKeyDown={(event) => {
                    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
                    const next = by && TABS[(at() + by + TABS.length) % TABS.length];
                    if (!next) return;
                    event.preventDefault();
                    setTab(next.tab);
                    document.getElementById(`start-${next.tab}`)?.focus();
                  }}>{one.title}</button>
              )}
            </For>
          </div>
          <div id="start-panel" role="tabpanel" aria-labelledby={`start-${tab()}`}>
            <Switch>
              <Match when={tab() === 'code'}><CodeInputs info={info()} onSubmit={submit} onExample={(text) => { setFormat('hex'); setCode(text); }} /></Match>
              <Match when={tab() === 'test'}><TestInputs info={info()} /></Match>
              <Match when={tab() === 'traces'}><TraceInputs info={info()} /></Match>
            </Switch>
          </div>
          <Show when={error()}>
            {(one) => <p class="error" role="alert">{one().field ? `${one().field}: ` : ''}{one().message}</p>}
          </Show>
          <div class="go">
            <Show when={tab() !== 'traces'}>
              <fieldset class="modes"><legend class="hidden">Compare</legend>
                <For each={MODES}>
                  {(one) => <label title={one.about}><input type="radio" name="mode" checked={mode() === one.mode} onChange={() => setMode(one.mode)} /><span>{one.title}</span></label>}
                </For>
              </fieldset>
              <For each={mode() === 'off' ? [0] : [0, 1]}>
                {(at) => (
                  <label class="inline"><span class="hidden">{at === 0 ? 'Left engine' : 'Right engine'}</span>
                    <select value={chosenEngines()[at] ?? ''} onChange={(event) => {
                      const pair: [string, string] = [chosenEngines()[0] ?? '', chosenEngines()[1] ?? info()?.engines[1] ?? ''];
                      pair[at] = event.currentTarget.value;
                      setEngines(pair);
                    }}>
                      <For each={info()?.engines}>{(name) => <option value={name} selected={name === chosenEngines()[at]}>{name}</option>}</For>
                    </select>
                  </label>
                )}
              </For>
            </Show>
            <span class="grow" />
            <button type="submit" class="strong" disabled={busy() || info.loading}>{busy() ? 'Starting…' : mode() === 'off' && tab() !== 'traces' ? 'Run' : 'Compare'}</button>
          </div>
        </form>
        <Show when={(sessions()?.length ?? 0) > 0}>
          <section class="sessions" aria-label="Open sessions">
            <h2>Open sessions</h2>
            <ul class="plain">
              <For each={[...(sessions() ?? [])].reverse().slice(0, 8)}>
                {(one) => (
                  <li>
                    <button type="button" class="match" onClick={() => props.onSession(one.id)}>
                      <span>{one.source.title}</span>
                      <span class="dim">{one.engines.join(' – ')} · {counted(one.totalSteps, 'step')} · {one.verdict?.kind ?? one.status}</span>
                    </button>
                    <button type="button" class="icon" aria-label={`End session ${one.source.title}`} title="End this session" onClick={() => void end(one.id)}>×</button>
                  </li>
                )}
              </For>
            </ul>
          </section>
        </Show>
      </main>
    </div>
  );
}

/** What the form says, or what it lacks. */
function codeSource(): Source | string {
  if (code().trim() === '') return 'Paste byte code or assembly first, or take an example.';
  const source: Source = { kind: 'code', code: code().trim(), format: format() };
  if (calldata().trim()) source.calldata = calldata().trim();
  if (value().trim()) source.value = value().trim();
  if (fork()) source.fork = fork();
  if (gas().trim()) {
    source.gas = Number(gas().replace(/[, _]/g, ''));
    if (!Number.isSafeInteger(source.gas) || source.gas < 0) return 'Gas is a whole number, for instance 1000000.';
  }
  if (prestate().trim()) {
    try {
      source.prestate = JSON.parse(prestate());
    } catch (cause) {
      return `The pre-state is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    }
  }
  return source;
}

function testSource(): Source | string {
  const file = upload();
  if (file) return { kind: 'upload', file: file.file, ...chosen() };
  if (!path()) return 'Choose a file of the list, or open one from your disk.';
  return { kind: 'test', path: path(), ...chosen() };
}

function traceSource(): Source | string {
  const [left, right] = traces();
  return left && right ? { kind: 'traces', left, right } : 'Choose a trace for each side.';
}

function CodeInputs(props: { info: Info | undefined; onSubmit: () => void; onExample: (code: string) => void }): JSX.Element {
  return (
    <div class="fields">
      <div class="field wide">
        <label for="code">Byte code or assembly</label>
        <textarea id="code" rows="7" value={code()} spellcheck={false} autocomplete="off" autofocus
          placeholder={format() === 'hex' ? '0x6001600201…   a hex string that is pasted here starts at once' : 'PUSH1 1\nPUSH1 2\nADD'}
          onInput={(event) => {
            setCode(event.currentTarget.value);
            setFormat(pastedHex(code()) || code().trim() === '' ? 'hex' : /[g-z]/i.test(code().replace(/^0x/i, '')) ? 'assembly' : 'hex');
          }}
          onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && props.onSubmit()} />
        <div class="under">
          <span class="dim">read as {format()}</span>
          <span class="grow" />
          <span class="dim">examples:</span>
          <For each={EXAMPLES}>{(one) => <button type="button" class="link" onClick={() => props.onExample(one.code)}>{one.title}</button>}</For>
        </div>
      </div>
      <div class="field wide"><label for="calldata">Calldata</label><input id="calldata" value={calldata()} placeholder="0x" spellcheck={false} autocomplete="off" onInput={(event) => setCalldata(event.currentTarget.value)} /></div>
      <div class="field"><label for="value">Value, in wei</label><input id="value" value={value()} placeholder="0" autocomplete="off" onInput={(event) => setValue(event.currentTarget.value)} /></div>
      <div class="field"><label for="gas">Gas</label><input id="gas" value={gas()} placeholder="as the server sets it" inputmode="numeric" autocomplete="off" onInput={(event) => setGas(event.currentTarget.value)} /></div>
      <div class="field"><label for="fork">Fork</label>
        <select id="fork" onChange={(event) => setFork(event.currentTarget.value)}>
          <For each={[...(props.info?.forks ?? [])].reverse()}>{(name) => <option value={name} selected={name === (fork() || props.info?.defaultFork)}>{name}</option>}</For>
        </select>
      </div>
      <details class="field wide more-fields" open={prestate() !== ''}>
        <summary>Pre-state</summary>
        <label for="prestate">Accounts as the <code>pre</code> of a state test, JSON</label>
        <textarea id="prestate" rows="5" value={prestate()} spellcheck={false} placeholder={'{"0x000000000000000000000000000000000000c0de": {"balance": "0x1", "storage": {"0x0": "0x1"}}}'} onInput={(event) => setPrestate(event.currentTarget.value)} />
      </details>
    </div>
  );
}

/** Reads a file of the user's, up to what the server takes. */
async function readText(file: File, info: Info | undefined): Promise<string> {
  const most = info?.limits.bodyBytes ?? 16 << 20;
  if (file.size > most) throw new Error(`${file.name} has ${grouped(file.size)} bytes; the server takes ${grouped(most)}.`);
  return file.text();
}

function TestInputs(props: { info: Info | undefined }): JSX.Element {
  const [files] = createResource(() => [props.info?.folder, filter()] as const, ([folder, text]) => (folder ? server.files(text, 'state_test') : undefined));
  const [cases] = createResource(() => [path(), upload()] as const, async ([chosenPath, file]): Promise<TestCase[]> => (file || !chosenPath ? [] : (await server.cases(chosenPath)).cases));
  const [error, setError] = createSignal<string | null>(null);
  const open = async (file: File | undefined) => {
    if (!file) return;
    try {
      setUpload({ name: file.name, file: JSON.parse(await readText(file, props.info)) });
      setError(null);
      setChosen({ index: 0 });
    } catch (cause) {
      setError(`${file.name} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  };
  return (
    <div class="fields">
      <div class="field wide"><label for="upload">From your disk</label><input id="upload" type="file" accept=".json,application/json" onChange={(event) => void open(event.currentTarget.files?.[0])} /></div>
      <Show when={error()}><p class="error" role="alert">{error()}</p></Show>
      <Show when={upload()}>
        {(file) => (
          <>
            <p class="dim wide">{file().name} <button type="button" class="link" onClick={() => setUpload(null)}>take it back</button></p>
            <div class="field half"><label for="upload-name">Test</label>
              <select id="upload-name" onChange={(event) => setChosen({ index: chosen().index, ...(event.currentTarget.value && { name: event.currentTarget.value }) })}>
                <For each={Object.keys(file().file)}>{(name) => <option value={name} selected={name === chosen().name}>{name}</option>}</For>
              </select>
            </div>
            <div class="field"><label for="upload-index">Number of its case, from 0</label>
              <input id="upload-index" inputmode="numeric" value={chosen().index} onInput={(event) => setChosen({ ...chosen(), index: Number.parseInt(event.currentTarget.value, 10) || 0 })} />
            </div>
          </>
        )}
      </Show>
      <Show when={!upload()}>
        <Show when={props.info?.folder} fallback={<p class="empty wide">This server was given no folder. Start it as <code>parallax serve FOLDER</code> to choose from its state tests, or open one from your disk.</p>}>
          <div class="field half"><label for="filter">Files below {props.info?.folder}</label>
            <input id="filter" value={filter()} placeholder="part of a path" autocomplete="off" spellcheck={false} onInput={(event) => setFilter(event.currentTarget.value)} />
            <select size="9" aria-label="Files" onChange={(event) => { setPath(event.currentTarget.value); setChosen({ index: 0 }); }}>
              <For each={files()?.files}>{(file) => <option value={file.path} selected={file.path === path()}>{file.path}</option>}</For>
            </select>
            <span class="dim">{files.loading ? 'Looking…' : files.error ? String(files.error.message) : `${grouped(files()?.files.length ?? 0)} of ${counted(files()?.total ?? 0, 'file')}`}</span>
          </div>
          <div class="field half"><label for="cases">Cases</label>
            <select id="cases" size="11" onChange={(event) => {
              const one = cases()?.[event.currentTarget.selectedIndex];
              if (one) setChosen({ name: one.name, fork: one.fork, index: one.index });
            }}>
              <For each={cases.error ? [] : cases()}>{(one, at) => <option selected={chosen().name === undefined ? at() === 0 : one.name === chosen().name && one.fork === chosen().fork && one.index === chosen().index}>{one.name} {one.fork} d{one.d} g{one.g} v{one.v}</option>}</For>
            </select>
            <span class="dim">{cases.error ? String(cases.error.message) : path() ? counted(cases()?.length ?? 0, 'case') : 'Choose a file first.'}</span>
          </div>
        </Show>
      </Show>
    </div>
  );
}

function TraceInputs(props: { info: Info | undefined }): JSX.Element {
  const [files] = createResource(() => props.info?.folder ?? undefined, () => server.files('', 'trace'));
  const [error, setError] = createSignal<string | null>(null);
  const put = (at: number, input: TraceInput | null) => setTraces((old) => (at === 0 ? [input, old[1]] : [old[0], input]));
  const open = async (at: number, file: File | undefined) => {
    if (!file) return;
    try {
      put(at, { text: await readText(file, props.info) });
      setError(null);
    } catch (cause) {
      setError(cause instanceof Error ? cause.message : String(cause));
    }
  };
  return (
    <div class="fields">
      <For each={['Left', 'Right']}>
        {(side, at) => (
          <div class="field half">
            <label for={`trace-${at()}`}>{side} trace, from your disk</label>
            <input id={`trace-${at()}`} type="file" onChange={(event) => void open(at(), event.currentTarget.files?.[0])} />
            <Show when={(files()?.files.length ?? 0) > 0}>
              <select aria-label={`${side} trace, below the folder`} onChange={(event) => put(at(), event.currentTarget.value ? { path: event.currentTarget.value } : null)}>
                <option value="">or below the folder…</option>
                <For each={files()?.files}>{(file) => <option value={file.path}>{file.path}</option>}</For>
              </select>
            </Show>
          </div>
        )}
      </For>
      <Show when={error()}><p class="error" role="alert">{error()}</p></Show>
      <p class="dim wide">EIP-3155 lines of {props.info?.clients.join(', ') ?? 'nine clients'}; whose they are is found out.</p>
    </div>
  );
}
