//! `fixtures/facts/eels-facts.json`, the numbers of the executable specification, beside ours: in every fork, in both directions.
//! Nothing in the file was read from Parallax; nearly all of it was obtained by running the specification. The inputs of the
//! precompiled contracts in it are run by `mini-precompiles`, in its test `facts`.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

#[path = "../../../../fixtures/facts/mod.rs"]
mod facts;
mod lists;

use std::{collections::BTreeSet, fmt::Display};

use facts::facts;
use lists::{NOT_FACTS_OF_OURS, NOT_OBSERVABLE_BEFORE};

use parallax_primitives::{
    Activation, BlobSchedule, BlockEnv, BlockRules, CALL_DEPTH_LIMIT, Eip, Fork, GasSchedule,
    MAINNET_SCHEDULE, Opcode, OpcodeInfo, OpcodeRow, OpcodeTable, Operation, Parameter, Reach, Rules,
    STACK_LIMIT, U256,
};
use serde_json::{Map, Value, json};

/// One fork's facts beside ours.
struct Witness<'a> {
    fork: Fork,
    facts: &'a Value,
    gas: &'static GasSchedule,
    opcodes: &'static OpcodeTable,
    comparisons: usize,
    /// What is not as the file has it.
    differences: Vec<String>,
    /// Constants of ours that were compared.
    constants: BTreeSet<&'static str>,
}

/// All that is compared in `fork`, as the differences found.
fn compare(fork: Fork, facts: &Value) -> Witness<'_> {
    let mut witness = Witness {
        fork,
        facts,
        gas: Rules::of(fork).gas(),
        opcodes: Rules::of(fork).opcodes(),
        comparisons: 0,
        differences: Vec::new(),
        constants: BTreeSet::new(),
    };
    witness.opcode_table();
    witness.schedule();
    witness.constants();
    witness.precompiles();
    witness.opcode_costs();
    witness.sstore();
    witness.calls();
    witness.selfdestruct();
    witness.transactions();
    witness.state_gas();
    witness.blobs();
    witness.every_key_is_known();
    witness
}

/// A number of the file: numbers of 2^53 or more are text there, `none` is no limit. Of two gases it is the execution gas.
fn number(value: &Value) -> U256 {
    let value = value.get("execution").unwrap_or(value);
    match value.as_str() {
        Some("none") => U256::from(u64::MAX),
        Some(digits) => digits.parse().unwrap_or_default(),
        None => U256::from(value.as_u64().unwrap_or(u64::MAX - 1)),
    }
}

impl<'a> Witness<'a> {
    #[allow(clippy::needless_pass_by_value, reason = "they are numbers, and short texts made for the call")]
    fn same<T: PartialEq + Display>(&mut self, what: impl Display, ours: T, theirs: T) {
        self.comparisons += 1;
        if ours != theirs {
            self.differences.push(format!("{}: {what} is {ours}, the specification has {theirs}", self.fork));
        }
    }

