//! What of the file, or of ours, is not compared, and why.

use parallax_primitives::Fork;

/// Keys of the file that no number of `primitives` answers to, and who looks at them.
pub(crate) const NOT_FACTS_OF_OURS: &[(&str, &str)] = &[
    ("gas/call_all_gas_of_1000000", "the 64th that stays (EIP-150) is a rule of the interpreters"),
    ("gas/create_all_gas_of_1000000", "the 64th that stays (EIP-150) is a rule of the interpreters"),
    ("gas/limits/code_starting_0xef", "EIP-3541 is a rule of the machines"),
    ("gas/limits/deepest_caller", "the limit of depth, seen from the caller"),
    ("transaction/types", "which fork takes which type is a rule of the machines"),
    ("transaction/max_nonce", "EIP-2681 is a rule of the machines"),
    ("transaction/init_code_largest_tried", "how far the specification was asked: the limit is gas/limits"),
    ("transaction/init_code_refused_by", "a name of the specification's"),
    ("transaction/authorization_refund_if_absent", "nothing: the refund is of those that exist"),
    ("blob/version_byte", "a rule of the machines"),
    ("amsterdam/transfer_log_address", "EIP-7708 is a rule of the states"),
    ("amsterdam/transfer_log_topic", "EIP-7708 is a rule of the states"),
    ("amsterdam/system_call_state_gas", "a rule of blocks (EIP-8037)"),
    ("amsterdam/sepolia_activation", "which block has which fork is a rule of chains"),
    ("blob/base_cost_7918", "a rule of blocks (EIP-7918)"),
    ("blob/next_excess [excess, used, base_fee, next]", "a rule of blocks (EIP-4844, EIP-7918)"),
];

/// Numbers of ours that the file cannot know before a fork: until then nothing that the specification runs uses them. The
/// constants are the same in all forks, so what they are before is no fact; of a table's fields it is said what they must be.
pub(crate) const NOT_OBSERVABLE_BEFORE: &[(&str, Fork)] = &[
    ("sstore_sentry", Fork::Istanbul),
    ("warm_access", Fork::Berlin),
    ("tx_access_list_address", Fork::Berlin),
    ("tx_access_list_key", Fork::Berlin),
    ("GAS_PER_BLOB", Fork::Cancun),
    ("MIN_BLOB_BASE_FEE", Fork::Cancun),
    ("tx_tokens_nonzero", Fork::Prague),
    ("tx_tokens_zero", Fork::Prague),
    ("tx_floor_access_list_address", Fork::Prague),
    ("tx_floor_access_list_key", Fork::Prague),
    ("tx_authorization", Fork::Prague),
    ("tx_authorization_existing", Fork::Prague),
    ("precompile_blake2f_round", Fork::Istanbul),
    ("precompile_point_evaluation", Fork::Cancun),
    ("precompile_bls12_g1_add", Fork::Prague),
    ("precompile_bls12_g1_mul", Fork::Prague),
    ("precompile_bls12_g2_add", Fork::Prague),
    ("precompile_bls12_g2_mul", Fork::Prague),
    ("precompile_bls12_pairing", Fork::Prague),
    ("precompile_bls12_pairing_pair", Fork::Prague),
    ("precompile_bls12_map_fp", Fork::Prague),
    ("precompile_bls12_map_fp2", Fork::Prague),
    ("precompile_p256verify", Fork::Osaka),
];
