//! Which machine a program is for, from the head of its ELF file.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use crate::OciError;

/// Bytes of an ELF header up to and with `e_machine`.
const HEAD: usize = 20;
/// Type of the program header that names a loader (`PT_INTERP`).
const INTERPRETER: u64 = 3;
const MACHINE_X86_64: u16 = 62;
const MACHINE_AARCH64: u16 = 183;

/// A processor architecture that images are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// Of the machine that this runs on.
    pub const NATIVE: Self = if cfg!(target_arch = "aarch64") {
        Self::Arm64
    } else {
        Self::Amd64
    };

    /// As OCI and Go call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads the architecture from the first bytes of a program; `program` names it in errors.
pub fn architecture(program: &str, bytes: &[u8]) -> Result<Architecture, OciError> {
    let not = |reason: &str| OciError::NotProgram {
        program: program.to_owned(),
        reason: reason.to_owned(),
    };
    let head = bytes.get(..HEAD).ok_or_else(|| not("it is too short"))?;
    if head.get(..4) != Some(b"\x7fELF") {
        return Err(not("it has no ELF header"));
    }
    if head[5] != 1 {
        return Err(foreign(program, "a big-endian machine".to_owned()));
    }
    match u16::from_le_bytes([head[18], head[19]]) {
        MACHINE_X86_64 => Ok(Architecture::Amd64),
        MACHINE_AARCH64 => Ok(Architecture::Arm64),
        other => Err(foreign(program, format!("machine type {other}"))),
    }
}

/// Refuses a program that needs a loader and libraries, which an image without a base does not have. `bytes` are its head,
/// program headers included.
pub(crate) fn require_static(program: &str, bytes: &[u8]) -> Result<(), OciError> {
    // 64-bit ELF: e_phoff at 32, e_phentsize at 54, e_phnum at 56; p_type comes first in each header.
    let number = |at: usize, length: usize| {
        let bytes = bytes.get(at..at.checked_add(length)?)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)),
        )
    };
    let (Some(start), Some(size), Some(count)) = (number(32, 8), number(54, 2), number(56, 2)) else {
        return Ok(());
    };
    let header = |index: u64| usize::try_from(start.checked_add(index * size)?).ok();
    let interpreted = (0..count).any(|index| header(index).and_then(|at| number(at, 4)) == Some(INTERPRETER));
    if interpreted {
        return Err(OciError::Dynamic {
            program: program.to_owned(),
        });
    }
    Ok(())
}

/// Refuses a program that cannot run here.
pub fn require_native(program: &str, bytes: &[u8]) -> Result<(), OciError> {
    let found = architecture(program, bytes)?;
    if found == Architecture::NATIVE {
        Ok(())
    } else {
        Err(foreign(program, found.to_string()))
    }
}

/// Refuses a program file that cannot run here; a script with `#!` passes.
pub fn require_native_file(path: &Path) -> Result<(), OciError> {
    let mut head = [0; HEAD];
    let mut file = std::fs::File::open(path).map_err(OciError::file("read", path))?;
    let mut filled = 0;
    while filled < HEAD {
        match file
            .read(&mut head[filled..])
            .map_err(OciError::file("read", path))?
        {
            0 => break,
            more => filled += more,
        }
    }
    if head.starts_with(b"#!") {
        return Ok(());
    }
    require_native(&path.display().to_string(), &head[..filled])
}

fn foreign(program: &str, found: String) -> OciError {
    OciError::Foreign {
        program: program.to_owned(),
        found,
        native: Architecture::NATIVE.name(),
        target: Architecture::NATIVE.target(),
    }
}