    /// The value at a path of keys, `gas/exp/1`; null where there is none.
    fn at(&self, path: &str) -> &'a Value {
        path.split('/').fold(self.facts, |value, key| &value[key])
    }

    /// The number at a path, far from any price where there is none.
    fn n(&self, path: &str) -> u64 {
        number(self.at(path)).saturating_to()
    }

    /// A difference of two numbers; far from any price where there is none.
    fn difference(&self, more: &str, less: &str) -> u64 {
        self.n(more).wrapping_sub(self.n(less))
    }

    fn rows(&self, path: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.at(path).as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    fn row(&self, name: &str) -> u64 {
        Opcode::from_name(name).map_or(0, |opcode| self.opcodes[usize::from(opcode.0)].gas.into())
    }

    fn warmth(&self) -> (&'static str, &'static str) {
        if self.fork >= Fork::Berlin { ("warm", "cold") } else { ("any", "any") }
    }

    fn opcode_table(&mut self) {
        for byte in 0..=u8::MAX {
            let OpcodeRow { operation, inputs, outputs, writes_state, gas } = self.opcodes[usize::from(byte)];
            let defined = operation != Operation::Undefined;
            let row = self.at("opcodes").get(format!("{byte:02x}"));
            if byte == Opcode::INVALID.0 {
                // Defined by being undefined (EIP-141): a row of ours alone.
                self.same("0xfe", defined && row.is_none(), true);
                continue;
            }
            self.same(format!("{byte:#04x}: defined"), defined, row.is_some());
            let (Some(row), Some(info)) = (row, Opcode(byte).info()) else { continue };
            let OpcodeInfo { opcode, name, immediate, .. } = *info;
            self.same(format!("{byte:#04x}: byte"), opcode.0, byte);
            let theirs = match row["name"].as_str().unwrap_or_default() {
                "KECCAK" => "KECCAK256",
                "DIFFICULTY" => "PREVRANDAO",
                other => other,
            };
            self.same(format!("{byte:#04x}: name"), name, theirs);
            self.same(
                format!("{name}: since"),
                Eip::of_opcode(opcode).and_then(Eip::fork).is_none_or(|since| self.fork >= since),
                true,
            );
            // DUPN, SWAPN and EXCHANGE were run with these immediates (EIP-8024): their rows have no items.
            let run_with = if opcode == Opcode::EXCHANGE { 0x8e } else { 0x80 };
            let (inputs, outputs) = Reach::of(opcode, run_with)
                .map_or((inputs, outputs), |reach| (reach.items(), reach.items() + reach.adds()));
            self.same(format!("{name}: in"), u64::from(inputs), number(&row["in"]).saturating_to());
            self.same(format!("{name}: out"), u64::from(outputs), number(&row["out"]).saturating_to());
            self.same(format!("{name}: imm"), u64::from(immediate), number(&row["imm"]).saturating_to());
            let theirs: u64 = number(&row["gas"]).saturating_to();
            let theirs_of_state = row["state"].as_u64().unwrap_or(0);
            let is_creation = matches!(opcode, Opcode::CREATE | Opcode::CREATE2);
            let of_state = if is_creation { self.gas.state_new_account } else { 0 };
            self.same(format!("{name}: state gas"), of_state, theirs_of_state);
            let topics = u64::from(byte.wrapping_sub(Opcode::LOG0.0));
            let gas = u64::from(gas);
            match opcode {
                // A warm store that changes nothing.
                Opcode::SSTORE => self.same("SSTORE: gas", gas + self.gas.sstore_dirty, theirs),
                _ if topics <= 4 => {
                    self.same(format!("{name}: gas"), gas + topics * self.gas.log_topic, theirs);
                }
                _ => self.same(format!("{name}: gas"), gas, theirs),
            }
            // There are no static frames before Byzantium (EIP-214).
            if self.fork >= Fork::Byzantium {
                let theirs = row["write"].as_bool().map_or("nothing".to_owned(), |write| write.to_string());
                self.same(format!("{name}: write"), writes_state.to_string(), theirs);
            }
        }
    }

    /// The schedule as the file alone would have it, but for what no fork changed.
    fn schedule(&mut self) {
        let (warm, cold) = self.warmth();
        let limit = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let sstore = |what: &str, part: usize| self.at(&format!("gas/sstore/{what} {warm}"))[part].as_i64();
        let (alive, absent) =
            (format!("selfdestruct/alive balance=1 {warm}"), format!("selfdestruct/absent balance=1 {warm}"));
        let charge = |row: &str| self.at(&format!("gas/{row}"))[0].as_u64().unwrap_or_default();
        // Where no price was asked for warmth, there is none.
        let access = |name: &str| {
            let paths = [cold, warm].map(|warmth| format!("gas/access/{name}/{warmth}"));
            self.difference(&paths[0], &paths[1])
        };
        // Before a fork with a floor there is one price alone.
        let floor = |what: &str| self.at(&format!("transaction/intrinsic/{what}"))[1].as_u64();
        let floors = floor("call data=00").zip(floor("call"));
        let price = |what: &str| self.at(&format!("transaction/intrinsic/{what}"))[0].as_u64().unwrap_or(0);
        let cold_store = {
            let rows = [cold, warm].map(|warmth| charge(&format!("sstore/0,1,2 {warmth}")));
            rows[0].wrapping_sub(rows[1])
        };
        let has_blobs = !self.at("blob").is_null();
        let theirs = GasSchedule {
            exp_byte: self.difference("gas/exp/1", "gas/exp/0"),
            cold_account: access("BALANCE"),
            cold_slot_load: access("SLOAD"),
            cold_slot_store: cold_store,
            sstore_dirty: charge(&format!("sstore/0,1,2 {warm}")),
            sstore_set: charge(&format!("sstore/0,0,1 {warm}")),
            sstore_reset: charge(&format!("sstore/1,1,2 {warm}")),
            sstore_clear_refund: sstore("1,1,0", 1).unwrap_or(i64::MIN),
            selfdestruct_refund: self.at(&format!("gas/{alive}"))[1].as_i64().unwrap_or(i64::MIN),
            new_account: self.difference(
                &format!("gas/call/CALL absent value=1 {warm}/charged"),
                &format!("gas/call/CALL alive value=1 {warm}/charged"),
            ),
            selfdestruct_new_account: charge(&absent).wrapping_sub(charge(&alive)),
            initcode_word: self.difference("gas/create/CREATE 33 bytes", "gas/create/CREATE 32 bytes"),
            max_code_size: limit(self.n("gas/limits/max_code_size")),
            max_initcode_size: limit(self.n("gas/limits/max_init_code_size")),
            refund_quotient: self.n("transaction/ten_slots_cleared/quotient"),
            tx_create: price("create").wrapping_sub(price("call")).wrapping_add(self.gas.tx_recipient),
            tx_data_nonzero: price("call data=01").wrapping_sub(price("call")),
            tx_floor_token: floors.map_or(0, |(one, none)| one.wrapping_sub(none) / self.gas.tx_tokens_zero),
            tx_gas_cap: if self.fork >= Fork::Amsterdam {
                self.gas.tx_gas_cap
            } else {
                self.n("transaction/gas_cap")
            },
            tx_max_blobs: if has_blobs { limit(self.n("blob/max_per_transaction")) } else { usize::MAX },
            // What no fork changed is looked at as a constant, but for these two.
            ..*self.gas
        };
        self.constants.extend(["sstore_set", "new_account"]);
        let lines = |gas: &GasSchedule| format!("{gas:#?}").lines().map(str::to_owned).collect::<Vec<_>>();
        for (ours, theirs) in lines(self.gas).into_iter().zip(lines(&theirs)) {
            if ours.starts_with(' ') {
                self.same("the schedule", ours, theirs);
            }
        }
    }

    fn constant(&mut self, name: &'static str, ours: u64, theirs: u64) {
        self.constants.insert(name);
        self.same(name, ours, theirs);
    }

    /// What is the same in all forks, from the first on that shows it.
    fn constants(&mut self) {
        type G = GasSchedule;
        let (warm, _) = self.warmth();
        let log = |topics, bytes| self.n(&format!("gas/log/{topics} topics, {bytes} bytes"));
        let (topic, byte) = (log(1, 0).wrapping_sub(log(0, 0)), log(0, 1).wrapping_sub(log(0, 0)));
        let word = |what: &str| self.difference(&format!("gas/{what}/33"), &format!("gas/{what}/32"));
        let (copied, hashed) = (word("copy_bytes/CALLDATACOPY"), word("keccak_bytes"));
        let quadratic = self.n("gas/memory_words/1024").wrapping_sub(1024 * self.n("gas/memory_words/1"));
        let call =
            |value: u8, what: &str| self.n(&format!("gas/call/CALL alive value={value} {warm}/{what}"));
        let (value, stipend) = (call(1, "charged").wrapping_sub(call(0, "charged")), call(1, "given"));
        let tx = |what: &str, part: usize| {
            self.at(&format!("transaction/intrinsic/{what}"))[part].as_u64().unwrap_or(0)
        };
        let (base, zero) = (tx("call", 0), tx("call data=00", 0).wrapping_sub(tx("call", 0)));
        let tokens = [tx("call data=01", 1).wrapping_sub(tx("call", 1))];
        let listed = tx("call 1 address", 0).wrapping_sub(base);
        let keys = tx("call 1 address 2 keys", 0).wrapping_sub(tx("call 1 address", 0));
        let authorization = tx("call 1 authorization", 0).wrapping_sub(base);
        let refund = self.at("transaction/authorization_refund_if_authority_exists").as_u64().unwrap_or(0);
        let two = self.n("gas/memory_words/2").checked_div(self.n("gas/memory_words/1")).unwrap_or_default();
        self.constant("memory_word", self.gas.memory_word, self.n("gas/memory_words/1"));
        self.constant("memory_word_divisor", 2 / self.gas.memory_word_divisor, two);
        self.constant("memory_quadratic_divisor", 1024 * 1024 / self.gas.memory_quadratic_divisor, quadratic);
        self.constant("copy_word", self.gas.copy_word, copied);
        self.constant("keccak_word", self.gas.keccak_word, hashed);
        self.constant("log_topic", self.gas.log_topic, topic);
        self.constant("log_byte", self.gas.log_byte, byte);
        self.constant("call_value", self.gas.call_value, value);
        self.constant("call_stipend", self.gas.call_stipend, stipend);
        self.constant("tx_base", self.gas.tx_base + self.gas.tx_recipient, base);
        self.constant("tx_data_zero", self.gas.tx_data_zero, zero);
        if self.fork >= Fork::Istanbul {
            self.constant("sstore_sentry", self.gas.sstore_sentry + 1, self.n("gas/sstore_noop_least_gas"));
        } else {
            self.same("a store of nothing", self.gas.sstore_dirty, self.n("gas/sstore_noop_least_gas"));
        }
        if self.fork >= Fork::Berlin {
            self.constant("warm_access", self.gas.warm_access, self.n("gas/access/BALANCE/warm"));
            self.constant("tx_access_list_address", self.gas.tx_access_list_address, listed);
            self.constant("tx_access_list_key", 2 * self.gas.tx_access_list_key, keys);
        }
        if self.fork >= Fork::Cancun {
            self.constant("GAS_PER_BLOB", G::GAS_PER_BLOB, self.n("blob/gas_per_blob"));
            self.constant("MIN_BLOB_BASE_FEE", G::MIN_BLOB_BASE_FEE, self.n("blob/min_price"));
        }
        if self.fork >= Fork::Prague {
            self.constant(
                "tx_tokens_nonzero",
                self.gas.tx_tokens_nonzero * self.gas.tx_floor_token,
                tokens[0],
            );
            self.constant("tx_authorization", self.gas.tx_authorization, authorization);
            let refunded = self.gas.tx_authorization - self.gas.tx_authorization_existing;
            self.constant("tx_authorization_existing", refunded, refund);
        }
        self.same("the limit of the stack", STACK_LIMIT as u64, self.n("gas/limits/stack"));
        self.same("the limit of depth", CALL_DEPTH_LIMIT.into(), self.n("gas/limits/call_depth"));
        for (ours, key) in [
            (self.gas.max_code_size, "gas/limits/const MAX_CODE_SIZE"),
            (self.gas.max_initcode_size, "gas/limits/const MAX_INIT_CODE_SIZE"),
        ] {
            self.same(key, ours as u64, self.n(key));
        }
    }

    /// Each price of a precompiled contract, from two inputs where it has a part for each word, pair or round.
    fn precompiles(&mut self) {
        let gas = self.gas;
        let price =
            |contract: &str, input: &str| self.n(&format!("precompiles/{contract}/inputs/{input}/gas"));
        let more = |contract: &str, longer: &str, shorter: &str| {
            price(contract, longer).wrapping_sub(price(contract, shorter))
        };
        // Only a proof that holds has a price in the file.
        let proof =
            self.rows("precompiles/000a/inputs").find_map(|(_, answer)| answer["gas"].as_u64()).unwrap_or(0);
        let (pair, one) = (more("000f", "00*768", "00*384"), price("000f", "00*384"));
        let mut rows = vec![
            ("precompile_ecrecover", gas.precompile_ecrecover, price("0001", "(empty)")),
            ("precompile_sha256", gas.precompile_sha256, price("0002", "(empty)")),
            ("precompile_sha256_word", gas.precompile_sha256_word, more("0002", "00*33", "00*32")),
            ("precompile_ripemd160", gas.precompile_ripemd160, price("0003", "(empty)")),
            ("precompile_ripemd160_word", gas.precompile_ripemd160_word, more("0003", "00*33", "00*32")),
            ("precompile_identity", gas.precompile_identity, price("0004", "(empty)")),
            ("precompile_identity_word", gas.precompile_identity_word, more("0004", "00*33", "00*32")),
        ];
        if self.fork >= Fork::Byzantium {
            let pair = more("0008", "00*384", "00*192");
            rows.extend([
                ("precompile_bn254_add", gas.precompile_bn254_add, price("0006", "(empty)")),
                ("precompile_bn254_mul", gas.precompile_bn254_mul, price("0007", "(empty)")),
                ("precompile_bn254_pairing", gas.precompile_bn254_pairing, price("0008", "(empty)")),
                ("precompile_bn254_pairing_pair", gas.precompile_bn254_pairing_pair, pair),
            ]);
        }
        if self.fork >= Fork::Istanbul {
            let twelve = price("0009", "0000000c+00*208+01");
            rows.push(("precompile_blake2f_round", 12 * gas.precompile_blake2f_round, twelve));
        }
        if self.fork >= Fork::Cancun {
            rows.push(("precompile_point_evaluation", gas.precompile_point_evaluation, proof));
        }
        if self.fork >= Fork::Prague {
            rows.extend([
                ("precompile_bls12_g1_add", gas.precompile_bls12_g1_add, price("000b", "00*256")),
                ("precompile_bls12_g1_mul", gas.precompile_bls12_g1_mul, price("000c", "00*160")),
                ("precompile_bls12_g2_add", gas.precompile_bls12_g2_add, price("000d", "00*512")),
                ("precompile_bls12_g2_mul", gas.precompile_bls12_g2_mul, price("000e", "00*288")),
                ("precompile_bls12_pairing", gas.precompile_bls12_pairing, one.wrapping_sub(pair)),
                ("precompile_bls12_pairing_pair", gas.precompile_bls12_pairing_pair, pair),
                ("precompile_bls12_map_fp", gas.precompile_bls12_map_fp, price("0010", "00*64")),
                ("precompile_bls12_map_fp2", gas.precompile_bls12_map_fp2, price("0011", "00*128")),
            ]);
        }
        if self.fork >= Fork::Osaka {
            rows.push(("precompile_p256verify", gas.precompile_p256verify, price("0100", "(empty)")));
        }
        for (name, ours, theirs) in rows {
            self.constant(name, ours, theirs);
        }
    }

    /// Every price that is a row's and something for each word, byte, topic, or for a cold access.
    fn opcode_costs(&mut self) {
        let gas = self.gas;
        let is = |key: &str, name: &str| key == name;
        for (name, costs) in self.rows("gas/access") {
            let extra = if is(name, "SLOAD") { gas.cold_slot_load } else { gas.cold_account };
            for (warmth, cost) in costs.as_object().into_iter().flatten() {
                let cold = if is(warmth, "cold") { extra } else { 0 };
                self.same(format!("{name}, {warmth}"), self.row(name) + cold, number(cost).saturating_to());
            }
        }
        let exponent_bytes = [("0", 0), ("1", 1), ("255", 1), ("256", 2), ("2^16", 3), ("2^256-1", 32)];
        for (exponent, cost) in self.rows("gas/exp") {
            let bytes = exponent_bytes.iter().find(|row| row.0 == exponent).map_or(99, |row| row.1);
            let ours = self.row("EXP") + bytes * gas.exp_byte;
            self.same(format!("EXP {exponent}"), ours, number(cost).saturating_to());
        }
        for (words, cost) in self.rows("gas/memory_words") {
            let n: u64 = words.parse().unwrap();
            let ours = n * gas.memory_word / gas.memory_word_divisor + n * n / gas.memory_quadratic_divisor;
            self.same(format!("{words} words of memory"), ours, number(cost).saturating_to());
        }
        let words = |bytes: &str| bytes.parse::<u64>().unwrap().div_ceil(32);
        for (name, costs) in self.rows("gas/copy_bytes") {
            for (bytes, cost) in costs.as_object().into_iter().flatten() {
                let ours = self.row(name) + words(bytes) * self.gas.copy_word;
                self.same(format!("{name} of {bytes}"), ours, number(cost).saturating_to());
            }
        }
        for (bytes, cost) in self.rows("gas/keccak_bytes") {
            let ours = self.row("KECCAK256") + words(bytes) * self.gas.keccak_word;
            self.same(format!("KECCAK256 of {bytes}"), ours, number(cost).saturating_to());
        }
        for (what, cost) in self.rows("gas/log") {
            let numbers: Vec<u64> = what.split(' ').filter_map(|word| word.parse().ok()).collect();
            let ours = self.row("LOG0") + numbers[0] * self.gas.log_topic + numbers[1] * self.gas.log_byte;
            self.same(what, ours, number(cost).saturating_to());
        }
        for (what, cost) in self.rows("gas/create") {
            let (name, bytes) = what.trim_end_matches(" bytes").split_once(' ').unwrap();
            let hashed = if is(name, "CREATE2") { self.gas.keccak_word } else { 0 };
            let ours = self.row(name) + words(bytes) * (gas.initcode_word + hashed);
            self.same(what, ours, number(cost).saturating_to());
            let theirs = cost["state"].as_u64().unwrap_or(0);
            self.same(format!("{what}: state gas"), gas.state_new_account, theirs);
        }
        for (bytes, cost) in self.rows("gas/deposit_bytes") {
            let n: u64 = bytes.parse().unwrap();
            let ours = n * gas.code_deposit_byte + words(bytes) * gas.code_deposit_word;
            self.same(format!("a deposit of {bytes}"), ours, number(cost).saturating_to());
            let theirs = cost["state"].as_u64().unwrap_or(0);
            self.same(format!("a deposit of {bytes}: state gas"), n * gas.state_code_byte, theirs);
        }
    }

    /// All rows of SSTORE as one formula of the schedule (EIP-2200; before, EIP-1283, the current value alone).
    fn sstore(&mut self) {
        let gas = self.gas;
        let is_net = self.fork == Fork::Constantinople || (self.fork >= Fork::Istanbul);
        let price = |value: u64| i64::try_from(value).unwrap();
        let mut rows = 0;
        for (what, row) in self.rows("gas/sstore") {
            let (values, warmth) = what.split_once(' ').unwrap();
            let values: Vec<u64> = values.split(',').map(|value| value.parse().unwrap()).collect();
            let [original, current, new] = values.as_slice() else { panic!("{what}") };
            let mut refund = 0;
            let mut charge = if !is_net {
                if *current == 0 && *new != 0 { gas.sstore_set } else { gas.sstore_reset }
            } else if current == new || original != current {
                gas.sstore_dirty
            } else if *original == 0 {
                gas.sstore_set
            } else {
                gas.sstore_reset
            };
            if warmth == "cold" {
                charge += gas.cold_slot_store;
            }
            if !is_net || original == current {
                if *current != 0 && *new == 0 {
                    refund += gas.sstore_clear_refund;
                }
            } else if current != new {
                match (*original != 0, *current == 0, *new == 0) {
                    (true, true, _) => refund -= gas.sstore_clear_refund,
                    (true, _, true) => refund += gas.sstore_clear_refund,
                    _ => {}
                }
                if original == new {
                    let first = if *original == 0 { gas.sstore_set } else { gas.sstore_reset };
                    refund += price(first) - price(gas.sstore_dirty);
                }
            }
            let theirs = [0, 1].map(|part| row[part].as_i64().unwrap_or(i64::MIN));
            self.same(format!("SSTORE {what}"), price(charge), theirs[0]);
            self.same(format!("SSTORE {what}, refund"), refund, theirs[1]);
            let state = match values.as_slice() {
                [0, 0, new] if *new != 0 => price(gas.state_new_slot),
                [0, current, 0] if *current != 0 => -price(gas.state_new_slot),
                _ => 0,
            };
            self.same(format!("SSTORE {what}: state gas"), state, row[2].as_i64().unwrap_or(0));
            rows += 1;
        }
        self.same("rows of SSTORE", rows, if self.fork >= Fork::Berlin { 30 } else { 15 });
    }

    fn calls(&mut self) {
        let gas = self.gas;
        for (what, row) in self.rows("gas/call") {
            let (name, rest) = what.split_once(' ').unwrap();
            let has = |word: &str| rest.split([' ', ',']).any(|found| found == word);
            let is_cold = if has("delegated") { rest.contains("delegated cold") } else { has("cold") };
            let mut charged = self.row(name) + if is_cold { gas.cold_account } else { 0 };
            if has("delegate") {
                // The delegate's access has no part in the row (EIP-7702).
                charged += gas.warm_access;
                charged += if rest.ends_with("delegate cold") { gas.cold_account } else { 0 };
            }
            let is_new = if self.fork >= Fork::SpuriousDragon {
                has("value=1") && (has("absent") || has("empty"))
            } else {
                has("absent")
            };
            charged += if name == "CALL" && is_new { gas.new_account } else { 0 };
            charged += if has("value=1") { self.gas.call_value } else { 0 };
            let given = if has("value=1") { self.gas.call_stipend } else { 0 };
            self.same(format!("{what}: charged"), charged, number(&row["charged"]).saturating_to());
            self.same(format!("{what}: given"), given, number(&row["given"]).saturating_to());
            let state = if name == "CALL" && is_new { gas.state_new_account } else { 0 };
            self.same(format!("{what}: state gas"), state, row["state"].as_u64().unwrap_or(0));
        }
    }

    fn selfdestruct(&mut self) {
        let gas = self.gas;
        for (what, row) in self.rows("gas/selfdestruct") {
            let has = |word: &str| what.split(' ').any(|found| found == word);
            let is_new = if self.fork >= Fork::SpuriousDragon {
                has("balance=1") && (has("absent") || has("empty"))
            } else {
                has("absent")
            };
            let mut charge = self.row("SELFDESTRUCT") + if is_new { gas.selfdestruct_new_account } else { 0 };
            if has("cold") {
                // As with delegates, the row has no warm access in it.
                charge += gas.cold_account + gas.warm_access;
            }
            self.same(format!("SELFDESTRUCT, {what}"), charge, number(&row[0]).saturating_to());
            let refund = row[1].as_i64().unwrap_or(i64::MIN);
            self.same(format!("SELFDESTRUCT, {what}: refund"), gas.selfdestruct_refund, refund);
            let state = if is_new { gas.state_new_account } else { 0 };
            self.same(format!("SELFDESTRUCT, {what}: state gas"), state, row[2].as_u64().unwrap_or(0));
        }
    }

    /// Sample transactions: is it a creation, bytes of calldata that are zero, and not, accounts, slots, authorizations.
    fn transactions(&mut self) {
        const SAMPLES: &[(&str, bool, [u64; 5])] = &[
            ("call", false, [0; 5]),
            ("call value=1", false, [0; 5]),
            ("call data=00", false, [1, 0, 0, 0, 0]),
            ("call data=01", false, [0, 1, 0, 0, 0]),
            ("call data=00*100", false, [100, 0, 0, 0, 0]),
            ("call data=01*100", false, [0, 100, 0, 0, 0]),
            ("create", true, [0; 5]),
            ("create data=00", true, [1, 0, 0, 0, 0]),
            ("create data=00*32", true, [32, 0, 0, 0, 0]),
            ("create data=00*33", true, [33, 0, 0, 0, 0]),
            ("call 1 address", false, [0, 0, 1, 0, 0]),
            ("call 1 address 2 keys", false, [0, 0, 1, 2, 0]),
            ("call 1 authorization", false, [0, 0, 0, 0, 1]),
        ];
        let gas = self.gas;
        for (what, row) in self.rows("transaction/intrinsic") {
            let sample = SAMPLES.iter().find(|sample| sample.0 == what);
            self.same(format!("{what}: known"), sample.is_some(), true);
            let Some((_, is_create, [zeros, others, accounts, slots, authorizations])) = sample else {
                continue;
            };
            let words = (zeros + others).div_ceil(32);
            let value = if what == "call value=1" { gas.tx_value } else { 0 };
            let recipient = if *is_create { gas.tx_create } else { gas.tx_recipient + value };
            let intrinsic = self.gas.tx_base
                + recipient
                + if *is_create { words * gas.initcode_word } else { 0 }
                + zeros * self.gas.tx_data_zero
                + others * gas.tx_data_nonzero
                + accounts * self.gas.tx_access_list_address
                + slots * self.gas.tx_access_list_key
                + authorizations * self.gas.tx_authorization;
            self.same(format!("{what}: intrinsic gas"), intrinsic, number(&row[0]).saturating_to());
            if self.fork >= Fork::Prague {
                let tokens = zeros * self.gas.tx_tokens_zero + others * self.gas.tx_tokens_nonzero;
                let in_floor = if self.fork >= Fork::Amsterdam { recipient } else { 0 };
                let floor = self.gas.tx_base
                    + in_floor
                    + gas.tx_floor_token * tokens
                    + accounts * self.gas.tx_floor_access_list_address
                    + slots * self.gas.tx_floor_access_list_key;
                let seen = ["tx_tokens_zero", "tx_floor_access_list_address", "tx_floor_access_list_key"];
                self.constants.extend(seen);
                self.same(format!("{what}: floor"), floor, number(&row[1]).saturating_to());
            }
        }
        // Ten slots cleared in one transaction: more is refunded than the cap lets through.
        let used = self.n("transaction/ten_slots_cleared/used_before_refund");
        let clearing = 10 * (self.row("PUSH1") * 2 + gas.sstore_reset + gas.cold_slot_store);
        self.same("ten slots cleared", self.gas.tx_base + gas.tx_recipient + clearing, used);
        let refund = u64::try_from(10 * gas.sstore_clear_refund).unwrap().min(used / gas.refund_quotient);
        self.same("ten slots cleared: paid", used - refund, self.n("transaction/ten_slots_cleared/paid"));
    }

    /// The second gas, by the bytes of state that it is for (EIP-8037), and what stands beside it.
    fn state_gas(&mut self) {
        let gas = self.gas;
        if self.fork < Fork::Amsterdam {
            let none = [gas.state_code_byte, gas.state_new_account, gas.state_new_slot, gas.state_delegation];
            self.same("state gas", none.iter().sum::<u64>(), 0);
            return;
        }
        let byte = self.n("amsterdam/cost_per_state_byte");
        self.same("a byte of state", gas.state_code_byte, byte);
        self.same("an account", gas.state_new_account, byte * self.n("amsterdam/state_bytes_account"));
        self.same("a slot", gas.state_new_slot, byte * self.n("amsterdam/state_bytes_slot"));
        self.same("a delegation", gas.state_delegation, byte * self.n("amsterdam/state_bytes_delegation"));
        let absent = self.n("amsterdam/authorization_state_account");
        self.same("an absent authority", gas.state_new_account, absent);
        let delegation = self.n("amsterdam/authorization_state_delegation");
        self.same("an authority's delegation", gas.state_delegation, delegation);
        let write = self.n("amsterdam/authorization_account_write");
        self.same("an authority's write", gas.tx_authority_write, write);
        let cap = format!("none for the gas limit; {} for intrinsic and floor", gas.tx_gas_cap);
        self.same("the cap", cap, self.at("transaction/gas_cap").as_str().unwrap_or_default().to_owned());
    }

    fn blobs(&mut self) {
        if self.fork < Fork::Cancun {
            // A definition of ours: there is nothing to be seen yet.
            self.same("blobs", self.at("blob").is_null(), true);
            self.same("blobs", Rules::of(self.fork).blobs() == Rules::of(Fork::Cancun).blobs(), true);
            return;
        }
        let BlobSchedule { target, max, update_fraction } = Rules::of(self.fork).blobs();
        self.same("the target of blobs", target, self.n("blob/target"));
        self.same("the most blobs", max, self.n("blob/max"));
        self.same("the fraction of the price of blobs", update_fraction, self.n("blob/update_fraction"));
        for (excess, price) in self.rows("blob/price_of_excess") {
            let blobs = Rules::of(self.fork).blobs();
            let excess_blob_gas = excess.parse().unwrap();
            let block = BlockEnv { excess_blob_gas, blobs, ..BlockEnv::default() };
            self.same(format!("the price at {excess}"), block.blob_base_fee(), number(price));
        }
    }

    /// The other direction of the keys: what stands in the file is looked at above, or named as no fact of ours.
    fn every_key_is_known(&mut self) {
        const SEEN: &[&str] = &[
            "gas/access",
            "gas/exp",
            "gas/memory_words",
            "gas/copy_bytes",
            "gas/keccak_bytes",
            "gas/log",
            "gas/call",
            "gas/sstore",
            "gas/sstore_noop_least_gas",
            "gas/create",
            "gas/deposit_bytes",
            "gas/selfdestruct",
            "gas/limits/max_code_size",
            "gas/limits/max_init_code_size",
            "gas/limits/const MAX_CODE_SIZE",
            "gas/limits/const MAX_INIT_CODE_SIZE",
            "gas/limits/call_depth",
            "gas/limits/stack",
            "transaction/intrinsic",
            "transaction/gas_cap",
            "transaction/ten_slots_cleared",
            "transaction/authorization_refund_if_authority_exists",
            "blob/gas_per_blob",
            "blob/target",
            "blob/max",
            "blob/update_fraction",
            "blob/min_price",
            "blob/max_per_transaction",
            "blob/price_of_excess",
            "amsterdam/cost_per_state_byte",
            "amsterdam/state_bytes_account",
            "amsterdam/state_bytes_slot",
            "amsterdam/state_bytes_delegation",
            "amsterdam/authorization_state_account",
            "amsterdam/authorization_state_delegation",
            "amsterdam/authorization_account_write",
        ];
        for folder in ["gas", "gas/limits", "transaction", "blob", "amsterdam"] {
            for (key, _) in self.rows(folder) {
                let path = format!("{folder}/{key}");
                let known = path == "gas/limits"
                    || SEEN.contains(&path.as_str())
                    || NOT_FACTS_OF_OURS.iter().any(|row| row.0 == path);
                self.same(format!("{path}: known"), known, true);
            }
        }
    }
}

