//! Questions about the network: what waits for an answer, what an answer is one to, and that none is a no.

use super::*;
