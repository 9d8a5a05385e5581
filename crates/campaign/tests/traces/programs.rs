//! The programs: short, one matter each.

use parallax_primitives::Rules;

/// A transaction to the contract that runs `code`.
pub(crate) struct Program {
    /// Also the snapshots' name.
    pub(crate) name: &'static str,
    pub(crate) code: &'static str,
    /// Further accounts, by the last byte of their address.
    pub(crate) others: &'static [(u8, &'static str)],
    pub(crate) rules: &'static str,
    /// The transaction's gas limit.
    pub(crate) gas: u64,
    pub(crate) show: Show,
    /// The code is the transaction's init code.
    pub(crate) creates: bool,
}

impl Program {
    pub(crate) fn rules(&self) -> Rules {
        self.rules.parse().unwrap()
    }
}

/// What lines show beyond a dialect's own choice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    Usual,
    Memory,
    Storage,
    ReturnData,
    /// The last steps alone, without their stack.
    End,
}

const PLAIN: Program = Program {
    name: "",
    code: "",
    others: &[],
    rules: "Osaka",
    gas: 200_000,
    show: Show::Usual,
    creates: false,
};

/// Slot 1 of the contract holds 5.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "arithmetic",
        code: "PUSH 3 PUSH 2 EXP       ; 8
PUSH -20 SDIV           ; -2
PUSH 1 ADDRESS POP
PUSH 0 NOT DUP2 MULMOD  ; -2 * -1 mod 1
ISZERO SWAP1            ; ends in the STOP that the code implies",
        ..PLAIN
    },
    Program {
        name: "memory",
        code: "PUSH 0xabcd PUSH 0 MSTORE
PUSH 2 PUSH 30 PUSH 31 MCOPY
PUSH 32 MLOAD
PUSH 0xff MSIZE MSTORE8
PUSH 4 PUSH 30 KECCAK256
STOP",
        show: Show::Memory,
        ..PLAIN
    },
    Program {
        name: "storage",
        code: "PUSH 0 PUSH 1 SSTORE    ; clears 5: a refund
PUSH 7 PUSH 1 SSTORE    ; takes the refund back
PUSH 1 SLOAD
PUSH 9 PUSH 2 SSTORE",
        show: Show::Storage,
        ..PLAIN
    },
    Program {
        name: "refund-of-a-callee",
        code: "PUSH 0 PUSH 1 SSTORE    ; a refund of the caller
PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca GAS DELEGATECALL
STOP",
        others: &[(0xca, "PUSH 5 PUSH 1 SSTORE STOP   ; takes it back: below zero for this frame")],
        ..PLAIN
    },
    Program {
        name: "transient-storage",
        code: "PUSH 9 PUSH 1 TSTORE PUSH 1 TLOAD PUSH 2 TLOAD STOP",
        show: Show::Storage,
        ..PLAIN
    },
    Program {
        name: "jumps",
        code: "PUSH 2
again:
PUSH 1 SWAP1 SUB DUP1 @again JUMPI
@end JUMP INVALID
end: PC",
        ..PLAIN
    },
    Program {
        name: "jump-into-push-data",
        code: "PUSH 0x5b PUSH 1 JUMP   ; the byte at 1 is 0x5b, and data",
        ..PLAIN
    },
    Program { name: "jump-out-of-the-code", code: "PUSH 1 PUSH -1 JUMPI", ..PLAIN },
    Program {
        name: "logs",
        code: "PUSH 0xda PUSH 0 MSTORE8
PUSH 0 PUSH 0 LOG0
PUSH 0xa1 PUSH 1 PUSH 0 LOG1
PUSH 0xa2 PUSH 0xa1 PUSH 1 PUSH 0 LOG2
PUSH 0xa3 PUSH 0xa2 PUSH 0xa1 PUSH 1 PUSH 0 LOG3
PUSH 0xa4 PUSH 0xa3 PUSH 0xa2 PUSH 0xa1 PUSH 1 PUSH 0 LOG4
STOP",
        ..PLAIN
    },
    Program {
        name: "calls",
        code: "PUSH 32 PUSH 0 PUSH 0 PUSH 0 PUSH 1 PUSH 0xca PUSH 30000 CALL
RETURNDATASIZE POP PUSH 0 MLOAD STOP",
        others: &[
            (
                0xca,
                "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xcb GAS STATICCALL PUSH 7 PUSH 0 MSTORE PUSH 32 PUSH 0 RETURN",
            ),
            (0xcb, "STOP"),
        ],
        show: Show::ReturnData,
        ..PLAIN
    },
    Program {
        name: "calls-without-a-frame",
        code: "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xee GAS CALL     ; nobody there
PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH -1 PUSH 0xca GAS CALL    ; not enough to send
STOP",
        others: &[(0xca, "STOP")],
        ..PLAIN
    },
    Program {
        name: "call-to-a-delegated-account",
        code: "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca GAS CALL STOP",
        others: &[(0xca, "DB 0xef010000000000000000000000000000000000000000cb"), (0xcb, "ADDRESS STOP")],
        ..PLAIN
    },
    Program {
        name: "creates",
        code: "PUSH 0x60015ff3 PUSH 0 MSTORE   ; PUSH 1 PUSH0 RETURN: code of one zero byte
PUSH 4 PUSH 28 PUSH 0 CREATE
PUSH 9 PUSH 4 PUSH 28 PUSH 0 CREATE2
EXTCODESIZE STOP",
        ..PLAIN
    },
    Program {
        name: "creates-that-fail",
        code: "PUSH 0 PUSH 0 PUSH -1 CREATE            ; not enough to give
PUSH 0x60ef5f5360015ff3 PUSH 0 MSTORE   ; code that starts with 0xef
PUSH 8 PUSH 24 PUSH 0 CREATE
STOP",
        ..PLAIN
    },
    Program {
        name: "creates-with-a-revert",
        code: "PUSH 0x60025ffd PUSH 0 MSTORE   ; PUSH 2 PUSH0 REVERT
PUSH 4 PUSH 28 PUSH 0 CREATE
RETURNDATASIZE STOP",
        show: Show::ReturnData,
        ..PLAIN
    },
    Program {
        name: "creates-at-a-taken-address",
        code: "PUSH 0 PUSH 0 PUSH 0 PUSH 0 CREATE2
PUSH 0 PUSH 0 PUSH 0 PUSH 0 CREATE2 STOP",
        ..PLAIN
    },
    Program {
        name: "creation-transaction",
        code: "PUSH 0xfe PUSH 0 MSTORE8 PUSH 1 PUSH 0 RETURN",
        creates: true,
        ..PLAIN
    },
    Program {
        name: "revert",
        code: "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca GAS DELEGATECALL
RETURNDATASIZE PUSH 0 PUSH 0 RETURNDATACOPY
RETURNDATASIZE PUSH 0 REVERT",
        others: &[(0xca, "PUSH 0 PUSH 1 SSTORE PUSH 3 PUSH 0 REVERT   ; its refund goes with it")],
        show: Show::ReturnData,
        ..PLAIN
    },
    Program { name: "selfdestruct", code: "PUSH 0xee SELFDESTRUCT", ..PLAIN },
    Program {
        name: "precompiles",
        code: "PUSH 0xabcd PUSH 0 MSTORE
PUSH 2 PUSH 0 PUSH 2 PUSH 30 PUSH 4 GAS STATICCALL    ; identity
PUSH 0 PUSH 0 PUSH 1 PUSH 0 PUSH 9 PUSH 50000 STATICCALL ; blake2f, refused
PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 2 PUSH 59 STATICCALL ; sha256, one gas short
STOP",
        show: Show::ReturnData,
        ..PLAIN
    },
    Program { name: "truncated-push", code: "DB 0x62aabb             ; PUSH3 of two bytes", ..PLAIN },
    Program {
        name: "opcodes-of-a-later-fork",
        code: "PREVRANDAO POP DB 0x5f  ; DIFFICULTY; no PUSH0 yet",
        rules: "London",
        ..PLAIN
    },
    Program { name: "prevrandao", code: "PREVRANDAO", ..PLAIN },
    Program { name: "undefined-opcode", code: "PUSH 7 DB 0x0c", ..PLAIN },
    Program { name: "invalid-opcode", code: "PUSH 7 INVALID", ..PLAIN },
    Program { name: "stack-underflow", code: "PUSH 7 ADD", ..PLAIN },
    Program { name: "stack-underflow-of-dup", code: "PUSH 7 DUP2", ..PLAIN },
    Program {
        name: "stack-overflow",
        code: "again: PC @again JUMP   ; each round leaves an item",
        show: Show::End,
        ..PLAIN
    },
    Program {
        name: "items-below-the-top",
        code: "PUSH 18 fill: PUSH 1 DUP2 SUB DUP1 @fill JUMPI
DUPN 17 SWAPN 17 EXCHANGE 1 2 STOP",
        rules: "Osaka+8024",
        ..PLAIN
    },
    Program {
        name: "immediate-missing",
        code: "PUSH 18 fill: PUSH 1 DUP2 SUB DUP1 @fill JUMPI
DB 0xe8                 ; EXCHANGE, its immediate is 0: items 10 and 17",
        rules: "Osaka+8024",
        show: Show::End,
        ..PLAIN
    },
    Program { name: "invalid-immediate", code: "PC PC DB 0xe65b", rules: "Osaka+8024", ..PLAIN },
    Program { name: "invalid-immediate-of-a-pair", code: "PC PC DB 0xe852", rules: "Osaka+8024", ..PLAIN },
    Program { name: "stack-underflow-of-dupn", code: "PC DUPN 17", rules: "Osaka+8024", ..PLAIN },
    Program { name: "stack-underflow-of-dupn-on-nothing", code: "DUPN 17", rules: "Osaka+8024", ..PLAIN },
    Program { name: "stack-underflow-of-exchange", code: "PC PC EXCHANGE 1 2", rules: "Osaka+8024", ..PLAIN },
    Program { name: "stack-underflow-of-swapn", code: "PC SWAPN 17", rules: "Osaka+8024", ..PLAIN },
    Program {
        name: "stack-overflow-of-dupn",
        code: "PUSH 1019 fill: PUSH 1 DUP2 SUB DUP1 @fill JUMPI PC PC PC PC
DUPN 17",
        rules: "Osaka+8024",
        show: Show::End,
        ..PLAIN
    },
    Program { name: "out-of-gas-in-dupn", code: "PC DUPN 17", rules: "Osaka+8024", gas: 21_004, ..PLAIN },
    Program { name: "out-of-gas", code: "PUSH 1 PUSH 2 ADD", gas: 21_008, ..PLAIN },
    Program { name: "out-of-gas-in-keccak256", code: "PUSH 65 PUSH 0 KECCAK256", gas: 21_040, ..PLAIN },
    Program { name: "out-of-gas-in-exp", code: "PUSH 256 PUSH 2 EXP", gas: 21_050, ..PLAIN },
    Program { name: "out-of-gas-in-memory", code: "PUSH 100000 MLOAD", gas: 22_000, ..PLAIN },
    Program {
        name: "out-of-gas-in-memory-of-a-log",
        code: "PUSH 7 PUSH 1 PUSH 100000 LOG1",
        gas: 30_000,
        ..PLAIN
    },
    Program {
        name: "out-of-gas-in-memory-of-a-call",
        code: "PUSH 1 PUSH 100000 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca GAS CALL",
        gas: 30_000,
        ..PLAIN
    },
    Program {
        name: "out-of-gas-in-memory-of-a-creation",
        code: "PUSH 33 PUSH 100000 PUSH 0 CREATE",
        gas: 60_000,
        ..PLAIN
    },
    Program { name: "out-of-gas-beyond-64-bits", code: "PUSH -1 MLOAD", ..PLAIN },
    Program { name: "out-of-gas-in-sload", code: "PUSH 1 SLOAD", gas: 22_000, ..PLAIN },
    Program { name: "out-of-gas-in-sstore", code: "PUSH 1 PUSH 2 SSTORE", gas: 25_000, ..PLAIN },
    Program { name: "out-of-gas-at-the-sentry", code: "PUSH 1 PUSH 2 SSTORE", gas: 23_306, ..PLAIN },
    Program { name: "out-of-gas-in-log", code: "PUSH 2 PUSH 1 PUSH 0 LOG1", gas: 21_700, ..PLAIN },
    Program {
        name: "out-of-gas-in-call",
        code: "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 1 PUSH 0xee GAS CALL",
        gas: 40_000,
        ..PLAIN
    },
    Program { name: "out-of-gas-in-create", code: "PUSH 0 PUSH 0 PUSH 0 CREATE", gas: 50_000, ..PLAIN },
    Program {
        name: "out-of-gas-in-a-callee",
        code: "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca PUSH 100 CALL STOP",
        others: &[(0xca, "PUSH 1 SLOAD")],
        ..PLAIN
    },
    Program { name: "initcode-too-large", code: "PUSH 49153 PUSH 0 PUSH 0 CREATE", ..PLAIN },
    Program {
        name: "static-violations",
        code: "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xca PUSH 50000 STATICCALL
PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xcb PUSH 50000 STATICCALL
PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 0xcc PUSH 50000 STATICCALL STOP",
        others: &[
            (0xca, "PUSH 1 PUSH 2 SSTORE"),
            (0xcb, "PUSH 0 PUSH 0 LOG0"),
            (0xcc, "PUSH 0 PUSH 0 PUSH 0 PUSH 0 PUSH 1 PUSH 0xca GAS CALL"),
        ],
        ..PLAIN
    },
    Program { name: "return-data-out-of-bounds", code: "PUSH 1 PUSH 0 PUSH 0 RETURNDATACOPY", ..PLAIN },
];