/// The names of the schedule's constants, from its source, and of the fields that no fork changes: a number that nothing compares
/// must not go unseen.
fn constants_of_the_schedule() -> BTreeSet<&'static str> {
    let lines = include_str!("../../src/gas.rs").lines();
    let constants = lines
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": "))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && *name != "ALL");
    let first = Rules::of(Fork::Frontier).gas();
    let unchanged = Parameter::ALL.iter().filter(|parameter| {
        Fork::ALL.iter().all(|fork| Rules::of(*fork).gas().get(**parameter) == first.get(**parameter))
    });
    constants.chain(unchanged.map(|parameter| parameter.name())).collect()
}

#[test]
fn every_number_is_the_specification_s() {
    let facts = facts();
    let constants = constants_of_the_schedule();
    assert!(constants.len() >= 20, "{constants:?}");
    let mut comparisons = 0;
    let mut differences = Vec::new();
    for fork in Fork::ALL {
        let mut witness = compare(fork, &facts[fork.name()]);
        for name in &constants {
            let since =
                NOT_OBSERVABLE_BEFORE.iter().find(|row| row.0 == *name).map_or(Fork::Frontier, |row| row.1);
            let (compared, observable) = (witness.constants.contains(name), fork >= since);
            witness.same(format!("{name}: compared"), compared, observable);
        }
        comparisons += witness.comparisons;
        differences.extend(witness.differences);
    }
    println!("{comparisons} comparisons");
    assert!(differences.is_empty(), "{} of {comparisons}:\n{}", differences.len(), differences.join("\n"));
    assert!(comparisons > 20_000, "{comparisons}");
}

