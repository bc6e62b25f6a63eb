//! Classic BPF, as far as a filter needs it: what each call is answered becomes a program that
//! finds the call by halving, so that one call costs some eight comparisons and not a hundred.
//!
//! The kernel translates the program at every launch, and that takes longer than all calls of a short
//! app. So what is answered alike is there once, and a comparison jumps to it: a program is written
//! from its end, where every place that can be jumped to is known.

use crate::sys::Instruction;
use libc::{
    BPF_ABS, BPF_ALU, BPF_AND, BPF_JA, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET,
    BPF_W,
};
use std::collections::BTreeMap;

/// What becomes of the calls of one architecture, by number. A call that is not among them is allowed.
pub(super) type Rules = BTreeMap<u32, Rule>;

pub(super) const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
pub(super) const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

/// Fails with that error.
pub(super) const fn fail(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno.cast_unsigned()
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    Answer(u32),
    /// Looks at the low half of an argument; both architectures are little-endian. The kernel reads no
    /// more of an argument that is an `int`.
    Argument(u32, Box<Rule>),
    /// Keeps only those bits of what is looked at.
    Mask(u32, Box<Rule>),
    /// The first when what is looked at is that value, else the second.
    Equal(u32, Box<[Rule; 2]>),
    /// The first when it has any of those bits, else the second.
    AnyBit(u32, Box<[Rule; 2]>),
}

impl Rule {
    /// Answers so when what is looked at is one of these values, else goes on.
    pub(super) fn among(values: &[u32], answer: u32, otherwise: Self) -> Self {
        let first = |rest, value: &u32| Self::Equal(*value, Box::new([Self::Answer(answer), rest]));
        values.iter().rev().fold(otherwise, first)
    }

    pub(super) fn argument(index: u32, then: Self) -> Self {
        Self::Argument(index, Box::new(then))
    }
}

const ALLOWED: &Rule = &Rule::Answer(ALLOW);
const KILLED: &Rule = &Rule::Answer(KILL);

/// Where `struct seccomp_data` has the call's number, its architecture and its arguments.
const NR: u32 = 0;
const ARCH: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The calls of one architecture.
pub(super) struct Calls {
    pub(super) arch: u32,
    pub(super) rules: Rules,
    /// The first number that the rules were not written for. The numbers of x32 have a high bit and are
    /// over it as well.
    pub(super) first_unknown: u32,
    /// What becomes of those.
    pub(super) unknown: Rule,
}

/// The whole program. A call of no such architecture ends the process.
pub(super) fn program(architectures: &[Calls]) -> Vec<Instruction> {
    let mut program = Program { backwards: Vec::with_capacity(256), known: Vec::new() };
    let mut next = program.rule(KILLED);
    for calls in architectures.iter().rev() {
        let found = program.search(&calls.segments());
        let found = program.after(load(NR), found);
        next = program.fork(BPF_JEQ, calls.arch, found, next);
    }
    program.after(load(ARCH), next);
    program.backwards.reverse();
    program.backwards
}

/// Calls with numbers in a row of which the same becomes, from the first up to the next segment's.
struct Segment<'r> {
    first: u32,
    single: bool,
    rule: &'r Rule,
}

impl Calls {
    /// Every number there is, in order.
    fn segments(&self) -> Vec<Segment<'_>> {
        let mut segments: Vec<Segment<'_>> = Vec::with_capacity(2 * self.rules.len() + 2);
        let mut add = |first, single, rule| match segments.last_mut() {
            Some(last) if last.rule == rule => last.single = false,
            _ => segments.push(Segment { first, single, rule }),
        };
        let mut next = 0;
        for (nr, rule) in self.rules.range(..self.first_unknown) {
            if next < *nr {
                add(next, *nr - next == 1, ALLOWED);
            }
            add(*nr, true, rule);
            next = *nr + 1;
        }
        if next < self.first_unknown {
            add(next, self.first_unknown - next == 1, ALLOWED);
        }
        add(self.first_unknown, false, &self.unknown);
        segments
    }
}

/// A program that is being written from its end.
struct Program<'r> {
    backwards: Vec<Instruction>,
    /// Where the rules that it has already begin, counted from the end.
    known: Vec<(&'r Rule, usize)>,
}

