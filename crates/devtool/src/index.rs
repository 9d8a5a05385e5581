//! What a timeline needs of a million steps, gathered once: a row for every few steps, and where the sides begin to differ.

use crate::{
    allowance::STEPS_PER_LOOK,
    model::{self, Mismatch, When},
    pair::{Compares, Pair, mismatches},
    side::{Found, Side},
};

/// Steps of a block: no bucket of many steps is finer.
const BLOCK: u64 = 64;
/// Places where the sides begin to differ that are kept.
const MAX_NEWS: usize = 10_000;
/// A range of so many steps is not read from blocks, but step by step.
const EXACT_STEPS: u64 = 1 << 16;

/// The gathered rows of one side, and what differs between two.
#[derive(Debug, Default)]
pub(crate) struct Index {
    sides: [Vec<Bucket>; 2],
    /// Steps of every block at which the sides differ.
    mismatches: Vec<u32>,
    /// Steps at which they begin to differ, or to differ in another way, in order, and in what.
    pub(crate) news: Vec<(u64, Mismatch)>,
    /// There are more.
    pub(crate) truncated: bool,
    /// How steps are compared, and from which one on; `None` if they are not.
    pub(crate) compares: Option<Compares>,
}

/// Some steps of one side, summed up.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    depth: (u16, u16),
    gas: (u64, u64),
    halts: u32,
    /// The most frequent opcode, and how often it ran.
    opcode: (u8, u32),
}

/// Sums up steps, bucket by bucket.
struct Summing {
    size: u64,
    steps: u64,
    buckets: Vec<Bucket>,
    counts: [u32; 256],
}

impl Summing {
    fn new(size: u64) -> Self {
        Self { size: size.max(1), steps: 0, buckets: Vec::new(), counts: [0; 256] }
    }

    fn add(&mut self, found: &Found<'_>) {
        let halted = u32::from(found.halt.name().is_some());
        if self.steps.is_multiple_of(self.size) {
            self.counts = [0; 256];
            self.buckets.push(Bucket {
                depth: (found.depth, found.depth),
                gas: (found.gas, found.gas),
                halts: 0,
                opcode: (found.opcode.0, 0),
            });
        }
        self.steps += 1;
        let count = &mut self.counts[usize::from(found.opcode.0)];
        *count += 1;
        if let Some(bucket) = self.buckets.last_mut() {
            bucket.depth = (bucket.depth.0.min(found.depth), bucket.depth.1.max(found.depth));
            bucket.gas.1 = found.gas;
            bucket.halts += halted;
            if *count > bucket.opcode.1 {
                bucket.opcode = (found.opcode.0, *count);
            }
        }
    }
}

impl Index {
    /// Reads both sides through. `goes_on` is asked now and then whether anyone still wants to know where they differ.
    pub(crate) fn of(
        sides: [Option<&Side>; 2],
        compares: Option<Compares>,
        goes_on: &dyn Fn() -> bool,
    ) -> Self {
        let mut index = Self {
            sides: sides.map(|side| side.map_or(Vec::new(), |side| exact(side, 0, u64::MAX, BLOCK))),
            compares,
            ..Self::default()
        };
        if let ([Some(left), Some(right)], Some(compares)) = (sides, compares) {
            index.compare([left, right], compares, goes_on);
        }
        index
    }

    fn compare(&mut self, sides: [&Side; 2], compares: Compares, goes_on: &dyn Fn() -> bool) {
        let since = compares.since;
        let total = sides[0].len().max(sides[1].len());
        if since >= total {
            return;
        }
        self.mismatches = vec![0; usize::try_from(total.div_ceil(BLOCK)).unwrap_or(0)];
        let mut pair = Pair::new(sides, compares, since);
        let mut last_result = false;
        let mut counted = true;
        let mut step = since;
        while let Some(at) = pair.advance() {
            // What an opcode left behind is found by the next one; it is charged with it.
            let charges_last = at.news.is_some() && at.is_left_behind && step > since;
            if charges_last && !counted {
                self.count(step - 1);
            }
            match at.news {
                Some(news) if charges_last && !last_result => {
                    self.add(step - 1, Mismatch { when: When::After, ..news });
                }
                Some(news) if !charges_last => self.add(step, news),
                _ => {}
            }
            let result = at.result.filter(|_| at.parts.place.is_none() && !at.parts.ended);
            counted = !at.parts.is_same() || result.is_some();
            if counted {
                self.count(step);
            }
            last_result = result.is_some();
            if let Some(result) = result {
                self.add(step, result);
            }
            step += 1;
            if step.is_multiple_of(STEPS_PER_LOOK) && !goes_on() {
                self.truncated = true;
                return;
            }
        }
        self.truncated |= pair.is_tired();
    }

    fn count(&mut self, step: u64) {
        let block = usize::try_from(step / BLOCK).ok().and_then(|block| self.mismatches.get_mut(block));
        if let Some(block) = block {
            *block += 1;
        }
    }

