//! A case: one transaction on one state under one fork's rules, with what should come of it.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use parallax_block_data::SignedTransaction;
use parallax_engine_interface::Job;
use parallax_memory_database::MemoryDatabase;
use parallax_primitives::{Authorization, B256, BlockEnv, Bytes, Fork, Rules, RulesError, Transaction};
use serde_json::{Value, json};

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
    /// Root of the state after.
    pub state_root: B256,
    /// Keccak-256 of the logs' RLP.
    pub logs_hash: B256,
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

    /// How many of what its file expects of it (state root, hash of the logs, exception) is not looked at, as it is run by other rules.
    pub fn not_looked_at(&self) -> u64 {
        let all = 2 + u64::from(self.expected.exception.is_some());
        if self.in_place_of.is_some() { all } else { 0 }
    }

    /// Root of the state after; `None` if it is not looked at.
    pub fn expected_root(&self) -> Option<B256> {
        self.in_place_of.is_none().then_some(self.expected.state_root)
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
        Ok(test) => test.cases(),
        Err(error) => vec![Err(error)],
    })
}

impl TestText {
    /// The cases of this test, forks in the order of their names. What cannot be read is an error in its place: one for the
    /// whole test where its block, state or transaction is at fault.
    pub fn cases(&self) -> Vec<Result<Case, FixtureError>> {
        Test::parse(self).and_then(|test| test.cases()).unwrap_or_else(|error| vec![Err(error)])
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
            path: text.name.to_string(),
            problem: Problem::Syntax { expected: "a state test", message: error.to_string() },
        })?;
        let value = Arc::new(value);
        let root = Node::test(&text.file, &text.name, &value);
        root.object()?;
        let number = root.get("env").get("currentNumber").u64()?;
        let mut pre = environment::accounts(&root.get("pre"))?;
        pre.block_hashes = environment::block_hashes(&root, number)?;
        let chain_id = environment::chain_id(&root)?;
        let zero_reward = environment::has_zero_reward(&root);
        let transaction = root.get("transaction");
        transaction.object()?;
        let authorizations = transaction::authorizations(&transaction);
        Ok(Self { text, value: value.clone(), chain_id, zero_reward, pre: Arc::new(pre), authorizations })
    }

    fn cases(&self) -> Result<Vec<Result<Case, FixtureError>>, FixtureError> {
        let root = Node::test(&self.text.file, &self.text.name, &self.value);
        let post = root.get("post");
        let mut cases = Vec::new();
        for name in post.object()?.keys() {
            let entries = post.get(name);
            match self.of_fork(&root, name, &entries) {
                Ok(of_fork) => cases.extend(of_fork),
                Err(error) => cases.push(Err(error)),
            }
        }
        if cases.is_empty() {
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
        let rules: Rules = name.parse().map_err(|error| {
            let expected = match error {
                RulesError::Fork(_) => format!("a fork: one of {}", Fork::ALL.map(Fork::name).join(" ")),
                error => format!("rules, but {error}"),
            };
            entries.unexpected(expected, format!("\"{}\"", shorten(name)))
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
                state_root: entry.get("hash").b256()?,
                logs_hash: entry.get("logs").b256()?,
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
    ExpectedException::parse(node.text("the names of exceptions, separated by |")?)
        .map(Some)
        .map_err(|name| node.unexpected("an exception that official tests have", format!("{name:?}")))
}
