// The page in a real browser, against the real server. `cargo xtask ui --test` builds both and runs this. No test knows how long
// anything takes: what is looked at once has been waited for, and what is waited for cannot be there before its time.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  ask, loop, openBrowser, openPage, PATIENCE, REPOSITORY, screenshot, serveFaulty, serveParallax, startSession, visit,
} from './harness.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const HOSTILE = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>';
/** 16 steps; ends in STOP. */
const SHORT = '0x6001600201600052600051600355600354600101505b00';

let browser;
let server;
let faulty;

before(async () => {
  [browser, server, faulty] = await Promise.all([
    openBrowser(),
    serveParallax('fixtures/state-tests'),
    // The first DUP1 at the step with index 100,000 or behind it flips the lowest bit of what it pushes: exactly that step.
    serveFaulty('--fault-opcode', 'DUP1', '--fault-step', '100000'),
  ]);
});
after(async () => {
  await browser?.close();
  server?.child.kill();
  faulty?.child.kill();
});

/** A test with a page of its own, which must not complain. */
function inPage(name, { at = () => server, ...options }, steps) {
  test(name, { timeout: 5 * PATIENCE }, async () => {
    const { page, complaints, close } = await openPage(browser, at(), options);
    try {
      await steps(page);
      assert.equal(await page.evaluate(() => window.owned), undefined, 'markup was made from data');
      assert.deepEqual(complaints, []);
    } catch (error) {
      await screenshot(page, `failed ${name}`);
      throw error;
    } finally {
      await close();
    }
  });
}

/** Opens a session in a page that is loaded anew, and waits until its step is shown in every part. */
const session = async (page, body, at = server, step = '') => {
  const { id } = await startSession(at, body);
  await visit(page, `${at.url}/#session=${id}${step}`);
  await settled(page);
  return id;
};
/** Begins to listen; what it answers waits until the newest socket of the page has heard of the server. */
const hearing = (page) => {
  let heard;
  page.on('websocket', (socket) => {
    heard = new Promise((resolve) => socket.on('framereceived', resolve));
  });
  return () => heard;
};
const program = (code, more = {}) => ({ source: { kind: 'code', code }, ...more });
const step = (page) => page.locator('#step');
/** Waits until the page shows the step of this number, from 1. */
const at = (page, number) =>
  page.waitForFunction((text) => document.querySelector('#step')?.value === text, number.toLocaleString('en-US'));
/** Waits until what the page shows is all of one step: its row, its state, and its line of the code if there is one. */
const settled = async (page) => {
  await page.locator('.comparison:not(.stale) .opcode').first().waitFor();
  await page.locator('.step-row.current .op:not(:text-is("…")), #panel:not(:has(.step-row))').first().waitFor();
  await page.locator('.line.current, .line.current-right, .listing .empty:not(:text("Loading"))').first().waitFor();
};
const opcode = (page, side = 0) => page.locator('.opcode').nth(side);
const row = (page, section, name) =>
  page.locator('details', { has: page.locator(`h2:text-is("${section}")`) }).locator('.row', { has: page.locator(`.name:text-is("${name}")`) });

inPage('an example is compared in two clicks', {}, async (page) => {
  await page.getByRole('button', { name: 'storage and a hash' }).click();
  await screenshot(page, 'start');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('.verdict.agree').waitFor();
  await opcode(page, 1).getByText('PUSH1').waitFor();
  assert.equal(await page.locator('.head').count(), 2);
});

inPage('all examples run and agree', {}, async (page) => {
  for (const name of ['storage and a hash', 'nested calls', 'ten thousand steps']) {
    await visit(page, `${server.url}/`);
    await page.getByRole('button', { name }).click();
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.locator('.verdict.agree').waitFor();
    assert.doesNotMatch(await page.locator('.status').textContent(), /halt|out of gas/i);
  }
});