/// One more in any number of the file, or the other answer to a question, and the comparison says so: none stands there in vain.
#[track_caller]
fn check_sees(fork: Fork, facts: &Value) -> usize {
    let mut changed = facts.clone();
    let mut seen = 0;
    for section in ["opcodes", "gas", "transaction", "blob", "amsterdam"] {
        for path in leaves(facts[section].as_object(), section) {
            if NOT_FACTS_OF_OURS.iter().any(|row| path.join("/").starts_with(row.0)) {
                continue;
            }
            let place = path.iter().fold(&mut changed, |value, key| match value {
                Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
                other => &mut other[key.as_str()],
            });
            let before = place.clone();
            *place = match &before {
                Value::Bool(answer) => (!answer).into(),
                Value::String(text) if text == "none" => 1000.into(),
                Value::String(text) => match text.parse::<U256>() {
                    Ok(value) => (value + U256::ONE).to_string().into(),
                    Err(_) => format!("{text}X").into(),
                },
                value => (value.as_i64().unwrap() + 1).into(),
            };
            // A definition (no static frames yet) is in the file for no fork that cannot show it.
            assert!(
                !compare(fork, &changed).differences.is_empty(),
                "{fork}: {} is not seen",
                path.join("/")
            );
            *path.iter().fold(&mut changed, |value, key| match value {
                Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
                other => &mut other[key.as_str()],
            }) = before;
            seen += 1;
        }
    }
    seen
}

