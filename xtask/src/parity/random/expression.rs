//! Expressions of templates at random. Most are of the kind that what is around them asks for.

use super::values::{LISTS, MAPS, NUMBERS, TEXTS, one_of, text};
use crate::fuzz::Random;

/// One in so many expressions is of a wrong kind.
const WRONG: usize = 1_000;

pub(super) struct Expressions<'r> {
    pub(super) random: &'r mut Random,
}

impl<'r> Expressions<'r> {
    pub(super) fn new(random: &'r mut Random) -> Self {
        Self { random }
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        one_of(self.random, all)
    }

    /// Fills the places of a pattern: `T` a text, `N` a number, `L` a list, `M` a map, `A` anything, `I` a small whole
    /// number, `K` a key, `S` a text as it is written, `X` what is given.
    fn fill(&mut self, pattern: &str, given: &str, depth: usize) -> String {
        let mut out = String::new();
        for word in pattern.split_inclusive(' ') {
            let end = if word.ends_with(' ') { " " } else { "" };
            let word = word.trim_end();
            // A place may stand within parentheses.
            let bare = word.trim_matches(['(', ')']);
            let filled = match bare {
                "T" => self.within(Self::text, depth),
                "N" => self.within(Self::number, depth),
                "L" => self.within(Self::list, depth),
                "M" => self.within(Self::map, depth),
                "A" => self.within(Self::any, depth),
                "I" => self.pick(&["0", "1", "2", "3", "5", "8"]).to_owned(),
                "K" => format!("{:?}", self.pick(&["a", "b", "k2", "k10", "K1", "x-y", "name"])),
                "S" => text(self.random),
                "X" => given.to_owned(),
                _ => {
                    out.push_str(word);
                    out.push_str(end);
                    continue;
                }
            };
            let before = word.len() - word.trim_start_matches('(').len();
            let after = word.len() - word.trim_end_matches(')').len();
            out.push_str(&word[..before]);
            out.push_str(&filled);
            out.push_str(&word[word.len() - after..]);
            out.push_str(end);
        }
        out
    }

    fn within(&mut self, kind: fn(&mut Self, usize) -> String, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        let inner = if self.random.below(WRONG) == 0 {
            self.any(depth)
        } else {
            kind(self, depth)
        };
        if inner.contains(' ') && !inner.starts_with('"') {
            format!("({inner})")
        } else {
            inner
        }
    }

    pub(super) fn any(&mut self, depth: usize) -> String {
        match self.random.below(9) {
            0..=2 => self.text(depth),
            3 | 4 => self.number(depth),
            5 => self.list(depth),
            6 | 7 => self.map(depth),
            _ => {
                let pattern = self.pick(ANYTHING);
                self.fill(pattern, ".", depth)
            }
        }
    }

    pub(super) fn collection(&mut self, depth: usize) -> String {
        if self.random.below(2) == 0 {
            self.list(depth)
        } else {
            self.map(depth)
        }
    }

    /// A text made of what is given.
    pub(super) fn text_of(&mut self, given: &str, depth: usize) -> String {
        let pattern = self.pick(OF_ANYTHING);
        self.fill(pattern, given, depth)
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.below(4) == 0 {
            return match self.random.below(3) {
                0 => text(self.random),
                _ => format!(".Values.{}", self.pick(TEXTS)),
            };
        }
        if self.random.below(4) == 0 {
            let given = self.within(Self::any, depth);
            return self.text_of(&given, depth);
        }
        let pattern = self.pick(TEXT_PATTERNS);
        self.fill(pattern, "", depth)
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.below(4) == 0 {
            return match self.random.below(3) {
                0 => self
                    .pick(&["0", "1", "-3", "42", "2.5", "1e3", "0x1F", "'a'"])
                    .to_owned(),
                _ => format!(".Values.{}", self.pick(NUMBERS)),
            };
        }
        let pattern = self.pick(NUMBER_PATTERNS);
        self.fill(pattern, "", depth)
    }

    fn list(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.below(4) == 0 {
            return format!(".Values.{}", self.pick(LISTS));
        }
        let pattern = self.pick(LIST_PATTERNS);
        self.fill(pattern, "", depth)
    }

    fn map(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.below(4) == 0 {
            return format!(".Values.{}", self.pick(MAPS));
        }
        let pattern = self.pick(MAP_PATTERNS);
        self.fill(pattern, "", depth)
    }
}

const ANYTHING: &[&str] = &[
    ".Values.nothing",
    ".Values.missing",
    ".Values.flag",
    "default A A",
    "coalesce A A A",
    "ternary A A .Values.flag",
    "get M K",
    "index M K",
    "index .Values.deep K",
    "dig K K A M",
    "dig K A M",
    "first L",
    "last L",
    "and A A",
    "or A A",
    "not A",
    "eq (toString A) T",
    "ne (toString N) (toString N)",
    "empty A",
    "has A L",
    "hasKey M K",
    "kindIs \"map\" A",
    "deepEqual A A",
    "fromJson T",
    "fromYaml T",
    "fromYamlArray T",
    "(toYaml A) | fromYaml",
    "(toJson A) | fromJson",
    "contains T T",
    "hasPrefix S T",
    "hasSuffix S T",
    "regexMatch \"^[a-z]+\" T",
    "semverCompare \">=1.2\" \"1.3.0\"",
    "lt (float64 N) (float64 N)",
    "ge (int N) (int N)",
    "all A A",
    "any A A",
    "(.Values.missing).below",
    "empty .Values.missing",
    "kindOf A",
    "mustToJson A",
];

