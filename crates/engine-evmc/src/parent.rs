//! The line to the parent, and the executions that it orders.

use std::{
    io::BufReader,
    os::unix::net::UnixStream,
    process, ptr, slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

use parallax_evmc_abi::{
    CallKind, EvmcAddress, EvmcBytes32, EvmcHost, EvmcMessage, EvmcTransactionContext, Flags, Revision,
};
use parallax_primitives::Address;

use crate::{
    loading::{Instance, LoadedLibrary},
    protocol::{Heard, Said, answer, hear},
};

/// Bytes that are not kept to go with the next question.
const LARGE: usize = 64 << 10;

/// The parent, as the host's functions reach it: they get its address as their context.
pub(crate) struct Parent {
    /// The functions that the library calls.
    host: &'static EvmcHost,
    talk: Mutex<Talk>,
}

/// The line to it, and what runs. A library that asks from several threads at once is answered one after the other.
pub(crate) struct Talk {
    stream: BufReader<UnixStream>,
    pub(crate) said: Said,
    pub(crate) heard: Vec<u8>,
    pub(crate) library: Option<LoadedLibrary>,
    pub(crate) instance: Option<Instance>,
    pub(crate) around: Around,
}

/// What the block and the transaction answer.
#[derive(Default)]
pub(crate) struct Around {
    pub(crate) context: Option<EvmcTransactionContext>,
    /// What the context points to.
    pub(crate) blob_hashes: Vec<EvmcBytes32>,
}

// SAFETY: the pointers in a context and an instance are followed by the one thread that runs the library, or by a thread of the library
// with the lock held.
unsafe impl Send for Talk {}

impl Talk {
    /// Says what there is to say and hears what comes then. If there is nobody, there is nothing more to do.
    pub(crate) fn exchange(&mut self) {
        self.send();
        if hear(&mut self.stream, &mut self.heard).is_err() {
            process::exit(0);
        }
    }

    /// Sends what nobody answers, before it takes much memory: the parent listens.
    pub(crate) fn send_if_large(&mut self) {
        if self.said.len() >= LARGE {
            self.send();
        }
    }

    fn send(&mut self) {
        if self.said.send(self.stream.get_mut()).is_err() {
            process::exit(0);
        }
    }

    /// Says that it cannot go on, and does not.
    pub(crate) fn give_up(&mut self, why: &str) -> ! {
        self.said.begin(answer::LOST).bytes(why.as_bytes());
        self.send();
        process::exit(1);
    }

    /// The block and the transaction.
    pub(crate) fn context(&mut self) -> EvmcTransactionContext {
        match self.around.context {
            Some(context) => context,
            None => self.give_up("the library asks for a transaction before there is one"),
        }
    }
}

impl Parent {
    pub(crate) fn new(line: UnixStream, host: &'static EvmcHost) -> Self {
        let talk = Talk {
            stream: BufReader::with_capacity(1 << 16, line),
            said: Said::default(),
            heard: Vec::new(),
            library: None,
            instance: None,
            around: Around::default(),
        };
        Self { host, talk: Mutex::new(talk) }
    }

    pub(crate) fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the message that was heard, and says what it came to.
    pub(crate) fn execute(&self) {
        let mut talk = self.talk();
        let Some(Ordered { revision, message, input, code }) = ordered(&talk.heard) else {
            talk.give_up("an order to execute is cut off");
        };
        let Some(instance) = &talk.instance else { talk.give_up("there is no instance") };
        let (execute, vm) = (instance.execute, instance.as_ptr());
        // The library asks for it.
        drop(talk);
        let message = EvmcMessage { input_data: pointer(&input), ..message };
        let context = ptr::from_ref(self).cast_mut().cast();
        // SAFETY: it is an instance; host, message, input and code live as long as the call, and the context is what the host's
        // functions expect.
        let result = unsafe {
            execute(vm, self.host, context, revision, &raw const message, pointer(&code), code.len())
        };
        // SAFETY: by EVMC there are so many bytes until it is released.
        let output = unsafe { bytes(result.output_data, result.output_size) };
        self.talk()
            .said
            .begin(answer::DONE)
            .int(result.status_code.0.into())
            .int(result.gas_left)
            .int(result.gas_refund)
            .bytes(output);
        if let Some(release) = result.release {
            // SAFETY: by EVMC it is called once, and the result is used no more.
            unsafe { release(&raw const result) };
        }
    }
}

/// What is to be executed. The message does not point to its input yet.
struct Ordered {
    revision: Revision,
    message: EvmcMessage,
    input: Vec<u8>,
    code: Vec<u8>,
}

fn ordered(heard: &[u8]) -> Option<Ordered> {
    let mut heard = Heard::new(heard);
    heard.byte()?;
    let mut small = || heard.int().and_then(|number| i32::try_from(number).ok());
    let (revision, kind, flags, depth) = (Revision(small()?), CallKind(small()?), small()?, small()?);
    let gas = heard.int()?;
    let (recipient, sender) = (account(heard.address()?), account(heard.address()?));
    let (value, salt) = (EvmcBytes32 { bytes: heard.word()? }, EvmcBytes32 { bytes: heard.word()? });
    let code_address = account(heard.address()?);
    let (input, code) = (heard.slice()?.to_vec(), heard.slice()?.to_vec());
    let message = EvmcMessage {
        kind,
        flags: Flags(flags.cast_unsigned()),
        depth,
        gas,
        recipient,
        sender,
        input_data: ptr::null(),
        input_size: input.len(),
        value,
        create2_salt: salt,
        code_address,
        code: ptr::null(),
        code_size: 0,
    };
    Some(Ordered { revision, message, input, code })
}

pub(crate) fn account(address: Address) -> EvmcAddress {
    EvmcAddress { bytes: address.into_array() }
}

/// Where bytes are; null if there are none.
fn pointer(bytes: &[u8]) -> *const u8 {
    if bytes.is_empty() { ptr::null() } else { bytes.as_ptr() }
}

/// The bytes at a place.
///
/// # Safety
///
/// There are `size` bytes at `data`, or it is null, and they live as long as the answer.
pub(crate) unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if data.is_null() || size == 0 {
        return &[];
    }
    // SAFETY: the caller vouches for it.
    unsafe { slice::from_raw_parts(data, size) }
}
