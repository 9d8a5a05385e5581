//! Code without runs of instructions.

use crate::{
    Search,
    chunks::take_away,
    code::{CodePlace, end_of, offsets},
    listing::spliced,
};

pub(crate) fn run(search: &mut Search<'_>) {
    for place in CodePlace::all(search.best()) {
        take_away(
            search,
            |case| offsets(place.code(case)).len(),
            |case, run| {
                let code = place.code(case);
                let offsets = offsets(code);
                let (start, end) = (offsets[run.start], end_of(code, offsets[run.end - 1]));
                let codes = spliced(code, start..end, &[]);
                codes.into_iter().map(|code| place.with(case, code)).collect()
            },
        );
    }
}
