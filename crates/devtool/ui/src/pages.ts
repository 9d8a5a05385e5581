// The rows of a run, fetched by the page as they come into sight. What has left sight before its turn is not asked for, so that
// scrubbing over a million steps asks for a few pages and not for all.

import { createSignal, type Accessor } from 'solid-js';
import type { SessionApi } from './api';
import type { StepRow } from './wire';

const PAGE = 200;
/** Pages kept: 24,000 rows. */
const KEPT = 120;
const AT_ONCE = 2;
/** Pages that wait; older wishes are dropped. */
const WAITING = 3;

interface Page {
  rows: Accessor<StepRow[]>;
  fill: (rows: StepRow[]) => void;
  state: 'wanted' | 'asked' | 'there';
}

export class StepPages {
  private readonly pages = new Map<number, Page>();
  private readonly waiting: number[] = [];
  private asked = 0;

  constructor(private readonly api: SessionApi) {}

  /** The row, or `undefined` until it is there; reactive. */
  row(index: number): StepRow | undefined {
    const number = Math.floor(index / PAGE);
    let page = this.pages.get(number);
    if (page) {
      // The last one used is the last one dropped.
      this.pages.delete(number);
    } else {
      const [rows, fill] = createSignal<StepRow[]>([]);
      page = { rows, fill, state: 'wanted' };
    }
    this.pages.set(number, page);
    if (page.state === 'wanted') this.want(number);
    return page.rows()[index % PAGE];
  }

  /** Forgets all rows: the run has grown. */
  clear(): void {
    for (const page of this.pages.values()) page.state = 'wanted';
  }

  private want(number: number): void {
    const at = this.waiting.indexOf(number);
    if (at >= 0) this.waiting.splice(at, 1);
    this.waiting.push(number);
    if (this.waiting.length > WAITING) this.waiting.shift();
    queueMicrotask(() => this.ask());
  }

  private ask(): void {
    while (this.asked < AT_ONCE) {
      const number = this.waiting.pop();
      if (number === undefined) return;
      const page = this.pages.get(number);
      if (!page || page.state !== 'wanted') continue;
      page.state = 'asked';
      this.asked += 1;
      this.api
        .steps(number * PAGE, PAGE)
        .then((answer) => {
          page.state = 'there';
          page.fill(answer.steps);
        })
        .catch(() => {
          page.state = 'wanted';
        })
        .finally(() => {
          this.asked -= 1;
          this.forget();
          this.ask();
        });
    }
  }

  private forget(): void {
    for (const number of this.pages.keys()) {
      if (this.pages.size <= KEPT) return;
      this.pages.delete(number);
    }
  }
}
