#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| arkose_fuzz::administrator::try_one(bytes));
