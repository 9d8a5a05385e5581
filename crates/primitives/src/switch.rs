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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Eip, Fork, Rules, RulesSubject};

    #[test]
    fn a_switch_is_a_part_of_the_rules() {
        for switch in Switch::ALL.iter().copied() {
            assert_eq!(Switch::from_name(switch.name()), Some(switch));
            assert!(Fork::ALL.iter().all(|fork| !Rules::of(*fork).is_on(switch)));
            let rules =
                Rules::builder(Fork::Osaka).switch(switch, true).build().unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(rules.name(), format!("Osaka +{}", switch.name()));
            let others: Vec<_> = Switch::ALL.iter().filter(|other| rules.is_on(**other)).collect();
            assert_eq!(others, [&switch]);
            let differences = Rules::of(Fork::Osaka).differences(rules);
            assert_eq!(differences.len(), 1);
            assert_eq!(
                (differences[0].subject, differences[0].right),
                (RulesSubject::Switch(switch), Some(1))
            );
            // Other EIPs leave it as it is.
            let less =
                rules.with_eips(rules.eips().without(Eip::CountZeros7939)).unwrap_or_else(|e| panic!("{e}"));
            assert!(less.is_on(switch) && !less.has(Eip::CountZeros7939));
            let off = Rules::builder(Fork::Osaka).switch(switch, true).switch(switch, false).build();
            assert_eq!(off, Ok(Rules::of(Fork::Osaka)));
        }
        assert_eq!(Switch::from_name("other"), None);
    }
}
