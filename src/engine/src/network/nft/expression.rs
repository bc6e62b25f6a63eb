//! What rules are made of: expressions, each of which reads a register, writes one, or decides.

use super::names::{LIST_ELEM, data, expr};
use crate::network::netlink::Writer;

/// Where a value is between two expressions: one of sixteen places of four bytes. A longer value goes
/// on in those that follow, and places one after another are a key of several parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Register(u8);

impl Register {
    /// The first place, which is where all but longer keys are put.
    pub(crate) const FIRST: Self = Self(0);

    /// The place that comes after a value of so many bytes in this one.
    pub(crate) const fn after(self, length: u8) -> Self {
        Self(self.0 + length.div_ceil(4))
    }

    /// `NFT_REG32_00` and so on.
    fn number(self) -> u32 {
        8 + u32::from(self.0)
    }
}

/// What is known of a packet beside its bytes (`enum nft_meta_keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meta {
    InputInterface = 4,
    OutputInterface = 5,
    Family = 15,
    Protocol = 16,
}

/// What is known of the flow that a packet belongs to (`enum nft_ct_keys`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    State = 0,
    Direction = 1,
    Mark = 3,
    Protocol = 10,
    /// Of its first packet: where it went, whichever way this one goes.
    OriginalPort = 12,
    OriginalAddress4 = 20,
    OriginalAddress6 = 22,
}

impl Flow {
    fn is_of_a_direction(self) -> bool {
        matches!(self, Self::OriginalPort | Self::OriginalAddress4 | Self::OriginalAddress6)
    }
}

/// `enum nft_payload_bases`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Header {
    Network = 1,
    Transport = 2,
}

/// `enum nft_cmp_ops`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    Equal = 0,
    NotEqual = 1,
}

/// One expression of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    Meta(Meta, Register),
    Flow(Flow, Register),
    /// Marks the flow with what is in the register.
    MarkFlow(Register),
    Payload {
        of: Header,
        offset: u32,
        length: u32,
        to: Register,
    },
    /// What the address that a packet is from is to the link that it goes to.
    KindOfSender(Register),
    Value(Register, Vec<u8>),
    Mask {
        register: Register,
        mask: Vec<u8>,
    },
    /// The rule goes on when it is so.
    Compare(Register, Is, Vec<u8>),
    /// The rule goes on when the value lies within.
    Within(Register, Vec<u8>, Vec<u8>),
    /// The rule goes on when the set has the value.
    Lookup(Register, String),
    /// Adds the value to a set whose elements count, and counts this packet there.
    CountIn(Register, String),
    Log {
        group: u16,
        bytes: u32,
    },
    /// The rule goes on while it is not more often than that.
    Limit {
        per_second: u64,
        burst: u32,
    },
    ResetTcp,
    /// An error of ICMP: the administrator does not allow it.
    Prohibited,
    Accept,
    Drop,
    Goto(String),
}

