/// How many blobs a block aims at and may carry, and how fast their price moves (EIP-4844, EIP-7840). The mainnet parameters
/// are in the EIPs and forks that set them (EIP-7691, EIP-7892).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobSchedule {
    /// Blobs a block aims at.
    pub target: u64,
    /// Blobs a block may carry.
    pub max: u64,
    /// `BLOB_BASE_FEE_UPDATE_FRACTION`.
    pub update_fraction: u64,
}
