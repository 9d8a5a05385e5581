//! Compares two trace files.

use std::io::BufRead;

use crate::{CompareOptions, ReadError, Record, TraceAnswer, TraceComparison, TraceReader, exact};

/// Compares two traces in one pass, in memory that does not grow with their length: two of one client key by key, others in what both
/// say in the same terms.
///
/// # Errors
///
/// Those of reading either trace; the flag says whether it was the left one.
pub fn compare_traces<L: BufRead, R: BufRead>(
    mut left: TraceReader<L>,
    right: TraceReader<R>,
    options: CompareOptions,
) -> Result<TraceAnswer, (bool, ReadError)> {
    if left.client() == right.client() {
        return exact::compare(left, right, options);
    }
    let mut comparison = TraceComparison::new(left.client(), right).with(options);
    let right_error = |error| (false, error);
    for record in left.by_ref() {
        let found = match record.map_err(|error| (true, error))? {
            Record::Step(step) => comparison.step(step).map_err(right_error)?,
            Record::FrameExit(end) => {
                comparison.say(end);
                None
            }
            Record::End(end) => comparison.end(end).map_err(right_error)?,
        };
        if let Some(difference) = found {
            return Ok(comparison.into_gathered().answer(Err(difference)));
        }
    }
    let (outcome, gathered) = comparison.finish_all(left.other_keys()).map_err(right_error)?;
    Ok(gathered.answer(outcome))
}