impl Expression {
    /// Its name in the kernel.
    fn name(&self) -> &'static str {
        match self {
            Self::Meta(..) => "meta",
            Self::Flow(..) | Self::MarkFlow(_) => "ct",
            Self::Payload { .. } => "payload",
            Self::KindOfSender(_) => "fib",
            Self::Mask { .. } => "bitwise",
            Self::Compare(..) => "cmp",
            Self::Within(..) => "range",
            Self::Lookup(..) => "lookup",
            Self::CountIn(..) => "dynset",
            Self::Log { .. } => "log",
            Self::Limit { .. } => "limit",
            Self::ResetTcp | Self::Prohibited => "reject",
            Self::Value(..) | Self::Accept | Self::Drop | Self::Goto(_) => "immediate",
        }
    }

    /// Writes it as one of a list.
    pub(crate) fn write(&self, to: &mut Writer) {
        to.nested(LIST_ELEM, |one| {
            one.text(expr::NAME, self.name());
            one.nested(expr::DATA, |data| self.write_data(data));
        });
    }

    fn write_data(&self, to: &mut Writer) {
        match self {
            Self::Meta(key, register) => {
                to.be32(expr::META_DREG, register.number());
                to.be32(expr::META_KEY, *key as u32);
            }
            Self::Flow(key, register) => {
                to.be32(expr::CT_DREG, register.number());
                to.be32(expr::CT_KEY, *key as u32);
                if key.is_of_a_direction() {
                    // IP_CT_DIR_ORIGINAL
                    to.bytes(expr::CT_DIRECTION, &[0]);
                }
            }
            Self::MarkFlow(register) => {
                to.be32(expr::CT_SREG, register.number());
                to.be32(expr::CT_KEY, Flow::Mark as u32);
            }
            Self::Payload { of, offset, length, to: register } => {
                to.be32(expr::PAYLOAD_DREG, register.number());
                to.be32(expr::PAYLOAD_BASE, *of as u32);
                to.be32(expr::PAYLOAD_OFFSET, *offset);
                to.be32(expr::PAYLOAD_LEN, *length);
            }
            Self::KindOfSender(register) => {
                to.be32(expr::FIB_DREG, register.number());
                // NFT_FIB_RESULT_ADDRTYPE, with NFTA_FIB_F_SADDR and NFTA_FIB_F_OIF.
                to.be32(expr::FIB_RESULT, 3);
                to.be32(expr::FIB_FLAGS, 0x1 | 0x10);
            }
            Self::Value(register, bytes) => {
                to.be32(expr::IMMEDIATE_DREG, register.number());
                value(to, expr::IMMEDIATE_DATA, bytes);
            }
            Self::Mask { register, mask } => write_mask(to, *register, mask),
            Self::Compare(register, is, bytes) => {
                to.be32(expr::CMP_SREG, register.number());
                to.be32(expr::CMP_OP, *is as u32);
                value(to, expr::CMP_DATA, bytes);
            }
            Self::Within(register, from, until) => {
                to.be32(expr::RANGE_SREG, register.number());
                to.be32(expr::RANGE_OP, Is::Equal as u32);
                value(to, expr::RANGE_FROM_DATA, from);
                value(to, expr::RANGE_TO_DATA, until);
            }
            Self::Lookup(register, set) => {
                to.text(expr::LOOKUP_SET, set);
                to.be32(expr::LOOKUP_SREG, register.number());
            }
            Self::CountIn(register, set) => write_count(to, *register, set),
            Self::Log { group, bytes } => {
                to.be16(expr::LOG_GROUP, *group);
                to.be32(expr::LOG_SNAPLEN, *bytes);
                // Each packet is told at once.
                to.be16(expr::LOG_QTHRESHOLD, 1);
            }
            Self::Limit { per_second, burst } => {
                to.be64(expr::LIMIT_RATE, *per_second);
                to.be64(expr::LIMIT_UNIT, 1);
                to.be32(expr::LIMIT_BURST, *burst);
                // NFT_LIMIT_PKTS
                to.be32(expr::LIMIT_TYPE, 0);
            }
            // NFT_REJECT_TCP_RST; the code is asked for and not looked at.
            Self::ResetTcp => reject(to, 1, 0),
            // NFT_REJECT_ICMPX_UNREACH with NFT_REJECT_ICMPX_ADMIN_PROHIBITED.
            Self::Prohibited => reject(to, 2, 3),
            // NF_ACCEPT, NF_DROP and NFT_GOTO.
            Self::Accept => verdict(to, 1, None),
            Self::Drop => verdict(to, 0, None),
            Self::Goto(chain) => verdict(to, -4, Some(chain)),
        }
    }
}

/// An attribute that holds a value.
pub(super) fn value(to: &mut Writer, kind: u16, bytes: &[u8]) {
    to.nested(kind, |inside| inside.bytes(data::VALUE, bytes));
}

fn write_mask(to: &mut Writer, register: Register, mask: &[u8]) {
    to.be32(expr::BITWISE_SREG, register.number());
    to.be32(expr::BITWISE_DREG, register.number());
    to.be32(expr::BITWISE_LEN, u32::try_from(mask.len()).unwrap_or(u32::MAX));
    value(to, expr::BITWISE_MASK, mask);
    value(to, expr::BITWISE_XOR, &vec![0; mask.len()]);
}

fn write_count(to: &mut Writer, register: Register, set: &str) {
    to.text(expr::DYNSET_SET_NAME, set);
    // NFT_DYNSET_OP_ADD
    to.be32(expr::DYNSET_OP, 0);
    to.be32(expr::DYNSET_SREG_KEY, register.number());
    to.nested(expr::DYNSET_EXPR, |counter| {
        counter.text(expr::NAME, "counter");
        counter.nested(expr::DATA, |zero| {
            zero.be64(expr::COUNTER_BYTES, 0);
            zero.be64(expr::COUNTER_PACKETS, 0);
        });
    });
}

fn reject(to: &mut Writer, kind: u32, code: u8) {
    to.be32(expr::REJECT_TYPE, kind);
    to.bytes(expr::REJECT_ICMP_CODE, &[code]);
}

fn verdict(to: &mut Writer, code: i32, chain: Option<&str>) {
    // NFT_REG_VERDICT
    to.be32(expr::IMMEDIATE_DREG, 0);
    to.nested(expr::IMMEDIATE_DATA, |inside| {
        inside.nested(data::VERDICT, |verdict| {
            verdict.be32(data::VERDICT_CODE, code.cast_unsigned());
            if let Some(chain) = chain {
                verdict.text(data::VERDICT_CHAIN, chain);
            }
        });
    });
}
