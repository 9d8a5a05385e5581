//! Assembly to byte code, and byte code to a listing.

use parallax::{
    assembly::{assemble, disassemble},
    primitives::Fork,
};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let code = assemble("PUSH 3 again: PUSH 1 SWAP1 SUB DUP1 @again JUMPI")?;
    let listing = disassemble(&code, Fork::Osaka);
    println!("{code}\n{listing}");
    assert_eq!(assemble(&listing.source())?, code);
    Ok(())
}
