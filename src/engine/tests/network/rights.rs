//! Who may change the rules: whoever owns the sandbox, with the socket that was opened inside, and
//! neither the app nor somebody else who came to have that socket.

use crate::capture::Capture;
use crate::probe::{Probe, Seen};
use crate::servers::{serve, serve_sockets};
use crate::world::{App, addresses, in_world, rules};
use arkose_engine::network::{Control, Generation, ruleset};
use arkose_profile::net::Protocol;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

const V4: &str = "192.0.2.1";

fn probe() -> Probe {
    Probe::new(Protocol::Tcp, V4, 80)
}

#[test]
fn only_the_owner_changes_the_rules() {
    in_world("rights::only_the_owner_changes_the_rules", || {
        if std::env::var("ARKOSE_TEST_SOCKET").is_ok() {
            return stranger();
        }
        let address: IpAddr = V4.parse().unwrap();
        addresses(&[address]);
        serve(&[address], &[80]);
        let mut app = App::start(&rules("deny", &[]));
        assert_eq!(app.scan(&[probe()]), [Seen::Refused]);
        let told = app.ask("rules");
        println!("{told}");
        assert!(told.starts_with("this process may not change the rules"), "{told}");
        assert_eq!(told.matches("Operation not permitted").count(), 3, "{told}");
        // With the very socket, but in a user namespace beside the app's; or without any capability, which
        // is enough for the user whose namespace it is, and not for one that root made.
        let without = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"];
        for (words, may) in [
            (&["unshare", "--user", "--map-root-user", "--"][..], false),
            (&without, !crate::world::as_root()),
        ] {
            let control = app.control.as_fd().try_clone_to_owned().unwrap();
            let name = std::env::args().nth(1).unwrap();
            let output = Command::new(words[0])
                .args(&words[1..])
                .arg(std::env::current_exe().unwrap())
                .args([&name, "--exact", "--nocapture", "--test-threads=1"])
                .env("ARKOSE_TEST_SOCKET", "1")
                .stdin(Stdio::from(control))
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            println!("{told}");
            assert_eq!(told.contains("may not change the rules"), !may, "{words:?}: {told}");
            assert_eq!(told.contains("changed"), may, "{words:?}: {told}");
            let seen = if may { Seen::Open } else { Seen::Refused };
            assert_eq!(app.scan(&[probe()]), [seen]);
        }
    });
}

#[test]
fn a_resolver_outside_serves_the_app_and_nobody_takes_its_place() {
    let name = "rights::a_resolver_outside_serves_the_app_and_nobody_takes_its_place";
    in_world(name, || {
        addresses(&[]);
        let mut app = App::start(&rules("deny", &[]));
        let capture = Capture::start();
        let mut sockets = std::mem::take(&mut app.others);
        let namespaces = sockets.split_off(4);
        for (fd, name) in namespaces.iter().zip(["net", "user"]) {
            let own = std::fs::metadata(format!("/proc/{}/ns/{name}", app.pid)).unwrap();
            assert_eq!(rustix::fs::fstat(fd).unwrap().st_ino, own.ino());
        }
        let (mut udp, mut tcp) = (Vec::new(), Vec::new());
        for (number, socket) in sockets.into_iter().enumerate() {
            match number % 2 {
                0 => udp.push(socket.into()),
                _ => tcp.push(socket.into()),
            }
        }
        serve_sockets(tcp, udp);
        let probes: Vec<_> = [Protocol::Tcp, Protocol::Udp]
            .iter()
            .flat_map(|protocol| ["127.0.0.1", "::1"].map(|to| Probe::new(*protocol, to, 53)))
            .collect();
        assert_eq!(app.scan(&probes), [Seen::Open; 4]);
        // Without a right, no port below 1024 can be had.
        assert_eq!(
            app.ask("bind"),
            "[Err(PermissionDenied), Err(PermissionDenied), Err(PermissionDenied)]"
        );
        let mut packets = capture.of_the_app();
        packets.retain(|packet| packet.protocol != 58);
        assert_eq!(packets, []);
    });
}

/// Somebody else who has the socket.
fn stranger() {
    let spec = crate::world::spec(&rules("allow", &[]), Generation::new(2).unwrap());
    let rules = ruleset(&spec, &[], Some(Generation::MIN)).unwrap();
    let control = Control::new(rustix::stdio::stdin());
    match control.load(&rules) {
        Ok(()) => println!("changed"),
        Err(error) => println!("{error}"),
    }
}
