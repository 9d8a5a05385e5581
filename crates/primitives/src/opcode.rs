use std::fmt;

/// One byte of code, read as an opcode. Any byte is one; whether it is defined depends on the rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Opcode(pub u8);

/// The facts of one opcode that hold under all rules that have it: one row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpcodeInfo {
    /// Its byte.
    pub opcode: Opcode,
    /// Its mnemonic.
    pub name: &'static str,
    /// Items it takes from the stack.
    pub inputs: u8,
    /// Items it leaves there.
    pub outputs: u8,
    /// Bytes of push data behind it.
    pub immediate: u8,
    /// Its static gas where it came; which EIP brought it, and what changed later, is in [`Changes`](crate::Changes).
    pub gas: u16,
    /// Whether a static call may not run it at all (EIP-214). CALL with a value is checked by the engines.
    pub writes_state: bool,
}

macro_rules! opcodes {
    ($($byte:literal $name:ident $inputs:literal $outputs:literal $immediate:literal $gas:literal $($writes:ident)?;)*) => {
        impl Opcode {
            $(
                #[doc = concat!("Opcode ", stringify!($byte), ".")]
                pub const $name: Opcode = Opcode($byte);
            )*
        }

        /// One row per opcode, ordered by byte.
        pub(crate) const ROWS: &[OpcodeInfo] = &[
            $(OpcodeInfo {
                opcode: Opcode($byte),
                name: stringify!($name),
                inputs: $inputs,
                outputs: $outputs,
                immediate: $immediate,
                gas: $gas,
                writes_state: opcodes!(@writes $($writes)?),
            },)*
        ];
    };
    (@writes) => { false };
    (@writes writes) => { true };
}

