//! A case: one transaction on one state under one fork's rules, with what should come of it.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use parallax_block_data::SignedTransaction;
use parallax_engine_interface::Job;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Authorization, B256, BlockEnv, Bytes, Rules, RulesError, Transaction};
use serde_json::{Map, Value, json};

use crate::{
    ExpectedException, FixtureError, FixtureFile, Problem, TestText,
    environment::{self, OrZero},
    error::shorten,
    node::Node,
    transaction::{self, Indexes},
};

/// One official case. Cases of one test share its state before.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The test's key in the file.
    pub name: Arc<str>,
    /// The rules.
    pub rules: Rules,
    /// The fork's name as the file spells it, or as who asked for other rules than the file's does.
    pub fork_name: Arc<str>,
    /// The fork that the file has the case for, where that is another: then nothing that it expects is looked at.
    pub in_place_of: Option<Arc<str>>,
    /// Index of its data.
    pub d: usize,
    /// Index of its gas limit.
    pub g: usize,
    /// Index of its value.
    pub v: usize,
    /// The chain.
    pub chain_id: u64,
    /// The block.
    pub block: BlockEnv,
    /// The transaction, or why what the file has is none; then no engine is asked.
    pub transaction: Result<Transaction, String>,
    /// The state before.
    pub pre: Arc<MemoryDatabase>,
    /// What should come of it.
    pub expected: Expected,
}

/// What should come of a case.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Root of the state after; `None` in a test that is not filled.
    pub state_root: Option<B256>,
    /// Keccak-256 of the logs' RLP; `None` in a test that is not filled.
    pub logs_hash: Option<B256>,
    /// Whether the coinbase is paid a block reward of zero, after which, before EIP-161, it exists even if it got nothing.
    /// The fillers before execution-spec-tests did that; the specification does not.
    pub zero_reward: bool,
    /// The rejection, if the transaction cannot be in a block.
    pub exception: Option<ExpectedException>,
    post: Post,
}

/// Where a case's item of `post` stands.
#[derive(Clone, Debug)]
struct Post {
    test: Arc<Value>,
    fork_name: Arc<str>,
    index: usize,
}

impl Case {
    /// What an engine is given; the error says why there is no transaction.
    pub fn job(&self) -> Result<Job<'_>, &str> {
        let transaction = self.transaction.as_ref().map_err(String::as_str)?;
        let Self { rules, chain_id, ref block, ref pre, .. } = *self;
        Ok(Job { rules, chain_id, block, subject: transaction.into(), database: &**pre })
    }

    /// How many of what a file expects of a case (state root, hash of the logs, exception) is not looked at: run by other rules than its
    /// own nothing is, and otherwise what the file does not have, and the reason of an exception whose name is not known.
    pub fn not_looked_at(&self) -> u64 {
        let Expected { state_root, logs_hash, exception, .. } = &self.expected;
        match self.in_place_of {
            Some(_) => 2 + u64::from(exception.is_some()),
            None => {
                let unknown = exception.as_ref().is_some_and(|exception| !exception.is_known());
                [state_root.is_none(), logs_hash.is_none(), unknown].into_iter().map(u64::from).sum()
            }
        }
    }

    /// Root of the state after; `None` if it is not looked at.
    pub fn expected_root(&self) -> Option<B256> {
        self.expected.state_root.filter(|_| self.in_place_of.is_none())
    }

    /// A file with this case alone, as its own file has it: for programs that run files. Run by other rules than its file's, it is of those
    /// rules there, and the block has what they need.
    pub fn alone(&self) -> Vec<u8> {
        let Post { test, fork_name, index } = &self.expected.post;
        let entry = test.get("post").and_then(|post| post.get(&**fork_name)?.get(*index));
        let others = test.as_object().into_iter().flatten();
        let is_own = self.in_place_of.is_none();
        let fork = if is_own { &**fork_name } else { self.rules.name() };
        let post = json!({ fork: [entry] });
        let mut parts: BTreeMap<&str, &Value> = others.map(|(key, value)| (key.as_str(), value)).collect();
        parts.insert("post", &post);
        let env = environment::completed(test.get("env"), self.rules, &self.block);
        if !is_own {
            parts.insert("env", &env);
        }
        // What was read from JSON can be written.
        serde_json::to_vec(&BTreeMap::from([(&*self.name, parts)])).unwrap_or_default()
    }

    /// The test that it was read from.
    pub(crate) fn test(&self) -> &Value {
        &self.expected.post.test
    }

    /// The whole state after the transaction, if the file has it: newer files do.
    pub fn expected_state(&self) -> Result<Option<MemoryDatabase>, FixtureError> {
        let Post { test, fork_name, index } = &self.expected.post;
        let root = Node::test(&self.file, &self.name, test);
        let post = root.get("post");
        let forks = post.get(fork_name);
        let entry = forks.item(*index)?;
        let state = entry.get("state");
        if state.is_null() { Ok(None) } else { environment::accounts(&state).map(Some) }
    }
}

