// Light or dark: what the system prefers, until somebody switches.

import { createSignal } from 'solid-js';

type Theme = 'light' | 'dark';
const KEY = 'parallax-theme';

function preferred(): Theme {
  const kept = localStorage.getItem(KEY);
  if (kept === 'light' || kept === 'dark') return kept;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

const [theme, setTheme] = createSignal<Theme>(preferred());
export { theme };

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    document.documentElement.dataset['theme'] = setTheme(preferred());
  });
}

export function toggleTheme(): void {
  const next = theme() === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEY, next);
  document.documentElement.dataset['theme'] = setTheme(next);
}
