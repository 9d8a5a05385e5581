//! Analysed code, shared between frames and kept by code hash.
//!
//! Invariant: what the cache holds is bounded in bytes, whatever is run: [`SHARDS`] times two generations of [`SHARD_BYTES`], 256
//! MiB. A translation costs at most in proportion to the gas that its code has used before.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};
#[cfg(feature = "validate")]
use std::{collections::HashSet, sync::LazyLock};

use parallax_analysis::{FastCode, Malformed, PaddedCode, translate};
use parallax_primitives::{B256, Bytecode, Rules};

/// Gas that a code uses in the exact form, for each of its bytes behind the first [`FREE_BYTES`], before it is translated where
/// hotness decides: so a translation takes at most some dozen times as long as what was run before it.
const GAS_PER_BYTE: u64 = 2;
/// The gas of one call pays for so many.
const FREE_BYTES: usize = 64;

/// How much of what an engine ran was in the fast form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FastCounts {
    /// Basic blocks that were entered, counted while [block entries](parallax_hooks::Interest::Blocks) were observed.
    pub blocks: u64,
    /// Instructions of the fast form that ran, counted likewise.
    pub instructions: u64,
    /// Translations that were not as they must be: a mistake of this project. Such code runs in the exact form.
    pub refused: u64,
}

/// One code under one set of rules.
#[derive(Debug)]
pub(crate) struct Program {
    hash: B256,
    code: PaddedCode,
    rules: Rules,
    /// The fast form, once it was asked for; `None` if it has none.
    fast: OnceLock<Option<FastCode>>,
    entries: AtomicU32,
    spent: AtomicU64,
}

impl Program {
    fn new(code: &Bytecode, rules: Rules) -> Self {
        Self {
            hash: code.hash(),
            code: PaddedCode::new(code.bytes()),
            rules,
            fast: OnceLock::new(),
            entries: AtomicU32::new(0),
            spent: AtomicU64::new(0),
        }
    }

    pub(crate) fn code(&self) -> &PaddedCode {
        &self.code
    }

    /// The fast form, if it was made.
    pub(crate) fn fast(&self) -> Option<&FastCode> {
        self.fast.get()?.as_ref()
    }

    /// Counts an entry; answers how many there were before.
    pub(crate) fn enter(&self) -> u32 {
        self.entries.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts gas that the exact form used.
    pub(crate) fn spend(&self, gas: u64) {
        // Adding up could come round to zero; what has paid once has paid.
        if !self.pays_with(0) {
            self.spent.fetch_add(gas.min(u64::from(u32::MAX)), Ordering::Relaxed);
        }
    }

    /// Whether the gas that was used pays for a translation, together with `more` that is not counted yet.
    pub(crate) fn pays_with(&self, more: u64) -> bool {
        let spent = self.spent.load(Ordering::Relaxed).saturating_add(more);
        spent >= self.code.len().saturating_sub(FREE_BYTES) as u64 * GAS_PER_BYTE
    }

    /// Whether a frame that enters it from now on begins in the fast form, if there is one.
    fn is_warm(&self) -> bool {
        self.fast.get().is_some() || (self.entries.load(Ordering::Relaxed) > 0 && self.pays_with(0))
    }

    /// Bytes that it holds.
    fn size(&self) -> usize {
        self.code.bytes().len() + self.fast().map_or(0, FastCode::size) + ENTRY_BYTES
    }
}

type Programs = HashMap<(B256, Rules), Arc<Program>>;

/// Two generations: when the younger is full it becomes the older, and the older is dropped. What is used moves to the
/// younger one.
#[derive(Debug, Default)]
struct Shard {
    young: Programs,
    old: Programs,
    /// What the younger one holds. Only what is in it grows: see [`Cache::translated`].
    young_bytes: usize,
    /// Whether any code was not kept.
    has_dropped: bool,
}

const SHARDS: usize = 16;
/// Bytes that one generation of one shard may hold. A code that needs more, translated or not, is not kept: its frames have it.
const SHARD_BYTES: usize = 8 << 20;
/// What an entry costs besides its code.
const ENTRY_BYTES: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    refused: AtomicU64,
}

impl Cache {
    pub(crate) fn program(&self, code: &Bytecode, rules: Rules) -> Arc<Program> {
        let key = (code.hash(), rules);
        if let Some(found) = self.shard(&key.0).find(&key) {
            return found;
        }
        let program = Arc::new(Program::new(code, rules));
        self.shard(&key.0).insert(key, Arc::clone(&program));
        program
    }

