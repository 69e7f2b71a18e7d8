use super::*;
use proptest::prelude::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|e| panic!("{text}: {}", e.0))
}
fn holds(condition: &str, of: &str) -> bool {
    let condition = Condition::parse(condition).unwrap_or_else(|e| panic!("{condition}: {}", e.0));
    condition.holds(&version(of))
}

#[test]
fn versions_are_read_and_ordered() {
    assert_eq!(version("v1.2").text(), "1.2.0");
    assert_eq!(version("1.02.3-rc.1+b-5").text(), "1.2.3-rc.1+b-5");
    for wrong in [
        "",
        "1.2.3.4",
        "a",
        "1.",
        "1.2.3-",
        "1-a.",
        " 1",
        "1.2.3-01",
        "1+",
        "18446744073709551616",
    ] {
        assert!(Version::parse(wrong).is_err(), "{wrong}");
    }
    let ascending = [
        "1-0", "1-1", "1-10", "1-a", "1-a.1", "1-b", "1", "1.0.1", "1.1", "1.10", "2",
    ];
    for (i, a) in ascending.iter().enumerate() {
        for (j, b) in ascending.iter().enumerate() {
            assert_eq!(version(a).precedence(&version(b)), i.cmp(&j), "{a} {b}");
        }
    }
}

#[test]
fn the_next_version() {
    let next = |text: &str, i| version(text).next(i).original;
    assert_eq!(next("v1.2.3", 0), "v2.0.0");
    assert_eq!(next("1.2.3-rc", 1), "1.3.0");
    assert_eq!(next("1.2.3-rc+b", 2), "1.2.3");
    assert_eq!(next("1.2.3", 2), "1.2.4");
}

#[test]
fn conditions() {
    for (condition, holding, failing) in [
        ("1.2.3", "1.2.3", "1.2.4"),
        ("=1.2", "1.2.9", "1.3.0"),
        ("1.x", "1.9", "2.0"),
        ("*", "7.1", "7.1.0-a"),
        ("!=1.2.x", "1.3", "1.2.7"),
        ("!=1", "2", "1.5"),
        (">1.2", "1.3", "1.2.9"),
        (">1", "2", "1.9.9"),
        (">=1.2-a", "1.2.0-b", "1.1"),
        ("<1.2", "1.1.9", "1.2"),
        ("<=1.2", "1.2.9", "1.3"),
        ("<=1", "1.9.9", "2"),
        ("=<1.2.3", "1.2.3", "1.2.4"),
        ("~1.2.3", "1.2.9", "1.3"),
        ("~>1", "1.9", "2"),
        ("^1.2.3", "1.9", "2.0"),
        ("^0.2.3", "0.2.9", "0.3"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0", "0.9", "1.0"),
        ("^0.0", "0.0.9", "0.1.0"),
        ("1.2 - 1.4.5", "1.4.5", "1.4.6"),
        (">=1.2, <2 || >3", "4.0.1", "2.5"),
        (">= 1.2 <2", "1.9", "2.0"),
        ("1.0.0-a - 2", "1.0.0-b", "0.9"),
    ] {
        assert!(holds(condition, holding), "{condition} {holding}");
        assert!(!holds(condition, failing), "{condition} {failing}");
    }
    for wrong in [
        "", "a", ">=", "1,", "1 ,, 2", "1>2", ">1 - 2", "1 || ", "1x", "1.2.3.4",
    ] {
        assert!(Condition::parse(wrong).is_err(), "{wrong}");
    }
    assert!(Condition::parse(&"1||".repeat(40)).is_err_and(|e| e.0.contains("too many")));
    assert!(Condition::parse(&"1".repeat(600)).is_err_and(|e| e.0.contains("too long")));
}

proptest! {
    #[test]
    fn nothing_panics(text in "[v0-9x*.+a-c ,|<>=!~^-]{0,24}", of in "v?[0-9]{1,3}(\\.[0-9]{1,2}){0,2}(-[a-c0-9.]{1,5})?") {
        if let (Ok(condition), Ok(of)) = (Condition::parse(&text), Version::parse(&of)) {
            condition.holds(&of);
        }
    }

    #[test]
    fn what_is_written_is_read_again(text in "v?[0-9]{1,3}(\\.[0-9]{1,2}){0,2}(-[a-c][0-9a-c]{0,3})?(\\+[0-9a-c]{1,4})?") {
        let read = version(&text);
        prop_assert_eq!(version(&read.text()).precedence(&read), Ordering::Equal);
        let next = holds(&format!(">{}", read.next(2).text()), &read.next(1).text());
        prop_assert!(next);
    }
}