inPage('a pasted hex string starts at once', {}, async (page) => {
  await page.locator('#code').waitFor();
  await page.evaluate((text) => {
    const data = new DataTransfer();
    data.setData('text/plain', text);
    document.querySelector('#code').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, SHORT);
  await page.locator('.verdict.agree').waitFor();
});

inPage('steps forth and back', {}, async (page) => {
  await session(page, program(SHORT));
  await at(page, 1);
  await page.getByRole('button', { name: 'Step ▸' }).click();
  await page.getByRole('button', { name: 'Step ▸' }).click();
  await at(page, 3);
  await opcode(page).getByText('ADD').waitFor();
  await row(page, 'Stack', '0').getByText('0x2').first().waitFor();
  await page.getByRole('button', { name: '◂ Back' }).click();
  await at(page, 2);
  await page.getByRole('button', { name: 'End' }).click();
  await page.locator('.opcode', { hasText: 'STOP' }).first().waitFor();
  await row(page, 'Storage', '0x3').getByText('0x3').first().waitFor();
});

inPage('steps over and out of calls', {}, async (page) => {
  // Calls itself with a quarter of its gas, some calls deep.
  await session(page, program('0x600080808080305a60021cf15000'));
  for (let key = 0; key < 9; key += 1) await page.keyboard.press('s');
  const call = 10;
  await at(page, call);
  await page.keyboard.press('n');
  await page.locator('.opcode', { hasText: 'POP' }).first().waitFor();
  await page.keyboard.press('b');
  await page.locator('.opcode', { hasText: 'STOP' }).first().waitFor();
  await page.locator('#step').fill(String(call + 1));
  await page.locator('#step').press('Enter');
  await at(page, call + 1);
  await settled(page);
  await page.locator('.row', { hasText: 'depth' }).getByText('2', { exact: true }).first().waitFor();
  await page.keyboard.press('o');
  await page.locator('.opcode', { hasText: 'POP' }).first().waitFor();
  await page.keyboard.press('2');
  await page.locator('.call-row').nth(1).click();
  await at(page, call + 1);
});

inPage('a deep link leads to its step and follows it', {}, async (page) => {
  const connected = hearing(page);
  const id = await session(page, program(SHORT), server, '&step=7');
  await at(page, 7);
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => location.hash.includes('step=8'));
  await page.reload();
  await at(page, 8);
  await visit(page, `${server.url}/#step=3`);
  await at(page, 3);
  await page.waitForFunction((newest) => location.hash.includes(`session=${newest}`), id);
  await visit(page, `${server.url}/#session=${id}&step=999`);
  await at(page, 16);
  await settled(page);
  await connected();
  await page.keyboard.press('i');
  const ends = page.locator('.sessions li').first().getByRole('button', { name: /^End session/ });
  await ends.waitFor();
  // The list is asked for again once the session has ended.
  const listed = page.waitForResponse((answer) => answer.url().endsWith('/sessions') && answer.request().method() === 'GET');
  await ends.click();
  await listed;
  await visit(page, `${server.url}/#session=${id}&step=3`);
  await page.getByText('The session of this link is over').waitFor();
});

inPage('a link that is followed on the page moves it, and so do Back and Forward', {}, async (page) => {
  const id = await session(page, program(SHORT));
  await page.evaluate((to) => (location.hash = `session=${to}&step=5&when=after`), id);
  await at(page, 5);
  await page.getByRole('button', { name: 'after', pressed: true }).waitFor();
  await page.keyboard.press('i');
  await page.locator('#code').waitFor();
  await page.goBack();
  await at(page, 5);
  await page.goForward();
  await page.locator('#code').waitFor();
});

inPage('two pages of one session do not move each other', {}, async (page) => {
  const id = await session(page, program(SHORT), server, '&step=3');
  await ask(server, 'POST', `/sessions/${id}/goto`, { stepIndex: 10 });
  await page.keyboard.press('ArrowRight');
  await at(page, 4);
});

inPage('a session that ends under the page says so', {}, async (page) => {
  const connected = hearing(page);
  const id = await session(page, program(SHORT));
  await connected();
  await page.evaluate((path) => fetch(path, { method: 'DELETE' }), `/api/v1/sessions/${id}`);
  await page.getByText('This session has ended: deleted').waitFor();
  await page.getByRole('button', { name: 'New session' }).click();
  await page.locator('#code').waitFor();
});