    /// The fast form of `program`, made now if need be; `None` if it has none.
    pub(crate) fn translated<'p>(&self, program: &'p Arc<Program>) -> Option<&'p FastCode> {
        if let Some(made) = program.fast.get() {
            return made.as_ref();
        }
        let made = program.fast.get_or_init(|| match translate(&program.code, program.rules) {
            Ok(fast) => {
                #[cfg(feature = "validate")]
                prove(program, &fast);
                Some(fast)
            }
            Err(Malformed::TooLong(_) | Malformed::TooDear) => None,
            Err(Malformed::Instruction { .. } | Malformed::Table(_)) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
        });
        #[cfg(feature = "tracing")]
        tracing::trace!(code = %program.hash, bytes = program.code.len(), has_fast_form = made.is_some(), "translated");
        self.shard(&program.hash).grew(program);
        made.as_ref()
    }

    /// How many translations were not as they must be.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether each code that was entered begins in its fast form from now on.
    pub(crate) fn is_warm(&self) -> bool {
        (0..SHARDS).all(|shard| self.lock(shard).is_warm())
    }

    fn shard(&self, hash: &B256) -> MutexGuard<'_, Shard> {
        self.lock(usize::from(hash[0]) % SHARDS)
    }

    fn lock(&self, shard: usize) -> MutexGuard<'_, Shard> {
        // Nothing in a shard is half done when a thread panics.
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A translation that is not equal to its code ends the test that made it. What is proved once of a code is proved: its translation
/// is always the same. (Tests make an engine, and so a translation, for each case.)
#[cfg(feature = "validate")]
fn prove(program: &Program, fast: &FastCode) {
    static PROVED: LazyLock<Mutex<HashSet<(B256, Rules)>>> = LazyLock::new(Mutex::default);
    let proved = || PROVED.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (program.hash, program.rules);
    if proved().contains(&key) {
        return;
    }
    if let Err(invalid) = parallax_analysis::validate(&program.code, program.rules, fast) {
        panic!("the translation of {} in {} is wrong: {invalid}", program.hash, program.rules);
    }
    proved().insert(key);
}

impl Shard {
    fn find(&mut self, key: &(B256, Rules)) -> Option<Arc<Program>> {
        if let Some(found) = self.young.get(key) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(key)?;
        self.insert(*key, Arc::clone(&found));
        Some(found)
    }

    fn is_warm(&self) -> bool {
        !self.has_dropped && self.young.values().chain(self.old.values()).all(|program| program.is_warm())
    }

    fn insert(&mut self, key: (B256, Rules), program: Arc<Program>) {
        let bytes = program.size();
        if bytes > SHARD_BYTES {
            self.has_dropped = true;
            return;
        }
        if self.young_bytes + bytes > SHARD_BYTES {
            self.has_dropped |= !self.old.is_empty();
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        self.young.insert(key, program);
    }

    /// Counts the translation of `program`, if that is kept here.
    fn grew(&mut self, program: &Arc<Program>) {
        let key = (program.hash, program.rules);
        let is_it = |kept: &mut Programs| kept.get(&key).is_some_and(|kept| Arc::ptr_eq(kept, program));
        if is_it(&mut self.young) {
            self.young.remove(&key);
            self.young_bytes -= program.size() - program.fast().map_or(0, FastCode::size);
        } else if is_it(&mut self.old) {
            self.old.remove(&key);
        } else {
            return;
        }
        self.insert(key, Arc::clone(program));
    }
}

#[cfg(test)]
mod tests {
    use parallax_primitives::Fork;

    use super::*;

    fn program(code: Vec<u8>) -> Arc<Program> {
        Arc::new(Program::new(&Bytecode::new(code.into()), Fork::Osaka.into()))
    }

    fn key(i: u64) -> (B256, Rules) {
        (B256::from(parallax_primitives::U256::from(i)), Fork::Osaka.into())
    }

    #[test]
    fn what_is_used_stays_and_the_rest_is_bounded() {
        let mut shard = Shard::default();
        let program = program(vec![0; 240_000]);
        shard.insert(key(0), Arc::clone(&program));
        for i in 1..500 {
            shard.insert(key(i), Arc::clone(&program));
            assert!(shard.find(&key(0)).is_some());
        }
        let held = shard.young.len() + shard.old.len();
        assert!(held <= 2 * SHARD_BYTES / 240_000, "{held} programs");
        assert!(shard.find(&key(1)).is_none());
    }

    #[test]
    fn a_generation_is_full_at_its_last_byte() {
        let mut shard = Shard::default();
        let program = program(vec![0; SHARD_BYTES / 32 - ENTRY_BYTES - parallax_analysis::CODE_PADDING]);
        for i in 0..33u64 {
            assert_eq!((shard.young.len() as u64, shard.old.len()), (i, 0));
            shard.insert(key(i), Arc::clone(&program));
        }
        assert_eq!((shard.young.len(), shard.old.len(), shard.young_bytes), (1, 32, SHARD_BYTES / 32));
    }

