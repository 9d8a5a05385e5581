//! What rules take of an author's own, and what they refuse.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use parallax_host_interface::{
    ContractCall, CustomContract, CustomOpcode, CustomTransactions, HostError, OpcodeFault, OpcodeFrame,
    TransactionRules, unknown_definition,
};
use parallax_primitives::{
    Address, Class, ContractDefinition, DefinitionError, Eip, Fork, FrameOutcome, Halt, Opcode,
    OpcodeDefinition, OpcodeInfo, Operand, Operation, Role, Rules, RulesError, RulesSubject,
    TransactionDefinition, U256, address,
};

const SQUARE: OpcodeInfo = OpcodeInfo {
    opcode: Opcode(0xb0),
    name: "SQUARE",
    class: Class::Arithmetic,
    inputs: &[Operand { name: "a", role: Role::Value }],
    outputs: &[Role::Value],
    immediate: 0,
    gas: 7,
    writes_state: false,
};

fn fast(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    frame.set_result(frame.operand(0).wrapping_mul(frame.operand(0)));
    Ok(())
}

fn plain(frame: &mut dyn OpcodeFrame) -> Result<(), OpcodeFault> {
    frame.set_result(frame.operand(0).wrapping_pow(U256::from(2)));
    Ok(())
}

const AT: Address = address!("00000000000000000000000000000000000000b0");

fn first(call: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    Ok(FrameOutcome::halted(Halt::PrecompileFailure, call.message.gas))
}

fn second(_: &mut ContractCall<'_>) -> Result<FrameOutcome, HostError> {
    Err(HostError::new("never called"))
}

#[test]
fn rules_have_an_opcode_and_a_contract_of_their_own() {
    static OPCODE: CustomOpcode = CustomOpcode::local(SQUARE, fast, plain);
    static CONTRACT: CustomContract = CustomContract::new(AT, "COUNTER", first, second);
    let builder = Rules::builder(Fork::Osaka).opcode(&OPCODE).contract(&CONTRACT);
    let rules = builder.build().unwrap();
    assert_eq!(rules.name(), "Osaka +SQUARE +COUNTER");
    let row = rules.opcodes()[0xb0];
    assert_eq!((row.operation, row.inputs, row.outputs, row.gas), (Operation::Custom, 1, 1, 7));
    assert_eq!(rules.info(Opcode(0xb0)), Some(&SQUARE));
    assert_eq!(rules.show(Opcode(0xb0)).to_string(), "SQUARE");
    assert_eq!(Rules::of(Fork::Osaka).show(Opcode(0xb0)).to_string(), "0xb0");
    assert!(CustomOpcode::fast(rules, Opcode(0xb0)).is_some() && CustomContract::plain(rules, &AT).is_some());
    assert!(CustomOpcode::fast(rules, Opcode::ADD).is_none());
    assert_eq!(unknown_definition(rules), None);
    // Of equal sets there is one, and another definition makes another set.
    assert_eq!(builder.build(), Ok(rules));
    static OTHER: CustomOpcode = CustomOpcode::local(SQUARE, fast, plain);
    assert_ne!(Rules::builder(Fork::Osaka).opcode(&OTHER).contract(&CONTRACT).build(), Ok(rules));
    // An author's price of an author's opcode, kept when EIPs are switched.
    let dear = builder.static_gas(Opcode(0xb0), 9).build().unwrap();
    let without = dear.with_eips(Fork::Osaka.eips().without(Eip::CountZeros7939)).unwrap();
    assert_eq!(without.opcodes()[0xb0].gas, 9);
    assert!(without.custom_contract(&AT).is_some());
    let differences = Rules::of(Fork::Osaka).differences(rules);
    let subjects: Vec<_> = differences.iter().map(|difference| difference.subject).collect();
    assert_eq!(subjects, [RulesSubject::Opcode(Opcode(0xb0)), RulesSubject::CustomContract(AT)]);
}

#[track_caller]
fn refused(opcode: &'static CustomOpcode, expected: &str) {
    let error = Rules::builder(Fork::Frontier).opcode(opcode).build().unwrap_err();
    assert!(matches!(error, RulesError::Definition(DefinitionError::Opcode { .. })), "{error:?}");
    assert_eq!(error.to_string(), expected);
}

/// [`SQUARE`] with other facts.
macro_rules! opcode {
    ($($field:ident: $value:expr),*) => {{
        static OWN: CustomOpcode = CustomOpcode::local(OpcodeInfo { $($field: $value,)* ..SQUARE }, fast, plain);
        &OWN
    }};
}

#[test]
fn what_cannot_be_an_opcode_is_refused_with_the_reason() {
    // CLZ is no opcode of Frontier, but of a later EIP.
    refused(opcode!(opcode: Opcode::CLZ), "opcode SQUARE at 0x1e: the byte is CLZ's");
    refused(opcode!(name: "CLZ"), "opcode CLZ at 0xb0: another opcode has this name");
    let name = "a name is 1 to 32 of A-Z, 0-9 and _, and begins with a letter";
    for own in [opcode!(name: ""), opcode!(name: "Square"), opcode!(name: "2ND"), opcode!(name: "A B")] {
        refused(own, &format!("opcode {} at 0xb0: {name}", own.info().name));
    }
    refused(
        opcode!(outputs: &[Role::Value, Role::Value]),
        "opcode SQUARE at 0xb0: at most 16 operands and one result are possible",
    );
    refused(opcode!(immediate: 33), "opcode SQUARE at 0xb0: at most 32 immediate bytes are possible");
    refused(
        opcode!(class: Class::Message),
        "opcode SQUARE at 0xb0: its class is Message, which only Ethereum's own opcodes can be",
    );
    static ONE: CustomOpcode = CustomOpcode::local(SQUARE, fast, fast);
    refused(
        &ONE,
        "opcode SQUARE at 0xb0: both sides would run one function: give it a second one, or say that it is shared",
    );
    static SHARED: CustomOpcode = CustomOpcode::local(SQUARE, fast, fast).shared();
    assert!(Rules::builder(Fork::Frontier).opcode(&SHARED).build().is_ok());
    let twice = Rules::builder(Fork::Frontier).opcode(&SHARED).opcode(&SHARED).build();
    assert_eq!(twice.unwrap_err().to_string(), "opcode SQUARE at 0xb0: the byte is SQUARE's");
}

