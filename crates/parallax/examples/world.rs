//! A world of one's own: every account has a hundred wei and no code.

use parallax::{
    engine::run_message,
    hooks::NoHooks,
    host::{AccountInfo, Database, HostError, NoPrecompiles},
    mini_interpreter::Mini,
    mini_machine::MiniEngine,
    primitives::*,
};

struct Generous;

impl Database for Generous {
    fn account(&self, _: Address) -> Result<Option<AccountInfo>, HostError> {
        Ok(Some(AccountInfo { nonce: 0, balance: U256::from(100), code_hash: KECCAK256_EMPTY }))
    }
    fn code(&self, _: B256) -> Result<Bytecode, HostError> {
        Ok(Bytecode::default())
    }
    fn has_storage(&self, _: Address) -> Result<bool, HostError> {
        Ok(false)
    }
    fn storage(&self, _: Address, _: U256) -> Result<U256, HostError> {
        Ok(U256::ZERO)
    }
    fn block_hash(&self, _: u64) -> Result<B256, HostError> {
        Ok(B256::ZERO)
    }
}

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let message =
        Message::call(Address::repeat_byte(1), Address::repeat_byte(2)).gas(100).value(U256::from(7));
    let engine = MiniEngine::new("mini", Mini, &NoPrecompiles);
    let done = run_message(&engine, Fork::Osaka, &Generous, &message, &mut NoHooks)?;
    println!("{:#?}", done.changes);
    Ok(())
}
