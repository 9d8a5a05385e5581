use std::fmt;

use crate::{
    Class, Operand, Role, U256,
    role::{Region, Regions},
};

/// One byte of code, read as an opcode. Any byte is one; whether it is defined depends on the rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Opcode(pub u8);

/// The facts of one opcode that hold under all rules that have it: one row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpcodeInfo {
    /// Its byte.
    pub opcode: Opcode,
    /// Its mnemonic.
    pub name: &'static str,
    /// What kind of opcode it is.
    pub class: Class,
    /// What it takes from the stack, the topmost item first. Of [`Class::Deep`] its immediate byte says it ([`Reach`](crate::Reach)), and
    /// nothing is here.
    pub inputs: &'static [Operand],
    /// What it leaves there, the topmost item first; of [`Class::Deep`] what it adds.
    pub outputs: &'static [Role],
    /// Bytes behind it that belong to it. The search for jump destinations passes over those of [`Class::Push`] alone: of all others it
    /// reads them as opcodes ([`Opcode::push_data`]).
    pub immediate: u8,
    /// Its static gas where it came; which EIP brought it, and what changed later, is in [`Changes`](crate::Changes).
    pub gas: u16,
    /// Whether a static call may not run it at all (EIP-214). CALL with a value is checked by the engines.
    pub writes_state: bool,
}

macro_rules! opcodes {
    ($(
        $byte:literal $name:ident $class:ident $gas:literal $inputs:tt => $outputs:tt
        $($immediate:literal bytes)? $($writes:ident)?;
    )*) => {
        impl Opcode {
            $(
                #[doc = concat!("Opcode ", stringify!($byte), ".")]
                pub const $name: Opcode = Opcode($byte);
            )*
        }

        /// What a byte of code does under one set of rules. Engines match on it, so one that forgets an opcode does not compile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(clippy::upper_case_acronyms, reason = "mnemonics")]
        #[repr(u8)]
        pub enum Operation {
            /// Nothing: the rules do not define it.
            Undefined,
            /// What an author says ([`OpcodeDefinition`](crate::OpcodeDefinition)).
            Custom,
            $(
                #[doc = concat!("That of opcode ", stringify!($byte), ".")]
                $name,
            )*
        }

        /// One row per opcode, ordered by byte.
        pub(crate) const ROWS: &[OpcodeInfo] = &[
            $(OpcodeInfo {
                opcode: Opcode($byte),
                name: stringify!($name),
                class: Class::$class,
                inputs: opcodes!(@inputs $inputs),
                outputs: opcodes!(@outputs $outputs),
                immediate: 0 $(+ $immediate)?,
                gas: $gas,
                writes_state: opcodes!(@writes $($writes)?),
            },)*
        ];

        impl Opcode {
            /// What this byte does under the rules of Ethereum that have it; [`Operation::Undefined`] for one that no EIP defines.
            pub const fn operation(self) -> Operation {
                match self.0 {
                    $($byte => Operation::$name,)*
                    _ => Operation::Undefined,
                }
            }
        }
    };
    (@inputs [; $count:literal]) => { &[Operand::ITEM; $count] };
    (@inputs [$($name:literal $role:ident),* $(,)?]) => {
        &[$(Operand { name: $name, role: Role::$role },)*]
    };
    (@outputs [; $count:literal]) => { &[Role::Value; $count] };
    (@outputs [$($role:ident)?]) => { &[$(Role::$role)?] };
    (@writes) => { false };
    (@writes writes) => { true };
}

