//! Parts of a task, one after the other. One that fails does not stop the next.

use std::time::Instant;

use anyhow::{Result, ensure};

/// What was run: name, seconds, whether it failed.
#[derive(Default)]
pub(crate) struct Parts(Vec<(String, f64, bool)>);

impl Parts {
    pub(crate) fn run(&mut self, name: &str, part: impl FnOnce() -> Result<()>) {
        println!("\n== {name}");
        let start = Instant::now();
        let result = part();
        if let Err(error) = &result {
            println!("FAILED: {error:#}");
        }
        self.0.push((name.to_owned(), start.elapsed().as_secs_f64(), result.is_err()));
    }

    /// Prints what was run; an error if a part failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!();
        for (name, seconds, failed) in &self.0 {
            println!("{} {seconds:7.1} s  {name}", if *failed { "FAILED" } else { "ok    " });
        }
        let failed = self.0.iter().filter(|(_, _, failed)| *failed).count();
        ensure!(failed == 0, "{failed} of {} parts failed", self.0.len());
        Ok(())
    }
}
