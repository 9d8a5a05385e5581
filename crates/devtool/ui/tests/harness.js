// What the browser tests share: the servers, the browser, and a page that must not complain.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const needed = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run cargo xtask ui --test`);
  return value;
};

/** Milliseconds in which something that will happen has happened, however slow the machine is. Nobody waits so long in vain. */
export const PATIENCE = 120_000;

export const REPOSITORY = new URL('../../../../', import.meta.url).pathname;

/** Starts a server on a free port and answers its address. */
async function serve(program, args) {
  const child = spawn(program, args, { cwd: REPOSITORY, stdio: ['ignore', 'pipe', 'pipe'] });
  let told = '';
  const url = await new Promise((resolve, reject) => {
    const listen = (chunk) => {
      told += chunk;
      const found = told.match(/http:\/\/127\.0\.0\.1:\d+(?=\D)/);
      if (found) resolve(found[0]);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}: ${told}`)));
  });
  return { url, child };
}

export const serveParallax = (...args) => serve(needed('PARALLAX'), ['serve', '--port', '0', ...args]);
export const serveFaulty = (...args) => serve(needed('FAULTY_SERVER'), ['--port', '0', ...args]);

export async function openBrowser() {
  // Chromium's own sandbox cannot be used by root, which CI is.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: needed('CHROMIUM'), args });
}

/** A page at an address of the server. What it complains of, and where else it asks, is in `complaints`. */
export async function openPage(browser, server, { hash = '', width = 1280, height = 800, scheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // Answers that are errors are shown by the page, and listed by the console besides.
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !isAnswer) complaints.push(message.text());
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== 'data:' && origin !== server.url) complaints.push(`asks ${request.url()}`);
  });
  await visit(page, `${server.url}/${hash}`);
  return { page, complaints, close: () => context.close() };
}

/** Loads an address anew, also where only what is behind the # is another. */
export async function visit(page, url) {
  await page.goto('about:blank');
  await page.goto(url);
}

/** Asks the server, as programs do. */
export async function ask(server, method, path, content) {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    ...(content && { body: JSON.stringify(content), headers: { 'content-type': 'application/json' } }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  return answer;
}

/** Starts a session by the API and answers its id once the engines are through. */
export async function startSession(server, body) {
  let session = await ask(server, 'POST', '/sessions', body);
  while (session.status === 'running') {
    await new Promise((resolve) => setTimeout(resolve, 20));
    session = await ask(server, 'GET', `/sessions/${session.id}`);
  }
  return session;
}

/** A loop of seven opcodes, `turns` times: 7 × turns + 2 steps. DUP1 is at the steps 5, 12, 19 and so on. */
export const loop = (turns) => `0x62${turns.toString(16).padStart(6, '0')}5b600190038060045700`;

export async function screenshot(page, name, options = {}) {
  const folder = process.env.SCREENSHOTS ?? mkdtempSync(join(tmpdir(), 'parallax-'));
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), ...options });
}