/// Every case of the file at `path`, in its order. A case that cannot be read is an error in its place.
pub fn cases(path: &Path) -> Result<impl Iterator<Item = Result<Case, FixtureError>> + use<>, FixtureError> {
    Ok(flatten(&FixtureFile::open(path)?))
}

/// As [`cases`], of a file that is in memory; `name` is what errors call it.
pub fn cases_of(
    name: &str,
    text: Vec<u8>,
) -> Result<impl Iterator<Item = Result<Case, FixtureError>> + use<>, FixtureError> {
    Ok(flatten(&FixtureFile::parse(name, text)?))
}

fn flatten(file: &FixtureFile) -> impl Iterator<Item = Result<Case, FixtureError>> + use<> {
    file.tests().flat_map(|test| match test {
        Ok(test) => test.cases(None),
        Err(error) => vec![Err(error)],
    })
}

impl TestText {
    /// The cases of this test, forks in the order of their names. What cannot be read is an error in its place: one for the
    /// whole test where its block, state or transaction is at fault. Of `only`, where that is given: others are not read.
    pub fn cases(&self, only: Option<Rules>) -> Vec<Result<Case, FixtureError>> {
        Test::parse(self).and_then(|test| test.cases(only)).unwrap_or_else(|error| vec![Err(error)])
    }

    /// The cases of this test run by `rules`, which who asks for them calls `name`: those that the test has for them as they are, or, if
    /// it has none, each of its transactions once, in place of the latest fork that has it. Of `only`, where that is given, alone.
    ///
    /// What the rules look at in a block and the test does not say is zero, and the base fee 10, as it is where tests of those rules leave
    /// it out.
    pub fn cases_by(&self, rules: Rules, name: &str, only: Option<Rules>) -> Vec<Result<Case, FixtureError>> {
        let by = |test: Test<'_>| test.cases_by(rules, name, only);
        Test::parse(self).and_then(by).unwrap_or_else(|error| vec![Err(error)])
    }
}

/// What the cases of a test share.
struct Test<'t> {
    text: &'t TestText,
    value: Arc<Value>,
    chain_id: u64,
    zero_reward: bool,
    pre: Arc<MemoryDatabase>,
    /// An error here is a malformed transaction if one is expected.
    authorizations: Result<Vec<Authorization>, FixtureError>,
}

