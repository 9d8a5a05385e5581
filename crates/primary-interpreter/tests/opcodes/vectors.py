"""Writes the vectors beside it from the executable specification, opcode by opcode, in no engine of this project.

    python3 vectors.py            # needs the package ethereum-execution

values.txt: NAME operand ... = result, the top of the stack first, at the newest fork.
facts.txt:  fork byte inputs outputs static gas, where gas is what the opcode takes with operands of zero on an empty
            world, and static is 1 if a static call may not run it. A byte that is not there is not defined.
"""

import importlib
import itertools
import random
from pathlib import Path
from types import SimpleNamespace

from ethereum_types.bytes import Bytes, Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint

FORKS = {
    "Frontier": "frontier",
    "Homestead": "homestead",
    "TangerineWhistle": "tangerine_whistle",
    "SpuriousDragon": "spurious_dragon",
    "Byzantium": "byzantium",
    "Petersburg": "constantinople",
    "Istanbul": "istanbul",
    "Berlin": "berlin",
    "London": "london",
    "Paris": "paris",
    "Shanghai": "shanghai",
    "Cancun": "cancun",
    "Prague": "prague",
    "Osaka": "osaka",
    "BPO1": "bpo1",
    "BPO2": "bpo2",
}
GAS = 10_000_000
SELF = Bytes20(b"\x11" * 20)


def frame(fork, stack, code=b"\x00" * 40, static=False):
    state = importlib.import_module(f"ethereum.forks.{fork}.state")
    state_module = state.State()
    block = SimpleNamespace(
        state=state_module, chain_id=U64(1), block_gas_limit=Uint(0), block_hashes=[Bytes32(b"\0" * 32)] * 256,
        coinbase=Bytes20(b"\0" * 20), number=Uint(0), base_fee_per_gas=Uint(0), time=U256(0), difficulty=Uint(0),
        prev_randao=Bytes32(b"\0" * 32), excess_blob_gas=U64(0),
    )
    transient = state.TransientStorage() if hasattr(state, "TransientStorage") else None
    tx = SimpleNamespace(
        origin=Bytes20(b"\0" * 20), gas_price=Uint(0), gas=Uint(GAS), blob_versioned_hashes=(),
        transient_storage=transient, access_list_addresses=set(), access_list_storage_keys=set(), authorizations=(),
    )
    message = SimpleNamespace(
        block_env=block, tx_env=tx, caller=Bytes20(b"\0" * 20), target=SELF, current_target=SELF, gas=Uint(GAS),
        value=U256(0), data=Bytes(b""), code_address=SELF, code=Bytes(code), depth=Uint(0), is_static=static,
        should_transfer_value=True, accessed_addresses=set(), accessed_storage_keys=set(), disable_precompiles=False,
        parent_evm=None,
    )
    state.begin_transaction(state_module, *([transient] if transient else []))
    # The frame's own account exists, as it always does.
    state.increment_nonce(state_module, SELF)
    return SimpleNamespace(
        pc=Uint(0), stack=list(stack), memory=bytearray(), code=Bytes(code), gas_left=Uint(GAS),
        valid_jump_destinations={Uint(0)}, logs=(), refund_counter=0, running=True, message=message, output=b"",
        accounts_to_delete=set(), touched_accounts=set(), return_data=b"", error=None, accessed_addresses=set(),
        accessed_storage_keys=set(), env=block,
    )


def execute(fork, byte, operands, **options):
    """The frame after one opcode, and the name of what it raised."""
    ops = importlib.import_module(f"ethereum.forks.{fork}.vm.instructions")
    try:
        op = ops.Ops(byte)
    except ValueError:
        return None, "Undefined"
    evm = frame(fork, [U256(x) for x in reversed(operands)], **options)
    try:
        ops.op_implementation[op](evm)
    except Exception as error:  # noqa: BLE001 the specification's own exceptions, by name
        return evm, type(error).__name__
    return evm, ""