// Byte, name, class, static gas, operands (name and role, the topmost first), results, immediate bytes. (Yellow Paper, appendix H, and
// the EIPs.)
opcodes! {
    0x00 STOP Halt 0 [] => [];
    0x01 ADD Arithmetic 3 ["a" Value, "b" Value] => [Value];
    0x02 MUL Arithmetic 5 ["a" Value, "b" Value] => [Value];
    0x03 SUB Arithmetic 3 ["a" Value, "b" Value] => [Value];
    0x04 DIV Arithmetic 5 ["a" Value, "b" Value] => [Value];
    0x05 SDIV Arithmetic 5 ["a" Value, "b" Value] => [Value];
    0x06 MOD Arithmetic 5 ["a" Value, "b" Value] => [Value];
    0x07 SMOD Arithmetic 5 ["a" Value, "b" Value] => [Value];
    0x08 ADDMOD Arithmetic 8 ["a" Value, "b" Value, "modulus" Value] => [Value];
    0x09 MULMOD Arithmetic 8 ["a" Value, "b" Value, "modulus" Value] => [Value];
    0x0a EXP Arithmetic 10 ["base" Value, "exponent" Exponent] => [Value];
    0x0b SIGNEXTEND Arithmetic 5 ["byte" Index, "value" Value] => [Value];
    0x10 LT Compare 3 ["a" Value, "b" Value] => [Flag];
    0x11 GT Compare 3 ["a" Value, "b" Value] => [Flag];
    0x12 SLT Compare 3 ["a" Value, "b" Value] => [Flag];
    0x13 SGT Compare 3 ["a" Value, "b" Value] => [Flag];
    0x14 EQ Compare 3 ["a" Value, "b" Value] => [Flag];
    0x15 ISZERO Compare 3 ["a" Value] => [Flag];
    0x16 AND Bitwise 3 ["a" Value, "b" Value] => [Value];
    0x17 OR Bitwise 3 ["a" Value, "b" Value] => [Value];
    0x18 XOR Bitwise 3 ["a" Value, "b" Value] => [Value];
    0x19 NOT Bitwise 3 ["a" Value] => [Value];
    0x1a BYTE Bitwise 3 ["index" Index, "value" Value] => [Value];
    0x1b SHL Bitwise 3 ["shift" Shift, "value" Value] => [Value];
    0x1c SHR Bitwise 3 ["shift" Shift, "value" Value] => [Value];
    0x1d SAR Bitwise 3 ["shift" Shift, "value" Value] => [Value];
    0x1e CLZ Bitwise 5 ["a" Value] => [Value];
    0x20 KECCAK256 Hash 30 ["offset" ReadOffset, "size" Length] => [Value];
    0x30 ADDRESS Environment 2 [] => [Address];
    0x31 BALANCE Environment 20 ["address" Address] => [Amount];
    0x32 ORIGIN Environment 2 [] => [Address];
    0x33 CALLER Environment 2 [] => [Address];
    0x34 CALLVALUE Environment 2 [] => [Amount];
    0x35 CALLDATALOAD Environment 3 ["offset" CallDataWord] => [Value];
    0x36 CALLDATASIZE Environment 2 [] => [Length];
    0x37 CALLDATACOPY Memory 3 ["target" WriteOffset, "source" CallDataOffset, "size" Length] => [];
    0x38 CODESIZE Environment 2 [] => [Length];
    0x39 CODECOPY Memory 3 ["target" WriteOffset, "source" CodeOffset, "size" Length] => [];
    0x3a GASPRICE Environment 2 [] => [Amount];
    0x3b EXTCODESIZE Environment 20 ["address" Address] => [Length];
    0x3c EXTCODECOPY Memory 20 [
        "address" Address, "target" WriteOffset, "source" CodeOffset, "size" Length,
    ] => [];
    0x3d RETURNDATASIZE Environment 2 [] => [Length];
    0x3e RETURNDATACOPY Memory 3 ["target" WriteOffset, "source" ReturnDataOffset, "size" Length] => [];
    0x3f EXTCODEHASH Environment 400 ["address" Address] => [Value];
    0x40 BLOCKHASH Environment 20 ["number" BlockNumber] => [Value];
    0x41 COINBASE Environment 2 [] => [Address];
    0x42 TIMESTAMP Environment 2 [] => [Value];
    0x43 NUMBER Environment 2 [] => [BlockNumber];
    0x44 PREVRANDAO Environment 2 [] => [Value];
    0x45 GASLIMIT Environment 2 [] => [Gas];
    0x46 CHAINID Environment 2 [] => [Value];
    0x47 SELFBALANCE Environment 5 [] => [Amount];
    0x48 BASEFEE Environment 2 [] => [Amount];
    0x49 BLOBHASH Environment 3 ["index" Index] => [Value];
    0x4a BLOBBASEFEE Environment 2 [] => [Amount];
    0x4b SLOTNUM Environment 2 [] => [Value];
    0x50 POP Pop 2 ["value" Value] => [];
    0x51 MLOAD Memory 3 ["offset" ReadWord] => [Value];
    0x52 MSTORE Memory 3 ["offset" WriteWord, "value" Value] => [];
    0x53 MSTORE8 Memory 3 ["offset" WriteByte, "value" Value] => [];
    0x54 SLOAD Storage 50 ["key" StorageKey] => [Value];
    0x55 SSTORE Storage 0 ["key" StorageKey, "value" Value] => [] writes;
    0x56 JUMP Flow 8 ["target" JumpDestination] => [];
    0x57 JUMPI Flow 10 ["target" JumpDestination, "condition" Flag] => [];
    0x58 PC Environment 2 [] => [Value];
    0x59 MSIZE Environment 2 [] => [Length];
    0x5a GAS Environment 2 [] => [Gas];
    0x5b JUMPDEST Flow 1 [] => [];
    0x5c TLOAD Storage 100 ["key" TransientKey] => [Value];
    0x5d TSTORE Storage 100 ["key" TransientKey, "value" Value] => [] writes;
    0x5e MCOPY Memory 3 ["target" WriteOffset, "source" ReadOffset, "size" Length] => [];
    0x5f PUSH0 Push 2 [] => [Value];
    0x60 PUSH1 Push 3 [] => [Value] 1 bytes;
    0x61 PUSH2 Push 3 [] => [Value] 2 bytes;
    0x62 PUSH3 Push 3 [] => [Value] 3 bytes;
    0x63 PUSH4 Push 3 [] => [Value] 4 bytes;
    0x64 PUSH5 Push 3 [] => [Value] 5 bytes;
    0x65 PUSH6 Push 3 [] => [Value] 6 bytes;
    0x66 PUSH7 Push 3 [] => [Value] 7 bytes;
    0x67 PUSH8 Push 3 [] => [Value] 8 bytes;
    0x68 PUSH9 Push 3 [] => [Value] 9 bytes;
    0x69 PUSH10 Push 3 [] => [Value] 10 bytes;
    0x6a PUSH11 Push 3 [] => [Value] 11 bytes;
    0x6b PUSH12 Push 3 [] => [Value] 12 bytes;
    0x6c PUSH13 Push 3 [] => [Value] 13 bytes;
    0x6d PUSH14 Push 3 [] => [Value] 14 bytes;
    0x6e PUSH15 Push 3 [] => [Value] 15 bytes;
    0x6f PUSH16 Push 3 [] => [Value] 16 bytes;
    0x70 PUSH17 Push 3 [] => [Value] 17 bytes;
    0x71 PUSH18 Push 3 [] => [Value] 18 bytes;
    0x72 PUSH19 Push 3 [] => [Value] 19 bytes;
    0x73 PUSH20 Push 3 [] => [Value] 20 bytes;
    0x74 PUSH21 Push 3 [] => [Value] 21 bytes;
    0x75 PUSH22 Push 3 [] => [Value] 22 bytes;
    0x76 PUSH23 Push 3 [] => [Value] 23 bytes;
    0x77 PUSH24 Push 3 [] => [Value] 24 bytes;
    0x78 PUSH25 Push 3 [] => [Value] 25 bytes;
    0x79 PUSH26 Push 3 [] => [Value] 26 bytes;
    0x7a PUSH27 Push 3 [] => [Value] 27 bytes;
    0x7b PUSH28 Push 3 [] => [Value] 28 bytes;
    0x7c PUSH29 Push 3 [] => [Value] 29 bytes;
    0x7d PUSH30 Push 3 [] => [Value] 30 bytes;
    0x7e PUSH31 Push 3 [] => [Value] 31 bytes;
    0x7f PUSH32 Push 3 [] => [Value] 32 bytes;
    0x80 DUP1 Dup 3 [; 1] => [; 2];
    0x81 DUP2 Dup 3 [; 2] => [; 3];
    0x82 DUP3 Dup 3 [; 3] => [; 4];
    0x83 DUP4 Dup 3 [; 4] => [; 5];
    0x84 DUP5 Dup 3 [; 5] => [; 6];
    0x85 DUP6 Dup 3 [; 6] => [; 7];
    0x86 DUP7 Dup 3 [; 7] => [; 8];
    0x87 DUP8 Dup 3 [; 8] => [; 9];
    0x88 DUP9 Dup 3 [; 9] => [; 10];
    0x89 DUP10 Dup 3 [; 10] => [; 11];
    0x8a DUP11 Dup 3 [; 11] => [; 12];
    0x8b DUP12 Dup 3 [; 12] => [; 13];
    0x8c DUP13 Dup 3 [; 13] => [; 14];
    0x8d DUP14 Dup 3 [; 14] => [; 15];
    0x8e DUP15 Dup 3 [; 15] => [; 16];
    0x8f DUP16 Dup 3 [; 16] => [; 17];
    0x90 SWAP1 Swap 3 [; 2] => [; 2];
    0x91 SWAP2 Swap 3 [; 3] => [; 3];
    0x92 SWAP3 Swap 3 [; 4] => [; 4];
    0x93 SWAP4 Swap 3 [; 5] => [; 5];
    0x94 SWAP5 Swap 3 [; 6] => [; 6];
    0x95 SWAP6 Swap 3 [; 7] => [; 7];
    0x96 SWAP7 Swap 3 [; 8] => [; 8];
    0x97 SWAP8 Swap 3 [; 9] => [; 9];
    0x98 SWAP9 Swap 3 [; 10] => [; 10];
    0x99 SWAP10 Swap 3 [; 11] => [; 11];
    0x9a SWAP11 Swap 3 [; 12] => [; 12];
    0x9b SWAP12 Swap 3 [; 13] => [; 13];
    0x9c SWAP13 Swap 3 [; 14] => [; 14];
    0x9d SWAP14 Swap 3 [; 15] => [; 15];
    0x9e SWAP15 Swap 3 [; 16] => [; 16];
    0x9f SWAP16 Swap 3 [; 17] => [; 17];
    0xa0 LOG0 Log 375 ["offset" ReadOffset, "size" Length] => [] writes;
    0xa1 LOG1 Log 375 ["offset" ReadOffset, "size" Length, "topic 0" Topic] => [] writes;
    0xa2 LOG2 Log 375 ["offset" ReadOffset, "size" Length, "topic 0" Topic, "topic 1" Topic] => [] writes;
    0xa3 LOG3 Log 375 [
        "offset" ReadOffset, "size" Length, "topic 0" Topic, "topic 1" Topic, "topic 2" Topic,
    ] => [] writes;
    0xa4 LOG4 Log 375 [
        "offset" ReadOffset, "size" Length, "topic 0" Topic, "topic 1" Topic, "topic 2" Topic, "topic 3" Topic,
    ] => [] writes;
    0xe6 DUPN Deep 3 [] => [Value] 1 bytes;
    0xe7 SWAPN Deep 3 [] => [] 1 bytes;
    0xe8 EXCHANGE Deep 3 [] => [] 1 bytes;
    0xf0 CREATE Message 32000 ["value" Amount, "offset" ReadOffset, "size" Length] => [Address] writes;
    0xf1 CALL Message 40 [
        "gas" Gas, "address" Address, "value" Amount, "input at" ReadOffset, "input size" Length, "output at" OutputOffset, "output size" Length,
    ] => [Flag];
    0xf2 CALLCODE Message 40 [
        "gas" Gas, "address" Address, "value" Amount, "input at" ReadOffset, "input size" Length, "output at" OutputOffset, "output size" Length,
    ] => [Flag];
    0xf3 RETURN Halt 0 ["offset" ReadOffset, "size" Length] => [];
    0xf4 DELEGATECALL Message 40 [
        "gas" Gas, "address" Address, "input at" ReadOffset, "input size" Length, "output at" OutputOffset, "output size" Length,
    ] => [Flag];
    0xf5 CREATE2 Message 32000 [
        "value" Amount, "offset" ReadOffset, "size" Length, "salt" Salt,
    ] => [Address] writes;
    0xfa STATICCALL Message 700 [
        "gas" Gas, "address" Address, "input at" ReadOffset, "input size" Length, "output at" OutputOffset, "output size" Length,
    ] => [Flag];
    0xfd REVERT Halt 0 ["offset" ReadOffset, "size" Length] => [];
    0xfe INVALID Halt 0 [] => [];
    0xff SELFDESTRUCT Halt 0 ["beneficiary" Address] => [] writes;
}

