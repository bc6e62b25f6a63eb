#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| arkose_fuzz::mountinfo::try_one(bytes));
