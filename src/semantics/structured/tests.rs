//! Fields of one member for each type, and every way to be malformed.

use proptest::prelude::*;

use super::*;

#[test]
fn values_by_their_types() {
    let vectors = [
        ("a=1", Value::Integer(1)),
        ("a=-0", Value::Integer(0)),
        ("a=-17", Value::Integer(-17)),
        ("a=999999999999999", Value::Integer(999_999_999_999_999)),
        ("a", Value::Boolean(true)),
        ("a=?1", Value::Boolean(true)),
        ("a=?0", Value::Boolean(false)),
        ("a;b;c=1", Value::Boolean(true)),
        ("a=2; b=\"x\";c=?0", Value::Integer(2)),
        ("a=tok/en:*", Value::Text),
        ("a=\"b, \\\"c\\\\\"", Value::Text),
        ("a=1.0", Value::Other),
        ("a=123456789012.123", Value::Other),
        ("a=:aGk=:", Value::Other),
        ("a=::", Value::Other),
        ("a=@1659578233", Value::Other),
        ("a=%\"f%c3%bc\"", Value::Other),
        ("a=()", Value::Other),
        ("a=(1 \"b\";c  d );e", Value::Other),
    ];
    for (field, expected) in vectors {
        assert_eq!(dictionary(field), Some(vec![("a", expected)]), "{field}");
    }
}

#[test]
fn members_in_their_order_and_the_last_of_a_key() {
    let (one, two) = (Value::Integer(1), Value::Integer(2));
    assert_eq!(dictionary(""), Some(vec![]));
    assert_eq!(dictionary("  "), Some(vec![]));
    assert_eq!(dictionary(" a=1 \t,\tb=2 "), Some(vec![("a", one), ("b", two)]));
    assert_eq!(dictionary("a=1,b=2,a=2"), Some(vec![("b", two), ("a", two)]));
    assert_eq!(dictionary("*a_-.*9=1"), Some(vec![("*a_-.*9", one)]));
}

#[test]
fn one_mistake_ends_the_field() {
    for field in [
        ",",
        "a,",
        "a,,b",
        ",a",
        "\ta",
        "A=1",
        "1a",
        "-a",
        "a =1",
        "a= 1",
        "a=",
        "a=1 b",
        "a=1;",
        "a=1;B",
        "a;b=",
        "é",
        "a=é",
        "&&&&&",
        "a=1, &&&&&",
        "a='1'",
        "a=+1",
        "a=-",
        "a=--1",
        "a=1.",
        "a=.5",
        "a=1.2345",
        "a=1-2",
        "a=1000000000000000",
        "a=1234567890123.1",
        "a=\"",
        "a=\"\\a\"",
        "a=\"\\",
        "a=\"\t\"",
        "a=:",
        "a=:a",
        "a=:-:",
        "a=:a=a:",
        "a=?",
        "a=?2",
        "a=?true",
        "a=@",
        "a=@1.5",
        "a=@x",
        "a=%",
        "a=%\"",
        "a=%\"%C3\"",
        "a=%\"%c\"",
        "a=%\"%c3\"",
        "a=%x",
        "a=(",
        "a=(1",
        "a=(1,2)",
        "a=(1\t2)",
        "a=((1))",
        "a=(\"b\"c)",
        "a=)",
    ] {
        assert_eq!(dictionary(field), None, "{field}");
    }
}

proptest! {
    #[test]
    fn never_panics(field in r#"([a-c*A]|[=;,:?@%() \t]|"|\\|[0-9.-]|é|%c3){0,30}"#) {
        dictionary(&field);
    }

    #[test]
    fn whole_numbers_are_read_back(number in -999_999_999_999_999_i64..=999_999_999_999_999) {
        let field = format!("a={number}");
        prop_assert_eq!(dictionary(&field), Some(vec![("a", Value::Integer(number))]));
    }
}
