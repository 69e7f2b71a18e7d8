//! `cargo xtask test`: every test of the workspace, those against real servers included, and one line that sums them up.

use anyhow::{Result, bail};

use crate::install;
use crate::shell::{cargo, debug_binary, watch};

/// What the command line asks for.
pub struct Options {
    /// Install what is missing first.
    pub install: bool,
    /// Only tests that need no server.
    pub fast: bool,
}

#[derive(Debug, Default, PartialEq)]
struct Sum {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// Runs them. Fails where a test fails or does not build.
pub fn run(options: &Options) -> Result<()> {
    let mut sum = Sum::default();
    let mut good = true;
    if !options.fast && options.install {
        install::run_all()?;
    }
    let mut tests = cargo(&[
        "test",
        "--workspace",
        "--no-fail-fast",
        "--lib",
        "--bins",
        "--tests",
        "--examples",
    ]);
    if !options.fast {
        tests
            .args(["--", "--include-ignored"])
            // The end-to-end tests run the program itself.
            .env("WHEATSTONE_BIN", debug_binary()?);
    }
    good &= watch(&mut tests, |line| sum.add(line))?;
    good &= watch(
        &mut cargo(&["test", "--workspace", "--no-fail-fast", "--doc"]),
        |line| sum.add(line),
    )?;
    if sum.ignored > 0 {
        println!("{} not run", sum.ignored);
    }
    println!("{} passed, {} failed", sum.passed, sum.failed);
    if !good || sum.failed > 0 {
        bail!("the tests failed");
    }
    if sum.passed == 0 {
        bail!("no test was run");
    }
    Ok(())
}

impl Sum {
    /// Adds a `test result:` line.
    fn add(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in rest.split(['.', ';']) {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed() {
        let mut sum = Sum::default();
        sum.add("running 3 tests");
        sum.add(
            "test result: ok. 30 passed; 0 failed; 2 ignored; 0 measured; 7 filtered out; finished in 3.46s",
        );
        sum.add("test result: FAILED. 1 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        assert_eq!(
            sum,
            Sum {
                passed: 31,
                failed: 4,
                ignored: 2
            }
        );
    }
}
