//! Transactions, fast: the engine keeps what it has translated, so the next run of the same code is quicker.

use parallax::{
    engine::run_transaction, hooks::NoHooks, local_engine::LocalEngine, memory_database::MemoryDatabase,
    precompiles::Contracts, primary_interpreter::Primary, primitives::*,
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let to = Some(address!("0000000000000000000000000000000000000002")); // SHA-256
    let transaction = Transaction {
        to,
        gas_limit: 50_000,
        input: Bytes::from_static(b"parallax"),
        ..Transaction::default()
    };
    let engine = LocalEngine::new("primary", Primary::new(), &Contracts);
    let (block, mut database) = (BlockEnv::default(), MemoryDatabase::default());
    for nonce in 0..3 {
        let transaction = Transaction { nonce, ..transaction.clone() };
        let done = run_transaction(&engine, Fork::Osaka, &block, &database, &transaction, &mut NoHooks)?;
        println!("{:?}", done.outcome);
        database.apply(&done.changes);
    }
    Ok(())
}
