use crate::Opcode;

/// The items that DUPN, SWAPN or EXCHANGE is about, by its immediate byte (EIP-8024). Items are counted from the top, which is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// DUPN: a copy of this item comes on top.
    Copy(u8),
    /// SWAPN and EXCHANGE: these two change places. The second one is the deeper one.
    Exchange(u8, u8),
}

impl Reach {
    /// What `opcode` does with this byte behind it, which is zero where the code ends. `None` where the byte names no items, and the opcode
    /// fails ([`Halt::InvalidImmediate`](crate::Halt::InvalidImmediate)), and of every other opcode.
    #[inline]
    pub const fn of(opcode: Opcode, immediate: u8) -> Option<Reach> {
        let (item, other) = (SINGLES[immediate as usize], PAIRS[immediate as usize]);
        match (opcode, item, other) {
            (Opcode::DUPN, 1.., _) => Some(Reach::Copy(item)),
            (Opcode::SWAPN, 1.., _) => Some(Reach::Exchange(1, item + 1)),
            (Opcode::EXCHANGE, _, (1.., _)) => Some(Reach::Exchange(other.0 + 1, other.1 + 1)),
            _ => None,
        }
    }

    /// How many items there must be.
    pub const fn items(self) -> u8 {
        match self {
            Reach::Copy(item) | Reach::Exchange(_, item) => item,
        }
    }

    /// Items that it adds.
    pub const fn adds(self) -> u8 {
        match self {
            Reach::Copy(_) => 1,
            Reach::Exchange(..) => 0,
        }
    }
}

/// The `n` of DUPN and SWAPN for each byte; zero for a byte that is none. The bytes of JUMPDEST and of the PUSHes are left out, so that no
/// destination that there was is hidden, and those of the items that DUP and SWAP reach are needed for nothing.
static SINGLES: [u8; 256] = {
    let mut singles = [0; 256];
    let mut item = 17u8;
    while item <= 235 {
        singles[item.wrapping_add(111) as usize] = item;
        item += 1;
    }
    singles
};

/// The `n` and `m` of EXCHANGE for each byte: all with `n < m` and `n + m <= 30`. Zeros for a byte that is none.
static PAIRS: [(u8, u8); 256] = {
    let mut pairs = [(0, 0); 256];
    let mut n = 1u8;
    while n < 15 {
        let mut m = n + 1;
        while n + m <= 30 {
            let (row, column) = if m <= 16 { (n - 1, m - 1) } else { (29 - m, n - 1) };
            pairs[((row << 4 | column) ^ 0x8f) as usize] = (n, m);
            m += 1;
        }
        n += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(opcode: Opcode, immediate: u8, expected: Option<Reach>) {
        assert_eq!(Reach::of(opcode, immediate), expected, "{opcode} {immediate:#04x}");
    }

    /// The vectors of the EIP.
    #[test]
    fn an_immediate_names_items() {
        check(Opcode::DUPN, 0x00, Some(Reach::Copy(145)));
        check(Opcode::DUPN, 0x5a, Some(Reach::Copy(235)));
        check(Opcode::DUPN, 0x80, Some(Reach::Copy(17)));
        check(Opcode::DUPN, 0xff, Some(Reach::Copy(144)));
        check(Opcode::SWAPN, 0x00, Some(Reach::Exchange(1, 146)));
        check(Opcode::SWAPN, 0x5a, Some(Reach::Exchange(1, 236)));
        check(Opcode::SWAPN, 0x80, Some(Reach::Exchange(1, 18)));
        check(Opcode::EXCHANGE, 0x8e, Some(Reach::Exchange(2, 3)));
        check(Opcode::EXCHANGE, 0x8f, Some(Reach::Exchange(2, 30)));
        check(Opcode::EXCHANGE, 0x9d, Some(Reach::Exchange(3, 4)));
        check(Opcode::EXCHANGE, 0x2f, Some(Reach::Exchange(2, 20)));
        check(Opcode::EXCHANGE, 0x50, Some(Reach::Exchange(15, 17)));
        check(Opcode::EXCHANGE, 0x51, Some(Reach::Exchange(15, 16)));
        check(Opcode::EXCHANGE, 0x00, Some(Reach::Exchange(10, 17)));
        check(Opcode::DUP1, 0x00, None);
    }

    /// 0x5b is JUMPDEST, 0x60 to 0x7f are the PUSHes.
    #[test]
    fn bytes_that_destinations_depend_on_name_none() {
        for byte in 0..=u8::MAX {
            let (is_single, is_pair) = (!(91..=127).contains(&byte), !(82..=127).contains(&byte));
            for (opcode, is_one) in
                [(Opcode::DUPN, is_single), (Opcode::SWAPN, is_single), (Opcode::EXCHANGE, is_pair)]
            {
                assert_eq!(Reach::of(opcode, byte).is_some(), is_one, "{opcode} {byte:#04x}");
            }
        }
    }
}
