macro_rules! switches {
    ($($(#[$doc:meta])* $switch:ident $name:literal;)*) => {
        /// A change of behaviour that no EIP is about, and that another chain has. In mainnet's forks all are off.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Switch { $($(#[$doc])* $switch,)* }

        impl Switch {
            /// All of them.
            pub const ALL: &'static [Switch] = &[$(Switch::$switch,)*];

            /// What files of rules call it.
            pub const fn name(self) -> &'static str {
                match self { $(Switch::$switch => $name,)* }
            }
        }
    };
}

switches! {
    /// CREATE and CREATE2 fail as undefined opcodes in a frame that runs on an account whose code delegates (EIP-7702): whatever
    /// code it runs, and however it came to. Operands are looked at before it.
    NoCreationOnDelegating "no_creation_on_delegating";
    /// A call of an account that delegates to a precompiled contract runs the contract. By EIP-7702 it runs no code.
    DelegatedContracts "delegated_contracts";
}

impl Switch {
    /// The switch of a name.
    pub fn from_name(name: &str) -> Option<Switch> {
        Switch::ALL.iter().copied().find(|switch| switch.name() == name)
    }

    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

const _: () = assert!(Switch::ALL.len() <= 8, "a set of switches is 8 bits");