inPage('a session is left while its socket still connects', {}, async (page) => {
  // A socket that connects when the test says so, and complains as the browser does.
  await page.addInitScript(() => {
    window.WebSocket = class extends EventTarget {
      static CONNECTING = 0;
      static OPEN = 1;
      readyState = 0;
      constructor() {
        super();
        window.socket = this;
      }
      close() {
        if (this.readyState === 0) console.warn('WebSocket is closed before the connection is established.');
        this.readyState = 3;
      }
      open() {
        this.readyState = 1;
        this.dispatchEvent(new Event('open'));
      }
    };
  });
  await session(page, program(SHORT));
  await page.keyboard.press('i');
  await page.locator('#code').waitFor();
  assert.equal(await page.evaluate(() => window.socket.readyState), 0);
  assert.equal(await page.evaluate(() => (window.socket.open(), window.socket.readyState)), 3);
});

inPage('a breakpoint is set by a click and stops the run', {}, async (page) => {
  await session(page, program(loop(20)));
  await page.locator('.line', { hasText: 'DUP1' }).click();
  await page.locator('.line.broken').waitFor();
  for (const number of [6, 13]) {
    await page.getByRole('button', { name: 'Breakpoint', exact: true }).click();
    await at(page, number);
  }
  await page.getByRole('tab', { name: 'Breaks' }).click();
  await page.getByText('pc 0x0009').waitFor();
  await page.getByRole('button', { name: /^Remove breakpoint/ }).click();
  await page.getByText('No breakpoints.').waitFor();
  assert.equal(await page.locator('.line.broken').count(), 0);
});

/** Two frames with an opcode at pc 5, each in its own code. */
const CALLER = {
  code: '0x5f5f5f5f5f60aa5af15000',
  prestate: { '0x00000000000000000000000000000000000000aa': { code: '0x60016002015b5b00' } },
};

inPage('a breakpoint is in its code, and the code in sight is that of the frame', {}, async (page) => {
  // Steps 1 to 8 call, 9 to 14 are called.
  await session(page, { source: { kind: 'code', ...CALLER } }, server, '&step=11');
  await page.locator('.line.current', { hasText: 'ADD' }).waitFor();
  await page.locator('.line', { hasText: '0x0005' }).filter({ hasText: 'JUMPDEST' }).click();
  await page.locator('.line.broken').waitFor();
  await page.keyboard.press('Home');
  await at(page, 1);
  await page.locator('.line', { hasText: '0xaa' }).waitFor();
  assert.equal(await page.locator('.line.broken').count(), 0);
  // In the caller, 0x0005 is PUSH1 at step 6.
  await page.keyboard.press('c');
  await at(page, 12);
  await page.keyboard.press('5');
  await page.getByText('pc 0x0005 in 0x000000…00aa').waitFor();
  await page.locator('.line.broken.current').waitFor();
  await page.keyboard.press('t');
  await page.getByText('No breakpoints.').waitFor();
});

inPage('gas by opcode adds up to what the transaction took', {}, async (page) => {
  const id = await session(page, { source: { kind: 'code', ...CALLER } });
  await page.keyboard.press('3');
  const told = async (name) => Number((await page.locator('.gas-table tfoot tr', { hasText: name }).locator('td').nth(1).textContent()).replaceAll(',', ''));
  await page.locator('.gas-table tfoot tr', { hasText: 'gas used' }).waitFor();
  const { outcomes } = await ask(server, 'GET', `/sessions/${id}`);
  const rows = await page.locator('.gas-table tbody tr td:nth-child(3)').allTextContents();
  assert.equal(await told('gas used'), outcomes[0].gasUsed);
  assert.equal(await told('all opcodes'), rows.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0));
  // Neither precompiles nor refunds are here: the rest is the transaction's own.
  assert.equal(await told('besides'), 21_000);
  assert.equal((await told('all opcodes')) + (await told('besides')), outcomes[0].gasUsed);
});

inPage('an opcode that is not defined is told from INVALID', {}, async (page) => {
  await session(page, program('0x600c0c'), server, '&step=2');
  await opcode(page).getByText('undefined 0x0c', { exact: true }).waitFor();
  await page.locator('.step-row.current', { hasText: 'undefined 0x0c' }).waitFor();
  await page.locator('.line.current', { hasText: 'undefined 0x0c' }).waitFor();
  await session(page, program('0x600cfe'), server, '&step=2');
  await opcode(page).getByText('INVALID').waitFor();
});