    /// Makes the place that the comparison found the first one.
    pub(crate) fn begin_at(&mut self, step: u64, mismatch: Mismatch) {
        self.news.retain(|news| news.0 > step);
        self.add(step, mismatch);
    }

    /// Adds a place, if it is not there.
    fn add(&mut self, step: u64, mismatch: Mismatch) {
        let at = self.news.partition_point(|news| news.0 < step);
        if self.news.get(at).is_some_and(|news| news.0 == step) {
            return;
        }
        if self.news.len() < MAX_NEWS {
            self.news.insert(at, (step, mismatch));
        } else {
            self.truncated = true;
        }
    }

    /// Where the sides begin to differ from a step on.
    pub(crate) fn news_from(&self, step: u64) -> &[(u64, Mismatch)] {
        &self.news[self.news.partition_point(|news| news.0 < step)..]
    }

    /// The timeline of a range of the steps of the sides that this was made of.
    pub(crate) fn timeline(
        &self,
        sides: [Option<&Side>; 2],
        (from, to): (u64, u64),
        buckets: u64,
        page: usize,
    ) -> model::Timeline {
        let is_exact = to - from <= EXACT_STEPS;
        let (from, size) = if is_exact {
            (from, (to - from).div_ceil(buckets).max(1))
        } else {
            let from = from / BLOCK * BLOCK;
            (from, (to - from).div_ceil(buckets).div_ceil(BLOCK) * BLOCK)
        };
        let columns = |which: usize| {
            let side = sides[which]?;
            Some(columns(if is_exact {
                exact(side, from, to, size)
            } else {
                self.coarse(which, from, to, size)
            }))
        };
        let mismatches = match (sides, self.compares) {
            ([Some(left), Some(right)], Some(compares)) if is_exact => {
                exact_mismatches([left, right], compares, (from, to), size)
            }
            (_, None) => Vec::new(),
            _ => blocks(&self.mismatches, from, to, size).iter().map(|blocks| blocks.iter().sum()).collect(),
        };
        let divergences =
            self.news_from(from).iter().map(|news| news.0).take_while(|step| *step < to).take(page);
        model::Timeline {
            from,
            to,
            bucket_size: size,
            buckets: (to - from).div_ceil(size),
            left: columns(0),
            right: columns(1),
            mismatches,
            divergences: divergences.collect(),
        }
    }

    fn coarse(&self, which: usize, from: u64, to: u64, size: u64) -> Vec<Bucket> {
        blocks(&self.sides[which], from, to, size).into_iter().filter_map(join).collect()
    }
}

fn exact(side: &Side, from: u64, to: u64, size: u64) -> Vec<Bucket> {
    let mut walk = side.walk(from);
    let mut summing = Summing::new(size);
    while summing.steps < to - from
        && let Some(found) = walk.advance()
    {
        summing.add(&found);
    }
    summing.buckets
}

fn exact_mismatches(sides: [&Side; 2], compares: Compares, (from, to): (u64, u64), size: u64) -> Vec<u32> {
    let count = usize::try_from(to - from).unwrap_or(usize::MAX);
    let found = mismatches(sides, compares, from, count);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    found.chunks(size).map(|bucket| bucket.iter().map(|step| u32::from(step.is_some())).sum()).collect()
}

/// The blocks of every bucket.
fn blocks<T>(all: &[T], from: u64, to: u64, size: u64) -> Vec<&[T]> {
    let place = |step: u64| usize::try_from(step.div_ceil(BLOCK)).unwrap_or(usize::MAX).min(all.len());
    let range = &all[place(from)..place(to)];
    range.chunks(usize::try_from(size / BLOCK).unwrap_or(usize::MAX).max(1)).collect()
}

fn join(buckets: &[Bucket]) -> Option<Bucket> {
    let mut counts = [0; 256];
    let joined = buckets.iter().copied().reduce(|all, next| Bucket {
        depth: (all.depth.0.min(next.depth.0), all.depth.1.max(next.depth.1)),
        gas: (all.gas.0, next.gas.1),
        halts: all.halts + next.halts,
        opcode: all.opcode,
    })?;
    for bucket in buckets {
        counts[usize::from(bucket.opcode.0)] += bucket.opcode.1;
    }
    let most = (0..=u8::MAX).zip(counts).max_by_key(|(_, count)| *count);
    Some(Bucket { opcode: most.unwrap_or(joined.opcode), ..joined })
}

fn columns(buckets: Vec<Bucket>) -> model::TimelineSide {
    let mut side = model::TimelineSide::default();
    for bucket in buckets {
        side.depth_min.push(bucket.depth.0);
        side.depth_max.push(bucket.depth.1);
        side.gas_first.push(bucket.gas.0);
        side.gas_last.push(bucket.gas.1);
        side.opcodes.push(bucket.opcode.0);
        side.halts.push(bucket.halts);
    }
    side
}