// byte, name, inputs, outputs, immediate bytes, static gas. (Yellow Paper, appendix H, and the EIPs.)
opcodes! {
    0x00 STOP 0 0 0 0;
    0x01 ADD 2 1 0 3;
    0x02 MUL 2 1 0 5;
    0x03 SUB 2 1 0 3;
    0x04 DIV 2 1 0 5;
    0x05 SDIV 2 1 0 5;
    0x06 MOD 2 1 0 5;
    0x07 SMOD 2 1 0 5;
    0x08 ADDMOD 3 1 0 8;
    0x09 MULMOD 3 1 0 8;
    0x0a EXP 2 1 0 10;
    0x0b SIGNEXTEND 2 1 0 5;
    0x10 LT 2 1 0 3;
    0x11 GT 2 1 0 3;
    0x12 SLT 2 1 0 3;
    0x13 SGT 2 1 0 3;
    0x14 EQ 2 1 0 3;
    0x15 ISZERO 1 1 0 3;
    0x16 AND 2 1 0 3;
    0x17 OR 2 1 0 3;
    0x18 XOR 2 1 0 3;
    0x19 NOT 1 1 0 3;
    0x1a BYTE 2 1 0 3;
    0x1b SHL 2 1 0 3;
    0x1c SHR 2 1 0 3;
    0x1d SAR 2 1 0 3;
    0x1e CLZ 1 1 0 5;
    0x20 KECCAK256 2 1 0 30;
    0x30 ADDRESS 0 1 0 2;
    0x31 BALANCE 1 1 0 20;
    0x32 ORIGIN 0 1 0 2;
    0x33 CALLER 0 1 0 2;
    0x34 CALLVALUE 0 1 0 2;
    0x35 CALLDATALOAD 1 1 0 3;
    0x36 CALLDATASIZE 0 1 0 2;
    0x37 CALLDATACOPY 3 0 0 3;
    0x38 CODESIZE 0 1 0 2;
    0x39 CODECOPY 3 0 0 3;
    0x3a GASPRICE 0 1 0 2;
    0x3b EXTCODESIZE 1 1 0 20;
    0x3c EXTCODECOPY 4 0 0 20;
    0x3d RETURNDATASIZE 0 1 0 2;
    0x3e RETURNDATACOPY 3 0 0 3;
    0x3f EXTCODEHASH 1 1 0 400;
    0x40 BLOCKHASH 1 1 0 20;
    0x41 COINBASE 0 1 0 2;
    0x42 TIMESTAMP 0 1 0 2;
    0x43 NUMBER 0 1 0 2;
    0x44 PREVRANDAO 0 1 0 2;
    0x45 GASLIMIT 0 1 0 2;
    0x46 CHAINID 0 1 0 2;
    0x47 SELFBALANCE 0 1 0 5;
    0x48 BASEFEE 0 1 0 2;
    0x49 BLOBHASH 1 1 0 3;
    0x4a BLOBBASEFEE 0 1 0 2;
    0x50 POP 1 0 0 2;
    0x51 MLOAD 1 1 0 3;
    0x52 MSTORE 2 0 0 3;
    0x53 MSTORE8 2 0 0 3;
    0x54 SLOAD 1 1 0 50;
    0x55 SSTORE 2 0 0 0 writes;
    0x56 JUMP 1 0 0 8;
    0x57 JUMPI 2 0 0 10;
    0x58 PC 0 1 0 2;
    0x59 MSIZE 0 1 0 2;
    0x5a GAS 0 1 0 2;
    0x5b JUMPDEST 0 0 0 1;
    0x5c TLOAD 1 1 0 100;
    0x5d TSTORE 2 0 0 100 writes;
    0x5e MCOPY 3 0 0 3;
    0x5f PUSH0 0 1 0 2;
    0x60 PUSH1 0 1 1 3;
    0x61 PUSH2 0 1 2 3;
    0x62 PUSH3 0 1 3 3;
    0x63 PUSH4 0 1 4 3;
    0x64 PUSH5 0 1 5 3;
    0x65 PUSH6 0 1 6 3;
    0x66 PUSH7 0 1 7 3;
    0x67 PUSH8 0 1 8 3;
    0x68 PUSH9 0 1 9 3;
    0x69 PUSH10 0 1 10 3;
    0x6a PUSH11 0 1 11 3;
    0x6b PUSH12 0 1 12 3;
    0x6c PUSH13 0 1 13 3;
    0x6d PUSH14 0 1 14 3;
    0x6e PUSH15 0 1 15 3;
    0x6f PUSH16 0 1 16 3;
    0x70 PUSH17 0 1 17 3;
    0x71 PUSH18 0 1 18 3;
    0x72 PUSH19 0 1 19 3;
    0x73 PUSH20 0 1 20 3;
    0x74 PUSH21 0 1 21 3;
    0x75 PUSH22 0 1 22 3;
    0x76 PUSH23 0 1 23 3;
    0x77 PUSH24 0 1 24 3;
    0x78 PUSH25 0 1 25 3;
    0x79 PUSH26 0 1 26 3;
    0x7a PUSH27 0 1 27 3;
    0x7b PUSH28 0 1 28 3;
    0x7c PUSH29 0 1 29 3;
    0x7d PUSH30 0 1 30 3;
    0x7e PUSH31 0 1 31 3;
    0x7f PUSH32 0 1 32 3;
    0x80 DUP1 1 2 0 3;
    0x81 DUP2 2 3 0 3;
    0x82 DUP3 3 4 0 3;
    0x83 DUP4 4 5 0 3;
    0x84 DUP5 5 6 0 3;
    0x85 DUP6 6 7 0 3;
    0x86 DUP7 7 8 0 3;
    0x87 DUP8 8 9 0 3;
    0x88 DUP9 9 10 0 3;
    0x89 DUP10 10 11 0 3;
    0x8a DUP11 11 12 0 3;
    0x8b DUP12 12 13 0 3;
    0x8c DUP13 13 14 0 3;
    0x8d DUP14 14 15 0 3;
    0x8e DUP15 15 16 0 3;
    0x8f DUP16 16 17 0 3;
    0x90 SWAP1 2 2 0 3;
    0x91 SWAP2 3 3 0 3;
    0x92 SWAP3 4 4 0 3;
    0x93 SWAP4 5 5 0 3;
    0x94 SWAP5 6 6 0 3;
    0x95 SWAP6 7 7 0 3;
    0x96 SWAP7 8 8 0 3;
    0x97 SWAP8 9 9 0 3;
    0x98 SWAP9 10 10 0 3;
    0x99 SWAP10 11 11 0 3;
    0x9a SWAP11 12 12 0 3;
    0x9b SWAP12 13 13 0 3;
    0x9c SWAP13 14 14 0 3;
    0x9d SWAP14 15 15 0 3;
    0x9e SWAP15 16 16 0 3;
    0x9f SWAP16 17 17 0 3;
    0xa0 LOG0 2 0 0 375 writes;
    0xa1 LOG1 3 0 0 375 writes;
    0xa2 LOG2 4 0 0 375 writes;
    0xa3 LOG3 5 0 0 375 writes;
    0xa4 LOG4 6 0 0 375 writes;
    0xf0 CREATE 3 1 0 32000 writes;
    0xf1 CALL 7 1 0 40;
    0xf2 CALLCODE 7 1 0 40;
    0xf3 RETURN 2 0 0 0;
    0xf4 DELEGATECALL 6 1 0 40;
    0xf5 CREATE2 4 1 0 32000 writes;
    0xfa STATICCALL 6 1 0 700;
    0xfd REVERT 2 0 0 0;
    0xfe INVALID 0 0 0 0;
    0xff SELFDESTRUCT 1 0 0 0 writes;
}

