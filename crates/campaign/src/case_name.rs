use parallax_primitives::Rules;
use parallax_state_tests::Case;

/// Which case it is: its file, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseName<'a> {
    /// The file, as it was named.
    pub file: &'a str,
    /// The test's key in the file.
    pub name: &'a str,
    /// The rules, and as the file spells them; `None` of a test that was lost before one of its cases began.
    pub rules: Option<(Rules, &'a str)>,
    /// Indices of its data, gas limit and value.
    pub index: [usize; 3],
}

impl<'a> CaseName<'a> {
    /// That of a case.
    pub fn of(case: &'a Case) -> Self {
        let Case { file, name, rules, fork_name, d, g, v, .. } = case;
        Self { file, name, rules: Some((*rules, fork_name)), index: [*d, *g, *v] }
    }
}
