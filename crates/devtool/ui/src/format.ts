// Numbers and bytes as people read them. Everything here is text in, text out: no markup is ever made from data.

/** A piece of a value, and whether the other engine has something else there. */
export interface Segment {
  text: string;
  differs: boolean;
}

/** `1234567` as `1,234,567`. */
export function grouped(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** The number of a step, as people and traces count: from 1, where the API counts from 0. */
export function ordinal(index: number): string {
  return grouped(index + 1);
}

/** A difference with its sign: `+19,900`, `−3`, `0`. */
export function signed(value: number | bigint): string {
  if (value === 0 || value === 0n) return '0';
  return value < 0 ? `−${grouped(-value)}` : `+${grouped(value)}`;
}

/** What was charged of state gas and which gas paid it, or what was given back and to which; `moved` is what of it was execution gas. */
export function stateGas(cost: number | bigint, moved: number | bigint | undefined): string {
  const [all, execution] = [BigInt(cost), moved === undefined ? null : BigInt(moved)];
  const total = all < 0n ? signed(all) : grouped(all);
  if (execution === null || (all === 0n && execution === 0n)) return total;
  const reservoir = all - execution;
  const way = (gas: bigint) => (gas < 0n ? 'back to' : 'from');
  if (execution === 0n) return `${total} ${way(all)} the reservoir`;
  if (reservoir === 0n) return `${total} ${way(all)} execution gas`;
  const size = (gas: bigint) => grouped(gas < 0n ? -gas : gas);
  return `${total}: ${size(reservoir)} ${way(reservoir)} the reservoir, ${size(execution)} ${way(execution)} execution gas`;
}

/** The digits of a `0x` number without leading zeros; at least one. */
export function digits(hex: string): string {
  return hex.replace(/^0x0*(?=[0-9a-f])/i, '');
}

/** A word as short as it goes: `0x2a`. */
export function shortWord(hex: string): string {
  return `0x${digits(hex)}`;
}

/** An address with its middle left out, for where the whole one does not fit. */
export function shortAddress(address: string): string {
  return address.length > 14 ? `${address.slice(0, 8)}…${address.slice(-4)}` : address;
}

/** `0x` and at least four digits. */
export function hexNumber(value: number, width = 4): string {
  return `0x${value.toString(16).padStart(width, '0')}`;
}

/** The name of an opcode; one that the fork does not define is told apart from INVALID, which is 0xfe. */
export function opName(of: { opName: string; opcode: number }): string {
  return of.opName === 'INVALID' && of.opcode !== 0xfe ? `undefined ${hexNumber(of.opcode, 2)}` : of.opName;
}

/** Joins neighbours of one kind, so that the page has few elements. */
function joined(pairs: Iterable<readonly [string, boolean]>): Segment[] {
  const segments: Segment[] = [];
  for (const [text, differs] of pairs) {
    const last = segments.at(-1);
    if (last && last.differs === differs) last.text += text;
    else segments.push({ text, differs });
  }
  return segments;
}

/** A word beside the other engine's word, marked byte by byte. Both are written equally wide if they differ. */
export function wordSegments(value: string, other: string | undefined): Segment[] {
  if (other === undefined || digits(value) === digits(other)) return [{ text: shortWord(value), differs: false }];
  const own = digits(value);
  const theirs = digits(other);
  const width = Math.max(own.length, theirs.length) + (Math.max(own.length, theirs.length) % 2);
  return joined([['0x', false], ...bytePairs(own.padStart(width, '0'), theirs.padStart(width, '0'))]);
}

function* bytePairs(own: string, theirs: string): Generator<readonly [string, boolean]> {
  for (let at = 0; at < own.length; at += 2) {
    yield [own.slice(at, at + 2), own.slice(at, at + 2) !== theirs.slice(at, at + 2)];
  }
}

/** Bytes to a row of a memory dump, and bytes to a group within it. */
export const ROW_BYTES = 16;
const GROUP_BYTES = 4;

/** One row of a dump from hex digits without `0x`; bytes that the other side lacks or has otherwise are marked. */
export function dumpRow(own: string, theirs: string | undefined, row: number): Segment[] {
  const pairs: [string, boolean][] = [];
  const end = Math.min(own.length, (row + 1) * ROW_BYTES * 2);
  for (let at = row * ROW_BYTES * 2; at < end; at += 2) {
    const byte = own.slice(at, at + 2);
    const gap = at % (ROW_BYTES * 2) !== 0 && at % (GROUP_BYTES * 2) === 0;
    const differs = theirs !== undefined && theirs.slice(at, at + 2) !== byte;
    if (gap) pairs.push([' ', false]);
    pairs.push([byte, differs]);
  }
  return joined(pairs);
}

/** Hex digits without the `0x`. */
export function bare(hex: string): string {
  return hex.startsWith('0x') ? hex.slice(2) : hex;
}

/** Printable ASCII of hex digits, dots for the rest. */
export function ascii(hex: string): string {
  let text = '';
  for (let at = 0; at + 1 < hex.length; at += 2) {
    const code = Number.parseInt(hex.slice(at, at + 2), 16);
    text += code > 31 && code < 127 ? String.fromCharCode(code) : '·';
  }
  return text;
}

/** `1 step`, `2 steps`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}
