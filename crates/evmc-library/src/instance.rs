//! An instance as C holds it.

use std::{
    ffi::{CStr, c_char},
    panic::{self, AssertUnwindSafe},
    slice,
    sync::atomic::{AtomicBool, Ordering},
};

use parallax_evmc_abi::{
    ABI_VERSION, Capabilities, EvmcHost, EvmcHostContext, EvmcMessage, EvmcResult, EvmcVm, Revision,
    SetOption, StatusCode,
};
use parallax_mini_interpreter::Mini;
use parallax_primary_interpreter::Primary;

use crate::{execution::execute, host::CalledHost, outcome::failure, request::Request};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version has no zero in it"),
};

/// An instance. Its first field is all that C knows of it.
#[repr(C)]
pub struct Parallax {
    vm: EvmcVm,
    primary: Primary,
    is_plain: AtomicBool,
}

impl Parallax {
    /// An instance that [`EvmcVm::destroy`] gives back.
    pub(crate) fn create() -> *mut EvmcVm {
        let vm = EvmcVm {
            abi_version: ABI_VERSION,
            name: c"parallax".as_ptr(),
            version: VERSION.as_ptr(),
            destroy: Some(destroy),
            execute: Some(execute_message),
            get_capabilities: Some(get_capabilities),
            set_option: Some(set_option),
        };
        let instance = Self { vm, primary: Primary::new(), is_plain: AtomicBool::new(false) };
        Box::into_raw(Box::new(instance)).cast()
    }

    /// The instance behind a pointer that C holds.
    ///
    /// # Safety
    ///
    /// `vm` is what [`Parallax::create`] answered, and is not given back while the answer lives.
    unsafe fn of<'a>(vm: *mut EvmcVm) -> &'a Self {
        // SAFETY: it points to the first field of a `Parallax` on the heap, which nobody has exclusively: every function of the ABI
        // but `destroy` takes it shared.
        unsafe { &*vm.cast::<Self>() }
    }
}

unsafe extern "C" fn destroy(vm: *mut EvmcVm) {
    if !vm.is_null() {
        // SAFETY: by the ABI it is what `create` answered, and is used no more.
        drop(unsafe { Box::from_raw(vm.cast::<Parallax>()) });
    }
}

unsafe extern "C" fn get_capabilities(_: *mut EvmcVm) -> Capabilities {
    Capabilities::EVM1
}

unsafe extern "C" fn set_option(vm: *mut EvmcVm, name: *const c_char, value: *const c_char) -> SetOption {
    // SAFETY: by the ABI both are texts that end with a zero.
    let (name, value) = unsafe { (CStr::from_ptr(name), CStr::from_ptr(value)) };
    if name != c"engine" {
        return SetOption::INVALID_NAME;
    }
    let is_plain = match value.to_bytes() {
        b"primary" => false,
        b"mini" => true,
        _ => return SetOption::INVALID_VALUE,
    };
    // SAFETY: by the ABI `vm` is an instance that was created and not destroyed.
    unsafe { Parallax::of(vm) }.is_plain.store(is_plain, Ordering::Relaxed);
    SetOption::SUCCESS
}

unsafe extern "C" fn execute_message(
    vm: *mut EvmcVm,
    host: *const EvmcHost,
    context: *mut EvmcHostContext,
    revision: Revision,
    message: *const EvmcMessage,
    code: *const u8,
    code_size: usize,
) -> EvmcResult {
    let run = || {
        // SAFETY: by the ABI `vm` is an instance that lives, and `host` and `message` live as long as this call; what is behind
        // `message` and `code` is copied.
        let (instance, host, message) = unsafe { (Parallax::of(vm), host.as_ref(), message.as_ref()) };
        let (Some(host), Some(message)) = (host, message) else { return failure(StatusCode::REJECTED) };
        // SAFETY: by the ABI there are so many bytes of input and code, or none.
        let (input, code) =
            unsafe { (bytes(message.input_data, message.input_size), bytes(code, code_size)) };
        let Some(Request { message, code, rules }) = Request::new(revision, message, input, code) else {
            return failure(StatusCode::REJECTED);
        };
        // SAFETY: the host's functions are called with its own context, while this call lasts.
        let host = unsafe { CalledHost::new(host, context, &message, rules) };
        let Some(host) = host else { return failure(StatusCode::REJECTED) };
        match instance.is_plain.load(Ordering::Relaxed) {
            true => execute(&Mini, message, code, rules, host),
            false => execute(&instance.primary, message, code, rules, host),
        }
    };
    // A panic ends here: the caller cannot take it. The cache of the engine is behind a lock that forgives it.
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| failure(StatusCode::INTERNAL_ERROR))
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
