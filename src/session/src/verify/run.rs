//! Running the probe in the sandbox: its trials on standard input, its answers on standard output.
//!
//! Both are memory files of this process, so that nothing has to be read while the sandbox runs, and
//! the launch is that of any command.

use super::check::Check;
use crate::failure::{LaunchError, NO_PROBE, PROBE_FAILED};
use crate::installed;
use crate::launch::launch;
use crate::spec::{LaunchSpec, SharedFile};
use arkose_probe::Found;
use arkose_profile::AbsPath;
use rustix::fs::MemfdFlags;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};

const NAME: &str = "arkose-probe";
/// Where it is inside.
const PLACE: &str = "/run/arkose/probe";
/// No probe says more.
const LIMIT: u64 = 16 << 20;

/// Makes the probe the command of a launch: where the app would find it in any case, it is started
/// from there, and where not, it is put inside.
pub(super) fn prepare(spec: &mut LaunchSpec) -> Result<(), LaunchError> {
    let missing = || LaunchError::remedied(NO_PROBE, "sudo ./dev install");
    let source =
        AbsPath::new(installed::inner(NAME).ok_or_else(missing)?).map_err(|_| missing())?;
    if is_shown(spec, &source) {
        spec.command = vec![source.as_path().into()];
        return Ok(());
    }
    let dest = AbsPath::new(PLACE).map_err(|_| missing())?;
    spec.command = vec![PLACE.into()];
    spec.files.push(SharedFile { source, dest, read_only: true });
    Ok(())
}

/// Whether every sandbox shows that file of the system, and this policy does not hide it.
fn is_shown(spec: &LaunchSpec, file: &AbsPath) -> bool {
    let path = file.as_path();
    let ruled = || spec.policy.paths.iter().any(|rule| rule.path.contains(file));
    ["/usr", "/var/lib"].iter().any(|shown| path.starts_with(shown)) && !ruled()
}

/// Launches, and gives what the probe found for each check.
pub(super) fn trials(spec: LaunchSpec, checks: &[Check]) -> Result<Vec<Found>, LaunchError> {
    let failed = |error: io::Error| LaunchError::because(PROBE_FAILED, error);
    let mut input = memory("trials").map_err(failed)?;
    for check in checks {
        let line = serde_json::to_string(&check.trial).map_err(|error| failed(error.into()))?;
        writeln!(input, "{line}").map_err(failed)?;
    }
    input.rewind().map_err(failed)?;
    let (output, said) = (memory("answers").map_err(failed)?, memory("said").map_err(failed)?);
    let standard = Standard::replace(&input, &output, &said).map_err(failed)?;
    let launched = launch(spec);
    standard.restore().map_err(failed)?;
    let words = content(said).map_err(failed)?;
    // What was said by whoever built the sandbox is for people, also when all went well.
    io::stderr().write_all(words.as_bytes()).map_err(failed)?;
    let status = launched?;
    let answers = content(output).map_err(failed)?;
    let found: Result<Vec<Found>, _> = answers.lines().map(serde_json::from_str).collect();
    match found {
        Ok(found) if status == 0 && found.len() == checks.len() => Ok(found),
        Err(error) => Err(failed(error.into())),
        Ok(found) => {
            let after = checks.get(found.len()).map(|check| super::words::tried(&check.trial));
            let cause = match after {
                Some(trial) => format!("exit status {status}: {trial}"),
                None => format!("exit status {status}"),
            };
            Err(failed(io::Error::other(cause)))
        }
    }
}

fn memory(name: &str) -> io::Result<File> {
    Ok(File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC)?))
}

fn content(mut file: File) -> io::Result<String> {
    // The other end may have left its place anywhere.
    file.seek(io::SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The standard descriptors of this process while others stand in their place.
struct Standard([OwnedFd; 3]);

impl Standard {
    fn replace(input: &File, output: &File, said: &File) -> io::Result<Self> {
        let kept = [
            io::stdin().as_fd().try_clone_to_owned()?,
            io::stdout().as_fd().try_clone_to_owned()?,
            io::stderr().as_fd().try_clone_to_owned()?,
        ];
        rustix::stdio::dup2_stdin(input)?;
        rustix::stdio::dup2_stdout(output)?;
        rustix::stdio::dup2_stderr(said)?;
        Ok(Self(kept))
    }

    fn restore(self) -> io::Result<()> {
        let [input, output, said] = self.0;
        rustix::stdio::dup2_stdin(&input)?;
        rustix::stdio::dup2_stdout(&output)?;
        rustix::stdio::dup2_stderr(&said)?;
        Ok(())
    }
}
