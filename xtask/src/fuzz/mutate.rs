//! Inputs from a corpus: pieces taken out, put in, repeated, exchanged.

/// A small generator of numbers that look random; the same seed gives the same.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }
}

/// Pieces that readers find interesting.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "(",
    ")",
    "|",
    "\"",
    "`",
    "'",
    ":",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "#",
    "&a",
    "*a",
    "<<: ",
    "!!",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "...",
    "---\n",
    "\u{FEFF}",
    "\0",
    "\u{FF}",
    "end",
    "range",
    "define \"x\"",
    "template \"x\" .",
    "$x",
    ":=",
    ".a.b",
    "0x",
    "1e309",
    "-0",
    "99999999999999999999",
    "null",
    "~",
    "true",
    "%",
    "\\",
    "..",
    "/",
    "=",
    "a=",
    "[0]",
    "{1,2}",
    "|-\n",
    ">+\n",
];
/// Bytes of one input.
const LENGTH_MAX: usize = 4_096;

pub(super) fn input(corpus: &[&[u8]], random: &mut Random) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(input.len() + 1);
        match random.below(6) {
            0 => {
                let piece = PIECES[random.below(PIECES.len())];
                input.splice(at..at, piece.bytes());
            }
            1 => {
                let end = (at + random.below(16)).min(input.len());
                input.drain(at..end);
            }
            2 => {
                let other = corpus[random.below(corpus.len())];
                let from = random.below(other.len());
                let end = (from + random.below(64)).min(other.len());
                input.splice(at..at, other[from..end].iter().copied());
            }
            3 => {
                let end = (at + random.below(32)).min(input.len());
                let piece = input[at..end].repeat(1 + random.below(8));
                input.splice(at..at, piece);
            }
            4 if at < input.len() => input[at] = u8::try_from(random.below(256)).unwrap_or(0),
            _ => input.truncate(at.max(1)),
        }
        input.truncate(LENGTH_MAX);
    }
    input
}
