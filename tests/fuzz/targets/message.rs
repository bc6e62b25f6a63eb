#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| arkose_fuzz::message::try_one(bytes));