impl<'r> Program<'r> {
    /// Finds the segment of the number that was loaded.
    fn search(&mut self, segments: &[Segment<'r>]) -> usize {
        if let Some(rest) = common(segments) {
            let mut next = self.rule(rest);
            for one in segments.iter().rev().filter(|one| one.single && one.rule != rest) {
                let found = self.rule(one.rule);
                next = self.fork(BPF_JEQ, one.first, found, next);
            }
            return next;
        }
        let (lower, upper) = segments.split_at(segments.len() / 2);
        let first = upper.first().map_or(0, |segment| segment.first);
        let upper = self.search(upper);
        let lower = self.search(lower);
        self.fork(BPF_JGE, first, upper, lower)
    }

    /// A rule, where it is or at the front.
    fn rule(&mut self, rule: &'r Rule) -> usize {
        let near = |at: &usize| self.backwards.len() - at <= FAR;
        let known = self.known.iter().rev().find(|(known, _)| *known == rule);
        if let Some(at) = known.map(|(_, at)| *at).filter(near) {
            return at;
        }
        let at = match rule {
            Rule::Answer(how) => self.push(instruction(BPF_RET | BPF_K, *how, 0, 0)),
            Rule::Argument(index, then) => {
                let then = self.rule(then);
                self.after(load(ARGUMENTS + 8 * index), then)
            }
            Rule::Mask(bits, then) => {
                let then = self.rule(then);
                self.after(instruction(BPF_ALU | BPF_AND | BPF_K, *bits, 0, 0), then)
            }
            Rule::Equal(value, ways) => self.two_ways(BPF_JEQ, *value, ways),
            Rule::AnyBit(bits, ways) => self.two_ways(BPF_JSET, *bits, ways),
        };
        self.known.push((rule, at));
        at
    }

    fn two_ways(&mut self, test: u32, value: u32, [yes, no]: &'r [Rule; 2]) -> usize {
        let no = self.rule(no);
        let yes = self.rule(yes);
        self.fork(test, value, yes, no)
    }

    /// An instruction in front of what goes on there.
    fn after(&mut self, instruction: Instruction, next: usize) -> usize {
        if next != self.backwards.len() {
            self.skip(next);
        }
        self.push(instruction)
    }

    fn fork(&mut self, test: u32, value: u32, yes: usize, no: usize) -> usize {
        let yes = self.within_reach(yes);
        let no = self.within_reach(no);
        let [yes, no] =
            [yes, no].map(|at| u8::try_from(self.backwards.len() - at).unwrap_or(u8::MAX));
        self.push(instruction(BPF_JMP | test | BPF_K, value, yes, no))
    }

    /// A place from which a comparison gets there: it jumps over no more than 255 instructions.
    fn within_reach(&mut self, at: usize) -> usize {
        if self.backwards.len() - at <= FAR { at } else { self.skip(at) }
    }

    fn skip(&mut self, to: usize) -> usize {
        let count = u32::try_from(self.backwards.len() - to).unwrap_or(u32::MAX);
        self.push(instruction(BPF_JMP | BPF_JA, count, 0, 0))
    }

    /// Puts it in front; where it is, counted from the end.
    fn push(&mut self, instruction: Instruction) -> usize {
        self.backwards.push(instruction);
        self.backwards.len()
    }
}

/// How far a comparison may jump at most, with room for two that jump in its stead.
const FAR: usize = 250;

/// What becomes of all but a few single calls, where there are so few that they are compared one by one.
fn common<'r>(segments: &[Segment<'r>]) -> Option<&'r Rule> {
    const FEW: usize = 3;
    let mut wide = segments.iter().filter(|segment| !segment.single);
    let rest = wide.next().or(segments.last())?.rule;
    let singles = segments.iter().filter(|segment| segment.single && segment.rule != rest).count();
    (singles <= FEW && wide.all(|segment| segment.rule == rest)).then_some(rest)
}

fn load(offset: u32) -> Instruction {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
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
        for count in (0..40u32).chain([120, 330]) {
            let rules: Rules =
                (0..count).map(|i| (i * 3 + 1, Rule::Answer(fail(i as i32 + 1)))).collect();
            let unknown = Rule::Answer(fail(libc::ENOSYS));
            let calls = Calls { arch: 7, rules, first_unknown: 1000, unknown };
            let program = program(std::slice::from_ref(&calls));
            for nr in 0..count * 3 + 5 {
                let found = run(&program, 7, nr, [0; 6]);
                let wanted = match calls.rules.get(&nr) {
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
