// The page: a start, or a session, as the address says.

import { createResource, createSignal, Match, Show, Switch, type JSX } from 'solid-js';
import { render } from 'solid-js/web';
import { ApiError, server, sessionApi } from './api';
import { readPlace, writePlace, type Place } from './link';
import { SessionView } from './SessionView';
import { Start } from './Start';
import './style.css';
import { applyTheme } from './theme';

function App(): JSX.Element {
  const [place, setPlace] = createSignal<Place>(readPlace(location.hash));
  // A link is to a session that may be over by now.
  const [known] = createResource(place, async (to): Promise<{ id: string } | { gone: string } | null> => {
    try {
      if (to.session) return { id: (await sessionApi(to.session).session()).id };
      if (to.step === null) return null;
      const newest = (await server.sessions()).sessions.at(-1);
      return newest ? { id: newest.id } : { gone: 'There is no session that this link could mean. Start one.' };
    } catch (error) {
      const isGone = error instanceof ApiError && error.code === 'not_found';
      return { gone: isGone ? 'The session of this link is over: the server was restarted, or it was idle for too long. Start a new one.' : String(error instanceof Error ? error.message : error) };
    }
  });
  const open = (id: string) => {
    const to = { session: id, step: null, after: false };
    history.pushState(null, '', writePlace(to));
    setPlace(to);
  };
  const leave = () => {
    history.pushState(null, '', location.pathname);
    setPlace({ session: null, step: null, after: false });
    document.title = 'Parallax';
  };
  const follow = () => {
    const to = readPlace(location.hash);
    if (to.session !== place().session) setPlace(to);
  };
  addEventListener('popstate', follow);

  const session = () => {
    const found = known();
    return found && 'id' in found ? found.id : undefined;
  };
  const gone = () => {
    const found = known();
    return found && 'gone' in found ? found.gone : null;
  };
  return (
    <Switch fallback={<p class="empty loading" role="status">Loading…</p>}>
      <Match when={!known.loading && session()}>
        {(id) => <Show when={id()} keyed>{(one) => <SessionView id={one} step={place().step} after={place().after} onLeave={leave} />}</Show>}
      </Match>
      <Match when={!known.loading}>
        <Start message={gone()} onSession={open} />
      </Match>
    </Switch>
  );
}

applyTheme();
const root = document.getElementById('root');
if (root) render(() => <App />, root);