inPage('search finds opcodes, places and values', {}, async (page) => {
  await session(page, program(SHORT));
  await page.keyboard.press('/');
  const search = async (kind, text) => {
    await page.getByLabel('Search for').selectOption(kind);
    await page.getByLabel('What').fill(text);
    await page.getByRole('button', { name: 'Search', exact: true }).click();
  };
  for (const [kind, text, number] of [['opcode', 'SSTORE', 9], ['pc', '0x04', 3], ['value', '3', 3]]) {
    await search(kind, text);
    await page.locator('.match').first().click();
    await at(page, number);
  }
  await search('value', '0x2a');
  await page.getByText('Nothing found.').waitFor();
  await search('opcode', HOSTILE);
  await page.locator('.search-told', { hasText: 'expected a mnemonic' }).waitFor();
  assert.equal(await page.locator('.match').count(), 0);
});

inPage('what was found before is gone while a search is under way', {}, async (page) => {
  await session(page, program(SHORT));
  await page.keyboard.press('/');
  await page.getByLabel('What').fill('SSTORE');
  await page.keyboard.press('Enter');
  await page.locator('.match').waitFor();
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route(/q=SLOAD/, async (route) => (await held, route.continue()));
  await page.getByLabel('What').fill('SLOAD');
  await page.keyboard.press('Enter');
  await page.getByText('Searching…').waitFor();
  assert.equal(await page.locator('.match').count(), 0);
  // An answer that comes late is not the answer to the question after it.
  await page.getByLabel('What').fill('JUMP');
  await page.keyboard.press('Enter');
  await page.getByText('Nothing found.').waitFor();
  const late = page.waitForResponse(/q=SLOAD/);
  go();
  await (await late).finished();
  await page.getByLabel('What').fill('STOP');
  await page.keyboard.press('Enter');
  await page.getByText('1 match.').waitFor();
});

inPage('an injected fault at step 100,001 of a million is found, and both sides are right', { at: () => faulty }, async (page) => {
  await session(page, program(loop(142_857), { engines: ['primary', 'faulty'] }), faulty);
  await page.locator('.verdict.diverge').waitFor();
  await page.keyboard.press('d');
  await at(page, 100_001);
  await settled(page);
  const left = row(page, 'Stack', '0').locator('.value').first();
  await left.locator('mark').waitFor();
  // 142,857 less 14,286 turns is 128,571.
  assert.equal(await left.textContent(), '0x01f63b');
  assert.equal(await row(page, 'Stack', '0').locator('.value').nth(1).textContent(), '0x01f63a');
  assert.equal(await left.locator('mark').textContent(), '3b');
  await page.keyboard.press('ArrowRight');
  await page.getByText('Still at step 100,001').waitFor();
  await screenshot(page, 'divergence-light');
  await page.locator('.badge').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('differs').first().waitFor();
  await screenshot(page, 'difference');
  await dialog.getByRole('button', { name: 'Continue past it' }).click();
  await page.waitForFunction(() => document.querySelector('#step').value !== '100,001');
  await page.keyboard.press('[');
  await at(page, 100_001);
});

/** Memory, storage and calls in a loop of some 60 steps; what the README shows. */
const SHOWN = `
    CALLDATASIZE @callee JUMPI
    PUSH 3000
loop:
    DUP1 PUSH 0 MSTORE
    PUSH 32 PUSH 0 KECCAK256 PUSH 32 MSTORE
    PUSH 32 PUSH 64 PUSH 64 PUSH 0 PUSH 0 ADDRESS GAS CALL POP
    PUSH 64 MLOAD DUP2 PUSH 3 AND SSTORE
    PUSH 1 SWAP1 SUB
    PUSH 0 DUP2 GT @loop JUMPI      ; no DUP1 but the one that goes into memory
    STOP
callee:
    PUSH 32 CALLDATALOAD PUSH 8 SHR PUSH 0 MSTORE
    PUSH 32 PUSH 0 RETURN`;

inPage('a difference in memory spreads to calls and storage', { at: () => faulty, scheme: 'dark' }, async (page) => {
  await session(page, { source: { kind: 'code', code: SHOWN, format: 'assembly' }, engines: ['primary', 'faulty'] }, faulty);
  await page.keyboard.press('d');
  await page.locator('.badge').waitFor();
  const stored = page.locator('details', { has: page.locator('h2:text-is("Storage")') }).locator('mark');
  while (await settled(page), (await stored.count()) === 0) {
    const before = await step(page).inputValue();
    await page.keyboard.press('x');
    await page.waitForFunction((text) => document.querySelector('#step').value !== text, before);
  }
  await screenshot(page, 'devtool');
  await page.keyboard.press('2');
  await page.locator('.call-row').nth(1).waitFor();
  await screenshot(page, 'devtool-calls');
});

