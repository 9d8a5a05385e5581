//! A generated case as an official state test.

use std::{
    fs,
    io::{self, Write},
};

use anyhow::{Context, Result, bail, ensure};
use parallax_block_data::SignedAuthorization;
use parallax_campaign::engines::EngineName;
use parallax_engine_interface::{EngineError, Execution};
use parallax_generator::{Case, secret_of};
use parallax_hooks::NoHooks;
use parallax_primitives::{Authorization, Rules, U256};
use parallax_state_tests::Raised;

use crate::state_test::{Filled, StateTest};

/// Writes it to `path`, or to standard output, with what comes of it on `engine` as what is expected.
pub(super) fn write(case: &Case, path: &str, title: &str, engine: EngineName) -> Result<()> {
    let text = text(case, path, title, engine).context("--write")?;
    match path {
        "-" => Ok(io::stdout().lock().write_all(text.as_bytes())?),
        path => fs::write(path, text).with_context(|| format!("{path}: cannot write the test")),
    }
}

/// The text of a file with it, which errors call `path`.
pub(super) fn text(case: &Case, path: &str, title: &str, engine: EngineName) -> Result<String> {
    let Case { rules, chain_id, block, transaction, database, .. } = case;
    ensure!(
        rules.name().parse::<Rules>().as_ref() == Ok(rules),
        "the rules {rules} have no name that a state test could have"
    );
    let authorizations: Result<Vec<_>> = transaction.authorizations.iter().map(signed).collect();
    let name: String = title.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let test = StateTest {
        name: name.replace("__", "_"),
        rules: *rules,
        chain_id: *chain_id,
        block,
        previous_hash: None,
        transaction,
        authorizations: &authorizations?,
        envelope: None,
        before: database,
    };
    let engine = engine.engine();
    let filled = test.fill(path, &*engine)?.context("the case comes to no end")?;
    let as_read = (filled.result.execution.clone(), rejection(&filled));
    let as_made = match engine.execute(&case.job(), &mut NoHooks) {
        Ok(execution) => (Some(execution), None),
        Err(EngineError::Rejected(rejection)) => (None, Some(rejection.to_string())),
        Err(EngineError::Host(error)) => bail!("{error}"),
    };
    if as_read != as_made {
        let what = |(execution, rejection): &(Option<Execution>, Option<String>)| match (execution, rejection)
        {
            (_, Some(reason)) => format!("refused: {reason}"),
            (Some(Execution { outcome: Some(outcome), .. }), None) => {
                format!("{}, gas used {}", outcome.status, outcome.gas_used)
            }
            _ => "nothing".to_owned(),
        };
        bail!(
            "as a state test it would come to something else ({}) than as it is ({}), so the format has no place for it",
            what(&as_read),
            what(&as_made)
        );
    }
    Ok(filled.text)
}

fn rejection(filled: &Filled) -> Option<String> {
    filled.result.exception.as_ref().map(|raised| match raised {
        Raised::Rejected(rejection) => rejection.to_string(),
        Raised::Malformed(reason) => reason.clone(),
    })
}

/// With the signature of its authority; one of nobody has none that is valid.
fn signed(authorization: &Authorization) -> Result<SignedAuthorization> {
    let Authorization { chain_id, address, nonce, authority } = *authorization;
    let Some(authority) = authority else {
        return Ok(SignedAuthorization {
            chain_id,
            address,
            nonce,
            y_parity: U256::ZERO,
            r: U256::ZERO,
            s: U256::ZERO,
        });
    };
    let signed =
        secret_of(authority).and_then(|secret| SignedAuthorization::by(chain_id, address, nonce, secret));
    signed.with_context(|| format!("nobody has the key of {authority}, who signs an authorization"))
}