def facts():
    for name, fork in FORKS.items():
        for byte in range(256):
            if execute(fork, byte, [])[1] == "Undefined":
                continue
            inputs = next(n for n in range(18) if execute(fork, byte, [0] * n)[1] != "StackUnderflowError")
            evm, error = execute(fork, byte, [0] * inputs)
            assert error in ("", "Revert"), (name, hex(byte), error)
            static = execute(fork, byte, [0] * inputs, static=True)[1] == "WriteInStaticContext"
            yield f"{name} {byte:02x} {inputs} {len(evm.stack)} {int(static)} {GAS - int(evm.gas_left)}"


TOP = 2**256
EDGES = [0, 1, 2, 31, 2**64 - 1, 2**64, 2**128, 2**255 - 1, 2**255, TOP - 2, TOP - 1]
SHIFTS = [0, 1, 7, 8, 64, 127, 128, 248, 255, 256, 257, 2**64, 2**64 + 1, 2**255, TOP - 1]
BYTES = [0, 1, 7, 15, 16, 29, 30, 31, 32, 33, 255, 256, 2**64, 2**64 + 1, TOP - 1]
WORDS = [0, 1, 0x7F, 0x80, 0xFF, 0x8000, 0x7FFF, 2**255, 2**255 - 1, TOP - 1,
         0x0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20,
         0x8182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0]
BINARY = {"ADD": 1, "MUL": 2, "SUB": 3, "DIV": 4, "SDIV": 5, "MOD": 6, "SMOD": 7, "EXP": 10, "LT": 0x10, "GT": 0x11,
          "SLT": 0x12, "SGT": 0x13, "EQ": 0x14, "AND": 0x16, "OR": 0x17, "XOR": 0x18}
TERNARY = {"ADDMOD": 8, "MULMOD": 9}
UNARY = {"ISZERO": 0x15, "NOT": 0x19, "CLZ": 0x1E}
SHIFTING = {"SHL": 0x1B, "SHR": 0x1C, "SAR": 0x1D}
INDEXING = {"BYTE": 0x1A, "SIGNEXTEND": 0x0B}


def values():
    dice = random.Random(3155)
    some = [dice.getrandbits(bits) for bits in (8, 63, 64, 65, 128, 192, 255, 256, 256, 256)]
    rows = []
    for name, byte in UNARY.items():
        rows += [(name, byte, [x]) for x in EDGES + some + [2**n for n in range(0, 256, 17)]]
    for name, byte in BINARY.items():
        rows += [(name, byte, [x, y]) for x, y in itertools.product(EDGES, repeat=2)]
        rows += [(name, byte, [x, y]) for x, y in itertools.product(some[::2], some[1::2])]
        rows += [(name, byte, [TOP - x, y]) for x, y in ((7, 2), (7, TOP - 2), (8, 3), (1, TOP - 1))]
    for name, byte in TERNARY.items():
        rows += [(name, byte, list(xyz)) for xyz in itertools.product([0, 1, 2, 2**64, 2**255, TOP - 1], repeat=3)]
        rows += [(name, byte, dice.sample(some, 3)) for _ in range(20)]
    for name, byte in SHIFTING.items():
        rows += [(name, byte, [n, x]) for n, x in itertools.product(SHIFTS, WORDS)]
    for name, byte in INDEXING.items():
        rows += [(name, byte, [n, x]) for n, x in itertools.product(BYTES, WORDS)]
    for name, byte, operands in rows:
        evm, error = execute("osaka", byte, operands)
        assert not error and len(evm.stack) == 1, (name, operands, error)
        yield " ".join([name, *(f"{x:x}" for x in operands), "=", f"{int(evm.stack[0]):x}"])


if __name__ == "__main__":
    here = Path(__file__).parent
    (here / "facts.txt").write_text("\n".join(facts()) + "\n")
    (here / "values.txt").write_text("\n".join(values()) + "\n")
