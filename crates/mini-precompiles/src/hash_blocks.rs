/// Hands on the blocks of a message as SHA-256 and RIPEMD-160 pad it: a bit that is set, zeros, and the message's length in
/// bits as `length`, in the byte order of the hash.
pub(crate) fn for_each_block(message: &[u8], length: [u8; 8], mut block: impl FnMut(&[u8; 64])) {
    let (whole, rest) = message.as_chunks::<64>();
    whole.iter().for_each(&mut block);

    let mut last = [0; 128];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    let end = if rest.len() < 56 { 64 } else { 128 };
    last[end - 8..end].copy_from_slice(&length);
    last[..end].as_chunks::<64>().0.iter().for_each(block);
}