impl OpcodeInfo {
    /// Its row under the rules that brought it.
    pub(crate) const fn row(&self) -> OpcodeRow {
        let Self { inputs, outputs, writes_state, gas, .. } = *self;
        OpcodeRow { defined: true, inputs, outputs, writes_state, gas }
    }
}

impl Opcode {
    /// The facts of this byte, whatever the rules; `None` for a byte that no EIP defines.
    pub const fn info(self) -> Option<&'static OpcodeInfo> {
        INFO[self.0 as usize]
    }

    /// The mnemonic, or `None` for a byte that no EIP defines.
    pub const fn name(self) -> Option<&'static str> {
        match self.info() {
            Some(info) => Some(info.name),
            None => None,
        }
    }

    /// The opcode of a mnemonic in upper case; `SHA3`, `DIFFICULTY` and `SUICIDE`, their older names, are known too.
    pub fn from_name(name: &str) -> Option<Opcode> {
        match name {
            "SHA3" => Some(Opcode::KECCAK256),
            "DIFFICULTY" => Some(Opcode::PREVRANDAO),
            "SUICIDE" => Some(Opcode::SELFDESTRUCT),
            _ => ROWS.iter().find(|row| row.name == name).map(|row| row.opcode),
        }
    }

    /// Every opcode that any rules define, by byte.
    pub fn all() -> impl Iterator<Item = &'static OpcodeInfo> {
        ROWS.iter()
    }

    /// Bytes of push data behind the opcode; nonzero for PUSH1 to PUSH32 alone.
    pub const fn immediate(self) -> usize {
        match self.0 {
            0x60..=0x7f => (self.0 - 0x5f) as usize,
            _ => 0,
        }
    }
}

/// As [`fmt::Display`] has it: in a step or an assertion a number says nothing.
impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Opcode {
    /// The mnemonic, or the byte as `0x0c` if it has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("{:#04x}", self.0)),
        }
    }
}

/// What an interpreter checks before an opcode acts, under one set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpcodeRow {
    /// Whether the rules define the opcode. If not, every other field is zero.
    pub defined: bool,
    /// Items it takes from the stack.
    pub inputs: u8,
    /// Items it leaves there.
    pub outputs: u8,
    /// Whether a static call may not run it (EIP-214).
    pub writes_state: bool,
    /// Static gas.
    pub gas: u16,
}

/// The opcode table of one set of rules, indexed by byte.
pub type OpcodeTable = [OpcodeRow; 256];

pub(crate) const UNDEFINED: OpcodeRow =
    OpcodeRow { defined: false, inputs: 0, outputs: 0, writes_state: false, gas: 0 };

static INFO: [Option<&'static OpcodeInfo>; 256] = {
    let mut info = [None; 256];
    let mut i = 0;
    while i < ROWS.len() {
        let byte = ROWS[i].opcode.0 as usize;
        assert!(i == 0 || ROWS[i - 1].opcode.0 < ROWS[i].opcode.0, "rows are ordered by byte");
        assert!(ROWS[i].immediate as usize == ROWS[i].opcode.immediate());
        info[byte] = Some(&ROWS[i]);
        i += 1;
    }
    info
};
