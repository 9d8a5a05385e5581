use parallax_block_tests::*;
use parallax_campaign::engines;
use parallax_engine_interface::Engine;
use parallax_hooks::NoHooks;
use parallax_state_tests::FixtureFile;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let primary = engines::primary();
    let engine: &dyn Engine = match &*args[1] {
        "mini" => engines::mini(),
        "revm" => &parallax_engine_revm::Revm,
        _ => &primary,
    };
    let (mut pass, mut pow, mut fail, mut host, mut unreadable) = (0, 0, 0, 0, 0);
    for path in &args[2..] {
        let file = match FixtureFile::open(path.as_ref()) {
            Ok(f) => f,
            Err(e) => {
                println!("{e}");
                unreadable += 1;
                continue;
            }
        };
        for test in file.tests() {
            let case = match test.and_then(|test| BlockCase::read(&test)) {
                Ok(c) => c,
                Err(e) => {
                    println!("UNREADABLE {e}");
                    unreadable += 1;
                    continue;
                }
            };
            let report = run(&case, &parallax_block::Blocks, &mut |_, job| engine.execute(job, &mut NoHooks));
            match report.end {
                CaseEnd::Passed => pass += 1,
                CaseEnd::ProofOfWork(_) => pow += 1,
                CaseEnd::Failed(e) => {
                    fail += 1;
                    println!("FAIL {path} {}: {}", case.name, e.chars().take(500).collect::<String>());
                }
                CaseEnd::Host(e) => {
                    host += 1;
                    println!("HOST {path} {}: {e}", case.name);
                }
            }
        }
    }
    println!("pass {pass} pow {pow} fail {fail} host {host} unreadable {unreadable}");
}
