//! Which libraries the two writings of the precompiled contracts stand on, as Cargo builds the whole workspace: features add
//! up, so what one crate turns on can bring both sides to one library.

#![allow(clippy::unwrap_used, reason = "in a test, an unwrap is an assertion")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// The library of each side for a contract's mathematics; none where it is written out (`revm-precompile` has its own BLAKE2F).
const CONTRACTS: [(&str, Option<&str>, Option<&str>); 9] = [
    ("ECRECOVER", Some("k256"), Some("secp256k1")),
    ("SHA256", Some("sha2 v0.11"), None),
    ("RIPEMD160", Some("ripemd"), None),
    ("MODEXP", Some("aurora-engine-modexp"), Some("num-bigint")),
    ("BN254", Some("ark-bn254"), Some("substrate-bn")),
    ("BLAKE2F", None, None),
    ("KZG", Some("blst"), Some("ark-bls12-381")),
    ("BLS12", Some("blst"), Some("ark-bls12-381")),
    ("P256VERIFY", Some("p256"), Some("crrl")),
];

/// The features of `revm-precompile`, which choose the first side's libraries. Without `blst` it takes arkworks for
/// BLS12-381; `secp256k1`, `bn`, `gmp` and others would change theirs.
const FIRST_SIDE_FEATURES: &str = "blst,portable,std";

/// A library of one side that the other side's tree has as well, and why no contract is computed by it on both.
const ALSO_IN_THE_OTHER_TREE: [(&str, &str); 3] = [
    ("k256", "under alloy-primitives, for signatures that nobody here asks it for"),
    (
        "num-bigint",
        "under arkworks, for constants at build time; aurora-engine-modexp has it for its tests alone",
    ),
    ("ark-bls12-381", "revm-precompile always lists it, and calls blst where that feature is on"),
];

/// What both trees have besides what `parallax-primitives` stands on.
const SHARED: [(&str, &str); 20] = [
    ("ahash", ARKWORKS),
    ("ark-bls12-381", "see above"),
    ("ark-ec", ARKWORKS),
    ("ark-ff", ARKWORKS),
    ("ark-poly", ARKWORKS),
    ("ark-serialize", ARKWORKS),
    ("ark-std", ARKWORKS),
    ("either", ARKWORKS),
    ("getrandom", "ahash, for features that other crates of the workspace ask it for"),
    ("itertools", ARKWORKS),
    ("libm", "num-traits, likewise"),
    ("num-bigint", "see above"),
    ("num-integer", ARKWORKS),
    ("num-traits", ARKWORKS),
    ("once_cell", ARKWORKS),
    ("parallax-host-interface", "the trait of a set of contracts and its errors: no algorithm"),
    ("ppv-lite86", ARKWORKS),
    ("rand", ARKWORKS),
    ("rand_chacha", ARKWORKS),
    ("zerocopy", ARKWORKS),
];
const ARKWORKS: &str = "arkworks: of BN254 on the first side, of BLS12-381 on the second";

/// The packages of the workspace, as `name v1.2.3`: what each stands on when it runs, and its features.
struct Tree {
    below: BTreeMap<String, BTreeSet<String>>,
    features: BTreeMap<String, String>,
}

impl Tree {
    /// What Cargo resolves for the whole workspace; a package that was shown before is not shown again.
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--workspace", "--edges", "normal,no-proc-macro", "--prefix", "depth"])
            .args(["--format", "|{p}|{f}"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut tree = Tree { below: BTreeMap::new(), features: BTreeMap::new() };
        let mut above: Vec<String> = vec![];
        for line in String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()) {
            let [depth, package, features] = line.split('|').collect::<Vec<_>>().try_into().unwrap();
            let package: Vec<&str> = package.split(' ').take(2).collect();
            let package = package.join(" ");
            above.truncate(depth.parse().unwrap());
            if let Some(parent) = above.last() {
                tree.below.entry(parent.clone()).or_default().insert(package.clone());
            }
            tree.features.insert(package.clone(), features.trim_end_matches(" (*)").to_owned());
            above.push(package);
        }
        tree
    }

    /// The package itself, and all that it reaches.
    #[track_caller]
    fn reach(&self, package: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = self.features.keys().filter(|name| is(name, package)).collect();
        assert_eq!(open.len(), 1, "{package}");
        while let Some(package) = open.pop() {
            if reached.insert(package.clone()) {
                open.extend(self.below.get(package).into_iter().flatten());
            }
        }
        reached
    }
}

/// Whether `package`, a name and a version, is the one that `wanted` means: a name, or a name and how its version begins.
fn is(package: &str, wanted: &str) -> bool {
    package.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(" v") || wanted.contains(" v"))
}

fn has(reached: &BTreeSet<String>, wanted: &str) -> bool {
    reached.iter().any(|package| is(package, wanted))
}

#[test]
fn no_contract_is_computed_by_one_library_on_both_sides() {
    let tree = Tree::read();
    let (first, second) = (tree.reach("parallax-precompiles"), tree.reach("parallax-mini-precompiles"));
    let known = |library: &str| ALSO_IN_THE_OTHER_TREE.iter().any(|(known, _)| *known == library);
    for (contract, first_library, second_library) in CONTRACTS {
        assert!(first_library.is_none() || first_library != second_library, "{contract}");
        for (library, own, foreign) in [(first_library, &first, &second), (second_library, &second, &first)] {
            let Some(library) = library else { continue };
            assert!(has(own, library), "{contract}: {library} is not there");
            assert_eq!(has(foreign, library), known(library), "{contract}: {library} on the other side");
        }
    }
    let revm = tree.features.iter().find(|(package, _)| is(package, "revm-precompile")).unwrap();
    assert_eq!(revm.1, FIRST_SIDE_FEATURES);
}

#[test]
fn what_both_sides_stand_on_is_listed() {
    let tree = Tree::read();
    let facts = tree.reach("parallax-primitives");
    let second = tree.reach("parallax-mini-precompiles");
    let shared: BTreeSet<String> =
        tree.reach("parallax-precompiles").intersection(&second).cloned().collect();
    let shared: BTreeSet<&str> =
        shared.difference(&facts).filter_map(|package| package.split(' ').next()).collect();
    assert_eq!(shared, SHARED.into_iter().map(|(name, _)| name).collect());
    for family in ["parallax-precompiles", "parallax-machine", "parallax-state", "parallax-analysis"] {
        assert!(!has(&second, family), "{family}");
    }
}
