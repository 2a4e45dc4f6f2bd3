//! Where a request may lead: not into the school's own machines, and never back to Usher.

use crate::kit::{Origin, World, skipped};

#[tokio::test]
async fn an_address_inside_is_refused_in_every_spelling() {
    let origin = Origin::saying("hello").await;
    let port = origin.address.port();
    let world =
        World::new().allow(&[]).named("rebind.example", "10.0.0.1").named("metadata.example", "169.254.169.254").named("v6.example", "::ffff:127.0.0.1");
    let school = world.start().await;
    for host in [
        "127.0.0.1", "news.example", "rebind.example", "metadata.example", "v6.example", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0.0.0.0", "[::1]",
        "[::ffff:127.0.0.1]", "[::]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]",
        "localhost",
    ] {
        let answer = school.pupil().get(&format!("http://{host}:{port}/")).await;
        if host == "localhost" && answer.reply.status == 502 {
            continue; // No name server, no address: refused all the same.
        }
        assert_eq!(
            (answer.reply.status, answer.reply.field("proxy-status").as_deref()),
            (403, Some("usher; error=destination_ip_prohibited")),
            "{host}: {:?}",
            answer.reply
        );
        let tunnel = school.pupil().connect(&format!("{host}:{port}")).await;
        assert_eq!(tunnel.reply.status, 403, "{host}");
    }
    assert_eq!(school.closed("/").await.outcome.as_deref(), Some("destination-refused"));
    assert_eq!(origin.visits(), 0, "nobody came");
}

#[tokio::test]
async fn a_range_that_is_open_is_open_and_no_other() {
    let origin = Origin::saying("hello").await;
    let school = World::new().allow(&["127.0.0.1/32"]).named("other.example", "127.0.0.2").start().await;
    school.pupil().get(&origin.url("/")).await.is_from_the_site("hello");
    assert_eq!(school.pupil().get(&format!("http://other.example:{}/", origin.address.port())).await.reply.status, 403);
}

#[tokio::test]
async fn usher_itself_is_never_a_destination() {
    let school = World::new().named("proxy.example", "127.0.0.1").start().await;
    let port = school.address.port();
    for host in ["127.0.0.1", "proxy.example", "[::ffff:127.0.0.1]"] {
        let answer = school.pupil().get(&format!("http://{host}:{port}/loop")).await;
        assert_eq!(answer.reply.status, 403, "{host}: {:?}", answer.reply);
        assert!(answer.reply.text().contains("Usher itself"), "{}", answer.reply.text());
        assert_eq!(school.pupil().connect(&format!("{host}:{port}")).await.reply.status, 403, "{host}");
    }
}

#[tokio::test]
async fn a_port_that_is_not_open_is_blocked_by_policy() {
    let world = World::new();
    let files = world.write();
    files.edit("usher.toml", "plain_ports = \"any\"\ntunnel_ports = \"any\"", "plain_ports = [80, 8080]\ntunnel_ports = [443]");
    let school = crate::kit::School::open(files).await;
    school.pupil().get("http://news.example:25/").await.is_blocked_because("port");
    school.pupil().connect("news.example:25").await.is_blocked_because("port");
    school.pupil().connect("news.example:80").await.is_blocked_because("port");
    school.pupil().get("http://terror.example:25/").await.is_blocked_because("always-blocked");
}

#[tokio::test]
async fn a_site_may_be_named_by_its_ipv6_address() {
    let answer = |mut visit: crate::kit::Visit| async move {
        while visit.request().await.is_some() {
            visit.say("hello").await;
        }
    };
    let Some(origin) = Origin::doing_at("[::1]:0", answer).await else { return skipped("IPv6") };
    let school = World::new().named("six.example", "::1").start().await;
    let port = origin.address.port();
    school.pupil().get(&format!("http://[::1]:{port}/")).await.is_from_the_site("hello");
    school.pupil().get(&format!("http://[0:0:0:0:0:0:0:1]:{port}/")).await.is_from_the_site("hello");
    school.pupil().get(&format!("http://six.example:{port}/six")).await.is_from_the_site("hello");
    assert_eq!(school.pupil().connect(&format!("[::1]:{port}")).await.reply.status, 200);
    assert!(
        origin.seen()[0].contains(&format!("host: [::1]:{port}\r\n")) && origin.seen()[1].contains(&format!("host: [::1]:{port}\r\n")),
        "{:?}",
        origin.seen()
    );
    assert_eq!(school.closed("/six").await.upstream, Some(format!("[::1]:{port}")));
}
