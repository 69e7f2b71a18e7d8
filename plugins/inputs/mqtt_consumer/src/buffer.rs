//! The read buffer: small while messages are small, as large as one message where it must be, and small again.

/// What one read takes at most while messages are small: some hundred of them, which is enough to share the cost of a
/// read, and few enough to stay in the processor's cache.
const USUAL: usize = 64 * 1024;
/// After so many gulps that would have fitted, a larger buffer is given back.
const PATIENCE: u32 = 256;
/// A buffer above this is given back as soon as it is empty.
const LARGE: usize = 1024 * 1024;

/// Bytes read and not yet used.
pub(crate) struct Buffer {
    data: Vec<u8>,
    start: usize,
    end: usize,
    /// How often in a row the usual size would have been enough.
    easy: u32,
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer {
            data: vec![0; USUAL],
            start: 0,
            end: 0,
            easy: 0,
        }
    }
}

impl Buffer {
    /// Bytes that were read and not yet used.
    pub fn unread(&self) -> &[u8] {
        &self.data[self.start..self.end]
    }
    /// Marks the first `n` unread bytes as used.
    pub fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }
    /// Where the next read goes; empty where the buffer is full.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.data[self.end..]
    }
    /// Marks `n` bytes of [`space`](Buffer::space) as read.
    pub fn filled(&mut self, n: usize) {
        self.end = (self.end + n).min(self.data.len());
    }
    /// Forgets everything, for a new connection.
    pub fn clear(&mut self) {
        self.start = self.end;
        self.make_room(0);
    }
    /// Called once the whole packets are used: moves the rest to the front and sees to it that a packet of `wanted`
    /// bytes can come in.
    pub fn make_room(&mut self, wanted: usize) {
        if self.data.len() > USUAL && self.end <= USUAL && wanted <= USUAL {
            self.easy += 1;
        } else {
            self.easy = 0;
        }
        let left = self.end - self.start;
        if self.start > 0 {
            self.data.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, left);
        }
        if left == 0 && wanted <= USUAL && (self.data.len() > LARGE || self.easy > PATIENCE) {
            self.data = vec![0; USUAL];
            self.easy = 0;
        } else if wanted > self.data.len() && left * 2 > self.data.len() {
            // It grows with what has come, not with what was promised: a header alone must not take 256 MiB.
            let size = wanted.min(self.data.len() * 4);
            self.data.resize(size, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(buffer: &mut Buffer, n: usize) -> usize {
        let space = buffer.space();
        let n = n.min(space.len());
        space[..n].fill(7);
        buffer.filled(n);
        n
    }

    #[test]
    fn a_large_packet_comes_in_and_the_memory_goes_back() {
        let mut buffer = Buffer::default();
        let wanted = 3_000_000;
        let mut got = 0;
        while got < wanted {
            let n = put(&mut buffer, wanted - got);
            assert!(n > 0, "no room after {got} bytes");
            got += n;
            buffer.make_room(wanted);
            assert!(buffer.data.len() <= (got * 4).max(USUAL));
        }
        assert_eq!(buffer.unread().len(), wanted);
        buffer.consume(wanted);
        buffer.make_room(0);
        assert_eq!(buffer.data.len(), USUAL);
    }

    #[test]
    fn a_rest_moves_to_the_front() {
        let mut buffer = Buffer::default();
        put(&mut buffer, USUAL);
        buffer.consume(USUAL - 5);
        buffer.make_room(100);
        assert_eq!(buffer.unread(), [7u8; 5]);
        assert_eq!(buffer.space().len(), USUAL - 5);
    }
}
