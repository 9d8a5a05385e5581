//! `parallax asm` and `parallax disasm`.

use std::io::{self, Write};

use anyhow::Result;
use parallax_assembly::disassemble as disassembly;
use serde_json::json;

use crate::{
    arguments::{AsmArguments, DisasmArguments},
    input::Text,
    report::Status,
};

pub(crate) fn assemble(arguments: &AsmArguments) -> Result<Status> {
    let code = Text::read(&arguments.source)?.code(true, arguments.fork)?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", json!({ "code": code.to_string(), "size": code.len() }))?;
    } else {
        writeln!(out, "{code}")?;
    }
    Ok(Status::Well)
}

pub(crate) fn disassemble(arguments: &DisasmArguments) -> Result<Status> {
    let code = Text::read(&arguments.code)?.code(false, arguments.fork)?;
    let listing = disassembly(&code, arguments.fork);
    let mut out = io::stdout().lock();
    if arguments.json {
        for instruction in &listing.instructions {
            let line = json!({
                "pc": instruction.offset,
                "op": instruction.opcode.0,
                "opName": instruction.opcode.name(),
                "data": parallax_primitives::hex::encode_prefixed(instruction.data),
                "gas": instruction.gas,
                "startsBlock": instruction.starts_block,
                "defined": instruction.is_defined,
                "cutOff": instruction.is_cut_off,
            });
            writeln!(out, "{line}")?;
        }
    } else if arguments.source {
        write!(out, "{}", listing.source())?;
    } else {
        write!(out, "{listing}")?;
    }
    Ok(Status::Well)
}
