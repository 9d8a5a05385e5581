//! `parallax statetest`: official tests on one engine.

use anyhow::Result;
use parallax_campaign::{Delivered, engines, statetest, test_json, test_text};

use crate::{
    arguments::StatetestArguments,
    report::{Status, complain},
    selection::{Printer, Selected},
};

pub(crate) fn run(arguments: &StatetestArguments) -> Result<Status> {
    let engine = engines::by_name(arguments.engine.name())?;
    let selected = Selected::find(&arguments.selection)?;
    let campaign = selected.campaign()?;
    let json = arguments.selection.json;
    let mut printer = Printer::new();
    let summary = statetest(&campaign, engine, |delivered, progress| {
        let text = match delivered {
            _ if json => Some(test_json(delivered)),
            Delivered::Unreadable(_) => None,
            Delivered::Case(..) => test_text(delivered, engine.name()),
        };
        if let Delivered::Unreadable(error) = delivered {
            printer.aside(|| complain(error));
        }
        printer.print(progress, text)
    })?;
    printer.finish(&summary.text(engine.name()), json)?;
    let counted = summary.passed + summary.failed + summary.unsupported + summary.unreadable;
    Ok(selected.status(summary.is_success(), counted, summary.unreadable))
}
