//! `parallax asm` and `parallax disasm`.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use parallax_analysis::{Invalid, Line, Op, PaddedCode, Validated, listing, translate, validate};
use parallax_assembly::disassemble as disassembly;
use serde_json::{Value, json};

use crate::{
    arguments::{AsmArguments, DisasmArguments},
    input::{CodeForm, code},
    report::Status,
};

pub(crate) fn assemble(arguments: &AsmArguments) -> Result<Status> {
    let code = code(&arguments.source, CodeForm::Assembly(arguments.rules.rules))?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", json!({ "code": code.to_string(), "size": code.len() }))?;
    } else {
        writeln!(out, "{code}")?;
    }
    Ok(Status::Well)
}

pub(crate) fn disassemble(arguments: &DisasmArguments) -> Result<Status> {
    let code = code(&arguments.code, CodeForm::Runtime)?;
    if arguments.fast {
        return list_fast(&PaddedCode::new(&code), arguments);
    }
    let listing = disassembly(&code, arguments.rules.rules);
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

/// Lists the fast form of `primary`, and proves it right if that is asked for.
fn list_fast(code: &PaddedCode, arguments: &DisasmArguments) -> Result<Status> {
    let rules = arguments.rules.rules;
    let fast = translate(code, rules)?;
    let mut out = BufWriter::new(io::stdout().lock());
    for line in listing(code, rules, &fast) {
        if arguments.json {
            writeln!(out, "{}", fast_json(&line))?;
            continue;
        }
        if line.op == Op::Enter && line.instr > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} {line}", if line.is_destination { '>' } else { ' ' })?;
    }
    let proved = if arguments.validate { Some(validate(code, rules, &fast)) } else { None };
    match &proved {
        None => {}
        Some(Ok(Validated { blocks, instructions })) if arguments.json => {
            writeln!(out, "{}", json!({ "equal": true, "blocks": blocks, "instructions": instructions }))?;
        }
        Some(Ok(Validated { blocks, instructions })) => {
            writeln!(out, "\nequal to the byte code: {blocks} blocks, {instructions} instructions")?;
        }
        Some(Err(Invalid { pc, instr, what, detail })) if arguments.json => {
            let what = what.to_string();
            let line = json!({ "equal": false, "pc": pc, "instr": instr, "what": what, "detail": detail });
            writeln!(out, "{line}")?;
        }
        Some(Err(invalid)) => writeln!(out, "\nnot equal to the byte code: {invalid}")?,
    }
    out.flush()?;
    Ok(if matches!(proved, Some(Err(_))) { Status::Failure } else { Status::Well })
}

fn fast_json(line: &Line) -> Value {
    let recovery = line.recovery.as_ref().map(|recovery| {
        let items: Vec<String> = recovery.items.iter().map(ToString::to_string).collect();
        json!({ "gas": recovery.unused_gas, "from": recovery.low, "items": items })
    });
    json!({
        "instr": line.instr,
        "pc": line.pc,
        "op": format!("{:?}", line.op),
        "operands": line.operands,
        "isDestination": line.is_destination,
        "recovery": recovery,
    })
}
