//! Tags and directives.

use super::{Mark, Scan, Scanner, Token, is_alpha};

impl Scanner<'_> {
    pub(super) fn scan_directive(&mut self) -> Scan<()> {
        let start = self.mark;
        self.skip();
        let mut name = Vec::new();
        while is_alpha(self.byte(0)) {
            self.read(&mut name);
        }
        if name.is_empty() {
            return self.error(start, "could not find expected directive name");
        }
        if !self.is_blankz(0) {
            return self.error(start, "found unexpected non-alphabetical character");
        }
        match name.as_slice() {
            b"YAML" => {
                self.skip_blanks();
                self.version_number(start)?;
                if self.byte(0) != b'.' {
                    return self.error(start, "did not find expected digit or '.' character");
                }
                self.skip();
                self.version_number(start)?;
                self.push(Token::VersionDirective, start);
            }
            b"TAG" => {
                self.skip_blanks();
                let handle = self.tag_handle(true, start)?;
                if !self.is_blank(0) {
                    return self.error(start, "did not find expected whitespace");
                }
                self.skip_blanks();
                let prefix = self.tag_uri(&[], start)?;
                if !self.is_blankz(0) {
                    return self.error(start, "did not find expected whitespace or line break");
                }
                self.push(Token::TagDirective(handle, prefix), start);
            }
            _ => return self.error(start, "found unknown directive name"),
        }
        self.skip_blanks();
        self.skip_comment();
        if !self.is_breakz(0) {
            return self.error(start, "did not find expected comment or line break");
        }
        self.skip_line();
        Ok(())
    }

    pub(super) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    fn version_number(&mut self, start: Mark) -> Scan<()> {
        let mut length = 0;
        while self.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return self.error(start, "found extremely long version number");
            }
            self.skip();
        }
        if length == 0 {
            return self.error(start, "did not find expected version number");
        }
        Ok(())
    }

    pub(super) fn scan_tag(&mut self) -> Scan<()> {
        let start = self.mark;
        let (mut handle, mut suffix);
        if self.byte(1) == b'<' {
            self.skip();
            self.skip();
            handle = Vec::new();
            suffix = self.tag_uri(&[], start)?;
            if self.byte(0) != b'>' {
                return self.error(start, "did not find the expected '>'");
            }
            self.skip();
        } else {
            handle = self.tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with(b"!") {
                suffix = self.tag_uri(&[], start)?;
            } else {
                suffix = self.tag_uri(&handle, start)?;
                handle = b"!".to_vec();
                if suffix.is_empty() {
                    std::mem::swap(&mut handle, &mut suffix);
                }
            }
        }
        if !self.is_blankz(0) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        self.push(Token::Tag(handle, suffix), start);
        Ok(())
    }

    fn tag_handle(&mut self, directive: bool, start: Mark) -> Scan<Vec<u8>> {
        if self.byte(0) != b'!' {
            return self.error(start, "did not find expected '!'");
        }
        let mut handle = Vec::new();
        self.read(&mut handle);
        while is_alpha(self.byte(0)) {
            self.read(&mut handle);
        }
        if self.byte(0) == b'!' {
            self.read(&mut handle);
        } else if directive && handle != b"!" {
            return self.error(start, "did not find expected '!'");
        }
        Ok(handle)
    }

    fn tag_uri(&mut self, head: &[u8], start: Mark) -> Scan<Vec<u8>> {
        let mut uri = head.get(1..).unwrap_or(&[]).to_vec();
        let mut found = !head.is_empty();
        while is_alpha(self.byte(0)) || b";/?:@&=+$,.!~*'()[]%".contains(&self.byte(0)) {
            if self.byte(0) == b'%' {
                self.uri_escape(start, &mut uri)?;
            } else {
                self.read(&mut uri);
            }
            found = true;
        }
        if found {
            Ok(uri)
        } else {
            self.error(start, "did not find expected tag URI")
        }
    }

    fn uri_escape(&mut self, start: Mark, uri: &mut Vec<u8>) -> Scan<()> {
        let digits = [self.byte(1), self.byte(2)];
        let value = std::str::from_utf8(&digits)
            .ok()
            .and_then(|it| u8::from_str_radix(it, 16).ok());
        let Some(value) = value else {
            return self.error(start, "did not find URI escaped octet");
        };
        uri.push(value);
        self.skip();
        self.skip();
        self.skip();
        Ok(())
    }
}
