use crate::Address;

macro_rules! precompiles {
    ($($(#[$doc:meta])* $id:ident $address:literal $name:literal;)*) => {
        /// A precompiled contract of mainnet. What it does is in the crates of precompiled contracts; which rules have it is in
        /// [`Rules`](crate::Rules).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum PrecompileId { $($(#[$doc])* $id,)* }

        impl PrecompileId {
            /// Every contract, by address.
            pub const ALL: &'static [PrecompileId] = &[$(PrecompileId::$id,)*];

            /// Where it is: the last two bytes of its address, the others are zero.
            pub const fn number(self) -> u16 {
                match self { $(PrecompileId::$id => $address,)* }
            }

            /// Its name in EIP-7910.
            pub const fn name(self) -> &'static str {
                match self { $(PrecompileId::$id => $name,)* }
            }
        }
    };
}

precompiles! {
    /// Recovery of a signer (Yellow Paper, appendix E).
    EcRecover 0x01 "ECREC";
    /// SHA-256 (Yellow Paper, appendix E).
    Sha256 0x02 "SHA256";
    /// RIPEMD-160 (Yellow Paper, appendix E).
    Ripemd160 0x03 "RIPEMD160";
    /// Its input (Yellow Paper, appendix E).
    Identity 0x04 "ID";
    /// A power modulo a number (EIP-198).
    Modexp 0x05 "MODEXP";
    /// Addition on BN254 (EIP-196).
    Bn254Add 0x06 "BN254_ADD";
    /// Multiplication on BN254 (EIP-196).
    Bn254Mul 0x07 "BN254_MUL";
    /// The pairing check of BN254 (EIP-197).
    Bn254Pairing 0x08 "BN254_PAIRING";
    /// The compression function of BLAKE2b (EIP-152).
    Blake2F 0x09 "BLAKE2F";
    /// Evaluation of a blob's polynomial at a point (EIP-4844).
    KzgPointEvaluation 0x0a "KZG_POINT_EVALUATION";
    /// Addition in G1 of BLS12-381 (EIP-2537).
    Bls12G1Add 0x0b "BLS12_G1ADD";
    /// A sum of multiples in G1 of BLS12-381 (EIP-2537).
    Bls12G1Msm 0x0c "BLS12_G1MSM";
    /// Addition in G2 of BLS12-381 (EIP-2537).
    Bls12G2Add 0x0d "BLS12_G2ADD";
    /// A sum of multiples in G2 of BLS12-381 (EIP-2537).
    Bls12G2Msm 0x0e "BLS12_G2MSM";
    /// The pairing check of BLS12-381 (EIP-2537).
    Bls12Pairing 0x0f "BLS12_PAIRING_CHECK";
    /// From the base field to G1 of BLS12-381 (EIP-2537).
    Bls12MapFpToG1 0x10 "BLS12_MAP_FP_TO_G1";
    /// From the extension field to G2 of BLS12-381 (EIP-2537).
    Bls12MapFp2ToG2 0x11 "BLS12_MAP_FP2_TO_G2";
    /// Verification of a signature on secp256r1 (EIP-7951).
    P256Verify 0x100 "P256VERIFY";
}

impl PrecompileId {
    /// Its address.
    pub const fn address(self) -> Address {
        let [high, low] = self.number().to_be_bytes();
        let mut bytes = [0; 20];
        bytes[18] = high;
        bytes[19] = low;
        Address::new(bytes)
    }

    /// The contract that mainnet has at an address, in any fork.
    pub fn at(address: &Address) -> Option<Self> {
        // Almost every address that is asked for has none: all of theirs begin with 18 zeros.
        if address[..18] != [0; 18] {
            return None;
        }
        let number = u16::from_be_bytes([address[18], address[19]]);
        // Most stand at their number, from 1 on.
        let nth = PrecompileId::ALL.get(usize::from(number).wrapping_sub(1)).copied();
        nth.into_iter().chain(PrecompileId::ALL.iter().copied()).find(|id| id.number() == number)
    }
}
