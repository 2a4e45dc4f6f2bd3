use super::super::Kind;
use super::super::tests::read;

#[test]
fn what_people_read_is_read() {
    for (why, page, expected) in [
        ("text", "<p>one</p><p>two</p>", "one two"),
        ("inline tags do not part words", "se<b>x</b>, se<span class=x>x<i></i></span>", "sex sex"),
        ("tags nobody knows and what shows nothing do not either", "s<x-y>e</x-y><!-- no -->x s<style>no</style>ex s<wbr>ex", "sex sex sex"),
        ("block tags do", "one<br>two<div>three</div>four<td>five", "one two three four five"),
        (
            "attributes, beside the text",
            "su<b title=\"a tip\">icide</b> now <img alt='a cat' src=no><input placeholder=type value=x>",
            "suicide a tip now a cat type x",
        ),
        ("descriptions", "<meta name=description content=\"what it is\"><meta property=og:title content=name>", "what it is name"),
        ("references", "s&#101;x s&#x65;x caf&eacute; caf&eacute x&amp;y a&nbsp;b s&shy;e&zwnj;x &unknown; &#115ex", "sex sex cafe cafe x y a b sex sex"),
        ("what is no reference", "a&b &; &#; q&copyright R&D", "a b q copyright r d"),
        ("references in attributes", "<a title=\"s&#101;x &amp=\">x</a>", "x sex amp"),
        ("titles and text areas", "<title>one &amp; <b>two</title><textarea></p>three</textarea>", "one b two p three"),
        ("styles and comments are not", "<style>a{b:c}</style><!-- no --><!--> <!---> <!-- -- > no --!>yes", "yes"),
        ("nor other tags", "<!doctype html><?php no ?></ no><a href=no data-x='no'>yes</a>", "yes"),
        ("scripts: their strings", "<script>var no = 'one' + \"two\"; // no 'no'\n /* 'no' */</script>three", "one two three"),
        ("scripts: JSON", "<script type=\"application/ld+json\">{\"name\": \"one\\u0020two\", \"n\": 1}</script> three", "name one two n three"),
        ("scripts: templates", "<script type=text/template><b>one</b></script> two", "b one b two"),
        ("what looks like the end of a script", "<script>a = '</scrip' + '</ script'</script> two", "scrip script two"),
        ("signs that are no tags", "1 < 2 and <3 a<", "1 2 and 3 a"),
        ("a tag with odd attributes", "<a title = one/><a / title=two><a title='three'title=four>", "one two three four"),
        ("no title twice in one word", "a<b title=x></b><b title=y></b>b c", "ab x y c"),
        ("a page that breaks off", "one<a title=\"two", "one two"),
        ("a page that breaks off in a tag", "one<a hre", "one"),
        ("a page that breaks off in a reference", "one caf&eacute", "one cafe"),
    ] {
        assert_eq!(read(Kind::Html, page, &[]), expected, "{why}");
    }
}

#[test]
fn feeds_and_drawings_are_read() {
    let feed = "<?xml version=\"1.0\"?><rss><item><title>one</title><description>two &lt;b&gt;</description></item></rss>";
    assert_eq!(read(Kind::Html, feed, &[]), "one two b");
}
