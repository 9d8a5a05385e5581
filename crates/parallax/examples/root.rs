//! The root of a state.

use parallax::{
    memory_database::{Account, MemoryDatabase},
    primitives::*,
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = MemoryDatabase::default();
    let alice = Account { nonce: 1, balance: U256::from(10), ..Account::default() };
    world.accounts.insert(Address::repeat_byte(0xaa), alice);
    println!("{}", world.state_root());
    assert_ne!(world.state_root(), MemoryDatabase::default().state_root());
    Ok(())
}