impl OpcodeInfo {
    /// Its row under the rules that brought it.
    #[allow(clippy::cast_possible_truncation, reason = "at most 17 items")]
    pub(crate) const fn row(&self) -> OpcodeRow {
        let looks_itself = matches!(self.class, Class::Deep);
        OpcodeRow {
            operation: match self.opcode.operation() {
                Operation::Undefined => Operation::Custom,
                operation => operation,
            },
            inputs: self.inputs.len() as u8,
            outputs: if looks_itself { 0 } else { self.outputs.len() as u8 },
            writes_state: self.writes_state,
            gas: self.gas,
        }
    }

    /// The first operand of this role, counted from the top of the stack.
    pub fn operand(&self, role: Role) -> Option<usize> {
        self.inputs.iter().position(|operand| operand.role == role)
    }

    /// The value of the first operand of this role on a stack whose last item is the top; `None` where it has none, or the stack lacks it.
    pub fn value(&self, role: Role, stack: &[U256]) -> Option<U256> {
        stack.get(stack.len().checked_sub(self.operand(role)? + 1)?).copied()
    }

    /// What it reads and writes of memory, calldata, code and return data, as its operands say.
    pub fn regions(&self) -> Regions {
        Regions::of(self.inputs)
    }

    /// Where a callee's output goes, of those that send a call.
    pub fn output(&self) -> Option<Region> {
        self.regions().find(|region| region.role == Role::OutputOffset)
    }