const OF_ANYTHING: &[&str] = &[
    "toString X",
    "quote X",
    "squote X",
    "printf \"%v\" X",
    "printf \"%#v|%T\" X X",
    "printf \"%s|%d\" X X",
    "printf \"%q\" X",
    "printf \"%5v|%-5v|\" X X",
    "printf \"%x\" X",
    "print X X",
    "println X",
    "kindOf X",
    "typeOf X",
    "toJson X",
    "toYaml X",
    "toYamlPretty X",
    "toRawJson X",
    "toPrettyJson X",
    "toToml (dict \"a\" X )",
    "join \",\" X",
    "html X",
    "js X",
    "urlquery X",
    "cat X S X",
    "default S X",
    "typeIs \"string\" X",
];

const TEXT_PATTERNS: &[&str] = &[
    "upper T",
    "lower T",
    "title T",
    "untitle T",
    "trim T",
    "trimAll \"-\" T",
    "trimPrefix S T",
    "trimSuffix \"-\" T",
    "nospace T",
    "initials T",
    "swapcase T",
    "camelcase T",
    "kebabcase T",
    "snakecase T",
    "trunc I T",
    "trunc -5 T",
    "abbrev 9 T",
    "abbrevboth 5 12 T",
    "substr 0 I T",
    "repeat I T",
    "replace \"a\" S T",
    "indent I T",
    "nindent I T",
    "wrap 12 T",
    "wrapWith 9 \"|\" T",
    "quote T T",
    "cat T T",
    "b64enc T",
    "b64enc T | b64dec",
    "b64dec T",
    "b32enc T",
    "sha256sum T",
    "sha1sum T",
    "adler32sum T",
    "regexReplaceAll \"[aeiou]\" T \"<$0>\"",
    "regexReplaceAllLiteral \"l+\" T \"$1\"",
    "regexFind \"[0-9]+\" T",
    "regexQuoteMeta T",
    "join \"-\" L",
    "splitList \".\" T | join \"/\"",
    "(split \".\" T )._0",
    "base T",
    "dir T",
    "clean T",
    "ext T",
    "tpl T $",
    "tpl \"{{ .Values.name | quote }}\" $",
    "plural \"one\" \"many\" ( int N )",
    "sortAlpha L | join \" \"",
    "keys M | sortAlpha | join \",\"",
    "toString N",
    "urlJoin (urlParse \"https://a.io/b?c=d\")",
    "printf \"%s-%s\" T T",
    "printf \"%.3f\" ( float64 N )",
    "printf \"%05d\" ( int N )",
    "printf \"%8.2e|%g\" ( float64 N ) ( float64 N )",
    "date \"2006-01-02\" ( toDate \"2006-01-02\" \"2020-02-03\" )",
    "durationRound \"2h10m5s\"",
    "seq 1 I",
    "toString L",
    "include \"kind\" A",
    "trunc 63 T | trimSuffix \"-\"",
    "T | default \"x\" | lower",
    "slice T 0 1",
    "html T",
    "js T",
    "squote T",
    "initial L | join \",\"",
    "semver \"1.2.3-beta.1+x\" | toString",
    "regexSplit \"[, ]\" T -1 | join \"|\"",
    "regexFindAll \"[a-z]\" T -1 | join \"\"",
];

const NUMBER_PATTERNS: &[&str] = &[
    "add N N",
    "add1 N",
    "sub N N",
    "mul N I",
    "div N 3",
    "mod N 7",
    "max N N",
    "min N N",
    "floor N",
    "ceil N",
    "round N 2",
    "round N 1 0.3",
    "int N",
    "int64 N",
    "float64 N",
    "int T",
    "int64 T",
    "float64 T",
    "atoi \"12\"",
    "len L",
    "len T",
    "len M",
    "addf N N",
    "subf N N",
    "mulf N 1.5",
    "divf N 4",
    "maxf N N",
    "minf N N",
    "biggest N N",
    "toDecimal \"0777\"",
    "int ( toString N )",
    "add1f N",
    "ternary N N .Values.flag",
    "default N N",
];

const LIST_PATTERNS: &[&str] = &[
    "list A A",
    "list T T T",
    "list",
    "tuple A T",
    "append L A",
    "prepend L A",
    "push L A",
    "concat L L",
    "uniq L",
    "reverse L",
    "compact L",
    "rest L",
    "initial L",
    "without L A",
    "slice L 0 0",
    "chunk 2 L",
    "sortAlpha L",
    "splitList \",\" T",
    "until I",
    "untilStep 0 9 I",
    "untilStep 3 0 -1",
    "keys M | sortAlpha",
    "pluck K M M",
    "regexFindAll \"[a-z]+\" T -1",
    "toStrings L",
    "fromJsonArray \"[1, 2.5, null]\"",
    "concat L ( list A )",
    "list M M",
];

const MAP_PATTERNS: &[&str] = &[
    "dict K A K A",
    "dict K M",
    "dict",
    "merge ( dict K A ) M",
    "merge ( deepCopy M ) M M",
    "mergeOverwrite ( deepCopy M ) M",
    "mustMergeOverwrite ( dict ) M M",
    "mustMerge ( dict K A ) M",
    "omit M K K",
    "pick M K K",
    "set ( deepCopy M ) K A",
    "unset ( deepCopy M ) K",
    "deepCopy M",
    "split \",\" T",
    "urlParse \"https://u:p@h.io:80/a%20b?q=1#f\"",
    "fromYaml ( toYaml M )",
    "fromJson ( toJson M )",
    "set ( dict ) T A",
    "merge ( dict ) ( dict K M ) ( dict K M )",
];