/** A faulty DUP1, whose value goes into a log and to the end of much return data. */
const LATE = `
    PUSH 12000
loop:
    PUSH 1 SWAP1 SUB PUSH 0 DUP2 GT @loop JUMPI
    PUSH 0x2a DUP1 PUSH 0x1000 MSTORE
    PUSH 7 PUSH 32 PUSH 0x1000 LOG1
    PUSH 0 PUSH 0 PUSH 0x1400 PUSH 0 PUSH 4 GAS STATICCALL
    STOP`;

inPage('of logs and of much data, the bytes that differ are marked', { at: () => faulty }, async (page) => {
  await session(page, { source: { kind: 'code', code: LATE, format: 'assembly' }, engines: ['primary', 'faulty'] }, faulty);
  await page.getByRole('button', { name: /^diverge at step/ }).click();
  await page.locator('.badge', { hasText: 'stack' }).waitFor();
  await page.keyboard.press('End');
  await page.locator('.opcode', { hasText: 'STOP' }).first().waitFor();
  await settled(page);
  const marks = (title) => page.locator('details', { has: page.locator(`h2:text-is("${title}")`) }).locator('mark').allTextContents();
  assert.deepEqual(await marks('Logs'), ['2a', '2b']);
  // Byte 4,127 of 5,120.
  assert.deepEqual(await marks('Return data'), ['2a', '2b']);
  // Memory as well: where it differs is shown, and what is looked at then stays.
  assert.deepEqual(await marks('Memory'), ['2a', '2b']);
  await row(page, 'Memory', '0x1010').waitFor();
  await page.getByRole('button', { name: 'Before', exact: true }).click();
  await row(page, 'Memory', '0x0ee0').waitFor();
  await settled(page);
  await page.getByLabel('at', { exact: true }).fill('0x10');
  await page.keyboard.press('Enter');
  await row(page, 'Memory', '0x0000').waitFor();
  await page.getByRole('tab', { name: 'Search' }).click();
  await page.getByLabel('Search for').selectOption('value');
  await page.getByLabel('What').fill('0x2a');
  await page.keyboard.press('Enter');
  await page.locator('.match', { hasText: 'memory' }).first().click();
  await row(page, 'Memory', '0x1010').waitFor();
  await page.keyboard.press('End');
  await settled(page);
  await page.getByRole('button', { name: 'all 5,120 bytes' }).first().click();
  assert.deepEqual(await marks('Return data'), ['2a', '2b']);
  assert.equal((await row(page, 'Return data', '0x').locator('.value').first().textContent()).length, 2 + 2 * 5_120);
});

inPage('the next divergence is shown once the divergences are known', { at: () => faulty }, async (page) => {
  const { id } = await startSession(faulty, { source: { kind: 'code', code: LATE, format: 'assembly' }, engines: ['primary', 'faulty'] });
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route(/\/divergences\?/, async (route) => (await held, route.continue()));
  await visit(page, `${faulty.url}/#session=${id}&step=1`);
  await settled(page);
  await page.keyboard.press(']');
  go();
  await page.locator('.badge', { hasText: 'stack' }).waitFor();
  // A dialog tells a moment late that it was closed: that does not close the one that was opened since.
  await page.keyboard.press('v');
  await page.getByRole('dialog', { name: /differs$/ }).waitFor();
  await page.evaluate(() => {
    document.querySelector('dialog').close();
    document.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }));
    return new Promise((resolve) => setTimeout(resolve));
  });
  assert.equal(await page.getByRole('dialog', { name: 'Keys' }).count(), 1);
});

inPage('data that is not told whole says how long it is', {}, async (page) => {
  await session(page, { source: { kind: 'code', code: 'PUSH 5000 PUSH 0 LOG0 STOP', format: 'assembly' } }, server, '&step=4');
  await page.getByText('4,096 of 5,000 bytes are told').first().waitFor();
});

