use parallax_primitives::{B256, Bytes, FrameStatus, Rules};

use crate::{Dialect, halt, text};

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
    /// Appends the summary as one line, its newline included. geth's and eels' is the state root alone, behind the line of the
    /// outermost frame that the writer gave already, evmone's a few fields in its own order; the others write the EIP's fields.
    pub(crate) fn write(&self, dialect: Dialect, closing: &Closing, out: &mut Vec<u8>) {
        let root = |out: &mut Vec<u8>| {
            if let Some(root) = self.state_root {
                let is_spaced = matches!(dialect, Dialect::Geth | Dialect::Eels);
                out.extend_from_slice(if is_spaced { b"\"stateRoot\": \"" } else { b"\"stateRoot\":\"" });
                text::hex_bytes(out, root.as_slice());
                out.push(b'"');
            }
        };
        if matches!(dialect, Dialect::Geth | Dialect::Eels) {
            if self.state_root.is_some() {
                out.push(b'{');
                root(out);
                out.extend_from_slice(b"}\n");
            }
            return;
        }
        if dialect == Dialect::Evmone {
            out.extend_from_slice(if closing.pass() { b"{\"pass\":true" } else { b"{\"pass\":false" });
            if let Some(word) = closing.status.and_then(halt::evmone_word) {
                out.extend_from_slice(b",\"error\":");
                text::string(out, word);
            }
            out.extend_from_slice(b",\"gasUsed\":\"");
            text::hex(out, closing.gas_used);
            out.push(b'"');
            if self.state_root.is_some() {
                out.push(b',');
                root(out);
            }
            out.extend_from_slice(b"}\n");
            return;
        }
        out.push(b'{');
        root(out);
        if self.state_root.is_some() {
            out.push(b',');
        }
        out.extend_from_slice(b"\"output\":\"");
        text::hex_bytes(out, &closing.output);
        out.extend_from_slice(b"\",\"gasUsed\":");
        match dialect {
            Dialect::Revm => text::decimal(out, closing.gas_used),
            _ => {
                out.push(b'"');
                text::hex(out, closing.gas_used);
                out.push(b'"');
            }
        }
        out.extend_from_slice(b",\"pass\":");
        out.extend_from_slice(if closing.pass() { b"true" } else { b"false" });
        if let Some(rules) = closing.rules {
            out.extend_from_slice(b",\"fork\":");
            text::string(out, rules.name());
        }
        if let Some(time) = self.time {
            out.extend_from_slice(b",\"time\":");
            text::decimal(out, time);
        }
        if let Some((name, d, g, v)) = &self.test {
            out.extend_from_slice(b",\"test\":");
            text::string(out, name);
            for (key, index) in [("d", d), ("g", g), ("v", v)] {
                out.extend_from_slice(format!(",\"{key}\":{index}").as_bytes());
            }
        }
        out.extend_from_slice(b"}\n");
    }
}
