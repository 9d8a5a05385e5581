//! One line: a JSON object of a client's keys, in the order and the forms of the table.

use crate::{Form, Key, text};

/// Appends the object and its newline. `value` appends what a key has, or says that it has nothing here.
#[inline]
pub(crate) fn object(out: &mut Vec<u8>, keys: &[Key], mut value: impl FnMut(&Key, &mut Vec<u8>) -> bool) {
    let start = out.len();
    for key in keys {
        let before = out.len();
        out.extend_from_slice(key.field.prefix());
        if !value(key, out) {
            out.truncate(before);
        }
    }
    match out.get_mut(start) {
        // The comma before the first key.
        Some(comma) => *comma = b'{',
        None => out.push(b'{'),
    }
    out.extend_from_slice(b"}\n");
}

/// A number in the key's form: decimal, or quoted hexadecimal.
pub(crate) fn number(out: &mut Vec<u8>, form: Form, value: u64) -> bool {
    if form == Form::Hex {
        out.push(b'"');
        text::hex(out, value);
        out.push(b'"');
    } else {
        text::decimal(out, value);
    }
    true
}

/// The same of what may be below zero: in hexadecimal its two's complement.
pub(crate) fn signed(out: &mut Vec<u8>, form: Form, value: i64) -> bool {
    if form != Form::Hex {
        text::signed(out, value);
        return true;
    }
    number(out, form, value.cast_unsigned())
}

/// Text that needs no escapes, in quotes.
pub(crate) fn quoted(out: &mut Vec<u8>, text: &[u8]) -> bool {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
    true
}