inPage('gas that differs after a step is shown', {}, async (page) => {
  const line = (pc, gas) => JSON.stringify({ pc, op: 0x58, gas, gasCost: '0x2', memSize: 0, stack: [], depth: 1, refund: 0, opName: 'PC' });
  const text = (second) => `${line(0, '0x10')}\n${line(1, second)}\n`;
  await session(page, { source: { kind: 'traces', left: { text: text('0xe') }, right: { text: text('0xd') } } });
  await page.keyboard.press('d');
  await page.locator('.badge', { hasText: 'gas' }).waitFor();
  await settled(page);
  assert.deepEqual(await page.locator('.facts mark').allTextContents(), ['14', '13']);
  assert.equal(await page.locator('.facts .delta').textContent(), ' −1');
});

inPage('scrubbing shows the step under the pointer', { at: () => faulty }, async (page) => {
  await session(page, program(loop(142_857), { engines: ['primary', 'faulty'] }), faulty);
  const box = await page.locator('.timeline-strip').boundingBox();
  const to = (share) => [box.x + share * box.width, box.y + 20];
  await page.mouse.move(...to(0.1));
  await page.mouse.down();
  for (let share = 10; share <= 50; share += 2) await page.mouse.move(...to(share / 100));
  await page.mouse.up();
  // The last move is two hundredths from the one before, and a pixel is less than a thousand steps.
  await page.waitForFunction(() => Math.abs(Number(document.querySelector('#step').value.replaceAll(',', '')) - 500_000) < 2_000);
  const shown = async () => Number((await step(page).inputValue()).replaceAll(',', ''));
  await settled(page);
  await page.locator('.step-row.current', { hasText: await step(page).inputValue() }).waitFor();
  await page.locator('.timeline-strip').press('ArrowLeft');
  const before = await shown();
  await page.keyboard.press('+');
  await page.locator('.timeline-strip').press('ArrowRight');
  await at(page, before + 1);
});

inPage('an export opens from disk, without a server', { at: () => faulty }, async (page) => {
  await session(page, program(loop(142_857), { engines: ['primary', 'faulty'] }), faulty);
  const download = async (name) => {
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name, exact: true }).click()]);
    const path = join(process.env.SCREENSHOTS ?? tmpdir(), file.suggestedFilename());
    await file.saveAs(path);
    return path;
  };
  const json = JSON.parse(readFileSync(await download('JSON'), 'utf8'));
  assert.equal(json.divergences.divergences[0].stepIndex, 100_000);
  const path = await download('Export HTML');
  const context = await browser.newContext({ offline: true });
  const opened = await context.newPage();
  const asked = [];
  opened.on('request', (request) => request.url().startsWith('file:') || asked.push(request.url()));
  await opened.goto(pathToFileURL(path).href);
  await opened.getByText('100001').or(opened.getByText('100,001')).first().waitFor();
  await screenshot(opened, 'export');
  assert.deepEqual(asked, []);
  await context.close();
});

inPage('hostile text stays text', {}, async (page) => {
  await page.locator('#code').fill(`PUSH1 1\n${HOSTILE}`);
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('.inputs > .error').waitFor();
  const line = { pc: 0, op: 1, gas: '0x10', gasCost: '0x3', memSize: 0, stack: ['0x1', '0x2'], depth: 1, refund: 0, opName: HOSTILE, error: HOSTILE };
  const text = `${JSON.stringify(line)}\n{"output":"","gasUsed":"0x3","error":${JSON.stringify(HOSTILE)}}\n`;
  await session(page, { source: { kind: 'traces', left: { text }, right: { text: text.replace('0x10', '0x11') } } });
  await page.locator('.badge').click();
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  const file = JSON.parse(readFileSync(`${REPOSITORY}fixtures/state-tests/creations.json`, 'utf8'));
  const [name] = Object.keys(file);
  await session(page, { source: { kind: 'upload', file: { [HOSTILE]: file[name] } } });
  await page.locator('h1', { hasText: '<img' }).waitFor();
});

inPage('a state test below the folder is found and run', {}, async (page) => {
  await page.getByRole('tab', { name: 'State test' }).click();
  await page.getByLabel(/^Files below/).fill('creations');
  await page.getByRole('listbox', { name: 'Files' }).selectOption('creations.json');
  await page.locator('#cases option').first().waitFor({ state: 'attached' });
  await screenshot(page, 'state-test');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('.verdict.agree').waitFor();
});