impl<'t> Test<'t> {
    fn parse(text: &'t TestText) -> Result<Self, FixtureError> {
        let value: Value = serde_json::from_str(text.json()).map_err(|error| FixtureError {
            file: text.file.clone(),
            test: text.name.clone(),
            path: String::new(),
            problem: Problem::Syntax { expected: "a state test", message: error.to_string() },
        })?;
        let value = Arc::new(value);
        let root = Node::test(&text.file, &text.name, &value);
        if let Some(kind) = kind_of_test(root.object()?) {
            return Err(root.error(Problem::OtherKind(kind)));
        }
        let env = root.get("env");
        env.object()?;
        let number = env.get("currentNumber").u64()?;
        let mut pre = environment::accounts(&root.get("pre"))?;
        pre.block_hashes = environment::block_hashes(&root, number)?;
        let chain_id = environment::chain_id(&root)?;
        let zero_reward = environment::has_zero_reward(&root);
        let transaction = root.get("transaction");
        transaction.object()?;
        let authorizations = transaction::authorizations(&transaction);
        Ok(Self { text, value: value.clone(), chain_id, zero_reward, pre: Arc::new(pre), authorizations })
    }

    fn cases(&self, only: Option<Rules>) -> Result<Vec<Result<Case, FixtureError>>, FixtureError> {
        let root = Node::test(&self.text.file, &self.text.name, &self.value);
        let post = root.get("post");
        let mut cases = Vec::new();
        for name in post.object()?.keys().filter(|name| only.is_none() || name.parse().ok() == only) {
            let entries = post.get(name);
            match self.of_fork(&root, name, &entries) {
                Ok(of_fork) => cases.extend(of_fork),
                Err(error) => {
                    // Cases that are passed over are counted as cases.
                    let passed_over = error.passed_over().and_then(|_| entries.items().ok());
                    let count = passed_over.map_or(1, <[_]>::len);
                    cases.extend(std::iter::repeat_n(Err(error), count));
                }
            }
        }
        if cases.is_empty() && only.is_none() {
            return Err(post.unexpected("at least one case", "none"));
        }
        Ok(cases)
    }

    fn cases_by(
        &self,
        rules: Rules,
        name: &str,
        only: Option<Rules>,
    ) -> Result<Vec<Result<Case, FixtureError>>, FixtureError> {
        let root = Node::test(&self.text.file, &self.text.name, &self.value);
        let post = root.get("post");
        let forks = post.object()?.keys().map(|fork| (fork.parse::<Rules>().ok(), fork));
        let mut forks: Vec<_> = forks.filter(|(own, _)| only.is_none() || *own == only).collect();
        if let Some((_, fork)) = forks.iter().find(|(own, _)| *own == Some(rules)) {
            return self.of_fork(&root, fork, &post.get(fork));
        }
        // What is not known is later than all that is.
        forks.sort_by_key(|(own, _)| own.map_or((true, None), |own| (false, Some(own.base()))));
        let block = environment::block(&root, rules, OrZero::Yes)?;
        let name: Arc<str> = name.into();
        let mut seen = HashSet::new();
        let mut cases = Vec::new();
        for (_, fork) in forks.into_iter().rev() {
            let entries = post.get(fork);
            let fork: Arc<str> = fork.as_str().into();
            for index in 0..entries.items()?.len() {
                let case = self.case(&root, &entries, rules, &fork, &block, index);
                cases.push(match case {
                    Ok(case) if !seen.insert([case.d, case.g, case.v]) => continue,
                    Ok(case) => Ok(Case { fork_name: name.clone(), in_place_of: Some(fork.clone()), ..case }),
                    Err(error) => Err(error),
                });
            }
        }
        Ok(cases)
    }

    fn of_fork(
        &self,
        root: &Node<'_>,
        name: &str,
        entries: &Node<'_>,
    ) -> Result<Vec<Result<Case, FixtureError>>, FixtureError> {
        let rules: Rules = name.parse().map_err(|error| match error {
            RulesError::Fork(_) => entries.error(Problem::UnknownFork(name.to_owned())),
            error => entries.unexpected(format!("rules, but {error}"), format!("\"{}\"", shorten(name))),
        })?;
        let block = environment::block(root, rules, OrZero::No)?;
        let fork_name: Arc<str> = name.into();
        let count = entries.items()?.len();
        Ok((0..count).map(|index| self.case(root, entries, rules, &fork_name, &block, index)).collect())
    }

