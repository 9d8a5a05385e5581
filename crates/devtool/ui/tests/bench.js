// What the page does with a million steps, by the browser's own frame timing. It measures and does not judge.
import { readFileSync } from 'node:fs';
import { loop, openBrowser, serveParallax, startSession } from './harness.js';

const SECONDS = 3;
const server = await serveParallax();
const browser = await openBrowser();

/** Frames a second, and the longest frame, while `move` is called again and again. */
async function frames(page, move) {
  await page.evaluate(() => {
    const times = [];
    window.frameTimes = times;
    const tick = (time) => {
      times.push(time);
      if (window.frameTimes === times) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const start = performance.now();
  const share = () => (performance.now() - start) / (SECONDS * 1000);
  while (share() < 1) await move(share());
  const times = await page.evaluate(() => {
    const times = window.frameTimes;
    window.frameTimes = null;
    return times;
  });
  const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
  const rate = ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
  return `${rate.toFixed(1)} frames/s, 99 % of frames within ${gaps[Math.floor(gaps.length * 0.99)].toFixed(1)} ms, longest ${gaps.at(-1).toFixed(1)} ms`;
}

try {
  const before = performance.now();
  const session = await startSession(server, { source: { kind: 'code', code: loop(142_857) } });
  console.log(`record and compare ${session.totalSteps} steps: ${((performance.now() - before) / 1000).toFixed(2)} s`);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const load = performance.now();
  await page.goto(`${server.url}/#session=${session.id}&step=500000`);
  await page.locator('.comparison:not(.stale) .row .value').first().waitFor();
  await page.locator('.step-row.current .op:not(:text("…"))').waitFor();
  console.log(`first view of them: ${((performance.now() - load) / 1000).toFixed(2)} s`);

  const list = await page.locator('.virtual').first().boundingBox();
  await page.mouse.move(list.x + 50, list.y + 100);
  console.log(`scroll by the wheel: ${await frames(page, () => page.mouse.wheel(0, 90))}`);
  console.log(`drag the scroll bar: ${await frames(page, (share) => page.evaluate((to) => {
    const box = document.querySelector('.virtual');
    return new Promise((done) => requestAnimationFrame(() => done((box.scrollTop = to * (box.scrollHeight - box.clientHeight)))));
  }, share))}`);
  const strip = await page.locator('.timeline-strip').boundingBox();
  await page.mouse.move(strip.x, strip.y + 20);
  await page.mouse.down();
  console.log(`scrub the timeline: ${await frames(page, (share) => page.mouse.move(strip.x + share * strip.width, strip.y + 20))}`);
  await page.mouse.up();
  console.log(`hold the step key: ${await frames(page, () => page.keyboard.press('ArrowRight'))}`);
  const status = readFileSync(`/proc/${server.child.pid}/status`, 'utf8');
  const memory = (name) => Math.round(Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))?.[1]) / 1024);
  console.log(`the server holds ${memory('VmRSS')} MB, and held ${memory('VmHWM')} MB at most`);
} finally {
  await browser.close();
  server.child.kill();
}
