use parallax_primitives::{B256, Bytes, FrameStatus, Rules};

use crate::{
    Dialect, Field, halt,
    object::{number, object},
    text,
};

/// What follows the step lines of a transaction and the tracer is not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Root of the post-state.
    pub state_root: Option<B256>,
    /// Wall time in nanoseconds, if asked for.
    pub time: Option<u64>,
    /// For a state test: its name and its d, g and v indexes.
    pub test: Option<(String, usize, usize, usize)>,
}

/// What a run has told of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closing {
    /// The rules it ran under; `None` if its start was told to others.
    pub(crate) rules: Option<Rules>,
    /// Output of the transaction's own frame.
    pub(crate) output: Bytes,
    /// Gas of the transaction, refunds taken off.
    pub(crate) gas_used: u64,
    /// What the transaction came to; `None` if it did not run to its end.
    pub(crate) status: Option<FrameStatus>,
}

impl Closing {
    fn pass(&self) -> bool {
        self.status.is_some_and(FrameStatus::is_success)
    }
}

impl Summary {
    /// Appends the client's last closing line, its newline included: nothing where that would say nothing. The line of the outermost
    /// frame, which geth and the specification have before it, the writer gave already.
    pub(crate) fn write(&self, dialect: Dialect, closing: &Closing, out: &mut Vec<u8>) {
        let [.., keys] = dialect.client().facts().closing else { return };
        if self.state_root.is_none() && keys.iter().all(|key| key.field == Field::StateRoot) {
            return;
        }
        let known =
            |out: &mut Vec<u8>, form, value: Option<u64>| value.is_some_and(|value| number(out, form, value));
        let index = |out: &mut Vec<u8>, form, of: fn(&(String, usize, usize, usize)) -> usize| {
            known(out, form, self.test.as_ref().map(|test| of(test) as u64))
        };
        object(out, keys, |key, out| match key.field {
            Field::StateRoot => {
                let Some(root) = self.state_root else { return false };
                if matches!(dialect, Dialect::Geth | Dialect::Eels) {
                    out.push(b' ');
                }
                quoted_bytes(out, root.as_slice())
            }
            Field::Output => quoted_bytes(out, &closing.output),
            Field::GasUsed => number(out, key.form, closing.gas_used),
            Field::Pass => {
                out.extend_from_slice(if closing.pass() { b"true" } else { b"false" });
                true
            }
            Field::Error => string(out, closing.status.and_then(halt::evmone_word)),
            Field::Fork => string(out, closing.rules.map(Rules::name)),
            Field::Test => string(out, self.test.as_ref().map(|test| test.0.as_str())),
            Field::Time => known(out, key.form, self.time),
            Field::D => index(out, key.form, |test| test.1),
            Field::G => index(out, key.form, |test| test.2),
            Field::V => index(out, key.form, |test| test.3),
            _ => false,
        });
    }
}

fn string(out: &mut Vec<u8>, value: Option<&str>) -> bool {
    let Some(value) = value else { return false };
    text::string(out, value);
    true
}

fn quoted_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    out.push(b'"');
    text::hex_bytes(out, bytes);
    out.push(b'"');
    true
}