    fn case(
        &self,
        root: &Node<'_>,
        entries: &Node<'_>,
        rules: Rules,
        fork_name: &Arc<str>,
        block: &BlockEnv,
        index: usize,
    ) -> Result<Case, FixtureError> {
        let entry = entries.item(index)?;
        let node = root.get("transaction");
        let at = Indexes::read(&entry, &node)?;
        let exception = exception(&entry)?;
        let transaction = self.transaction(&node, &entry, at, exception.as_ref())?;
        let post = Post { test: self.value.clone(), fork_name: fork_name.clone(), index };
        Ok(Case {
            file: self.text.file.clone(),
            name: self.text.name.clone(),
            rules,
            fork_name: fork_name.clone(),
            in_place_of: None,
            d: at.d,
            g: at.g,
            v: at.v,
            chain_id: self.chain_id,
            block: block.clone(),
            transaction,
            pre: self.pre.clone(),
            expected: Expected {
                state_root: optional(&entry.get("hash"))?,
                logs_hash: optional(&entry.get("logs"))?,
                zero_reward: self.zero_reward,
                exception,
                post,
            },
        })
    }

    /// The transaction; its inner error is for one that is expected to be none.
    fn transaction(
        &self,
        node: &Node<'_>,
        entry: &Node<'_>,
        at: Indexes,
        exception: Option<&ExpectedException>,
    ) -> Result<Result<Transaction, String>, FixtureError> {
        let signed = entry.get("txbytes");
        let mut chain_id = Some(self.chain_id);
        let mut envelope = Bytes::new();
        if !signed.is_null() {
            let bytes = signed.bytes()?;
            match SignedTransaction::decode(&bytes) {
                // Some tools leave the bytes empty.
                Err(_) if bytes.is_empty() => {}
                Err(reason) if exception.is_some() => return Ok(Err(reason.to_string())),
                Err(reason) => return Err(signed.unexpected("a signed transaction", reason.to_string())),
                Ok(signed) => {
                    chain_id = signed.transaction.chain_id;
                    envelope = bytes;
                }
            }
        }
        let read = self
            .authorizations
            .clone()
            .and_then(|authorizations| transaction::read(node, at, chain_id, authorizations));
        match read {
            Ok(transaction) => Ok(Ok(Transaction { envelope, ..transaction })),
            Err(error) if exception.is_some_and(ExpectedException::allows_malformed) => {
                Ok(Err(format!("{}: {}", error.path, error.problem)))
            }
            Err(error) => Err(error),
        }
    }
}

fn exception(entry: &Node<'_>) -> Result<Option<ExpectedException>, FixtureError> {
    let node = entry.get("expectException");
    if node.is_null() {
        return Ok(None);
    }
    let names = node.text("the names of exceptions, separated by |")?;
    Ok(Some(ExpectedException::of_any_name(names)))
}

/// A hash that a test has once it is filled.
fn optional(node: &Node<'_>) -> Result<Option<B256>, FixtureError> {
    if node.is_null() { Ok(None) } else { node.b256().map(Some) }
}

/// What a test is that is no state test, by its keys.
fn kind_of_test(test: &Map<String, Value>) -> Option<&'static str> {
    let kinds = [
        ("blocks", "block tests"),
        ("engineNewPayloads", "block tests"),
        ("txbytes", "transaction tests"),
        ("vectors", "tests of EOF"),
        ("exec", "tests of the virtual machine alone"),
        ("parentDifficulty", "tests of difficulty"),
        ("rlp", "tests of RLP"),
        ("alloc", "genesis files"),
    ];
    let is_state_test = test.contains_key("post") && test.contains_key("transaction");
    kinds.iter().find(|(key, _)| !is_state_test && test.contains_key(*key)).map(|(_, kind)| *kind)
}
