//! Changes on a world that does not change, beside a world that takes them.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::collections::BTreeMap;

use parallax_chain_node::Overlay;
use parallax_host_interface::{AccountChange, Database, StateChanges};
use parallax_memory_database::{Account, MemoryDatabase};
use parallax_primitives::{Address, Bytecode, U256};

/// Numbers that look drawn (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn code(&mut self) -> Bytecode {
        Bytecode::new(vec![u8::try_from(self.below(3)).unwrap() + 1].into())
    }

    fn slots(&mut self) -> BTreeMap<U256, U256> {
        (0..self.below(4)).map(|_| (U256::from(self.below(4)), U256::from(self.below(3)))).collect()
    }

    fn change(&mut self) -> AccountChange {
        match self.below(4) {
            0 => AccountChange::Deleted,
            _ => AccountChange::Changed {
                nonce: self.below(9),
                balance: U256::from(self.below(9)),
                code: (self.below(3) == 0).then(|| self.code()),
                storage: self.slots(),
                clears_storage: self.below(4) == 0,
            },
        }
    }
}

#[test]
fn an_overlay_is_the_world_with_its_changes() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..300 {
        let mut world = MemoryDatabase::default();
        for index in 0..3 {
            let (code, storage) = (numbers.code(), numbers.slots());
            let account = Account { nonce: index, code, storage, ..Account::default() };
            world.accounts.insert(Address::with_last_byte(u8::try_from(index).unwrap()), account);
        }
        let base = world.clone();
        let mut overlay = Overlay::new(&base);
        for _ in 0..5 {
            let address = Address::with_last_byte(u8::try_from(numbers.below(4)).unwrap());
            let changes = StateChanges { accounts: [(address, numbers.change())].into() };
            overlay.apply(&changes).unwrap();
            world.apply(&changes);
            for address in (0..4).map(Address::with_last_byte) {
                let (found, expected) = (overlay.account(address).unwrap(), world.account(address).unwrap());
                assert_eq!(found, expected);
                if let Some(account) = expected {
                    let code = overlay.code(account.code_hash).unwrap();
                    assert_eq!(code, world.accounts[&address].code);
                }
                for key in (0..4).map(U256::from) {
                    assert_eq!(overlay.storage(address, key).unwrap(), world.storage(address, key).unwrap());
                }
            }
        }
    }
}
