//! The original's `.conf`: what is read means the same when it is written, also as TOML.

use super::{context, profile::told};
use arkose_profile::{Device, Layer, Origin, Policy, Profile, conf, to_toml};

/// Tries one `.conf`.
pub fn try_one(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let layer = match conf::read(text, origin()) {
        Ok((layer, _)) => layer,
        Err(errors) => return told(text, &errors),
    };
    let toml = to_toml(&layer);
    let from_toml =
        Layer::parse(&toml, origin()).unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
    assert!(layer.iter().eq(from_toml.iter()), "{toml}");
    let (written, lost) = conf::write(&layer);
    let (again, _) = conf::read(&written, origin())
        .unwrap_or_else(|errors| panic!("{errors}\nin what was written:\n{written}"));
    if lost.is_empty() {
        assert_eq!(meaning(&again), meaning(&layer), "{written}");
    }
}

fn origin() -> Origin {
    Origin::File("ann.conf".into())
}

/// What it comes to, in whatever order devices are named.
fn meaning(layer: &Layer) -> Option<(Vec<String>, Policy)> {
    let profile = Profile::new("ann", vec![layer.clone()]);
    let mut policy = profile.policy(&context()).ok()?;
    let by_name = |device: &Device| match device {
        Device::Class(class) => class.clone(),
        Device::Path(path) => path.to_string(),
    };
    policy.devices.sort_by_key(by_name);
    Some((profile.command(), policy))
}