/// The paths of all values below, in order.
fn leaves(object: Option<&Map<String, Value>>, path: &str) -> Vec<Vec<String>> {
    fn add(value: &Value, path: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect()
            }
            _ => return leaves.push(path.clone()),
        };
        for (key, child) in children {
            path.push(key);
            add(child, path, leaves);
            path.pop();
        }
    }
    let mut leaves = Vec::new();
    let whole = object.map_or(json!({}), |object| Value::Object(object.clone()));
    add(&whole, &mut vec![path.to_owned()], &mut leaves);
    leaves
}

#[test]
fn every_number_of_the_file_is_looked_at() {
    let facts = facts();
    let mut seen = 0;
    for fork in [Fork::Frontier, Fork::Constantinople, Fork::Berlin, Fork::Osaka, Fork::Amsterdam] {
        seen += check_sees(fork, &facts[fork.name()]);
    }
    println!("{seen} numbers changed, all seen");
    assert!(seen > 4000, "{seen}");
}

#[test]
fn mainnet_has_its_forks_when_the_specification_says() {
    let mut compared = 0;
    for (name, facts) in facts() {
        // What a fork does not say is its parent's: with both, the time is its own.
        let said = &facts["block"]["mainnet_activation"];
        let said = said["ByTimestamp"]
            .as_u64()
            .map(Activation::Time)
            .or(said["ByBlockNumber"].as_u64().map(Activation::Block));
        let rules: BlockRules = name.parse().unwrap();
        let ours = match rules.name {
            // It never was without Petersburg, which the specification calls so.
            "Constantinople" => "Petersburg",
            name => name,
        };
        let ours = MAINNET_SCHEDULE.iter().find(|(name, _)| *name == ours).map(|(_, activation)| *activation);
        if rules.name != "Petersburg" {
            assert_eq!(ours, said, "{name}");
            compared += 1;
        }
    }
    assert!(compared >= MAINNET_SCHEDULE.len(), "{compared}");
}