inPage('one engine alone', {}, async (page) => {
  await session(page, program(SHORT, { mode: 'off', engines: ['mini'] }));
  assert.equal(await page.locator('.head').count(), 1);
  assert.deepEqual(await page.locator('.step-row .op').first().allTextContents(), ['PUSH1']);
  assert.equal(await page.getByRole('button', { name: 'Divergence' }).count(), 0);
  await page.keyboard.press('e');
  await page.locator('.opcode', { hasText: 'STOP' }).waitFor();
});

inPage('the engines pause, go on, and can be ended', {}, async (page) => {
  // Hashes 128 KiB again and again: few steps, and each takes its time, so that the run is still on whenever one comes to it.
  const hashes = loop(0xffffff).replace('5b', '5b6202000060002050');
  const { id } = await ask(server, 'POST', '/sessions', {
    ...program(hashes, { limits: { seconds: 600 } }),
    source: { kind: 'code', code: hashes, gas: 1_000_000_000_000, fork: 'Cancun' },
  });
  await visit(page, `${server.url}/#session=${id}`);
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await page.keyboard.press('p');
  await page.getByText(/^paused at [1-9][0-9,]* steps, comparing/).waitFor();
  await screenshot(page, 'paused');
  await page.keyboard.press('p');
  await page.getByText(/^running [1-9]/).waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('cancelled').first().waitFor();
  await settled(page);
});

inPage('wrong input is told where it was given', {}, async (page) => {
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByText('Paste byte code or assembly first').waitFor();
  await page.locator('#code').fill('0x600');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.locator('.inputs > .error').waitFor();
  await page.locator('#code').fill('0x00');
  await page.locator('#gas').fill('many');
  await page.getByRole('button', { name: 'Compare' }).click();
  await page.getByText('Gas is a whole number').waitFor();
});

