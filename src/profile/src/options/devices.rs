//! The classes of devices that may be granted as a whole.

use super::{DeviceClass, Risk};
use crate::i18n::N_;

/// Every device class.
pub static DEVICE_CLASSES: &[DeviceClass] = &[
    DeviceClass {
        name: "video",
        title: N_("Cameras"),
        summary: N_("The app can see through every camera and TV card."),
        risk: Risk::Partial,
        nodes: &["video*", "media*", "v4l-subdev*", "dvb"],
    },
    DeviceClass {
        name: "gpu",
        title: N_("Graphics card"),
        summary: N_("The app can draw and compute on the graphics card."),
        risk: Risk::Partial,
        nodes: &["dri", "kfd", "nvidia*", "mali*", "udmabuf"],
    },
    DeviceClass {
        name: "sound",
        title: N_("Sound cards"),
        summary: N_("The app can play and record on the sound hardware itself."),
        risk: Risk::Partial,
        nodes: &["snd"],
    },
    DeviceClass {
        name: "input",
        title: N_("Input devices"),
        summary: N_("The app can read game controllers and, where you may, keyboards and mice."),
        risk: Risk::Open,
        nodes: &["input", "hidraw*", "uinput"],
    },
    DeviceClass {
        name: "usb",
        title: N_("USB devices"),
        summary: N_("The app can talk to every USB device that you may use."),
        risk: Risk::Open,
        nodes: &["bus/usb"],
    },
    DeviceClass {
        name: "serial",
        title: N_("Serial ports"),
        summary: N_("The app can talk to boards, modems and instruments on serial ports."),
        risk: Risk::Partial,
        nodes: &["ttyS*", "ttyUSB*", "ttyACM*", "serial"],
    },
    DeviceClass {
        name: "kvm",
        title: N_("Virtual machines"),
        summary: N_("The app can run virtual machines with the processor's help."),
        risk: Risk::Partial,
        nodes: &["kvm", "vhost-net", "vhost-vsock"],
    },
];
