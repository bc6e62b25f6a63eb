//! Waiting for the way out: for all of what makes one, and no longer.

use crate::world::{in_world, sh};
use arkose_engine::network::{Side, bring_loopback_up, local_addresses, wait_for_uplink};
use std::thread;
use std::time::{Duration, Instant};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(15)
}

/// Does one thing after another, and says when what is waited for was there.
fn after(steps: &'static [&'static str]) -> (arkose_engine::network::Uplink, Duration) {
    let begin = Instant::now();
    let later = thread::spawn(move || {
        for step in steps {
            thread::sleep(Duration::from_millis(200));
            sh(step);
        }
        begin.elapsed()
    });
    let uplink = wait_for_uplink(soon(), false, None).unwrap();
    let took = begin.elapsed();
    let done = later.join().unwrap();
    println!("there after {took:?}, done after {done:?}");
    (uplink, took)
}

#[test]
fn it_is_there_when_all_of_it_is() {
    in_world("uplink::it_is_there_when_all_of_it_is", || {
        bring_loopback_up().unwrap();
        let begin = Instant::now();
        let none = wait_for_uplink(begin + Duration::from_millis(300), false, None).unwrap_err();
        assert!(none.to_string().contains("no way out in time"), "{none}");
        assert!(begin.elapsed() >= Duration::from_millis(300));
        let (uplink, took) = after(&[
            "ip link add eth type veth peer name other; ip link set other up",
            "ip addr add 192.0.2.2/24 dev eth",
            "ip link set eth up",
            "ip route add default via 192.0.2.1",
        ]);
        assert!(took >= Duration::from_millis(800), "{took:?}");
        let v4 = Side { address: [192, 0, 2, 2].into(), gateway: Some([192, 0, 2, 1].into()) };
        assert_eq!((uplink.v4, uplink.v6), (Some(v4), None));
        assert_eq!(uplink.gateways(), ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
        assert!(local_addresses().unwrap().contains(&"192.0.2.2".parse().unwrap()));
        sh("ip addr flush dev eth scope global");
        assert!(wait_for_uplink(Instant::now() + Duration::from_millis(100), false, None).is_err());
        // An address of IPv6 is not settled before nobody objected, for a second or so.
        let (uplink, took) = after(&[
            "ip route add default dev eth; ip -6 route add default via fe80::1 dev eth",
            "ip addr add 2001:db8::2/64 dev eth",
        ]);
        assert!(took >= Duration::from_millis(1000), "{took:?}");
        let v6 = Side {
            address: "2001:db8::2".parse().unwrap(),
            gateway: Some("fe80::1".parse().unwrap()),
        };
        assert_eq!((uplink.v4, uplink.v6), (None, Some(v6)));
    });
}
