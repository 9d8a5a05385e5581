//! What a fork changed, and rules of one's own.

use parallax::{primitives::*, rules_file};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", rules_file::differences(Fork::Prague.into(), Fork::Osaka.into()));
    let rules =
        Rules::builder(Fork::Osaka).without(Eip::CalldataFloor7623).static_gas(Opcode::SLOAD, 50).build()?;
    assert_eq!(rules_file::read(&rules_file::write(rules))?, rules);
    Ok(())
}
