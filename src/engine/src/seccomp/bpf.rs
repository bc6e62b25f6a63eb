//! Classic BPF, as far as a filter needs it: what each call is answered becomes a program that
//! finds the call by halving, so that one call costs some eight comparisons and not a hundred.

use crate::sys::Instruction;
use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET,
    BPF_W,
};
use std::collections::BTreeMap;

/// What becomes of the calls of one architecture: by number, instructions that end with an answer.
/// A call that is not among them is allowed.
pub(super) type Rules = BTreeMap<u32, Vec<Instruction>>;

pub(super) const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
pub(super) const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// Fails with that error.
pub(super) const fn fail(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno.cast_unsigned()
}

/// Where `struct seccomp_data` has the call's number and its architecture.
const NR: u32 = 0;
const ARCH: u32 = 4;

/// The low half of an argument; both architectures are little-endian. The kernel reads no more of
/// an argument that is an `int`.
pub(super) fn argument(index: u32) -> Instruction {
    load(16 + 8 * index)
}

/// Judges calls by these rules if they are of that architecture, else goes on after it.
pub(super) fn of_architecture(
    arch: u32,
    first_unknown: u32,
    unknown: u32,
    rules: &Rules,
) -> Vec<Instruction> {
    let rules: Vec<_> = rules.iter().map(|(nr, block)| (*nr, block.as_slice())).collect();
    // The numbers of x32 have a high bit and are over the bound as well.
    let mut block = vec![load(NR), jump(BPF_JGE, first_unknown, 0, 1), answer(unknown)];
    block.extend(search(&rules));
    when_equal(arch, &block)
}

/// The whole program, from its parts by architecture.
pub(super) fn program(parts: impl IntoIterator<Item = Vec<Instruction>>) -> Vec<Instruction> {
    let mut program = vec![load(ARCH)];
    program.extend(parts.into_iter().flatten());
    program.push(answer(KILL));
    program
}

/// Finds the rule for the number that was loaded, by halving.
fn search(rules: &[(u32, &[Instruction])]) -> Vec<Instruction> {
    /// So few are compared one by one.
    const FEW: usize = 3;
    if rules.len() > FEW {
        let (lower, upper) = rules.split_at(rules.len() / 2);
        if let Some((first, _)) = upper.first() {
            let lower = search(lower);
            let mut out = vec![jump(BPF_JGE, *first, 0, 1), skip(lower.len())];
            out.extend(lower);
            out.extend(search(upper));
            return out;
        }
    }
    let mut out = Vec::new();
    for (nr, block) in rules {
        out.extend(when_equal(*nr, block));
    }
    out.push(answer(ALLOW));
    out
}

/// Runs `block` when what was loaded is `value`, else goes on after it.
pub(super) fn when_equal(value: u32, block: &[Instruction]) -> Vec<Instruction> {
    if let [single] = block {
        return vec![jump(BPF_JEQ, value, 0, 1), *single];
    }
    let mut out = vec![jump(BPF_JEQ, value, 1, 0), skip(block.len())];
    out.extend_from_slice(block);
    out
}

/// Answers so when any of those bits is set in what was loaded, else goes on after it.
pub(super) fn when_any_bit(bits: u32, how: u32) -> [Instruction; 2] {
    [jump(BPF_JSET, bits, 0, 1), answer(how)]
}

/// Keeps only those bits of what was loaded.
pub(super) fn mask(bits: u32) -> Instruction {
    instruction(BPF_ALU | BPF_AND | BPF_K, bits, 0, 0)
}

pub(super) fn answer(how: u32) -> Instruction {
    instruction(BPF_RET | BPF_K, how, 0, 0)
}

fn load(offset: u32) -> Instruction {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

fn skip(count: usize) -> Instruction {
    instruction(BPF_JMP | BPF_JA, u32::try_from(count).unwrap_or(u32::MAX), 0, 0)
}

fn jump(test: u32, value: u32, if_true: u8, if_false: u8) -> Instruction {
    instruction(BPF_JMP | test | BPF_K, value, if_true, if_false)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code: u16::try_from(code).unwrap_or(u16::MAX), jt, jf, k }
}

#[cfg(test)]
pub(super) mod machine {
    use super::*;

    /// A small machine for the instructions that the filter uses.
    pub(in crate::seccomp) fn run(
        program: &[Instruction],
        arch: u32,
        nr: u32,
        args: [u64; 6],
    ) -> u32 {
        let mut data = [0u8; 64];
        data[0..4].copy_from_slice(&nr.to_le_bytes());
        data[4..8].copy_from_slice(&arch.to_le_bytes());
        for (to, arg) in data[16..].chunks_mut(8).zip(args) {
            to.copy_from_slice(&arg.to_le_bytes());
        }
        let (mut at, mut a) = (0usize, 0u32);
        loop {
            let i = program[at];
            let code = u32::from(i.code);
            at += 1;
            if code == BPF_LD | BPF_W | BPF_ABS {
                let from = i.k as usize;
                a = u32::from_le_bytes(data[from..from + 4].try_into().unwrap());
            } else if code == BPF_RET | BPF_K {
                return i.k;
            } else if code == BPF_JMP | BPF_JA {
                at += i.k as usize;
            } else if code == BPF_ALU | BPF_AND | BPF_K {
                a &= i.k;
            } else {
                let yes = match code & 0xf0 {
                    BPF_JEQ => a == i.k,
                    BPF_JGE => a >= i.k,
                    BPF_JSET => a & i.k != 0,
                    _ => panic!("unexpected instruction"),
                };
                at += usize::from(if yes { i.jt } else { i.jf });
            }
        }
    }

    #[test]
    fn every_rule_is_found_and_nothing_else() {
        for count in 0..40u32 {
            let rules: Rules =
                (0..count).map(|i| (i * 3 + 1, vec![answer(fail(i as i32 + 1))])).collect();
            let program = program([of_architecture(7, 1000, fail(libc::ENOSYS), &rules)]);
            for nr in 0..count * 3 + 5 {
                let found = run(&program, 7, nr, [0; 6]);
                let wanted = match rules.get(&nr) {
                    Some(_) => fail(((nr - 1) / 3 + 1) as i32),
                    None => ALLOW,
                };
                assert_eq!(found, wanted, "{nr} of {count}");
            }
            assert_eq!(run(&program, 7, 1000, [0; 6]), fail(libc::ENOSYS));
            assert_eq!(run(&program, 8, 0, [0; 6]), KILL);
        }
    }
}