#[test]
fn what_cannot_be_a_contract_is_refused_with_the_reason() {
    let refused = |contract: &'static CustomContract, expected: &str| {
        let error = Rules::builder(Fork::Frontier).contract(contract).build().unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    // One that a later fork has.
    const MODEXP: Address = address!("0000000000000000000000000000000000000005");
    static TAKEN: CustomContract = CustomContract::new(MODEXP, "MINE", first, second);
    refused(&TAKEN, &format!("contract MINE at {MODEXP}: the address is MODEXP's"));
    static ONE: CustomContract = CustomContract::new(AT, "MINE", first, first);
    let why = "both sides would run one function: give it a second one, or say that it is shared";
    refused(&ONE, &format!("contract MINE at {AT}: {why}"));
    static UNNAMED: CustomContract = CustomContract::new(AT, "", first, second);
    let why = "a name is 1 to 32 of A-Z, 0-9 and _, and begins with a letter";
    refused(&UNNAMED, &format!("contract  at {AT}: {why}"));
}

struct First;
struct Second;

impl TransactionRules for First {}
impl TransactionRules for Second {}

#[test]
fn rules_for_transactions_are_part_of_the_rules() {
    static OWN: CustomTransactions = CustomTransactions::new("DEPOSITS", &[0x7e], &First, &Second);
    let builder = Rules::builder(Fork::Osaka).transactions(&OWN);
    let rules = builder.build().unwrap();
    assert_eq!(rules.name(), "Osaka +DEPOSITS");
    assert!(CustomTransactions::fast(rules).is_some() && CustomTransactions::plain(rules).is_some());
    assert!(CustomTransactions::fast(Fork::Osaka.into()).is_none());
    assert_eq!(unknown_definition(rules), None);
    assert_eq!(builder.build(), Ok(rules));
    assert!(rules.with_eips(Fork::Prague.eips()).unwrap().custom_transactions().is_some());
    let differences = Rules::of(Fork::Osaka).differences(rules);
    let subjects: Vec<_> = differences.iter().map(|difference| difference.subject).collect();
    assert_eq!(subjects, [RulesSubject::CustomTransactions]);
}

#[test]
fn rules_for_transactions_that_cannot_be_are_refused() {
    let refused = |own: CustomTransactions, expected: &str| {
        let own: &'static CustomTransactions = Box::leak(Box::new(own));
        let error = Rules::builder(Fork::Frontier).transactions(own).build().unwrap_err();
        assert!(matches!(error, RulesError::Definition(DefinitionError::Transactions { .. })), "{error:?}");
        assert_eq!(error.to_string(), format!("transaction rules {}: {expected}", own.name()));
    };
    let one = "both machines would ask one implementation: give them a second one, or say that it is shared";
    refused(CustomTransactions::new("ONE", &[], &First, &First), one);
    let shared = CustomTransactions::new("ONE", &[], &First, &First).shared();
    assert!(Rules::builder(Fork::Frontier).transactions(Box::leak(Box::new(shared))).build().is_ok());
    for taken in [&[4], &[0x80]] {
        let why = format!("type {:#04x} cannot be a chain's own, which are 0x05 to 0x7f", taken[0]);
        refused(CustomTransactions::new("TAKEN", taken, &First, &Second), &why);
    }
    let twice = CustomTransactions::new("TWICE", &[5, 6, 5], &First, &Second);
    refused(twice, "type 0x05 is named twice");
    let why = "a name is 1 to 32 of A-Z, 0-9 and _, and begins with a letter";
    refused(CustomTransactions::new("a name", &[], &First, &Second), why);
}

/// A definition of another type: an engine does not know what it does.
struct Foreign;

impl OpcodeDefinition for Foreign {
    fn info(&self) -> &OpcodeInfo {
        &SQUARE
    }

    fn is_local(&self) -> bool {
        true
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn has_two_functions(&self) -> bool {
        true
    }
}

impl ContractDefinition for Foreign {
    fn address(&self) -> Address {
        AT
    }

    fn name(&self) -> &'static str {
        "FOREIGN"
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn has_two_functions(&self) -> bool {
        true
    }
}

impl TransactionDefinition for Foreign {
    fn name(&self) -> &'static str {
        "FOREIGN"
    }

    fn types(&self) -> &'static [u8] {
        &[]
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn has_two_types(&self) -> bool {
        true
    }
}

#[test]
fn a_definition_of_another_type_is_named() {
    let rules = Rules::builder(Fork::Osaka).transactions(&Foreign).build().unwrap();
    let expected = "transaction rules FOREIGN are of a type that it does not know";
    assert_eq!(unknown_definition(rules).unwrap(), expected);
    let rules = Rules::builder(Fork::Osaka).opcode(&Foreign).build().unwrap();
    assert_eq!(unknown_definition(rules).unwrap(), "opcode SQUARE is of a type that it does not know");
    let rules = Rules::builder(Fork::Osaka).contract(&Foreign).build().unwrap();
    assert_eq!(unknown_definition(rules).unwrap(), "contract FOREIGN is of a type that it does not know");
}
