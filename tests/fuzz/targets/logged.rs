#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| arkose_fuzz::logged::try_one(bytes));
