//! For tests of the page: `parallax serve` with one engine more, `faulty`, which makes one mistake in every transaction.
//!
//! `faulty-server [PATH] [--port N] [--fault-step N] [--fault-opcode NAME]`: from step N on (default 0), the first execution
//! of the opcode (default ADD) has the lowest bit of its result flipped. It runs one session at a time.

use std::path::PathBuf;

use parallax_campaign::engines;
use parallax_devtool::{Config, Engines, Server};
use parallax_mini_interpreter::{Fault, FaultPlan, FaultyMini};
use parallax_primitives::Opcode;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut config, mut step, mut opcode) = (Config::default(), 0, Opcode::ADD);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("expected a value");
        match argument.as_str() {
            "--port" => config.port = value()?.parse()?,
            "--fault-step" => step = value()?.parse()?,
            "--fault-opcode" => opcode = Opcode::from_name(&value()?).ok_or("expected a mnemonic")?,
            _ => config.folder = Some(PathBuf::from(argument)),
        }
    }
    let plan = FaultPlan::new(Fault::FlipResult(0), opcode).from_step(step);
    config.engines =
        Engines::default().with(Box::leak(Box::new(engines::local("faulty", FaultyMini::new(plan)))));
    let server = Server::start(config)?;
    println!("{}", server.url());
    server.wait();
    Ok(())
}