    /// Whether it may cost more than its static gas: it reaches memory, a slot or an account, or is paid by the bytes of an exponent.
    pub fn has_dynamic_gas(&self) -> bool {
        self.inputs.iter().any(|operand| {
            let role = operand.role;
            role.is_of_memory() || matches!(role, Role::StorageKey | Role::Address | Role::Exponent)
        })
    }

    /// Whether it writes memory itself. What a callee answers is written behind it.
    pub const fn writes_memory(&self) -> bool {
        let mut i = 0;
        while i < self.inputs.len() {
            if self.inputs[i].role.writes_memory() {
                return true;
            }
            i += 1;
        }
        false
    }
}

impl Opcode {
    /// The facts of this byte under the rules of Ethereum, whatever the fork; `None` for a byte that no EIP defines.
    /// [`Rules::info`](crate::Rules::info) knows an author's own besides.
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

    /// Bytes of push data behind the opcode, which hide what they are from the search for jump destinations; nonzero for PUSH1 to PUSH32
    /// alone. The immediate byte of DUPN, SWAPN and EXCHANGE hides nothing (EIP-8024).
    #[inline]
    pub const fn push_data(self) -> usize {
        PUSH_DATA[self.0 as usize] as usize
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
    /// What it does. Of [`Operation::Undefined`] every other field is zero.
    pub operation: Operation,
    /// Items it takes from the stack. Of [`Class::Deep`] neither these nor those that it leaves are known before it is charged for: both
    /// are zero, and it looks by itself (EIP-8024).
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

impl OpcodeRow {
    pub(crate) const UNDEFINED: OpcodeRow =
        OpcodeRow { operation: Operation::Undefined, inputs: 0, outputs: 0, writes_state: false, gas: 0 };

    /// Whether the rules define the opcode.
    pub const fn is_defined(&self) -> bool {
        !matches!(self.operation, Operation::Undefined)
    }
}

static INFO: [Option<&'static OpcodeInfo>; 256] = {
    let mut info = [None; 256];
    let mut i = 0;
    while i < ROWS.len() {
        assert!(i == 0 || ROWS[i - 1].opcode.0 < ROWS[i].opcode.0, "rows are ordered by byte");
        info[ROWS[i].opcode.0 as usize] = Some(&ROWS[i]);
        i += 1;
    }
    info
};

/// For each byte how many bytes of push data stand behind it.
static PUSH_DATA: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut i = 0;
    while i < ROWS.len() {
        if matches!(ROWS[i].class, Class::Push) {
            bytes[ROWS[i].opcode.0 as usize] = ROWS[i].immediate;
        }
        i += 1;
    }
    bytes
};
