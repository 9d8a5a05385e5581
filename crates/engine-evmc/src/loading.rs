//! A library in this process.

use std::{
    error::Error,
    ffi::{CStr, CString},
    path::Path,
    ptr::NonNull,
};

use libloading::{Library, Symbol};
use parallax_evmc_abi::{ABI_VERSION, Capabilities, EvmcCreate, EvmcDestroy, EvmcExecute, EvmcVm, SetOption};

use crate::configuration::Configuration;

/// A library that is loaded, for as long as this process lives.
pub(crate) struct LoadedLibrary {
    create: EvmcCreate,
    options: Vec<(CString, CString)>,
    path: String,
}

/// An instance of it.
pub(crate) struct Instance {
    vm: NonNull<EvmcVm>,
    pub(crate) execute: EvmcExecute,
    destroy: EvmcDestroy,
}

impl LoadedLibrary {
    /// Loads it. The error is one line.
    pub(crate) fn load(configuration: &Configuration) -> Result<Self, String> {
        let Configuration { path, options } = configuration;
        let shown = path.display().to_string();
        let one_line = |error: libloading::Error| {
            // The reason is in its source alone.
            let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            text.replace('\n', " ")
        };
        // SAFETY: whatever the library does when it is loaded, it does in this process, which is there for nothing else.
        let library = unsafe { Library::new(path) }.map_err(one_line)?;
        // Never closed: nothing of it that runs on may lose its code.
        let library = Box::leak(Box::new(library));
        let own = create_name(path);
        let names = [own.as_str(), "evmc_create"];
        let create = names.into_iter().find_map(|name| {
            // SAFETY: by EVMC what is called so is a function of this type.
            let found: Result<Symbol<'_, EvmcCreate>, _> = unsafe { library.get(name) };
            found.ok().map(|found| *found)
        });
        let create = create
            .ok_or_else(|| format!("{shown} is no EVMC library: it exports neither {own} nor evmc_create"))?;
        let text = |text: &String| CString::new(text.as_str()).map_err(|error| error.to_string());
        let options = options.iter().map(|(name, value)| Ok((text(name)?, text(value)?)));
        Ok(Self { create, options: options.collect::<Result<_, String>>()?, path: shown })
    }

    /// Makes an instance with its options; what it is called, and its version.
    pub(crate) fn instance(&self) -> Result<(Instance, [String; 2]), String> {
        let path = &self.path;
        // SAFETY: by EVMC it may be called at any time.
        let vm = unsafe { (self.create)() };
        let vm = NonNull::new(vm).ok_or_else(|| format!("{path} makes no instance"))?;
        // SAFETY: in every version of the ABI the first field is its version.
        let version = unsafe { (*vm.as_ptr()).abi_version };
        if version != ABI_VERSION {
            return Err(format!("{path} speaks version {version} of EVMC's ABI, expected {ABI_VERSION}"));
        }
        // SAFETY: it is of the version that is written down in `EvmcVm`; nobody changes it but in the calls below.
        let EvmcVm { name, version, destroy, execute, get_capabilities, set_option, .. } =
            unsafe { vm.as_ptr().read() };
        let (Some(destroy), Some(execute), Some(get_capabilities)) = (destroy, execute, get_capabilities)
        else {
            return Err(format!("{path} lacks a function that EVMC says every library has"));
        };
        let instance = Instance { vm, execute, destroy };
        for (name, value) in &self.options {
            // SAFETY: it is an instance, and both are texts that end with a zero.
            let answer = set_option.map_or(SetOption::INVALID_NAME, |set| unsafe {
                set(vm.as_ptr(), name.as_ptr(), value.as_ptr())
            });
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            match answer {
                SetOption::SUCCESS => {}
                SetOption::INVALID_NAME => return Err(format!("{path} has no option {name:?}")),
                _ => return Err(format!("{path} does not take {value:?} for its option {name:?}")),
            }
        }
        // SAFETY: it is an instance.
        let capabilities = unsafe { get_capabilities(vm.as_ptr()) };
        if !capabilities.has(Capabilities::EVM1) {
            return Err(format!("{path} does not run EVM byte code"));
        }
        let text = |text: *const std::ffi::c_char| match text.is_null() {
            true => String::new(),
            // SAFETY: by EVMC it is a text that ends with a zero and lives as long as the instance.
            false => unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned(),
        };
        Ok((instance, [text(name), text(version)]))
    }
}

impl Instance {
    pub(crate) fn as_ptr(&self) -> *mut EvmcVm {
        self.vm.as_ptr()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: it is an instance that is used no more: nothing executes when another transaction begins.
        unsafe { (self.destroy)(self.vm.as_ptr()) }
    }
}

/// How EVMC has it: the name of the file without folder, `lib` and extensions, each `-` a `_`.
fn create_name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = file.strip_prefix("lib").unwrap_or(&file);
    let name = name.split('.').next().unwrap_or_default();
    format!("evmc_create_{}", name.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_its_function_is_called() {
        for (path, expected) in [
            ("a/libevmone.so", "evmc_create_evmone"),
            ("libbeta-vm.so.1.2", "evmc_create_beta_vm"),
            ("vm.dylib", "evmc_create_vm"),
            ("", "evmc_create_"),
        ] {
            assert_eq!(create_name(Path::new(path)), expected);
        }
    }
}