inPage('with the keyboard alone', { at: () => faulty }, async (page) => {
  await page.locator('#code:focus').waitFor();
  await page.locator('label', { hasText: 'Right engine' }).locator('option', { hasText: 'faulty' }).waitFor({ state: 'attached' });
  await page.keyboard.type(loop(142_857));
  // To the engines: the right one is the last of the list.
  while (!(await page.evaluate(() => document.activeElement?.closest('label')?.textContent.startsWith('Right engine')))) {
    await page.keyboard.press('Tab');
  }
  // The first letter chooses: what is typed slowly is not read as one word.
  await page.keyboard.press('f');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('.verdict.diverge').waitFor();
  await settled(page);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await screenshot(page, 'keys');
  await page.keyboard.press('Escape');
  await page.keyboard.press('d');
  await at(page, 100_001);
  await page.locator('.badge').waitFor();
  await page.keyboard.press('v');
  await page.getByRole('dialog', { name: /^Step 100,001/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('x');
  await page.keyboard.press('g');
  await page.keyboard.type('42');
  await page.keyboard.press('Enter');
  await at(page, 42);
  for (const [key, name] of [['2', 'Calls'], ['3', 'Gas'], ['5', 'Breaks'], ['1', 'Steps']]) {
    await page.keyboard.press(key);
    await page.getByRole('tab', { name, selected: true }).and(page.locator(':focus')).waitFor();
  }
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  await at(page, 43);
  await settled(page);
  await page.keyboard.press('t');
  await page.locator('.line.broken').waitFor();
  await page.keyboard.press('c');
  await at(page, 50);
  await page.keyboard.press('m');
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await page.keyboard.press('i');
  await page.locator('#code').waitFor();
});

inPage('the focus goes from part to part in the order of the page', {}, async (page) => {
  await session(page, program(SHORT));
  await page.locator('.line').first().waitFor();
  await page.evaluate(() => document.activeElement?.blur());
  const order = [];
  for (let key = 0; key < 40; key += 1) {
    await page.keyboard.press('Tab');
    const part = await page.evaluate(() => {
      const part = document.activeElement?.closest('.top, .timeline, .commands, .side, .comparison, .listing');
      return part?.className.split(' ')[0] ?? null;
    });
    if (part && order.at(-1) !== part) order.push(part);
    if (part === 'listing') break;
  }
  assert.deepEqual(order, ['top', 'timeline', 'commands', 'side', 'comparison', 'listing']);
});

const fact = (page, name) => page.locator('.facts .row', { has: page.locator(`.name:text-is("${name}")`) }).locator('.value').first().innerText();

for (const [width, height] of [[1280, 800], [390, 844]]) {
  inPage(`both gases are shown where there are two, at ${width} pixels`, { width, height }, async (page) => {
    const source = { kind: 'test', path: 'state_gas.json', name: 'state_gas/a_callee_repays_what_another_spilled' };
    await session(page, { source }, server, '&step=10');
    await page.locator('.verdict.agree').waitFor();
    const facts = async () => Promise.all(['gas left', 'reservoir', 'spilled', 'state gas'].map((name) => fact(page, name)));
    assert.deepEqual(await facts(), ['167,556', '0', '0', '97,920 from execution gas']);
    assert.equal(await page.locator('.step-row.current .state-gas').innerText(), '+97,920');
    await screenshot(page, `two-gases-${width}`, { fullPage: width < 500 });
    await page.locator('#step').fill('21');
    await page.locator('#step').press('Enter');
    await at(page, 21);
    await settled(page);
    assert.deepEqual(await facts(), ['166,206', '0', '0', '−97,920 back to the reservoir']);
    assert.match(await page.locator('.status').innerText(), /success, 133,260 gas \(45,340 execution, 97,920 state\)/);
    await page.getByRole('tab', { name: 'Calls' }).click();
    await page.locator('.call-row').nth(2).waitFor();
    const calls = await page.locator('.call-row .sub:last-child').allInnerTexts();
    assert.deepEqual(calls, ['state gas 97,920 from execution gas', 'state gas 97,920 from execution gas', 'state gas −97,920 · reservoir 0 → 97,920']);
    await page.getByRole('tab', { name: 'Gas' }).click();
    await page.locator('.gas-table tfoot tr').nth(3).waitFor();
    const sums = await page.locator('.gas-table tfoot tr').allInnerTexts();
    assert.deepEqual(sums.map((text) => text.trim().split(/\s+/).slice(-2)), [['30,340', '97,920'], ['15,000', '0'], ['45,340', '97,920'], ['paid', '133,260']]);
    const cut = await page.locator('.facts .name, .call-row > *').evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent));
    assert.deepEqual(cut, []);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    // Where there is one gas, nothing of it is shown.
    await session(page, program(SHORT));
    assert.equal(await page.locator('.facts .name:text-is("reservoir"), .state-gas, .baseline').count(), 0);
    await page.getByRole('tab', { name: 'Gas' }).click();
    await page.locator('.gas-table').waitFor();
    assert.doesNotMatch(await page.locator('body').innerText(), /state gas|reservoir|execution,/i);
  });
}

for (const [width, height] of [[1280, 800], [390, 844]]) {
  for (const scheme of ['light', 'dark']) {
    inPage(`accessible and in bounds at ${width} pixels, ${scheme}`, { at: () => faulty, width, height, scheme }, async (page) => {
      const check = async (name) => {
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
        const told = violations.map(({ id, impact, nodes }) => `${name}: ${impact} ${id}: ${nodes.map((node) => node.target).slice(0, 3).join(' | ')}`);
        assert.deepEqual(told, []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${name} is ${wide} pixels wide`);
        await screenshot(page, `${name}-${width}-${scheme}`, { fullPage: width < 500 });
      };
      await page.locator('#fork option').first().waitFor({ state: 'attached' });
      await check('start');
      await session(page, program(loop(142_857), { engines: ['primary', 'faulty'] }), faulty, '&step=100001');
      await page.locator('.comparison mark').first().waitFor();
      await check('session');
      for (const [name, content] of [['Calls', '.call-row'], ['Gas', '.gas-table'], ['Search', '#search-q'], ['Breaks', '.search .empty']]) {
        await page.getByRole('tab', { name }).click();
        await page.locator(content).first().waitFor();
        await check(name.toLowerCase());
      }
      await page.locator('.badge').click();
      await page.getByRole('dialog', { name: /^Step 100,001/ }).waitFor();
      await check('difference');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      await check('keys');
    });
  }
}