    /// What a translation takes counts, wherever its code is kept; what alone is more than a generation holds is not kept.
    #[test]
    fn translations_count() {
        let cache = Cache::default();
        let fill = |cache: &Cache, held: &mut Vec<Arc<Program>>, translates: bool| {
            for i in 0..200u32 {
                // 24 KiB of code that become more than a MiB.
                let mut code: Vec<u8> = [0x5f, 0x5b].into_iter().cycle().take(24_576).collect();
                code.extend([0x63]);
                code.extend(i.to_be_bytes());
                let program = cache.program(&Bytecode::new(code.into()), Fork::Osaka.into());
                if translates {
                    assert!(cache.translated(&program).is_some());
                }
                held.push(program);
            }
        };
        let mut held = Vec::new();
        fill(&cache, &mut held, false);
        let sizes = |cache: &Cache| -> Vec<[usize; 2]> {
            let size = |kept: &Programs| kept.values().map(|program| program.size()).sum();
            let shards = cache.shards.iter().map(|shard| shard.lock().unwrap());
            shards
                .map(|shard| {
                    assert_eq!(shard.young_bytes, size(&shard.young));
                    [size(&shard.young), size(&shard.old)]
                })
                .collect()
        };
        sizes(&cache);
        for program in &held {
            assert!(cache.translated(program).is_some());
            assert!(program.size() > 1 << 20);
        }
        for [young, old] in sizes(&cache) {
            assert!(young <= SHARD_BYTES && old <= SHARD_BYTES, "{young}, {old}");
        }
        fill(&cache, &mut held, true);
        assert!(sizes(&cache).into_iter().flatten().all(|bytes| bytes <= SHARD_BYTES));
        let huge = cache.program(&Bytecode::new(vec![0x5b; 1 << 19].into()), Fork::Osaka.into());
        assert!(cache.translated(&huge).is_some() && huge.size() > SHARD_BYTES);
        let again = cache.program(&Bytecode::new(vec![0x5b; 1 << 19].into()), Fork::Osaka.into());
        assert!(!Arc::ptr_eq(&huge, &again));
        assert_eq!(cache.refused(), 0);
    }

    #[test]
    fn a_translation_is_paid_for() {
        let program = program(vec![0; 1064]);
        assert!(!program.pays_with(1999) && program.pays_with(2000));
        program.spend(1500);
        assert!(!program.pays_with(499) && program.pays_with(500));
        program.spend(u64::MAX);
        program.spend(u64::MAX);
        assert!(program.pays_with(0));
    }

    #[test]
    fn an_engine_is_warm_if_all_code_is() {
        let cache = Cache::default();
        let enter = |code: Vec<u8>, gas: u64| {
            let program = cache.program(&Bytecode::new(code.into()), Fork::Osaka.into());
            program.enter();
            program.spend(gas);
            program
        };
        assert!(cache.is_warm(), "nothing has run");
        enter(vec![0x5b; FREE_BYTES], 0);
        assert!(cache.is_warm(), "so little is free");
        let long = enter(vec![0x5b; FREE_BYTES + 8], 15);
        assert!(!cache.is_warm(), "15 gas for 8 bytes");
        long.spend(1);
        assert!(cache.is_warm(), "16 gas for 8 bytes");
        let late = enter(vec![0x5b; 1000], 0);
        assert!(!cache.is_warm());
        cache.translated(&late);
        assert!(cache.is_warm(), "translated, whatever was paid");
        enter(vec![0x5b; SHARD_BYTES], u64::MAX);
        assert!(!cache.is_warm(), "what is not kept is cold again");
    }

    #[test]
    fn a_code_is_kept_once_for_each_fork() {
        let cache = Cache::default();
        let codes: Vec<Bytecode> = (0..64u8).map(|i| Bytecode::new(vec![i].into())).collect();
        let programs: Vec<_> = codes.iter().map(|code| cache.program(code, Fork::Osaka.into())).collect();
        for (code, program) in codes.iter().zip(&programs) {
            let again = cache.program(code, Fork::Osaka.into());
            assert!(Arc::ptr_eq(program, &again));
            assert!(!Arc::ptr_eq(program, &cache.program(code, Fork::Prague.into())));
            assert_eq!((again.enter(), program.enter()), (0, 1));
        }
        let used = cache.shards.iter().filter(|shard| !shard.lock().unwrap().young.is_empty()).count();
        assert!(used > SHARDS / 2, "{used} shards hold 64 codes");
    }
}
