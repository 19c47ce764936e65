//! Running a fuzzer's target over its committed corpus and a fixed number of mutations of it.

use std::fs;
use std::path::Path;

const MUTATIONS: u32 = 20_000;

/// What parsers of JSON, of key-value pairs and of protocol buffers stumble over.
const WORDS: [&[u8]; 17] = [
    b"null",
    b"0",
    b"-1",
    b"\"\"",
    b"{}",
    b"[]",
    b"\\u0000",
    b"1e9",
    b"/",
    b";",
    b"=",
    b",",
    b"@",
    b"99999999999",
    b"\x0a\x00",
    b"\x12\x011",
    b"\xff\xff\xff\xff\x0f",
];

/// Gives the target every file of `<dir>/corpus/<name>`, and the same mutations of them on every run.
pub fn run(dir: &str, name: &str, target: fn(&[u8])) {
    let corpus = files(&Path::new(dir).join("corpus").join(name));
    for input in &corpus {
        target(input);
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..MUTATIONS {
        target(&random.mutate(&corpus));
    }
}

fn files(dir: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Xorshift: no two runs differ.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }

    /// One to four changes to one of the inputs.
    fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, corpus);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(8)).min(bytes.len());
        match self.below(5) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.insert(at, u8::try_from(self.below(256)).unwrap()),
            2 => drop(bytes.splice(at..end, WORDS[self.below(WORDS.len())].iter().copied())),
            3 => {
                let twice = bytes[at..end].repeat(2);
                drop(bytes.splice(at..end, twice));
            }
            _ => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
}
