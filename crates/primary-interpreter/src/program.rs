//! Analysed code, shared between frames and kept by code hash.
//!
//! Invariant: what the cache holds is bounded in bytes of code, whatever is run.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use parallax_analysis::{FastCode, PaddedCode, translate};
use parallax_primitives::{B256, Bytecode, Fork};

/// One code under the rules of one fork.
#[derive(Debug)]
pub(crate) struct Program {
    code: PaddedCode,
    fork: Fork,
    fast: OnceLock<FastCode>,
    entries: AtomicU32,
}

impl Program {
    fn new(code: &Bytecode, fork: Fork) -> Self {
        Self { code: PaddedCode::new(code.bytes()), fork, fast: OnceLock::new(), entries: AtomicU32::new(0) }
    }

    pub(crate) fn code(&self) -> &PaddedCode {
        &self.code
    }

    /// The fast form, if it was made.
    pub(crate) fn fast(&self) -> Option<&FastCode> {
        self.fast.get()
    }

    /// The fast form, made now if need be.
    pub(crate) fn translated(&self) -> &FastCode {
        self.fast.get_or_init(|| translate(&self.code, self.fork))
    }

    /// Counts an entry; answers how many there were before.
    pub(crate) fn enter(&self) -> u32 {
        self.entries.fetch_add(1, Ordering::Relaxed)
    }
}

type Programs = HashMap<(B256, Fork), Arc<Program>>;

/// Two generations: when the younger is full it becomes the older, and the older is dropped. What is used moves to the
/// younger one.
#[derive(Debug, Default)]
struct Shard {
    young: Programs,
    old: Programs,
    young_bytes: usize,
}

const SHARDS: usize = 16;
/// Bytes of code in one generation of one shard; translated, a byte of code takes up to 60 bytes.
const SHARD_BYTES: usize = 1 << 20;
/// What an entry costs besides its code, counted as bytes of code.
const ENTRY_BYTES: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
}

impl Cache {
    pub(crate) fn program(&self, code: &Bytecode, fork: Fork) -> Arc<Program> {
        let key = (code.hash(), fork);
        let shard = usize::from(key.0[0]) % SHARDS;
        if let Some(found) = lock(&self.shards[shard]).find(&key) {
            return found;
        }
        let program = Arc::new(Program::new(code, fork));
        lock(&self.shards[shard]).insert(key, Arc::clone(&program));
        program
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // Nothing in a shard is half done when a thread panics.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    fn find(&mut self, key: &(B256, Fork)) -> Option<Arc<Program>> {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(key)?;
        self.insert(*key, Arc::clone(&found));
        Some(found)
    }

    fn insert(&mut self, key: (B256, Fork), program: Arc<Program>) {
        let bytes = program.code.len() + ENTRY_BYTES;
        if self.young_bytes + bytes > SHARD_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        self.young.insert(key, program);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut shard = Shard::default();
        let program = Arc::new(Program::new(&Bytecode::new(vec![0; 24_000].into()), Fork::Osaka));
        let key = |i: u64| (B256::from(parallax_primitives::U256::from(i)), Fork::Osaka);
        shard.insert(key(0), Arc::clone(&program));
        for i in 1..500 {
            shard.insert(key(i), Arc::clone(&program));
            assert!(shard.find(&key(0)).is_some());
        }
        let held = shard.young.len() + shard.old.len();
        assert!(held <= 2 * SHARD_BYTES / 24_000, "{held} programs");
        assert!(shard.find(&key(1)).is_none());
    }

    #[test]
    fn a_generation_is_full_at_its_last_byte() {
        let mut shard = Shard::default();
        let len = SHARD_BYTES / 32 - ENTRY_BYTES;
        let program = Arc::new(Program::new(&Bytecode::new(vec![0; len].into()), Fork::Osaka));
        for i in 0..33u64 {
            assert_eq!((shard.young.len() as u64, shard.old.len()), (i, 0));
            shard.insert((B256::from(parallax_primitives::U256::from(i)), Fork::Osaka), Arc::clone(&program));
        }
        assert_eq!((shard.young.len(), shard.old.len(), shard.young_bytes), (1, 32, SHARD_BYTES / 32));
    }

    #[test]
    fn a_code_is_kept_once_for_each_fork() {
        let cache = Cache::default();
        let codes: Vec<Bytecode> = (0..64u8).map(|i| Bytecode::new(vec![i].into())).collect();
        let programs: Vec<_> = codes.iter().map(|code| cache.program(code, Fork::Osaka)).collect();
        for (code, program) in codes.iter().zip(&programs) {
            let again = cache.program(code, Fork::Osaka);
            assert!(Arc::ptr_eq(program, &again));
            assert!(!Arc::ptr_eq(program, &cache.program(code, Fork::Prague)));
            assert_eq!((again.enter(), program.enter()), (0, 1));
        }
        let used = cache.shards.iter().filter(|shard| !lock(shard).young.is_empty()).count();
        assert!(used > SHARDS / 2, "{used} shards hold 64 codes");
    }
}
