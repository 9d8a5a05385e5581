//! What the README shows of a divergence is what the command prints.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{path::Path, process::Command};

#[test]
fn a_divergence_is_as_the_readme_shows_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let commands = readme.split("\n```").filter_map(|block| block.trim_start().strip_prefix("$ parallax "));
    let divergences: Vec<_> =
        commands.filter(|text| text.starts_with("diff ")).filter_map(|text| text.split_once('\n')).collect();
    assert_eq!(divergences.len(), 1);
    for (line, shown) in divergences {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command.args(line.split_whitespace()).current_dir(&root).env_remove("COLUMNS");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed.trim_end(), shown, "{line}");
        // Both gases are in it.
        let has_both =
            ["apart by 47920", "reservoir", "state cost"].iter().all(|text| printed.contains(text));
        assert!(has_both, "{printed}");
    }
}
