//! Ways out of a filtered network that no rule names, tried with raw tools and as root inside.

use super::*;
