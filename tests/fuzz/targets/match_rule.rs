#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| arkose_fuzz::match_rule::try_one(bytes));
